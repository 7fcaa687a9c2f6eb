"""Reading commissions: an affiliate's list and sums, a merchant's holds, and the doors to them."""
import uuid
from collections.abc import Callable

from sqlalchemy import select, text

from affiliates.commission.models import Adjustment, Budget, Commission, CommissionHold
from core.errors import NotFound
from orders.models import Order, OrderLine

# earned: all that is not taken back, whatever state it is in; held: the part of it that waits for a person.
_TOTALS = text("""
SELECT affiliate_id, currency, sum(amount_minor - reversed_minor)::bigint AS earned,
  coalesce(sum(amount_minor - reversed_minor) FILTER (WHERE held), 0)::bigint AS held,
  coalesce(sum(amount_minor - reversed_minor) FILTER (WHERE NOT held AND matures_at <= now()), 0)::bigint AS mature
FROM commissions WHERE affiliate_id = ANY(:ids) GROUP BY 1, 2 ORDER BY 1, 2""")

# Rooms above fill in what they know (settlement: payable and paid): fn(db, ids) → {(affiliate, currency): {…}}.
MORE_TOTALS: list[Callable] = []


def totals_of(db, affiliate_ids: list[uuid.UUID]) -> dict[uuid.UUID, list[dict]]:
    """{affiliate: [{"currency", "earned", "held", "mature", "payable", "paid"}]} in minor units, a row a currency.

    `mature` is earned, free and past its days, settled or not."""
    found = {id_: {} for id_ in affiliate_ids}
    for row in db.execute(_TOTALS, {"ids": affiliate_ids}):
        found[row.affiliate_id][row.currency] = {"currency": row.currency, "earned": row.earned, "held": row.held,
                                                 "mature": row.mature, "payable": 0, "paid": 0}
    for more in MORE_TOTALS:
        for (id_, currency), values in more(db, affiliate_ids).items():
            blank = {"currency": currency, "earned": 0, "held": 0, "mature": 0, "payable": 0, "paid": 0}
            found[id_].setdefault(currency, blank).update(values)
    return {id_: list(rows.values()) for id_, rows in found.items()}


def access_commission(db, commission_id: uuid.UUID, affiliate_id: uuid.UUID) -> Commission:
    """An affiliate's own commission. Raises NotFound for another's."""
    found = db.get(Commission, commission_id)
    if found is None or found.affiliate_id != affiliate_id:
        raise NotFound
    return found


def access_hold(db, hold_id: uuid.UUID, merchant_id: uuid.UUID) -> CommissionHold:
    """A hold on a commission that this merchant pays. Raises NotFound for another's."""
    found = db.scalar(select(CommissionHold).join(Commission, Commission.id == CommissionHold.commission_id)
                      .where(CommissionHold.id == hold_id, Commission.merchant_id == merchant_id))
    if found is None:
        raise NotFound
    return found


def commissions_of(db, affiliate_id: uuid.UUID, *, campaign_id: uuid.UUID | None = None,
                   before: uuid.UUID | None = None, limit: int = 50) -> list[tuple[Commission, int, str]]:
    """[(commission, order number, title of the line)], newest first; `before` is the last id of the page before."""
    found = (select(Commission, Order.number, OrderLine.title).join(Order, Order.id == Commission.order_id)
             .join(OrderLine, OrderLine.id == Commission.order_line_id).where(Commission.affiliate_id == affiliate_id))
    if campaign_id:
        found = found.where(Commission.campaign_id == campaign_id)
    if before:
        found = found.where(Commission.id < before)
    return [tuple(row) for row in db.execute(found.order_by(Commission.id.desc()).limit(limit))]


def holds_of(db, commission_id: uuid.UUID) -> list[CommissionHold]:
    return list(db.scalars(select(CommissionHold).where(CommissionHold.commission_id == commission_id)
                           .order_by(CommissionHold.id)))


def adjustments_of(db, commission_id: uuid.UUID) -> list[Adjustment]:
    return list(db.scalars(select(Adjustment).where(Adjustment.commission_id == commission_id)
                           .order_by(Adjustment.id)))


def open_holds(db, merchant_id: uuid.UUID, limit: int = 100) -> list[tuple[CommissionHold, Commission]]:
    """What waits for a decision at a merchant, the oldest first."""
    found = (select(CommissionHold, Commission).join(Commission, Commission.id == CommissionHold.commission_id)
             .where(Commission.merchant_id == merchant_id, CommissionHold.decided_at.is_(None))
             .order_by(CommissionHold.opened_at, CommissionHold.id).limit(limit))
    return [tuple(row) for row in db.execute(found)]


def budget_of(db, campaign_id: uuid.UUID) -> Budget | None:
    """What a campaign may cost in commissions, and what it did so far."""
    return db.get(Budget, campaign_id)
