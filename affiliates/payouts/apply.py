"""The one place where what a bank says changes a payout: an answer, a lookup, a webhook, a file and a person's word
all end here, in any order and any number of times, and each has its effect once. Locks: batch, payout, attempt."""
import uuid
from datetime import timedelta

import structlog
from sqlalchemy import insert, select

from affiliates.commission.models import TotalsDue
from affiliates.payouts import batches, books
from affiliates.payouts.errors import NotDecidable, NotRepeatable
from affiliates.payouts.models import Payout, PayoutAttempt
from affiliates.payouts.moves import move
from affiliates.payouts.providers import Result
from affiliates.people import acts
from affiliates.settlement.books import PAYABLE
from core.clock import now
from core.errors import NotFound
from core.ids import new_id
from ledger import accounts, balances

log = structlog.get_logger("payouts")
# When to ask again: 5 s doubled each time, at most 30 min, for 3 days; then a person has to.
FIRST_CHECK_SECONDS, LONGEST_CHECK_SECONDS, GIVE_UP_AFTER = 5, 1800, timedelta(days=3)


def lock_attempt(db, attempt_id: uuid.UUID) -> tuple[Payout, PayoutAttempt]:
    """The attempt and its payout, both locked and read anew."""
    payout_id = db.scalar(select(PayoutAttempt.payout_id).where(PayoutAttempt.id == attempt_id))
    if payout_id is None:
        raise NotFound
    batches.lock(db, db.scalar(select(Payout.batch_id).where(Payout.id == payout_id)))
    payout = db.scalar(select(Payout).where(Payout.id == payout_id).with_for_update()
                       .execution_options(populate_existing=True))
    attempt = db.scalar(select(PayoutAttempt).where(PayoutAttempt.id == attempt_id).with_for_update()
                        .execution_options(populate_existing=True))
    return payout, attempt


def apply_result(db, attempt_id: uuid.UUID, result: Result) -> str:
    """Bring an attempt and its payout to what the bank says; in a word, what that did.

    repeat: known already. conflict: the bank says what cannot be after what it said; nothing moves, a person looks.
    """
    payout, attempt = lock_attempt(db, attempt_id)
    attempt.provider_ref = result.provider_ref or attempt.provider_ref
    if result.state == attempt.state:
        return "repeat"
    if result.state in ("pending", "missing"):
        return _still_open(payout, attempt, result)
    if (result.amount_minor, result.currency) not in ((None, None), (payout.amount_minor, payout.currency)):
        return _conflict(payout, attempt, "amount_mismatch")
    if attempt.state == "paid" and result.state == "returned":
        books.returned(db, payout)
    elif attempt.state in ("paid", "rejected", "returned"):
        return _conflict(payout, attempt, f"{attempt.state}_then_{result.state}")
    elif result.state == "paid":
        books.paid(db, payout)
    else:
        books.back(db, payout)
    _end(db, payout, attempt, result)
    return result.state


def _end(db, payout: Payout, attempt: PayoutAttempt, result: Result) -> None:
    move(payout, result.state)
    attempt.state, attempt.failure, attempt.check_at = result.state, result.failure, None
    payout.failure, payout.ended_at, attempt.ended_at = result.failure, now(), now()
    kind, _colon, id_ = payout.owner.partition(":")
    if kind == "affiliate":
        db.execute(insert(TotalsDue), [{"id": new_id(), "affiliate_id": uuid.UUID(id_)}])
    batches.close_if_done(db, batches.lock(db, payout.batch_id))


def _conflict(payout: Payout, attempt: PayoutAttempt, what: str) -> str:
    log.error("payout: the bank contradicts itself", payout=str(payout.id), attempt=attempt.key, what=what)
    attempt.failure = what
    attempt.check_at = None
    return "conflict"


def _still_open(payout: Payout, attempt: PayoutAttempt, result: Result) -> str:
    """Under way, or (missing) the bank has not heard of it: never sent again blindly, asked about again."""
    if attempt.state in ("paid", "rejected", "returned"):
        return "repeat"
    if result.state == "pending" and payout.state in ("reserved", "unknown"):
        move(payout, "submitted")
        attempt.state = "sent"
    if result.state == "missing":
        attempt.failure = "missing"
    plan_check(attempt)
    return "open"


def no_answer(db, attempt_id: uuid.UUID) -> None:
    """A call ended without an answer: whether money moves is unknown until the bank or a person says so."""
    payout, attempt = lock_attempt(db, attempt_id)
    if attempt.state in ("calling", "sent", "unknown"):
        attempt.state = "unknown"
        if payout.state != "unknown":
            move(payout, "unknown")
        plan_check(attempt)


def plan_check(attempt: PayoutAttempt) -> None:
    if now() - attempt.created_at > GIVE_UP_AFTER:
        attempt.check_at = None  # the console lists it
        return
    wait_seconds = min(FIRST_CHECK_SECONDS * 2 ** min(attempt.checks, 10), LONGEST_CHECK_SECONDS)
    attempt.check_at = now() + timedelta(seconds=wait_seconds)


def undecided(payout: Payout, attempt: PayoutAttempt) -> bool:
    """Whether nothing but a person can end it."""
    return payout.state == "unknown" or (attempt.failure == "amount_mismatch"
                                         and payout.state in ("reserved", "submitted"))


def decide(db, payout_id: uuid.UUID, outcome: str, by, note: str) -> Payout:
    """A person who asked the bank says what became of a payout whose outcome is unknown, or of which the bank named
    another amount: paid, rejected or returned. Raises NotDecidable, NotFound."""
    attempt = running(db, payout_id)
    payout, attempt = lock_attempt(db, attempt.id)
    if not undecided(payout, attempt) or outcome not in ("paid", "rejected", "returned") or not note.strip():
        raise NotDecidable
    apply_result(db, attempt.id, Result(outcome, failure=None if outcome == "paid" else "decided"))
    acts.note(db, f"payout.{outcome}", payout.id, by=by, words=note)
    return payout


def repeatable(payout: Payout, attempt: PayoutAttempt) -> bool:
    """Whether it may be sent again, if the money is there: the bank's last word was a plain no."""
    return (attempt.provider != "bank" and payout.state == attempt.state == "rejected"
            and "_then_" not in (attempt.failure or ""))


def try_again(db, payout_id: uuid.UUID, by) -> PayoutAttempt:
    """Send a rejected payout once more, under a new key: only after the bank said no. One that went out by file goes
    into a new batch instead. Raises NotRepeatable, NotFound."""
    payout, attempt = lock_attempt(db, running(db, payout_id).id)
    if not repeatable(payout, attempt):
        raise NotRepeatable
    account = accounts.open(db, payout.owner, PAYABLE, payout.currency)
    accounts.lock(db, [account])
    if balances.balance(db, account) < payout.amount_minor:
        raise NotRepeatable
    batch = batches.lock(db, payout.batch_id)
    payout.attempt += 1
    move(payout, "reserved")
    payout.failure = payout.ended_at = None
    batch.state = "approved"
    books.reserve(db, [payout])
    acts.note(db, "payout.again", payout.id, by=by, attempt=payout.attempt)
    return batches.add_attempt(db, payout, batch.channel)


def running(db, payout_id: uuid.UUID) -> PayoutAttempt:
    """The newest attempt of a payout. Raises NotFound."""
    found = db.scalar(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout_id)
                      .order_by(PayoutAttempt.n.desc()).limit(1))
    if found is None:
        raise NotFound
    return found
