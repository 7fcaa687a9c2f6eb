"""What payouts move in the ledger: `payable` → `in_transit` when reserved, → `clearing` when paid, back when not.

Keys carry the attempt, so nothing is given back or paid twice. `in_transit` cannot go below zero."""
from sqlalchemy import select

from affiliates.payouts.models import Payout
from affiliates.settlement.books import PAYABLE
from ledger import accounts, transfers
from ledger.models import Transfer
from ledger.transfers import Posting
from orders.books import CLEARING, PLATFORM

IN_TRANSIT = accounts.kind("in_transit", side="credit", floor=True)
WRITE_OFF = accounts.kind("write_off", side="debit")


def journal(payout: Payout) -> str:
    return f"payout:{payout.id}"


def reserve(db, payouts: list[Payout]) -> None:
    """Set aside what is about to be paid."""
    _post(db, [(one, "reserve", (one.owner, PAYABLE), (PLATFORM, IN_TRANSIT), "payout") for one in payouts])


def paid(db, payout: Payout) -> None:
    """The money left the platform's account."""
    _post(db, [(payout, "paid", (PLATFORM, IN_TRANSIT), (PLATFORM, CLEARING), "payout_paid")])


def back(db, payout: Payout) -> None:
    """It never left: the party is owed it again."""
    _post(db, [(payout, "back", (PLATFORM, IN_TRANSIT), (payout.owner, PAYABLE), "payout_back")])


def returned(db, payout: Payout) -> None:
    """It left and came back."""
    _post(db, [(payout, "returned", (PLATFORM, CLEARING), (payout.owner, PAYABLE), "payout_returned")])


def write_off(db, owner: str, currency: str, amount_minor: int, key: str) -> None:
    """Let a party off a debt: the platform bears it."""
    ids = accounts.open_all(db, [(PLATFORM, WRITE_OFF, currency), (owner, PAYABLE, currency)])
    transfers.post(db, key=f"write-off:{key}", debit=ids[PLATFORM, WRITE_OFF, currency],
                   credit=ids[owner, PAYABLE, currency], amount_minor=amount_minor, code="write_off",
                   journal=f"write-off:{owner}")


def was_written_off(db, key: str) -> bool:
    return db.scalar(select(Transfer.id).where(Transfer.key == f"write-off:{key}")) is not None


def _post(db, rows: list[tuple]) -> None:
    """(payout, end of the key, debited (owner, kind), credited, code)."""
    ids = accounts.open_all(db, {(*side, payout.currency) for payout, _, *sides, _ in rows for side in sides})
    transfers.post_all(db, [
        Posting(f"payout:{payout.id}:{payout.attempt}:{end}", ids[*debit, payout.currency],
                ids[*credit, payout.currency], payout.amount_minor, code, journal(payout))
        for payout, end, debit, credit, code in rows])
