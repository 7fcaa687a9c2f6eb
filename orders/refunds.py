"""Money that goes back: what may, written in the transaction that decides it; orders/payments/returns.py sends it.

A unit's money goes back once: `refunded_quantity` never falls, not even when the provider refuses a refund; that one
is tried again instead. The sums on order and payment count refunds that are pending or done.
"""
import uuid

from sqlalchemy import select

from campaigns.catalogue.actions import lock_variants
from campaigns.stock import actions as stock
from campaigns.stock.models import OfferStock
from campaigns.terms.models import Campaign
from campaigns.terms.publishing import return_unsold
from core.clock import now
from core.errors import Invalid, KeyConflict
from orders import books, letters, moments, news
from orders.errors import NotRefundable, WrongStep
from orders.models import Order, OrderLine, Refund
from orders.payments.models import Payment
from orders.queries import lock_order


def refund_rest(db, order: Order, *, reason: str, restock: bool, key: str, by=None, note: str = "") -> Refund | None:
    """Send back all that is left of a locked, paid order; None if nothing is left."""
    return _refund(db, order, _rest(order), reason=reason, restock=restock, key=key, by=by, note=note)


def _rest(order: Order) -> dict[uuid.UUID, int]:
    return {line.id: line.quantity - line.refunded_quantity for line in order.lines}


def refund_lines(db, order_id: uuid.UUID, wanted: dict[uuid.UUID, int] | None, *, reason: str, restock: bool, key: str,
                 by, note: str = "") -> Refund:
    """Staff send back the money of `wanted` units a line, or (None) of all that is left. A key is one refund, ever.

    Raises NotRefundable (not paid, or nothing chosen), Invalid (more units than are left), KeyConflict.
    """
    order = lock_order(db, order_id)
    known = db.scalar(select(Refund).where(Refund.key == key))
    if known:
        return _same(known, order, wanted)
    if not order.paid_at:
        raise NotRefundable
    if wanted is None:
        wanted = _rest(order)
    if set(wanted) - {line.id for line in order.lines}:
        raise Invalid
    refund = _refund(db, order, wanted, reason=reason, restock=restock, key=key, by=by, note=note)
    if refund is None:
        raise NotRefundable
    _close_if_empty(order)
    letters.refunded(db, order, refund)
    news.changed(db, order)
    return refund


def _same(known: Refund, order: Order, wanted) -> Refund:
    """The refund that this key made; KeyConflict if it was for something else."""
    before = {uuid.UUID(line["line_id"]): line["quantity"] for line in known.lines}
    if known.order_id != order.id or wanted is not None and before != {id_: n for id_, n in wanted.items() if n}:
        raise KeyConflict
    return known


def _refund(db, order: Order, wanted, *, reason, restock, key, by, note) -> Refund | None:
    lines = [_line(line, wanted[line.id], restock) for line in order.lines if wanted.get(line.id)]
    if not lines:
        return None
    amount = sum(line["amount_minor"] for line in lines)
    payment = db.scalar(select(Payment).where(Payment.order_id == order.id, Payment.state == "succeeded")
                        .with_for_update(key_share=True).execution_options(populate_existing=True))
    if payment is None or not amount or payment.refunded_minor + amount > payment.amount_minor:
        raise NotRefundable
    payment.refunded_minor += amount
    order.refunded_minor += amount
    refund = Refund(order_id=order.id, payment_id=payment.id, key=key, amount_minor=amount, reason=reason, note=note,
                    lines=lines, by_member_id=by and by.id, next_at=now())
    db.add(refund)
    db.flush()
    books.refund_counted(db, order, payment, refund)
    moments.REFUNDED.tell(db, order, refund)
    if restock:
        lock_variants(db, [line.variant_id for line in order.lines])
    for line in sorted(order.lines, key=lambda line: line.stock_id):
        if units := wanted.get(line.id):
            line.refunded_quantity += units
            if restock:
                line.returned_quantity += units
                db.flush()
                stock.return_sold(db, line.stock_id, order.member_id, units)
                to_the_shelf_if_over(db, order, line.stock_id, by)
    db.flush()
    return refund


def to_the_shelf_if_over(db, order: Order, stock_id: uuid.UUID, by=None) -> None:
    """After a campaign's end, units that came back return to what the shop has on hand.

    Called with the variant and the offer's stock row locked: an end that runs meanwhile either waits for these units
    or is seen here.
    """
    state = db.scalar(select(Campaign.state).where(Campaign.id == order.campaign_id))
    if state in ("ended", "settling", "settled") and not order.rehearsal:
        return_unsold(db, db.get(OfferStock, stock_id), by)


def _line(line: OrderLine, units: int, restock: bool) -> dict:
    if not 0 < units <= line.quantity - line.refunded_quantity:
        left = str(line.quantity - line.refunded_quantity)
        raise Invalid(fields={f"line-{line.id}": [left]})
    money = line.paid_for(line.refunded_quantity + units) - line.paid_for(line.refunded_quantity)
    return {"line_id": str(line.id), "quantity": units, "amount_minor": money, "restock": restock}


def _close_if_empty(order: Order) -> None:
    """An order without a unit left to send is over."""
    if order.fulfilment == "to_pack" and all(line.refunded_quantity == line.quantity for line in order.lines):
        order.state, order.reason, order.cancelled_at, order.fulfilment = "cancelled", "staff", now(), "none"


def try_again(db, order_id: uuid.UUID, refund_id: uuid.UUID) -> Refund:
    """Staff send a refused refund once more, under a new key at the provider. Raises NotRefundable, WrongStep."""
    order, payment, refund = lock_refund(db, refund_id)
    if refund.order_id != order_id or refund.state != "failed":
        raise WrongStep
    if payment.refunded_minor + refund.amount_minor > payment.amount_minor:
        raise NotRefundable
    refund.state, refund.attempt, refund.tries = "pending", refund.attempt + 1, 0
    refund.next_at, refund.ended_at, refund.failure, refund.provider_ref = now(), None, None, None
    count(order, payment, refund.amount_minor)
    books.refund_counted(db, order, payment, refund)
    _tell_of_kept(moments.REFUND_AGAIN, db, order, payment, refund)
    news.changed(db, order)
    return refund


def lock_refund(db, refund_id: uuid.UUID) -> tuple[Order, Payment, Refund]:
    """Order, payment and refund, locked in the house's order."""
    ids = db.execute(select(Refund.order_id, Refund.payment_id).where(Refund.id == refund_id)).one()
    order = lock_order(db, ids.order_id)
    payment = db.scalar(select(Payment).where(Payment.id == ids.payment_id).with_for_update(key_share=True)
                        .execution_options(populate_existing=True))
    refund = db.scalar(select(Refund).where(Refund.id == refund_id).with_for_update()
                       .execution_options(populate_existing=True))
    return order, payment, refund


def _tell_of_kept(moment, db, order: Order, payment: Payment, refund: Refund) -> None:
    """Money that the order never kept is RETURNED, not refunded."""
    if payment.state == "succeeded":
        moment.tell(db, order, refund)


def refused(db, order: Order, payment: Payment, refund: Refund) -> None:
    """The provider did not send it: its sum is counted no longer."""
    count(order, payment, -refund.amount_minor)
    books.refund_refused(db, order, payment, refund)
    _tell_of_kept(moments.REFUND_REFUSED, db, order, payment, refund)


def count(order: Order, payment: Payment, amount_minor: int) -> None:
    """Add to (or, below 0, take from) the sums of what goes back. Money the order never kept is not in its sum."""
    payment.refunded_minor += amount_minor
    if payment.state == "succeeded":
        order.refunded_minor += amount_minor
