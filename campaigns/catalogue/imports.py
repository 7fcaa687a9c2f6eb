"""Writes of a CSV import: take the file, plan it, apply it in one transaction."""
import json
import uuid
from collections.abc import Callable

from sqlalchemy import ARRAY, Text, any_, cast, func, select, text
from sqlalchemy.orm import undefer

from campaigns.catalogue import csv_formats, csv_words
from campaigns.catalogue.actions import move_many
from campaigns.catalogue.cells import one_line
from campaigns.catalogue.csv_layout import CsvProblem, Parsed, sniff
from campaigns.catalogue.csv_plan import Existing, Plan, plan
from campaigns.catalogue.models import Import, Product, Variant
from core import clock
from core.errors import DomainError, Invalid
from core.ids import new_id
from members.models import Merchant

# What a preview shows of new and changed rows; the rest is counted. Refused lines are all kept, up to a file's worth.
SAMPLE = 200
MAX_REJECTED = 10_000
CHUNK = 500


class WrongStep(DomainError):
    """The import is not where this step would start: done already, dropped, or failed."""

    code, status = "wrong_step", 409


class PlanChanged(Exception):
    """The catalogue changed after the preview was made, so applying would do something else than was shown."""


def start_import(db, merchant: Merchant, by, filename: str, data: bytes, *, start_stock: int = 0,
                 only_new: bool = False) -> Import:
    """Take a file. Raises Invalid with `file` if it cannot be read as a whole: the header is checked at once."""
    try:
        layout = sniff(data)
    except CsvProblem as problem:
        raise Invalid(fields={"file": [csv_words.problem(problem.code, problem.data)]}) from problem
    row = Import(merchant_id=merchant.id, by_member_id=by.id, filename=one_line(filename)[:200] or "CSV",
                 format=layout.format, data=data,
                 options={"start_stock": start_stock, "only_new": only_new}, total=csv_formats.count_lines(data))
    db.add(row)
    db.flush()
    return row


def ask_apply(db, row: Import) -> None:
    """The person wants what the preview shows. Asking again changes nothing."""
    db.refresh(row, with_for_update=True)
    if row.state in ("applying", "done"):
        return
    if row.state != "preview":
        raise WrongStep
    row.state, row.progress, row.tries, row.step_at = "applying", 0, 0, clock.now()
    row.total = max(1, row.preview["counts"]["new"] + row.preview["counts"]["changed"])
    db.flush()


def drop(db, row: Import) -> None:
    """Forget an import that was not applied, with its file."""
    db.refresh(row, with_for_update=True)
    if row.state in ("applying", "done"):
        raise WrongStep
    row.state, row.data, row.ended_at = "dropped", b"", clock.now()
    db.flush()


def fail(db, row: Import, code: str, data: dict) -> None:
    """Give an import up; the code becomes a sentence in the reader's language."""
    row.state, row.error, row.ended_at = "failed", code, clock.now()
    row.preview = {**(row.preview or {}), "problem": data}
    db.flush()


def lock_import(db, import_id: uuid.UUID) -> bool:
    """Whether this transaction alone works on the import. An advisory lock, so that progress can be written beside."""
    return db.scalar(select(func.pg_try_advisory_xact_lock(func.hashtextextended(f"import:{import_id}", 0))))


def load(db, import_id: uuid.UUID) -> tuple[Import, Merchant] | None:
    """The import with its file, and whose it is."""
    row = db.scalar(select(Import).where(Import.id == import_id).options(undefer(Import.data), undefer(Import.preview)))
    return row and (row, db.get(Merchant, row.merchant_id))


def read(db, row: Import, merchant: Merchant, progress: Callable[[int], None]) -> None:
    """Read the file and write the preview. Raises CsvProblem."""
    parsed = csv_formats.read(row.data, merchant.currency, progress)
    what = _plan(db, row, parsed)
    row.preview, row.state = _preview(parsed, what, merchant), "preview"
    row.progress = row.total = parsed.lines
    db.flush()


def apply(db, row: Import, merchant: Merchant, progress: Callable[[int], None]) -> None:
    """Write what the preview shows. Raises PlanChanged if it would be something else by now."""
    parsed = csv_formats.read(row.data, merchant.currency)
    what = _plan(db, row, parsed, lock=True)
    if what.digest() != row.preview["digest"]:
        raise PlanChanged
    done = _insert(db, row, merchant, what, progress)
    _change(db, row, what)
    progress(done + len(what.changes))
    row.state, row.progress, row.data, row.ended_at = "done", row.total, b"", clock.now()
    db.flush()


def _plan(db, row: Import, parsed: Parsed, lock: bool = False) -> Plan:
    options = row.options
    return plan(parsed, existing(db, row.merchant_id, parsed, lock), options.get("start_stock", 0),
                options.get("only_new", False))


def existing(db, merchant_id, parsed: Parsed, lock: bool = False) -> dict[str, Existing]:
    """The merchant's variants that the file names, by SKU."""
    skus = sorted({row.sku for row in parsed.rows} | {row.variant_of for row in parsed.rows if row.variant_of})
    named = Variant.sku == any_(cast(skus, ARRAY(Text)))  # one parameter, however many
    if lock:
        # In one order everywhere (by id), or two imports would wait for each other.
        db.execute(select(Variant.id).where(Variant.merchant_id == merchant_id, named)
                   .order_by(Variant.id).with_for_update())
    first = func.row_number().over(partition_by=Variant.product_id, order_by=(Variant.position, Variant.id))
    ranked = select(Variant.id, (first == 1).label("is_first")).where(
        Variant.merchant_id == merchant_id, Variant.archived_at.is_(None)).subquery()
    rows = db.execute(
        select(Variant.id, Variant.product_id, Variant.sku, func.coalesce(ranked.c.is_first, False),
               Variant.archived_at.is_not(None) | Product.archived_at.is_not(None), Product.name, Product.category,
               Product.description, Variant.option, Variant.price_minor, Variant.cost_minor, Variant.on_hand)
        .join(Product, Product.id == Variant.product_id).outerjoin(ranked, ranked.c.id == Variant.id)
        .where(Variant.merchant_id == merchant_id, named))
    return {row.sku: Existing(str(row[0]), str(row[1]), *row[2:]) for row in rows}


