"""What a bank's word about a disputed payment changes, in any order and any number of times; each thing once.

Money that is disputed is gone from the day the bank says so; a dispute that the shop wins brings it back.
"""
import uuid

import structlog
from sqlalchemy import select

from core.clock import now
from orders import books, letters, moments, news
from orders.models import Order
from orders.payments import DisputeFacts, rules
from orders.payments.apply import lock_payment
from orders.payments.models import Dispute, Payment

log = structlog.get_logger("payments")


def apply_dispute(db, payment_id: uuid.UUID, facts: DisputeFacts) -> str:
    """Bring order, books and all who take part to what the provider says; in a word, what it did."""
    order, payment = lock_payment(db, payment_id)
    known = db.scalar(select(Dispute).where(Dispute.provider == payment.provider, Dispute.provider_ref == facts.ref)
                      .with_for_update())
    if payment.state != "succeeded" or facts.currency != payment.currency \
            or known and known.amount_minor != facts.amount_minor:
        # A person must look: nothing moves that the books could not explain.
        log.error("dispute does not fit its payment", payment=str(payment_id), dispute=facts.ref, state=payment.state,
                  amount=facts.amount_minor, currency=facts.currency)
        return "dispute_mismatch"
    said = known or _open(db, order, payment, facts)
    effect = rules.dispute_effect(said.state, facts.state)
    if effect in ("won", "lost"):
        said.state, said.changed_at = effect, now()
    if effect == "won":
        order.disputed_minor -= said.amount_minor
        db.flush()
        books.dispute_won(db, order, said)
        moments.DISPUTE_WON.tell(db, order, said)
    if known is None or effect != "repeat":
        news.changed(db, order, payment)
    return "disputed" if known is None and effect == "repeat" else effect


def _open(db, order: Order, payment: Payment, facts: DisputeFacts) -> Dispute:
    dispute = Dispute(order_id=order.id, payment_id=payment.id, provider=payment.provider, provider_ref=facts.ref,
                      amount_minor=facts.amount_minor, reason=facts.reason[:100], state="open")
    db.add(dispute)
    order.disputed_minor += facts.amount_minor
    db.flush()
    books.disputed(db, order, dispute)
    moments.DISPUTED.tell(db, order, dispute)
    letters.disputed(db, order, dispute)
    log.warning("payment disputed", order=order.number, amount=facts.amount_minor, reason=facts.reason)
    return dispute
