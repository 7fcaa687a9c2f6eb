"""The one place where what a provider says changes a payment and its order.

A webhook, a lookup, the answer to a call and the buyer's return all end here, in any order and any number of times;
each has its effect once. Lock order, everywhere in this package: order, then payment, then refund, then stock.
"""
import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select

from campaigns.stock import actions as stock
from core.clock import now
from orders import books, letters, moments, news
from orders.models import Order, Refund
from orders.payments import Result, rules
from orders.payments.models import OPEN_STATES, Payment
from orders.queries import lock_order

log = structlog.get_logger("payments")
# When to ask again about a payment that is still open: 3 s doubled each time, at most 10 min, for 3 days
# (as long as Stripe repeats a webhook).
FIRST_CHECK_SECONDS = 3
LONGEST_CHECK_SECONDS = 600
GIVE_UP_AFTER = timedelta(days=3)
# A call ends after 10 s: one that never began is known to be dead soon, one that broke off may be on its way for long.
NEVER_SENT_AFTER = timedelta(seconds=12)
NEVER_ARRIVED_AFTER = timedelta(seconds=120)


def lock_payment(db, payment_id: uuid.UUID) -> tuple[Order, Payment]:
    """The payment and its order, both locked, in the house's order."""
    order = lock_order(db, select(Payment.order_id).where(Payment.id == payment_id).scalar_subquery())
    payment = db.scalar(select(Payment).where(Payment.id == payment_id).with_for_update(key_share=True)
                        .execution_options(populate_existing=True))
    return order, payment


def apply_result(db, payment_id: uuid.UUID, result: Result) -> str:
    """Bring payment and order to what the provider says; in a word, what it did (kept with the notice)."""
    order, payment = lock_payment(db, payment_id)
    effect = rules.effect(order.state, order.paid_at is not None, payment.state, result.state,
                          sum_fits=(result.amount_minor, result.currency) == (payment.amount_minor, payment.currency),
                          never_arrived=_never_arrived(payment))
    if effect == "open":
        _still_open(payment, result)
    elif effect == "failed":
        _failed(db, order, payment, result)
    elif effect != "repeat":
        return _succeeded(db, order, payment, result, effect)
    return effect


def no_answer(db, payment_id: uuid.UUID) -> None:
    """A call ended without an answer: whether money moved is unknown until a lookup says so."""
    order, payment = lock_payment(db, payment_id)
    if payment.state in OPEN_STATES:
        payment.state = "unknown"
        _plan_check(payment)
        news.changed(db, order)


def _succeeded(db, order: Order, payment: Payment, result: Result, effect: str) -> str:
    if effect == "amount_mismatch":
        # Never call an order paid with another amount; a person must look (the desk shows it).
        log.error("payment differs from its order", payment=str(payment.id), asked=payment.amount_minor,
                  got=result.amount_minor, currency=result.currency)
        payment.state, payment.failure, payment.check_at = "unknown", "amount_mismatch", None
        return effect
    if effect in rules.SEND_BACK:
        _came(payment, result)
        return _send_back(db, order, payment, effect)
    who = letters.people(db, order)
    if not _keep(db, order, payment, result):
        _came(payment, result)
        order.state, order.reason = "expired", "late_payment"
        return _send_back(db, order, payment, "late_payment")
    letters.order_paid(db, order, who)
    news.paid(db, order, payment)
    return "paid"


def _came(payment: Payment, result: Result) -> None:
    payment.provider_ref = result.provider_ref or payment.provider_ref
    payment.ended_at, payment.check_at, payment.failure = now(), None, None


def _keep(db, order: Order, payment: Payment, result: Result) -> bool:
    """Make the order paid, with all that others do then, and take its units; all of it or nothing.

    The units come last: their offer's row is what every claim waits for."""
    with db.begin_nested() as point:
        _came(payment, result)
        payment.state = "succeeded"
        order.state, order.reason, order.fulfilment = "paid", None, "to_pack"
        order.paid_at = now()
        books.paid(db, order, payment)
        db.flush()
        moments.PAID.tell(db, order, payment)
        if not _take_units(db, order):
            point.rollback()
            return False
    return True


def _take_units(db, order: Order) -> bool:
    """Turn the order's holds into sold units, re-claiming what had ended; False if one is gone."""
    for line in sorted(order.lines, key=lambda line: line.stock_id):
        if stock.consume(db, line.hold_id):
            continue
        again = stock.reclaim(db, line.stock_id, order.member_id, line.quantity, line.unit_price_minor)
        if again is None:
            return False
        db.flush()
        line.hold_id = again.id
    db.flush()
    return True


def _send_back(db, order: Order, payment: Payment, reason: str) -> str:
    """Money that this order cannot keep: all of it goes back by itself."""
    payment.state = "returned"
    payment.refunded_minor = payment.amount_minor
    refund = Refund(order_id=order.id, payment_id=payment.id, key=f"{reason}:{payment.id}", reason=reason,
                    amount_minor=payment.amount_minor, next_at=now())
    db.add(refund)
    db.flush()
    books.returned(db, order, payment, refund)
    moments.RETURNED.tell(db, order, payment, refund)
    letters.refunded(db, order, refund)
    news.changed(db, order)
    return reason


def _failed(db, order: Order, payment: Payment, result: Result) -> None:
    payment.state, payment.failure = "failed", (result.failure or "never_sent")[:100]
    payment.provider_ref = result.provider_ref or payment.provider_ref
    payment.ended_at, payment.check_at = now(), None
    news.changed(db, order)


def _still_open(payment: Payment, result: Result) -> None:
    payment.provider_ref = result.provider_ref or payment.provider_ref
    payment.redirect_url = result.redirect_url or payment.redirect_url
    if result.state == "pending":
        payment.state = "pending"
    _plan_check(payment)


def _never_arrived(payment: Payment) -> bool:
    """Whether a call that the provider has not heard of can no longer reach it."""
    return now() - payment.created_at > (NEVER_SENT_AFTER if payment.state == "created" else NEVER_ARRIVED_AFTER)


def _plan_check(payment: Payment) -> None:
    if now() - payment.created_at > GIVE_UP_AFTER:
        payment.check_at = None  # a person must look; the desk lists it
        return
    wait_seconds = min(FIRST_CHECK_SECONDS * 2 ** min(payment.checks, 10), LONGEST_CHECK_SECONDS)
    payment.check_at = now() + timedelta(seconds=wait_seconds)

