"""Sending refunds to the provider: one call in flight a refund, the same key until it is answered."""
import uuid
from datetime import timedelta

import structlog
from sqlalchemy import or_, update

from core.clock import now
from core.db import reading, transaction
from orders import news, refunds
from orders.models import Refund
from orders.payments import NoAnswer, RefundAsk, RefundResult, named
from orders.payments.models import Payment

log = structlog.get_logger("payments")
# A call takes at most 10 s; nobody else begins one meanwhile.
IN_FLIGHT = timedelta(seconds=30)
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 5, 900


def send(refund_id: uuid.UUID) -> None:
    """Send one refund, or find out what became of it. Does nothing if it is not due or somebody else is at it."""
    with transaction() as db:
        due = db.execute(update(Refund).where(
            Refund.id == refund_id, Refund.state == "pending", or_(Refund.next_at.is_(None), Refund.next_at <= now()))
            .values(next_at=now() + IN_FLIGHT, tries=Refund.tries + 1).returning(Refund.id)).first()
    if due is None:
        return
    with reading() as db:
        refund = db.get(Refund, refund_id)
        payment = db.get(Payment, refund.payment_id)
    ask = RefundAsk(key=f"{refund.key}:{refund.attempt}", payment_key=payment.key, payment_ref=payment.provider_ref,
                    amount_minor=refund.amount_minor, currency=payment.currency, provider_ref=refund.provider_ref,
                    again=refund.tries > 1)
    try:
        result = named(payment.provider).refund(ask)
    except NoAnswer as silence:
        log.warning("no answer to a refund", refund=str(refund_id), error=str(silence))
        result = RefundResult("pending")
    with transaction() as db:
        apply_refund(db, refund_id, result)


def apply_refund(db, refund_id: uuid.UUID, result: RefundResult) -> None:
    """Bring a refund to what the provider says. A done one never changes; a refused one gives its sum back."""
    order, payment, refund = refunds.lock_refund(db, refund_id)
    if refund.state != "pending":
        return
    refund.provider_ref = result.provider_ref or refund.provider_ref
    if result.state == "pending":
        wait_seconds = min(FIRST_WAIT_SECONDS * 2 ** min(refund.tries, 10), LONGEST_WAIT_SECONDS)
        refund.next_at = now() + timedelta(seconds=wait_seconds)
        return
    refund.state, refund.failure = result.state, result.failure
    refund.next_at, refund.ended_at = None, now()
    if result.state == "failed":
        log.error("refund refused", refund=str(refund_id), failure=result.failure)
        refunds.refused(db, order, payment, refund)
    news.changed(db, order)


def wake(db, key: str) -> uuid.UUID | None:
    """A webhook spoke of this refund: have it asked about, even if it was done, since a bank may turn it back later."""
    name, _colon, attempt = key.rpartition(":")
    if not attempt.isdigit():
        return None
    return db.scalar(update(Refund).where(Refund.key == name, Refund.attempt == int(attempt),
                                          Refund.state.in_(("pending", "succeeded")))
                     .values(state="pending", next_at=now()).returning(Refund.id))
