"""The only door through which money moves: rows are added, under a key that makes each happen once.

The same key with the same content is the same transfer; with another content it is a KeyConflict.
"""
import uuid
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core.errors import KeyConflict, NotFound
from core.ids import new_id
from ledger.errors import Mismatch, NotOpen, Overdrawn
from ledger.models import Transfer


@dataclass(frozen=True)
class Posting:
    """One transfer to make: `amount_minor` minor units, from the credited account's view money comes in."""
    key: str
    debit: uuid.UUID
    credit: uuid.UUID
    amount_minor: int
    code: str
    journal: str = ""
    state: str = "posted"
    of_id: uuid.UUID | None = None
    reverses_id: uuid.UUID | None = None


# The currency is the debited account's; the composite keys refuse a credited one of another.
_INSERT = text("""
INSERT INTO ledger_transfers (id, key, debit_id, credit_id, currency, amount_minor, code, journal, state, of_id,
                              reverses_id)
SELECT v.id, v.key, v.debit, v.credit, a.currency, v.amount_minor, v.code, v.journal, v.state, v.of_id, v.reverses_id
FROM unnest(cast(:ids AS uuid[]), cast(:keys AS text[]), cast(:debits AS uuid[]), cast(:credits AS uuid[]),
            cast(:amounts AS bigint[]), cast(:codes AS text[]), cast(:journals AS text[]), cast(:states AS text[]),
            cast(:of_ids AS uuid[]), cast(:reverses_ids AS uuid[])) WITH ORDINALITY
  AS v(id, key, debit, credit, amount_minor, code, journal, state, of_id, reverses_id, n)
JOIN ledger_accounts a ON a.id = v.debit
ORDER BY v.n ON CONFLICT (key) DO NOTHING RETURNING key, id""")
_KNOWN = text("""SELECT key, id, debit_id, credit_id, amount_minor, code, journal, state, of_id, reverses_id
                 FROM ledger_transfers WHERE key = ANY(cast(:keys AS text[]))""")


def post(db, *, key: str, debit: uuid.UUID, credit: uuid.UUID, amount_minor: int, code: str,
         journal: str = "") -> uuid.UUID:
    """Move `amount_minor` from one account to another, once for this key. Raises KeyConflict, Overdrawn, Mismatch."""
    return post_all(db, [Posting(key, debit, credit, amount_minor, code, journal)])[0]


def pend(db, *, key: str, debit: uuid.UUID, credit: uuid.UUID, amount_minor: int, code: str,
         journal: str = "") -> uuid.UUID:
    """Set `amount_minor` aside without moving it: a floor counts it as gone, a balance does not. Raises as post."""
    return post_all(db, [Posting(key, debit, credit, amount_minor, code, journal, "pending")])[0]


def post_pending(db, transfer_id: uuid.UUID, key: str) -> uuid.UUID:
    """Move what a pending transfer set aside. Raises NotOpen if it was posted or voided under another key."""
    return _answer(db, transfer_id, key, "posted")


def void(db, transfer_id: uuid.UUID, key: str) -> uuid.UUID:
    """Let go of what a pending transfer set aside. Raises NotOpen if it was posted or voided under another key."""
    return _answer(db, transfer_id, key, "voided")


def reverse(db, transfer_id: uuid.UUID, key: str, amount_minor: int | None = None, code: str = "") -> uuid.UUID:
    """Move a posted transfer back, whole or in part, never more than it was. Raises NotOpen, KeyConflict, Overdrawn."""
    was = _get(db, transfer_id)
    return post_all(db, [Posting(key, was.credit_id, was.debit_id,
                                 was.amount_minor if amount_minor is None else amount_minor,
                                 code or was.code, was.journal, reverses_id=was.id)])[0]


def post_all(db, rows: list[Posting]) -> list[uuid.UUID]:
    """Make many transfers in one statement; their ids in the same order. All or none. Raises as post."""
    if not rows:
        return []
    if any(row.amount_minor <= 0 for row in rows):
        raise ValueError("a transfer's amount is above 0; the direction is in its sides")
    # By key: two statements with the same keys then wait for each other in one direction.
    found = _insert(db, sorted(rows, key=lambda row: row.key))
    if missing := [row for row in rows if row.key not in found]:
        found |= _known(db, missing)
    return [found[row.key] for row in rows]


def _insert(db, rows: list[Posting]) -> dict[str, uuid.UUID]:
    try:
        made = db.execute(_INSERT, {
            "ids": [new_id() for _ in rows], "keys": [row.key for row in rows], "debits": [row.debit for row in rows],
            "credits": [row.credit for row in rows], "amounts": [row.amount_minor for row in rows],
            "codes": [row.code for row in rows], "journals": [row.journal for row in rows],
            "states": [row.state for row in rows], "of_ids": [row.of_id for row in rows],
            "reverses_ids": [row.reverses_id for row in rows]})
    except IntegrityError as error:
        raise _refusal(error) from error
    return {key: id_ for key, id_ in made}


def _refusal(error: IntegrityError) -> Exception:
    name = getattr(getattr(error.orig, "diag", None), "constraint_name", "") or ""
    if name == "ck_ledger_balances_floor":
        return Overdrawn()
    if name in ("ledger_links_fit", "uq_ledger_transfers_of_id"):
        return NotOpen()
    if name in ("fk_ledger_transfers_credit", "ck_ledger_transfers_two_sides"):
        return Mismatch()
    return error


def _known(db, rows: list[Posting]) -> dict[str, uuid.UUID]:
    """The transfers that these keys made before."""
    kept = {one.key: one for one in db.execute(_KNOWN, {"keys": [row.key for row in rows]})}
    for row in rows:
        one = kept.get(row.key)
        if one is None:
            raise Mismatch  # its debited account does not exist
        if (one.debit_id, one.credit_id, one.amount_minor, one.code, one.journal, one.state, one.of_id,
                one.reverses_id) != (row.debit, row.credit, row.amount_minor, row.code, row.journal, row.state,
                                     row.of_id, row.reverses_id):
            raise KeyConflict
    return {key: one.id for key, one in kept.items()}


def _answer(db, transfer_id: uuid.UUID, key: str, state: str) -> uuid.UUID:
    was = _get(db, transfer_id)
    if was.state != "pending":
        raise NotOpen
    return post_all(db, [Posting(key, was.debit_id, was.credit_id, was.amount_minor, was.code, was.journal, state,
                                 of_id=was.id)])[0]


def _get(db, transfer_id: uuid.UUID) -> Transfer:
    was = db.scalar(select(Transfer).where(Transfer.id == transfer_id))
    if was is None:
        raise NotFound
    return was
