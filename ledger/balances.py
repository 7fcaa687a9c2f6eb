"""What accounts stand at, now or at an earlier moment, and how they came there.

A balance is in the direction of its account's side: what a "credit" account owes, what a "debit" account has.
"""
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from core.errors import NotFound

# The newest snapshot that is whole at the moment asked for, and the sum of later transfers up to that moment. Rows
# up to a snapshot's number were all written before it was taken, so a snapshot not younger than the moment fits it.
_BALANCES = """
SELECT a.id, a.owner, a.kind, a.currency, CASE a.side WHEN 'debit' THEN 1 ELSE -1 END * (
    coalesce(s.debits_minor - s.credits_minor, 0)
    + (SELECT coalesce(sum(t.amount_minor), 0) FROM ledger_transfers t WHERE t.debit_id = a.id
         AND t.seq > coalesce(s.through_seq, 0) AND t.state = 'posted' {until})
    - (SELECT coalesce(sum(t.amount_minor), 0) FROM ledger_transfers t WHERE t.credit_id = a.id
         AND t.seq > coalesce(s.through_seq, 0) AND t.state = 'posted' {until})) AS balance_minor
FROM ledger_accounts a LEFT JOIN LATERAL (
    SELECT through_seq, debits_minor, credits_minor FROM ledger_snapshots
    WHERE account_id = a.id {whole} ORDER BY through_seq DESC LIMIT 1) s ON true
WHERE """
_UNTIL = {"until": "AND t.created_at <= :as_of", "whole": "AND folded_at <= :as_of"}
_NOW = {"until": "", "whole": ""}


def balance(db, account_id: uuid.UUID, as_of: datetime | None = None) -> int:
    """Minor units on the account, now or at `as_of`. Raises NotFound."""
    row = db.execute(_sql("a.id = :id", as_of), {"id": account_id, **_moment(as_of)}).first()
    if row is None:
        raise NotFound
    return int(row.balance_minor)


def balances(db, account_ids: Iterable[uuid.UUID], as_of: datetime | None = None) -> dict[uuid.UUID, int]:
    """The same for many, in one statement."""
    rows = db.execute(_sql("a.id = ANY(cast(:ids AS uuid[]))", as_of), {"ids": list(account_ids), **_moment(as_of)})
    return {row.id: int(row.balance_minor) for row in rows}


def of_owner(db, owner: str) -> list:
    """Every account of one owner: rows with id, kind, currency, balance_minor."""
    return db.execute(_sql("a.owner = :owner ORDER BY a.kind, a.currency"), {"owner": owner}).all()


def of_owners(db, kind: str, owners: list[str]) -> list:
    """One kind of account of many owners: rows with id, owner, currency, balance_minor."""
    return db.execute(_sql("a.kind = :kind AND a.owner = ANY(cast(:owners AS text[]))"),
                      {"kind": kind, "owners": owners}).all()


def of_kind(db, kind: str, currency: str, owner_prefix: str = "") -> list:
    """Every account of a kind: rows with id, owner, balance_minor, by owner."""
    return db.execute(_sql("a.kind = :kind AND a.currency = :currency AND starts_with(a.owner, :prefix) "
                           "ORDER BY a.owner"), {"kind": kind, "currency": currency, "prefix": owner_prefix}).all()


def _sql(where: str, as_of: datetime | None = None):
    return text(_BALANCES.format(**(_UNTIL if as_of else _NOW)) + where)


def _moment(as_of: datetime | None) -> dict:
    return {"as_of": as_of} if as_of else {}


_JOURNAL = text("""
SELECT t.seq, t.created_at, t.key, t.code, t.amount_minor, t.currency, d.owner AS debit_owner, d.kind AS debit_kind,
       c.owner AS credit_owner, c.kind AS credit_kind
FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_id JOIN ledger_accounts c ON c.id = t.credit_id
WHERE t.journal = :journal AND t.journal <> '' AND t.state = 'posted' ORDER BY t.seq""")


def of_journal(db, journal: str) -> list:
    """All posted transfers that belong together, in the order of writing, with both sides' owners and kinds."""
    return db.execute(_JOURNAL, {"journal": journal}).all()


