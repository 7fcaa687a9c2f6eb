"""Kinds of accounts, and opening them. Kinds are given by the packages that use the ledger, when they are imported."""
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import text

from core.ids import new_id


@dataclass(frozen=True)
class Kind:
    """`side`: "debit" (what is had) or "credit" (what is owed). `floor`: the database refuses a balance below zero."""
    name: str
    side: str
    floor: bool


KINDS: dict[str, Kind] = {}


def kind(name: str, side: str, floor: bool = False) -> str:
    """Register a kind of account; its name. A kind never changes: a second, other registration is a ValueError."""
    made = Kind(name, side, floor)
    if side not in ("debit", "credit") or KINDS.setdefault(name, made) != made:
        raise ValueError(f"account kind {name!r} is {KINDS.get(name)} already, or has no such side as {side!r}")
    return name


_FIND = text("""SELECT a.owner, a.kind, a.currency, a.id FROM ledger_accounts a
                JOIN unnest(cast(:owners AS text[]), cast(:kinds AS text[]), cast(:currencies AS text[]))
                  AS v(owner, kind, currency) USING (owner, kind, currency)""")
_OPEN = text("""INSERT INTO ledger_accounts (id, owner, kind, currency, side, floor)
                SELECT * FROM unnest(cast(:ids AS uuid[]), cast(:owners AS text[]), cast(:kinds AS text[]),
                                     cast(:currencies AS text[]), cast(:sides AS text[]), cast(:floors AS bool[]))
                ON CONFLICT (owner, kind, currency) DO NOTHING RETURNING owner, kind, currency, id""")


def open(db, owner: str, kind: str, currency: str) -> uuid.UUID:
    """The account of that owner, kind and currency; made if there is none. Safe when two ask at once."""
    return open_all(db, [(owner, kind, currency)])[owner, kind, currency]


def open_all(db, wanted: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], uuid.UUID]:
    """As open, for many (owner, kind, currency) at once: one statement when all are there, two when one is new, three
    when somebody else opens one in the same moment."""
    wanted = sorted(set(wanted))
    found = _ask(db, _FIND, _columns(wanted))
    if missing := [one for one in wanted if one not in found]:
        kinds = [KINDS[name] for _owner, name, _currency in missing]
        found |= _ask(db, _OPEN, {"ids": [new_id() for _ in missing], **_columns(missing),
                                  "sides": [one.side for one in kinds], "floors": [one.floor for one in kinds]})
    if missing := [one for one in missing if one not in found]:
        found |= _ask(db, _FIND, _columns(missing))
    return found


def _ask(db, statement, columns: dict) -> dict:
    return {(owner, name, currency): id_ for owner, name, currency, id_ in db.execute(statement, columns)}


def _columns(wanted) -> dict:
    owners, kinds, currencies = zip(*wanted, strict=True) if wanted else ((), (), ())
    return {"owners": list(owners), "kinds": list(kinds), "currencies": list(currencies)}


def lock(db, ids: Iterable[uuid.UUID]) -> None:
    """Hold these accounts until the transaction ends, so that who decides by their balances decides alone.

    Posting to them does not wait for this; only others who lock do.
    """
    db.execute(text("SELECT id FROM ledger_accounts WHERE id = ANY(cast(:ids AS uuid[])) ORDER BY id "
                    "FOR NO KEY UPDATE"), {"ids": list(ids)})
