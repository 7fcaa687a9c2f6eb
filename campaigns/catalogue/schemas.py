"""What catalogue forms may say. Fields come flat ("variants.0.price") and leave with the amounts in minor units."""
import re

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from campaigns.catalogue import cells, csv_words
from campaigns.catalogue.actions import MAX_ON_HAND
from core.errors import Invalid
from core.web import In, check

WORDS = {"required": _l("Fill this in."), "invalid": _l("Check this."), "null": _l("Fill this in.")}
MAX_VARIANTS = 100
_WRITTEN = ("id", "sku", "option", "cost", "on_hand")


def _text(**options):
    return fields.String(load_default="", error_messages=WORDS, **options)


class VariantIn(In):
    id = fields.UUID(load_default=None, error_messages=WORDS)
    sku = _text()
    option = _text()
    price = _text()
    cost = _text()
    on_hand = _text()  # of a new variant


class ProductIn(In):
    name = _text()
    category = _text()
    description = _text()
    variants = fields.List(fields.Nested(VariantIn), load_default=list, validate=validate.Length(
        max=MAX_VARIANTS, error=_l("A product has at most %(most)s variants.", most=MAX_VARIANTS)))


class CountIn(In):
    key = fields.UUID(required=True, error_messages=WORDS)
    seen = fields.Integer(required=True, strict=False, validate=validate.Range(0, MAX_ON_HAND), error_messages=WORDS)
    on_hand = _text()
    note = _text(validate=validate.Length(max=200, error=_l("Use at most 200 characters.")))


class PictureIn(In):
    variant_id = fields.UUID(load_default=None, error_messages=WORDS)
    remove = fields.Boolean(load_default=False)


class UploadIn(In):
    start_stock = _text()
    only_new = fields.Boolean(load_default=False)


def nested(form) -> dict:
    """{"name": …, "variants": [{…}, …]} of flat fields "variants.3.sku"; the numbers only order them.

    A new variant in which nothing was written (a price may be there from the row before) is left out.
    """
    out, rows = {}, {}
    for name, value in form.items():
        match = re.fullmatch(r"variants\.(\d{1,4})\.(\w{1,20})", name)
        if match:
            rows.setdefault(int(match[1]), {})[match[2]] = value
        elif name != "csrf_token":
            out[name] = value
    for row in rows.values():
        if not row.get("id"):
            row.pop("id", None)
    written = [rows[number] for number in sorted(rows) if any(rows[number].get(name) for name in _WRITTEN)]
    return {**out, "variants": written}


def product(raw: dict, currency: str) -> dict:
    """The form as values for save_product. Raises Invalid with every field that is wrong."""
    given = check(ProductIn, raw)
    wrong: dict[str, list[str]] = {}

    def read(field, parse, *args):
        try:
            return parse(*args)
        except cells.BadCell as bad:
            wrong[field] = [csv_words.reason(bad.code, bad.data)]
    values = {name: read(name, cells.text, given[name], name) for name in ("name", "category", "description")}
    if values["name"] == "":
        wrong["name"] = [_("Fill this in.")]
    rows = given["variants"]
    values["variants"] = [_variant(row, f"variants.{place}", currency, read) for place, row in enumerate(rows)]
    _no_sku_twice(values["variants"], wrong)
    if not rows:
        wrong["variants.0.sku"] = [_("A product needs one variant at least.")]
    if wrong:
        raise Invalid(fields=wrong)
    return values


def _variant(row: dict, field: str, currency: str, read) -> dict:
    values = {"sku": read(f"{field}.sku", cells.sku, row["sku"]),
              "option": read(f"{field}.option", cells.text, row["option"], "option"),
              "price_minor": read(f"{field}.price", cells.price, row["price"], currency), "cost_minor": None}
    if row["cost"].strip():
        values["cost_minor"] = read(f"{field}.cost", cells.amount, row["cost"], currency, "cost")
    if row["id"]:
        return {"id": row["id"], **values}
    return {"id": None, **values, "on_hand": read(f"{field}.on_hand", cells.stock, row["on_hand"]) or 0}


def _no_sku_twice(rows: list[dict], wrong: dict) -> None:
    seen = set()
    for place, row in enumerate(rows):
        if row["sku"] in seen and row["sku"]:
            wrong.setdefault(f"variants.{place}.sku", [_("This SKU is in the list twice.")])
        seen.add(row["sku"])


def count(raw: str, field: str = "on_hand") -> int:
    """A typed stock count. Raises Invalid."""
    try:
        value = cells.stock(raw)
    except cells.BadCell as bad:
        raise Invalid(fields={field: [csv_words.reason(bad.code, bad.data)]}) from bad
    if value is None:
        raise Invalid(fields={field: [_("Fill this in.")]})
    return value