@dataclass(frozen=True)
class Line:
    """One posted transfer from an account's view. `change_minor` is signed, `balance_minor` is after it."""
    seq: int
    transfer_id: uuid.UUID
    at: datetime
    key: str
    code: str
    journal: str
    other_owner: str
    other_kind: str
    change_minor: int
    balance_minor: int


# No running sum over an account's whole life in memory: the window runs in the order of the index.
_LINES = """
SELECT t.seq, t.id AS transfer_id, t.created_at AS at, t.key, t.code, t.journal, o.owner AS other_owner,
       o.kind AS other_kind, t.change AS change_minor,
       sum(t.change) OVER (ORDER BY t.seq ROWS UNBOUNDED PRECEDING) AS balance_minor
FROM (SELECT t.*, t.credit_id AS other_id,
             CASE a.side WHEN 'debit' THEN t.amount_minor ELSE -t.amount_minor END AS change
      FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.debit_id WHERE t.debit_id = :id AND t.state = 'posted'
      UNION ALL
      SELECT t.*, t.debit_id, CASE a.side WHEN 'credit' THEN t.amount_minor ELSE -t.amount_minor END
      FROM ledger_transfers t JOIN ledger_accounts a ON a.id = t.credit_id
      WHERE t.credit_id = :id AND t.state = 'posted') t
JOIN ledger_accounts o ON o.id = t.other_id {until} ORDER BY t.seq"""


def statement(db, account_id: uuid.UUID, until: datetime | None = None) -> Iterator[Line]:
    """Every posted transfer of an account in the order of writing, with the balance after it."""
    sql = text(_LINES.format(until="WHERE t.created_at <= :until" if until else ""))
    values = {"id": account_id, **({"until": until} if until else {})}
    for row in db.execute(sql.execution_options(yield_per=1000), values):
        yield Line(**{**row._mapping, "change_minor": int(row.change_minor), "balance_minor": int(row.balance_minor)})


# Sums are folded for accounts that got at least this many transfers since: 10,000 are summed in about 2 ms.
FOLD_FROM = 10_000
_CUT = text("SELECT coalesce(max(seq), 0) AS seq, clock_timestamp() AS at FROM ledger_transfers")
_LAST_CUT = text("SELECT coalesce(max(through_seq), 0) FROM ledger_snapshots")
_FOLD = text("""
INSERT INTO ledger_snapshots (account_id, through_seq, debits_minor, credits_minor, transfers, folded_at)
SELECT m.account_id, :cut, coalesce(max(s.debits_minor), 0) + sum(m.debits),
       coalesce(max(s.credits_minor), 0) + sum(m.credits), coalesce(max(s.transfers), 0) + count(*), :at
FROM (SELECT debit_id AS account_id, seq, amount_minor AS debits, 0 AS credits FROM ledger_transfers
      WHERE state = 'posted' AND seq <= :cut
      UNION ALL
      SELECT credit_id, seq, 0, amount_minor FROM ledger_transfers WHERE state = 'posted' AND seq <= :cut) m
LEFT JOIN (SELECT DISTINCT ON (account_id) * FROM ledger_snapshots ORDER BY account_id, through_seq DESC) s
  ON s.account_id = m.account_id
WHERE m.seq > coalesce(s.through_seq, 0)
GROUP BY m.account_id HAVING count(*) >= :least
ON CONFLICT DO NOTHING""")


def fold(db, least: int = FOLD_FROM) -> int:
    """Write snapshots for accounts with at least `least` transfers since their last; how many.

    Numbers are given before rows are committed, so "all up to N" is only sure when nobody is writing: a SHARE lock
    waits for writers, the highest number is read, and the lock goes with this function's first commit. Rows up to
    that number never change afterwards, so they are summed at leisure. Commits; call it with a session of its own.
    """
    db.execute(text("SET LOCAL lock_timeout = '200ms'"))  # payments wait behind us no longer than that
    db.execute(text("LOCK TABLE ledger_transfers IN SHARE MODE"))
    cut = db.execute(_CUT).one()
    db.commit()
    if cut.seq - db.scalar(_LAST_CUT) < least:
        return 0
    made = db.execute(_FOLD, {"cut": cut.seq, "at": cut.at, "least": least}).rowcount
    db.commit()
    return made
