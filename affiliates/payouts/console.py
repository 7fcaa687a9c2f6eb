"""Reads of the payout console: what is owed, who made which batch, what waits for a person."""
import uuid
from dataclasses import dataclass

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from affiliates.payouts.models import Payout, PayoutAccount, PayoutBatch, PayoutExclusion, Reconciliation
from affiliates.payouts.queries import accounts_to_verify, troubled
from affiliates.people.models import Affiliate
from affiliates.settlement.books import PAYABLE
from ledger import balances
from members.models import Member, Merchant

PER_PAGE = 20


@dataclass(frozen=True)
class Owed:
    """One currency, in minor units. `debt_minor` is what parties owe us, above zero."""
    currency: str
    parties: int
    owed_minor: int
    debtors: int
    debt_minor: int
    transit_minor: int


_CURRENCIES = text("SELECT DISTINCT currency FROM ledger_accounts WHERE kind = :kind ORDER BY currency")
_TRANSIT = text("SELECT currency, sum(amount_minor)::bigint FROM payouts "
                "WHERE state IN ('reserved', 'submitted', 'unknown') GROUP BY currency")


def owed(db) -> list[Owed]:
    """What is owed and what is on the way, by currency; only where there is something."""
    transit, found = dict(map(tuple, db.execute(_TRANSIT))), []
    for currency in db.scalars(_CURRENCIES, {"kind": PAYABLE}):
        minors = [int(row.balance_minor) for row in balances.of_kind(db, PAYABLE, currency)]
        plus, minus = [one for one in minors if one > 0], [-one for one in minors if one < 0]
        if plus or minus or transit.get(currency):
            found.append(Owed(currency, len(plus), sum(plus), len(minus), sum(minus), transit.get(currency, 0)))
    return found


def debts(db) -> list[tuple[str, str, int]]:
    """(owner, currency, minor units owed to us), the largest first within a currency."""
    found = [(row.owner, currency, -int(row.balance_minor)) for currency in db.scalars(_CURRENCIES, {"kind": PAYABLE})
             for row in balances.of_kind(db, PAYABLE, currency) if row.balance_minor < 0]
    return sorted(found, key=lambda one: (one[1], -one[2], one[0]))


def names(db, owners) -> dict[str, str]:
    """{owner of accounts: the name that people know}; what we do not know stays as written."""
    found = {owner: owner for owner in owners}
    for prefix, table, column in (("affiliate:", Affiliate, Affiliate.display_name),
                                  ("merchant:", Merchant, Merchant.name)):
        ids = [id_ for owner in list(found) if owner.startswith(prefix) and (id_ := _id(owner))]
        rows = db.execute(select(table.id, column).where(table.id.in_(ids))) if ids else ()
        found |= {f"{prefix}{id_}": name for id_, name in rows}
    return found


def _id(owner: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(owner.partition(":")[2])
    except ValueError:
        return None


@dataclass(frozen=True)
class BatchRow:
    """A batch with its makers' names, how many are in it, and their sum in minor units."""
    batch: PayoutBatch
    made_by: str
    approved_by: str | None
    payouts: int
    amount_minor: int


def batch_rows(db, page: int = 1) -> tuple[list[BatchRow], int]:
    """Batches, the newest first, and how many there are. Who fell out when a batch was approved does not count."""
    maker, checker = aliased(Member), aliased(Member)
    kept = Payout.state != "dropped"
    sums = (select(Payout.batch_id, func.count().filter(kept).label("count"),
                   func.coalesce(func.sum(Payout.amount_minor).filter(kept), 0).label("minor"))
            .group_by(Payout.batch_id).subquery())
    rows = db.execute(select(PayoutBatch, maker.name, checker.name, func.coalesce(sums.c.count, 0),
                             func.coalesce(sums.c.minor, 0))
                      .join(maker, maker.id == PayoutBatch.created_by)
                      .outerjoin(checker, checker.id == PayoutBatch.approved_by)
                      .outerjoin(sums, sums.c.batch_id == PayoutBatch.id)
                      .order_by(PayoutBatch.number.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    total = db.scalar(select(func.count()).select_from(PayoutBatch))
    return [BatchRow(batch, made, checked, count, int(minor)) for batch, made, checked, count, minor in rows], total


def waiting(db) -> dict[str, int]:
    """How much waits for a person: accounts to verify, payouts in trouble."""
    return {"accounts": len(accounts_to_verify(db, 1000)), "troubled": len(troubled(db, 1000))}


# Twenty thousand affiliates make no page that anybody reads.
LINES = 100


def who_is_in(db, batch: PayoutBatch, page: int = 1) -> tuple[list[tuple[Payout, PayoutAccount]], int]:
    """Payouts of a batch with their accounts, the largest first, and how many. Who fell out at its approval is among
    those left out instead."""
    inside = (Payout.batch_id == batch.id) & ((Payout.state != "dropped") | (batch.state == "cancelled"))
    found = (select(Payout, PayoutAccount).join(PayoutAccount, PayoutAccount.id == Payout.account_id).where(inside)
             .order_by(Payout.amount_minor.desc(), Payout.id).limit(LINES).offset((page - 1) * LINES))
    return [tuple(row) for row in db.execute(found)], db.scalar(select(func.count()).select_from(Payout).where(inside))


def who_is_out(db, batch: PayoutBatch, page: int = 1) -> tuple[list[PayoutExclusion], int]:
    """Who was left out, by reason, and how many."""
    mine = PayoutExclusion.batch_id == batch.id
    found = (select(PayoutExclusion).where(mine).order_by(PayoutExclusion.reason, PayoutExclusion.owner)
             .limit(LINES).offset((page - 1) * LINES))
    return list(db.scalars(found)), db.scalar(select(func.count()).select_from(PayoutExclusion).where(mine))


def reconciliations(db, limit: int = 20) -> list[tuple[Reconciliation, str]]:
    """Files of banks that were applied, the newest first, with who did it."""
    return [tuple(row) for row in db.execute(
        select(Reconciliation, Member.name).join(Member, Member.id == Reconciliation.by_member_id)
        .order_by(Reconciliation.id.desc()).limit(limit))]


def account_before(db, account: PayoutAccount) -> PayoutAccount | None:
    """The account that this one replaced."""
    return db.scalar(select(PayoutAccount).where(
        PayoutAccount.owner == account.owner, PayoutAccount.created_at < account.created_at)
        .order_by(PayoutAccount.created_at.desc()).limit(1))
