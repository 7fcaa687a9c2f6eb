"""What a person can say about a payout that does not end by itself, and letting a party off its debt."""
import uuid

from flask_babel import gettext as _
from sqlalchemy import select

from affiliates.payouts import apply, batches, books
from affiliates.payouts.errors import NoSuchDebt, NotDecidable
from affiliates.payouts.models import Payout, PayoutAttempt
from affiliates.payouts.moves import OPEN, move
from affiliates.payouts.providers import Result
from affiliates.people import acts
from affiliates.settlement.books import PAYABLE
from ledger import accounts, balances

OPEN_OUTCOMES = ("paid", "rejected", "returned")


def contradicted(attempt: PayoutAttempt) -> bool:
    """Whether the bank said of this attempt what cannot be after what it said before."""
    return attempt.failure == "amount_mismatch" or "_then_" in (attempt.failure or "")


def choices(payout: Payout, attempt: PayoutAttempt) -> tuple[str, ...]:
    """What a person may decide. stands: the books are right as they are, the bank's second word was wrong."""
    if attempt.n == payout.attempt and apply.undecided(payout, attempt):
        return OPEN_OUTCOMES
    if not contradicted(attempt):
        return ()
    more = {"paid": ("returned",), "rejected": ("paid",)}.get(payout.state, ()) if attempt.n == payout.attempt else ()
    return (*more, "stands")


def decide(db, attempt_id: uuid.UUID, outcome: str, by, note: str) -> Payout:
    """End what waits for a person, with the note of what the bank said when asked. Raises NotDecidable, NotFound."""
    payout, attempt = apply.lock_attempt(db, attempt_id)
    if outcome not in choices(payout, attempt) or not note.strip():
        raise NotDecidable
    if apply.undecided(payout, attempt) and attempt.n == payout.attempt:
        return apply.decide(db, payout.id, outcome, by, note)
    said, attempt.failure = attempt.failure, "decided"
    if outcome == "returned":
        apply.apply_result(db, attempt.id, Result("returned", failure="decided"))
    elif outcome == "paid":
        _paid_after_all(db, payout)
    acts.note(db, f"payout.{outcome}", payout.id, by=by, words=note, said=said)
    db.flush()
    return payout


def _paid_after_all(db, payout: Payout) -> None:
    """It was given back to the party and left the bank all the same: taken from the party again, as a debt if need be.
    Written as an attempt that nobody sends."""
    others = select(Payout.id).where(Payout.owner == payout.owner, Payout.currency == payout.currency,
                                     Payout.id != payout.id, Payout.state.in_(OPEN))
    if db.scalar(others.limit(1)):
        raise NotDecidable(_("Another payout of this party is not finished."), code="under_way")
    batch = batches.lock(db, payout.batch_id)
    payout.attempt += 1
    move(payout, "reserved")
    batch.state = "approved"
    books.reserve(db, [payout])
    attempt = batches.add_attempt(db, payout, batch.channel)
    attempt.state, attempt.check_at = "sent", None
    apply.apply_result(db, attempt.id, Result("paid", failure="decided"))


def write_off(db, owner: str, currency: str, amount_minor: int, by, note: str, key: str) -> None:
    """Let a party off a debt, in whole or in part; the platform bears it. The same key twice is once. Raises
    NoSuchDebt."""
    account = next((row.id for row in balances.of_owners(db, PAYABLE, [owner]) if row.currency == currency), None)
    if account is None:
        raise NoSuchDebt
    accounts.lock(db, [account])
    fresh = not books.was_written_off(db, key)
    if fresh and (amount_minor < 1 or balances.balance(db, account) > -amount_minor or not note.strip()):
        raise NoSuchDebt
    books.write_off(db, owner, currency, amount_minor, key)
    if fresh:
        acts.note(db, "debt.written_off", uuid.UUID(owner.partition(":")[2]), by=by, words=note, owner=owner,
                  amount_minor=amount_minor, currency=currency)
