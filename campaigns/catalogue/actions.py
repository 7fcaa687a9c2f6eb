"""Writes to products, variants, their stock and their prices. Actions take the open session, flush, never commit."""
import json
import uuid

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key

from campaigns.catalogue.models import PriceRecord, Product, StockMove, Variant
from core import clock
from core.errors import DomainError, Invalid, KeyConflict, NotFound
from core.ids import new_id

# More of one thing than any shop here keeps, and twice it still fits PostgreSQL's 4-byte integer.
MAX_ON_HAND = 10_000_000


class NotEnoughStock(DomainError):
    """Fewer units on hand than were to leave (or more than can be kept)."""

    code, status = "not_enough_stock", 409
    message = _l("There are not enough units on hand.")


class CountChanged(DomainError):
    """The count that the person looked at is not the count any more; `on_hand` says what it is."""

    code, status = "count_changed", 409
    message = _l("The stock changed while you looked at it. Please look again.")


# -- Stock -----------------------------------------------------------------------------------------------------------

def lock_variants(db, variant_ids) -> None:
    """Lock variants in id order. Whoever changes both what is on hand and an offer's numbers calls this before it
    locks the first offer: the offer's row is what every claim waits for, so it is always the last."""
    db.execute(select(Variant.id).where(Variant.id.in_(variant_ids)).order_by(Variant.id)
               .with_for_update(key_share=True))


def move_stock(db, variant_id, delta: int, reason: str, key: str, offer_id=None, by=None, note: str = "") -> int:
    """Add `delta` units to what is on hand, once per key; the units on hand afterwards.

    The only writer of `on_hand`. Raises NotEnoughStock and leaves nothing behind; KeyConflict if the key moved
    something else before; NotFound if there is no such variant.
    """
    if delta == 0:
        return _on_hand(db, variant_id)
    if abs(delta) > MAX_ON_HAND:
        raise NotEnoughStock
    move = {"variant_id": variant_id, "delta": delta, "reason": reason, "offer_id": offer_id, "key": key}
    # A savepoint: the caller may catch the refusal and go on, and then the move must not stand.
    with db.begin_nested():
        # The move first: of two callers with one key the second waits here, and then finds it done.
        new = db.execute(insert(StockMove).values(**move, by_member_id=by and by.id, note=note)
                         .on_conflict_do_nothing(index_elements=["key"]).returning(StockMove.id)).scalar()
        if new is None:
            _same_move(db, **move)
            return _on_hand(db, variant_id)
        after = db.execute(
            update(Variant).where(Variant.id == variant_id, (Variant.on_hand + delta).between(0, MAX_ON_HAND))
            .values(on_hand=Variant.on_hand + delta).returning(Variant.on_hand)
            .execution_options(synchronize_session=False)).scalar()
        if after is None:
            raise NotEnoughStock(on_hand=_on_hand(db, variant_id))
    _refresh(db, variant_id, after)
    return after


def move_many(db, moves: list[dict], reason: str, by_member_id=None, note: str = "") -> int:
    """move_stock for many ({variant_id, delta, key}) in one statement; how many variants changed.

    The caller holds the variants' locks and knows that no count falls below 0: the CHECK behind it aborts everything.
    """
    rows = [{**move, "id": str(new_id()), "variant_id": str(move["variant_id"])} for move in moves if move["delta"]]
    if not rows:
        return 0
    return db.execute(text("""
        WITH moved AS (
            INSERT INTO stock_moves (id, variant_id, delta, reason, key, by_member_id, note)
            SELECT r.id, r.variant_id, r.delta, :reason, r.key, :by, :note
            FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(id uuid, variant_id uuid, delta int, key text)
            ON CONFLICT (key) DO NOTHING RETURNING variant_id, delta)
        UPDATE variants SET on_hand = on_hand + total.delta
        FROM (SELECT variant_id, sum(delta) AS delta FROM moved GROUP BY variant_id) AS total
        WHERE variants.id = total.variant_id"""),
        {"rows": json.dumps(rows), "reason": reason, "by": by_member_id, "note": note}).rowcount


def set_count(db, variant: Variant, new_on_hand: int, key: str, by, seen: int | None = None, note: str = "") -> int:
    """What was counted is on hand now. With `seen`, refuse (CountChanged) if another number stood there meanwhile."""
    if not 0 <= new_on_hand <= MAX_ON_HAND:
        raise Invalid(fields={"on_hand": [_("Enter a number from 0 to %(most)s.", most=MAX_ON_HAND)]})
    if db.scalar(select(StockMove.id).where(StockMove.key == key, StockMove.variant_id == variant.id)):
        return _on_hand(db, variant.id)
    # Locked, because the difference is computed from what stands there.
    now = db.scalar(select(Variant.on_hand).where(Variant.id == variant.id).with_for_update())
    if seen is not None and seen != now:
        _refresh(db, variant.id, now)
        raise CountChanged(on_hand=now)
    return move_stock(db, variant.id, new_on_hand - now, "count", key, by=by, note=note)


def _same_move(db, variant_id, delta, reason, offer_id, key) -> None:
    row = db.execute(select(StockMove.variant_id, StockMove.delta, StockMove.reason, StockMove.offer_id)
                     .where(StockMove.key == key)).one()
    if tuple(row) != (variant_id, delta, reason, offer_id):
        raise KeyConflict


def _on_hand(db, variant_id) -> int:
    on_hand = db.scalar(select(Variant.on_hand).where(Variant.id == variant_id))
    if on_hand is None:
        raise NotFound
    return on_hand


def _refresh(db, variant_id, on_hand: int) -> None:
    """The statement went past the session, so a variant that it holds is told."""
    held = db.identity_map.get(identity_key(Variant, variant_id))
    if held is not None:
        set_committed_value(held, "on_hand", on_hand)


