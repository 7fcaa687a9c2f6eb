"""What an import would do: the file's rows against the catalogue as it is. Pure; the same for preview and apply."""
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from campaigns.catalogue.csv_layout import Parsed, Rejected, Row


@dataclass(frozen=True)
class Existing:
    """A variant that the merchant has, as far as an import may change it."""
    variant_id: str
    product_id: str
    sku: str
    is_first: bool  # the first variant of its product; name, category and description are read from its row
    archived: bool
    name: str
    category: str
    description: str
    option: str
    price_minor: int
    cost_minor: int | None
    on_hand: int


@dataclass
class NewProduct:
    """A product that the file brings, with its variants in the file's order."""
    line: int
    name: str
    category: str
    description: str
    variants: list[dict] = field(default_factory=list)


@dataclass
class Plan:
    """New products, new variants of products that exist, and changes as {field: [old, new]}."""
    products: list[NewProduct] = field(default_factory=list)
    variants: list[dict] = field(default_factory=list)  # with product_id
    changes: list[dict] = field(default_factory=list)  # {line, sku, variant_id, product_id, name, fields}
    unchanged: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def new_count(self) -> int:
        return sum(len(product.variants) for product in self.products) + len(self.variants)

    def digest(self) -> str:
        """The same for the same plan: what is applied must be what was looked at."""
        body = [[asdict(product) for product in self.products], self.variants, self.changes]
        return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


PRODUCT_FIELDS = ("name", "category", "description")


def plan(parsed: Parsed, existing: Mapping[str, Existing], start_stock: int = 0, only_new: bool = False) -> Plan:
    """Compare. `existing` holds every SKU that the file names, also as `variant_of`.

    start_stock: units on hand of new variants whose row says nothing about stock. only_new: leave known SKUs alone.
    """
    what = Plan(rejected=list(parsed.rejected))
    fresh: dict[str, NewProduct] = {}
    late: list[Row] = []
    for row in parsed.rows:
        old = existing.get(row.sku)
        if old is not None:
            _change(what, row, old, existing, only_new)
        elif row.variant_of is None:
            fresh[row.sku] = NewProduct(row.line, row.name or "", row.category or "", row.description or "",
                                        [_variant(row, start_stock)])
        else:
            late.append(row)  # its first variant may stand further down in the file
    for row in late:
        _join(what, row, fresh, existing, start_stock)
    what.products = list(fresh.values())
    what.rejected.sort(key=lambda each: each.line)
    return what


def _variant(row: Row, start_stock: int) -> dict:
    return {"line": row.line, "sku": row.sku, "option": row.option or "", "price_minor": row.price_minor,
            "cost_minor": row.cost_minor, "stock": start_stock if row.stock is None else row.stock}


def _join(what: Plan, row: Row, fresh: dict[str, NewProduct], existing: Mapping[str, Existing], start_stock: int):
    main = existing.get(row.variant_of)
    if row.variant_of in fresh:
        fresh[row.variant_of].variants.append(_variant(row, start_stock))
    elif main is not None and not main.archived:
        what.variants.append({**_variant(row, start_stock), "product_id": main.product_id, "name": main.name})
    else:
        what.rejected.append(Rejected(row.line, row.sku, "variant_of", {"wanted": row.variant_of}))


def _change(what: Plan, row: Row, old: Existing, existing: Mapping[str, Existing], only_new: bool) -> None:
    if only_new:
        what.unchanged += 1
        return
    if old.archived:
        what.rejected.append(Rejected(row.line, row.sku, "archived"))
        return
    main = existing.get(row.variant_of) if row.variant_of else None
    if row.variant_of and (main is None or main.product_id != old.product_id):
        what.rejected.append(Rejected(row.line, row.sku, "moves", {"wanted": row.variant_of}))
        return
    fields = {name: [before, after] for name, before, after in _differences(row, old)}
    if fields:
        what.changes.append({"line": row.line, "sku": row.sku, "variant_id": old.variant_id, "name": old.name,
                             "product_id": old.product_id, "fields": fields})
    else:
        what.unchanged += 1


def _differences(row: Row, old: Existing):
    if old.is_first:
        for name in PRODUCT_FIELDS:
            after = getattr(row, name)
            if after is not None and after != getattr(old, name):
                yield name, getattr(old, name), after
    if row.option is not None and row.option != old.option:
        yield "option", old.option, row.option
    if row.price_minor != old.price_minor:
        yield "price_minor", old.price_minor, row.price_minor
    cost = None if row.clears_cost else row.cost_minor
    if (row.clears_cost or cost is not None) and cost != old.cost_minor:
        yield "cost_minor", old.cost_minor, cost
    if row.stock is not None and row.stock != old.on_hand:
        yield "on_hand", old.on_hand, row.stock
