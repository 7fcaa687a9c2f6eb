"""What affiliates hear while it happens: each change of a commission, and (by a tick) their sums."""
import uuid

from sqlalchemy import insert, select, text

from affiliates.commission.models import Commission, TotalsDue
from core import events
from core.clock import iso, now
from core.ids import new_id
from orders.models import Order, OrderLine

# Which state a commission is in at :now, the same everywhere; settled is a row of settlement_items.
STATES = ("pending", "mature", "settled", "held", "reversed")


def stream(affiliate_id: uuid.UUID) -> str:
    return f"affiliate:{affiliate_id}"


def state_of(commission: Commission, settled: bool = False, at=None) -> str:
    """reversed (nothing is left), settled, held, mature (delivered and past its days), or pending."""
    if commission.amount_minor and commission.reversed_minor == commission.amount_minor:
        return "reversed"
    if settled:
        return "settled"
    if commission.held:
        return "held"
    is_mature = commission.matures_at is not None and commission.matures_at <= (at or now())
    return "mature" if is_mature else "pending"


def commission_out(commission: Commission, number: int, title: str, *, settled: bool = False) -> dict:
    """A commission as events and pages carry it; nothing in it says who the buyer is."""
    return {"id": str(commission.id), "order_number": number, "title": title, "quantity": commission.quantity,
            "level": commission.level, "kind": commission.kind, "currency": commission.currency,
            "base_minor": commission.base_minor, "rate_ppm": commission.rate_ppm, "flat_minor": commission.flat_minor,
            "amount_minor": commission.amount_minor, "reversed_minor": commission.reversed_minor,
            "state": state_of(commission, settled), "held": commission.held,
            "campaign_id": str(commission.campaign_id), "merchant_id": str(commission.merchant_id),
            "matures_at": iso(commission.matures_at), "created_at": iso(commission.created_at)}


def changed(db, commissions: list[Commission], order: Order | None = None) -> None:
    """Tell each affiliate of its commissions, in this transaction, and have its sums told soon after it."""
    if not commissions:
        return
    number = order.number if order else dict(db.execute(select(Order.id, Order.number).where(
        Order.id.in_({one.order_id for one in commissions}))).all())
    titles = {line.id: line.title for line in order.lines} if order else dict(db.execute(select(
        OrderLine.id, OrderLine.title).where(OrderLine.id.in_({one.order_line_id for one in commissions})))
        .all())
    events.append_all(db, [
        {"stream": stream(one.affiliate_id), "kind": "commission.changed", "urgent": True, "merge_key": None,
         "payload": commission_out(one, number if order else number[one.order_id], titles[one.order_line_id])}
        for one in commissions])
    db.execute(insert(TotalsDue), [{"id": new_id(), "affiliate_id": id_}
                                   for id_ in sorted({one.affiliate_id for one in commissions})])


_TAKE_DUE = text("""WITH due AS (DELETE FROM affiliate_totals_due WHERE id IN (
  SELECT id FROM affiliate_totals_due ORDER BY id LIMIT 5000 FOR UPDATE SKIP LOCKED) RETURNING affiliate_id)
SELECT DISTINCT affiliate_id FROM due""")


def tell_totals(db) -> int:
    """Tell those whose sums changed since the last time; how many. Sums are read after the commits that changed them,
    so the last one told is always right, and a payment never waits for an affiliate with a million lines."""
    from affiliates.commission.queries import totals_of
    ids = list(db.scalars(_TAKE_DUE))
    events.append_all(db, [
        {"stream": stream(id_), "kind": "affiliate.totals", "payload": {"totals": totals}, "urgent": True,
         "merge_key": "totals"} for id_, totals in totals_of(db, ids).items()])
    return len(ids)