# -- Prices ----------------------------------------------------------------------------------------------------------

def record_price(db, variant_id, price_minor: int | None, source: str = "list") -> None:
    """From now on this is what is asked ("list": the variant's price, "offer": a campaign's); None ends it."""
    # One at a time for a variant, else two changes would both open a record.
    if db.scalar(select(Variant.id).where(Variant.id == variant_id).with_for_update(key_share=True)) is None:
        raise NotFound
    at = db.scalar(select(func.clock_timestamp()))
    open_now = db.execute(select(PriceRecord.id, PriceRecord.price_minor)
                          .where(PriceRecord.variant_id == variant_id, PriceRecord.source == source,
                                 PriceRecord.to_at.is_(None)).with_for_update()).one_or_none()
    if open_now is not None:
        if open_now.price_minor == price_minor:
            return
        db.execute(update(PriceRecord).where(PriceRecord.id == open_now.id).values(to_at=at)
                   .execution_options(synchronize_session=False))
    if price_minor is not None:
        db.add(PriceRecord(variant_id=variant_id, price_minor=price_minor, source=source, from_at=at))
        db.flush()


# -- Products --------------------------------------------------------------------------------------------------------

def create_product(db, merchant, *, name: str, variants: list[dict], description: str = "", category: str = "",
                   key: str | None = None, by=None) -> Product:
    """A product with its variants ({sku, price_minor, option?, cost_minor?, on_hand?}); stock arrives as counted.

    Raises Invalid with `variants.<n>.sku` if a SKU is taken. `key` makes the counts repeatable.
    """
    product = Product(merchant_id=merchant.id, name=name, description=description, category=category)
    db.add(product)
    db.flush()
    for position, values in enumerate(variants):
        add_variant(db, product, merchant.currency, position=position, key=key, by=by, **values)
    return product


def save_product(db, merchant, product: Product | None, values: dict, by, key: str) -> Product:
    """Bring a product (None: a new one) to what an editor's form says: words, and variants in its order.

    Variants that the form does not name stay as they are; leaving is archive_variant's.
    """
    words = {name: values[name] for name in ("name", "description", "category")}
    if product is None:
        variants = [{name: value for name, value in row.items() if name != "id"} for row in values["variants"]]
        return create_product(db, merchant, **words, variants=variants, key=key, by=by)
    update_product(db, product, **words)
    mine = {variant.id: variant for variant in product.variants}
    for position, row in enumerate(values["variants"]):
        fields = {name: value for name, value in row.items() if name not in ("id", "on_hand")}
        if row["id"] is None:
            add_variant(db, product, merchant.currency, position=position, key=key, by=by, on_hand=row["on_hand"],
                        **fields)
        elif row["id"] in mine:
            update_variant(db, mine[row["id"]], position=position, **fields)
        else:
            raise NotFound
    return product


def update_product(db, product: Product, **values) -> Product:
    """Change name, description, category or picture_id."""
    for name, value in values.items():
        if name not in ("name", "description", "category", "picture_id"):
            raise TypeError(name)
        setattr(product, name, value)
    db.flush()
    return product


def add_variant(db, product: Product, currency: str, *, sku: str, price_minor: int, option: str = "",
                cost_minor: int | None = None, on_hand: int = 0, position: int | None = None, key: str | None = None,
                by=None) -> Variant:
    """One more variant of a product. Raises Invalid with `variants.<position>.sku` if the SKU is taken."""
    position = len(product.variants) if position is None else position
    _check_sku_free(db, product.merchant_id, sku, f"variants.{position}.sku")
    variant = Variant(product=product, merchant_id=product.merchant_id, sku=sku, option=option, currency=currency,
                      price_minor=price_minor, cost_minor=cost_minor, on_hand=0, position=position)
    db.add(variant)
    db.flush()
    record_price(db, variant.id, price_minor)
    if on_hand:
        set_count(db, variant, on_hand, f"{key or uuid.uuid4()}:{sku}", by)
    return variant


def update_variant(db, variant: Variant, **values) -> Variant:
    """Change sku, option, price_minor, cost_minor, position or picture_id; a new price is recorded."""
    for name, value in values.items():
        if name not in ("sku", "option", "price_minor", "cost_minor", "position", "picture_id"):
            raise TypeError(name)
        if name == "sku" and value != variant.sku:
            _check_sku_free(db, variant.merchant_id, value, f"variants.{values.get('position', variant.position)}.sku")
        setattr(variant, name, value)
    db.flush()
    if "price_minor" in values:
        record_price(db, variant.id, values["price_minor"])
    return variant


def archive_product(db, product: Product) -> None:
    """Take a product out of the lists. Its offers, orders and history stay as they are."""
    product.archived_at = product.archived_at or clock.now()
    db.flush()


def restore_product(db, product: Product) -> None:
    product.archived_at = None
    db.flush()


def archive_variant(db, variant: Variant) -> None:
    """Take a variant away from its product; the last one stays, because a product without one sells nothing."""
    others = [each for each in variant.product.variants if each.archived_at is None and each.id != variant.id]
    if not others:
        raise DomainError(_("A product keeps one variant at least. Archive the product instead."), code="last_variant")
    variant.archived_at = variant.archived_at or clock.now()
    db.flush()


def _check_sku_free(db, merchant_id, sku: str, field: str) -> None:
    # The unique constraint stands behind this; the look first gives a sentence at the right field.
    if db.scalar(select(Variant.id).where(Variant.merchant_id == merchant_id, Variant.sku == sku)):
        raise Invalid(fields={field: [_("You already have %(sku)s.", sku=sku)]})
