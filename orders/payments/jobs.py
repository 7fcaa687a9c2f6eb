"""RQ entry points and ticks of payments. PostgreSQL knows what is due; jobs only do it sooner and elsewhere."""
import uuid
from datetime import timedelta

from sqlalchemy import select

from core import jobs
from core.clock import now
from core.db import reading, transaction
from core.ticks import every
from orders import actions
from orders.models import Refund
from orders.payments import attempts, returns
from orders.payments.models import OPEN_STATES, Payment

# What is newly due goes to a worker; what is still due after 15 s (no worker, no Redis) the tick does itself, three
# at a time, because a provider that hangs takes 10 s a call.
FRESH, OVERDUE, OWN_HANDS = timedelta(seconds=3), timedelta(seconds=15), 3


def look_up(payment_id: str) -> None:
    """Ask about a payment if that is still due."""
    with reading() as db:
        check_at = db.scalar(select(Payment.check_at).where(Payment.id == uuid.UUID(payment_id)))
    if check_at is not None and check_at <= now():
        attempts.look_up(uuid.UUID(payment_id))


def send_refund(refund_id: str) -> None:
    returns.send(uuid.UUID(refund_id))


def hurry(refund_id: uuid.UUID | None) -> None:
    """A refund was just committed: have it sent now rather than at the next tick."""
    if refund_id:
        jobs.enqueue("orders.payments.jobs.send_refund", str(refund_id), timeout_seconds=60)


@every(1)
def expire_unpaid() -> None:
    """Orders follow their holds."""
    with transaction() as db:
        actions.expire_orders(db)


@every(2)
def look_up_open() -> None:
    """Ask about payments that nobody told us of."""
    with reading() as db:
        due = db.execute(select(Payment.id, Payment.check_at).where(
            Payment.state.in_(OPEN_STATES), Payment.check_at <= now()).order_by(Payment.check_at).limit(50)).all()
    _hand_out("orders.payments.jobs.look_up", due, attempts.look_up)


@every(2)
def send_refunds() -> None:
    """Send refunds that are due."""
    with reading() as db:
        due = db.execute(select(Refund.id, Refund.next_at).where(
            Refund.state == "pending", Refund.next_at <= now()).order_by(Refund.next_at).limit(50)).all()
    _hand_out("orders.payments.jobs.send_refund", due, returns.send)


def _hand_out(path: str, due, do) -> None:
    own = 0
    for id_, since in due:
        late = now() - since
        if late < FRESH and jobs.enqueue(path, str(id_), timeout_seconds=60):
            continue
        if (late < FRESH or late > OVERDUE) and own < OWN_HANDS:
            own += 1
            do(id_)