def _preview(parsed: Parsed, what: Plan, merchant: Merchant) -> dict:
    new = [{**variant, "name": product.name, "category": product.category}
           for product in what.products for variant in product.variants] + what.variants
    new.sort(key=lambda each: each["line"])
    return {"digest": what.digest(), "currency": merchant.currency, "encoding": parsed.layout.encoding,
            "lines": parsed.lines, "unused": parsed.layout.unused,
            "counts": {"new": len(new), "changed": len(what.changes), "unchanged": what.unchanged,
                       "rejected": len(what.rejected), "left_out": sum(each["lines"] for each in parsed.left_out),
                       "products": len(what.products)},
            "new": new[:SAMPLE], "changed": what.changes[:SAMPLE], "left_out": parsed.left_out[:SAMPLE],
            "rejected": [{"line": each.line, "sku": each.sku, "code": each.code, "data": each.data}
                         for each in what.rejected[:MAX_REJECTED]]}


# -- Set-based writes: a statement per table and chunk, all in the caller's transaction. ------------------------------

def _insert(db, row: Import, merchant: Merchant, what: Plan, progress: Callable[[int], None]) -> int:
    products, variants = [], []
    for product in what.products:
        product_id = new_id()
        products.append({"id": product_id, "merchant_id": merchant.id, "name": product.name,
                         "category": product.category, "description": product.description})
        variants += [{**variant, "id": new_id(), "product_id": product_id, "position": place}
                     for place, variant in enumerate(product.variants)]
    # After whatever variants the product has: 1000 and up keeps the file's order without counting them.
    variants += [{**variant, "id": new_id(), "product_id": uuid.UUID(variant["product_id"]), "position": 1000 + place}
                 for place, variant in enumerate(what.variants)]
    if products:
        db.execute(Product.__table__.insert(), products)
    for start in range(0, len(variants), CHUNK):
        _insert_variants(db, row, merchant, variants[start:start + CHUNK])
        progress(min(start + CHUNK, len(variants)))
    return len(variants)


def _insert_variants(db, row: Import, merchant: Merchant, chunk: list[dict]) -> None:
    db.execute(Variant.__table__.insert(), [
        {"id": each["id"], "product_id": each["product_id"], "merchant_id": merchant.id, "sku": each["sku"],
         "option": each["option"], "currency": merchant.currency, "price_minor": each["price_minor"],
         "cost_minor": each["cost_minor"], "on_hand": 0, "position": each["position"]} for each in chunk])
    _open_prices(db, {each["id"]: each["price_minor"] for each in chunk})
    move_many(db, [{"variant_id": each["id"], "delta": each["stock"], "key": f"import:{row.id}:{each['sku']}"}
                   for each in chunk if each["stock"]], "import", row.by_member_id, row.filename)


def _change(db, row: Import, what: Plan) -> None:
    names = ("name", "category", "description")
    products = [{"id": each["product_id"], **_after(each, names)} for each in what.changes]
    _update(db, "products", {name: "text" for name in names}, products)
    columns = {"option": "text", "price_minor": "bigint", "cost_minor": "bigint"}
    variants = [{"id": each["variant_id"], **_after(each, columns)} for each in what.changes]
    _update(db, "variants", columns, variants)
    _open_prices(db, {uuid.UUID(each["id"]): each["price_minor"] for each in variants if "price_minor" in each})
    move_many(db, [{"variant_id": uuid.UUID(each["variant_id"]), "key": f"import:{row.id}:{each['sku']}",
                    "delta": each["fields"]["on_hand"][1] - each["fields"]["on_hand"][0]}
                   for each in what.changes if "on_hand" in each["fields"]], "import", row.by_member_id, row.filename)


def _after(change: dict, names) -> dict:
    return {name: change["fields"][name][1] for name in names if name in change["fields"]}


def _update(db, table: str, columns: dict[str, str], rows: list[dict]) -> None:
    """Set, in each row, the columns that its dictionary has. Table and column names are ours, never the file's."""
    for column, kind in columns.items():
        part = [{"id": row["id"], "value": row[column]} for row in rows if column in row]
        if part:
            db.execute(text(f"""UPDATE {table} SET "{column}" = r.value
                FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, value {kind})
                WHERE {table}.id = r.id"""), {"rows": _json(part)})  # noqa: S608


def _open_prices(db, prices: dict[uuid.UUID, int]) -> None:
    """record_price for many: end what was asked before, open what is asked now, at one moment."""
    if not prices:
        return
    rows = _json([{"id": str(new_id()), "variant_id": str(variant_id), "price": price}
                  for variant_id, price in prices.items()])
    at = db.scalar(select(func.clock_timestamp()))
    db.execute(text("""UPDATE price_records p SET to_at = :at
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(variant_id uuid)
        WHERE p.variant_id = r.variant_id AND p.source = 'list' AND p.to_at IS NULL"""), {"rows": rows, "at": at})
    db.execute(text("""INSERT INTO price_records (id, variant_id, price_minor, source, from_at)
        SELECT r.id, r.variant_id, r.price, 'list', :at
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, variant_id uuid, price bigint)"""),
               {"rows": rows, "at": at})


def _json(rows: list[dict]) -> str:
    return json.dumps(rows)
