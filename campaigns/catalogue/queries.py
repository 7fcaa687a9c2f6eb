"""Reads of the catalogue, and the doors to it."""
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, Select, func, or_, select
from sqlalchemy.orm import selectinload

from campaigns.catalogue.models import Import, Picture, PriceRecord, Product, StockMove, Variant
from core.errors import NotFound
from members.models import Member

PER_PAGE = 50
# "Low stock" in the list: five is a shelf that a host would see as empty.
LOW_STOCK = 5


# -- Doors -----------------------------------------------------------------------------------------------------------

def access_product(db, product_id: uuid.UUID, merchant_ids: Iterable[uuid.UUID]) -> Product:
    """A product of one of these merchants, with its variants; NotFound otherwise."""
    return _one(db, select(Product).options(selectinload(Product.variants))
                .where(Product.id == product_id, Product.merchant_id.in_(merchant_ids)))


def access_variant(db, variant_id: uuid.UUID, merchant_ids: Iterable[uuid.UUID]) -> Variant:
    """A variant of one of these merchants; NotFound otherwise."""
    return _one(db, select(Variant).options(selectinload(Variant.product).selectinload(Product.variants))
                .where(Variant.id == variant_id, Variant.merchant_id.in_(merchant_ids)))


def access_import(db, import_id: uuid.UUID, merchant_ids: Iterable[uuid.UUID]) -> Import:
    """An import of one of these merchants, without its file; NotFound otherwise."""
    return _one(db, select(Import).where(Import.id == import_id, Import.merchant_id.in_(merchant_ids)))


def picture(db, picture_id: uuid.UUID) -> Picture:
    return _one(db, select(Picture).where(Picture.id == picture_id))


def _one(db, statement: Select):
    row = db.execute(statement).scalar_one_or_none()
    if row is None:
        raise NotFound
    return row


# -- Prices ----------------------------------------------------------------------------------------------------------

def lowest_price(db, variant_id: uuid.UUID, days: int = 30, before: datetime | None = None) -> int | None:
    """The lowest price that was asked for a variant in the `days` days before a moment (default: now), in minor units.

    A price that began earlier and still held in that time counts. Without any record: the list price; None if there
    is no such variant.
    """
    return lowest_prices(db, [variant_id], days, before).get(variant_id)


def lowest_prices(db, variant_ids: Iterable[uuid.UUID], days: int = 30,
                  before: datetime | None = None) -> dict[uuid.UUID, int]:
    """As lowest_price, for many: {variant id: minor units}."""
    before = before or func.clock_timestamp(type_=DateTime(timezone=True))  # the clock that wrote the records
    asked = (select(PriceRecord.variant_id, func.min(PriceRecord.price_minor).label("price_minor"))
             .where(PriceRecord.from_at < before, or_(PriceRecord.to_at.is_(None),
                                                      (PriceRecord.to_at > before - timedelta(days=days))
                                                      & (PriceRecord.to_at > PriceRecord.from_at)))
             .group_by(PriceRecord.variant_id).subquery())
    rows = db.execute(select(Variant.id, func.coalesce(asked.c.price_minor, Variant.price_minor))
                      .outerjoin(asked, asked.c.variant_id == Variant.id).where(Variant.id.in_(list(variant_ids))))
    return {variant_id: price for variant_id, price in rows}


def price_history(db, variant_ids: Iterable[uuid.UUID], limit: int = 50) -> list[PriceRecord]:
    """What was asked and when, newest first."""
    return list(db.scalars(select(PriceRecord).where(PriceRecord.variant_id.in_(list(variant_ids)))
                           .order_by(PriceRecord.from_at.desc(), PriceRecord.id.desc()).limit(limit)))


# -- Pictures --------------------------------------------------------------------------------------------------------

def picture_url(thing: Variant | Product) -> str:
    """Where the picture of a variant or product is: its own, its product's, else the generated tile."""
    if isinstance(thing, Variant):
        return _url(thing.picture_id or thing.product.picture_id, thing.id)
    first = next((each for each in thing.variants if each.archived_at is None), None)
    return _url(thing.picture_id or (first and first.picture_id), first.id if first else thing.id)


def picture_urls(db, variant_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, str]:
    """As picture_url, for many variants in one statement."""
    rows = db.execute(select(Variant.id, func.coalesce(Variant.picture_id, Product.picture_id))
                      .join(Product, Product.id == Variant.product_id).where(Variant.id.in_(list(variant_ids))))
    return {variant_id: _url(picture_id, variant_id) for variant_id, picture_id in rows}


def tile_words(db, variant_id: uuid.UUID) -> tuple[str, str, str]:
    """(SKU, name, category) from which a variant's tile is drawn."""
    row = db.execute(select(Variant.sku, Product.name, Product.category).join(Product)
                     .where(Variant.id == variant_id)).one_or_none()
    if row is None:
        raise NotFound
    return tuple(row)


def _url(picture_id, variant_id) -> str:
    # No url_for: the relay and jobs make snapshots outside of any request.
    return f"/pictures/{picture_id}" if picture_id else f"/tiles/{variant_id}.svg"


# -- Lists -----------------------------------------------------------------------------------------------------------

@dataclass(frozen=True)
class Filter:
    """What the list shows: words in name, SKU or option; a category; low stock; the archive."""
    q: str = ""
    category: str = ""
    low: bool = False
    archived: bool = False


def products(db, merchant_id, what: Filter, page: int = 1) -> tuple[list[Product], int]:
    """A page of products by name, with their variants, and how many there are in all."""
    wanted = _filtered(select(Product), merchant_id, what)
    total = db.scalar(select(func.count()).select_from(wanted.subquery()))
    rows = db.scalars(wanted.options(selectinload(Product.variants)).order_by(func.lower(Product.name), Product.id)
                      .limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return list(rows), total


def categories(db, merchant_id, what: Filter) -> list[tuple[str, int]]:
    """(category, products in it) under the same filter but any category, the fullest first; no category last."""
    anywhere = Filter(what.q, "", what.low, what.archived)
    wanted = _filtered(select(Product.category), merchant_id, anywhere).subquery()
    rows = db.execute(select(wanted.c.category, func.count()).group_by(wanted.c.category))
    return sorted(((name, count) for name, count in rows), key=lambda row: (not row[0], -row[1], row[0]))


def _filtered(statement: Select, merchant_id, what: Filter) -> Select:
    shown = Product.archived_at.is_not(None) if what.archived else Product.archived_at.is_(None)
    statement = statement.where(Product.merchant_id == merchant_id, shown)
    if what.category:
        statement = statement.where(Product.category == what.category)
    for word in what.q.split():
        statement = statement.where(or_(
            Product.name.icontains(word, autoescape=True),
            Product.variants.any(Variant.sku.icontains(word, autoescape=True)
                                 | Variant.option.icontains(word, autoescape=True))))
    if what.low:
        low = Variant.archived_at.is_(None) & (Variant.on_hand <= LOW_STOCK)
        statement = statement.where(Product.variants.any(low))
    return statement


def low_stock_count(db, merchant_id) -> int:
    """Products with a variant that runs low."""
    return db.scalar(select(func.count()).select_from(
        _filtered(select(Product.id), merchant_id, Filter(low=True)).subquery()))


def category_names(db, merchant_id) -> list[str]:
    """Categories in use, for the field's suggestions."""
    return list(db.scalars(select(Product.category).distinct()
                           .where(Product.merchant_id == merchant_id, Product.category != "",
                                  Product.archived_at.is_(None)).order_by(Product.category)))


@dataclass(frozen=True)
class MoveRow:
    """A line of the stock history; `after` are the units on hand after it."""
    move: StockMove
    sku: str
    option: str
    by: str | None
    after: int


def stock_history(db, variant_ids: Iterable[uuid.UUID], limit: int = 200) -> list[MoveRow]:
    """Every change of stock of these variants, newest first."""
    order = (StockMove.created_at, StockMove.id)
    summed = (select(StockMove.id, func.sum(StockMove.delta).over(partition_by=StockMove.variant_id, order_by=order)
                     .label("after")).where(StockMove.variant_id.in_(list(variant_ids))).subquery())
    rows = db.execute(select(StockMove, Variant.sku, Variant.option, Member.name, summed.c.after)
                      .join(summed, summed.c.id == StockMove.id).join(Variant, Variant.id == StockMove.variant_id)
                      .outerjoin(Member, Member.id == StockMove.by_member_id)
                      .order_by(*(column.desc() for column in order)).limit(limit))
    return [MoveRow(move, sku, option, by, int(after)) for move, sku, option, by, after in rows]


def recent_imports(db, merchant_id, limit: int = 8) -> list[Import]:
    return list(db.scalars(select(Import).where(Import.merchant_id == merchant_id)
                           .order_by(Import.created_at.desc()).limit(limit)))
