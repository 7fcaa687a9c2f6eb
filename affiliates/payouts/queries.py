"""Reading payouts: batches with who is in and who is not, a party's payouts, what waits for a person."""
import uuid

from sqlalchemy import func, select, text
from sqlalchemy.orm import aliased

from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt, PayoutBatch, PayoutExclusion
from affiliates.settlement import books
from core.errors import NotFound


def access_batch(db, batch_id: uuid.UUID) -> PayoutBatch:
    """A batch, for operators. Raises NotFound."""
    found = db.get(PayoutBatch, batch_id)
    if found is None:
        raise NotFound
    return found


def batches(db, limit: int = 50) -> list[PayoutBatch]:
    """The newest first."""
    return list(db.scalars(select(PayoutBatch).order_by(PayoutBatch.number.desc()).limit(limit)))


def payouts_of_batch(db, batch_id: uuid.UUID) -> list[tuple[Payout, PayoutAccount]]:
    """Everybody in a batch with their account, the largest first."""
    return [tuple(row) for row in db.execute(
        select(Payout, PayoutAccount).join(PayoutAccount, PayoutAccount.id == Payout.account_id)
        .where(Payout.batch_id == batch_id).order_by(Payout.amount_minor.desc(), Payout.id))]


def left_out(db, batch_id: uuid.UUID) -> list[PayoutExclusion]:
    """Who was left out of a batch, with balance and reason."""
    return list(db.scalars(select(PayoutExclusion).where(PayoutExclusion.batch_id == batch_id)
                           .order_by(PayoutExclusion.reason, PayoutExclusion.owner)))


def totals_of_batch(db, batch_id: uuid.UUID) -> dict[str, tuple[int, int]]:
    """{state: (how many, minor units)} of a batch."""
    return {state: (count, int(minor)) for state, count, minor in db.execute(
        select(Payout.state, func.count(), func.sum(Payout.amount_minor)).where(Payout.batch_id == batch_id)
        .group_by(Payout.state))}


def payouts_of(db, owner: str, limit: int = 50) -> list[Payout]:
    """A party's payouts, the newest first."""
    return list(db.scalars(select(Payout).where(Payout.owner == owner, Payout.state != "draft")
                           .order_by(Payout.id.desc()).limit(limit)))


PER_PAGE = 20


def history(db, owner: str, page: int = 1) -> tuple[list[tuple[Payout, PayoutAccount]], int]:
    """A party's payouts since they were approved, the newest first, with where they went; and how many there are."""
    mine = (Payout.owner == owner) & Payout.state.not_in(("draft", "dropped"))
    found = (select(Payout, PayoutAccount).join(PayoutAccount, PayoutAccount.id == Payout.account_id).where(mine)
             .order_by(Payout.id.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [tuple(row) for row in db.execute(found)], db.scalar(select(func.count()).select_from(Payout).where(mine))


def attempts_of(db, payout_id: uuid.UUID) -> list[PayoutAttempt]:
    return list(db.scalars(select(PayoutAttempt).where(PayoutAttempt.payout_id == payout_id)
                           .order_by(PayoutAttempt.n)))


CONTRADICTED = PayoutAttempt.failure.like("%\\_then\\_%") | (PayoutAttempt.failure == "amount_mismatch")


def access_attempt(db, attempt_id: uuid.UUID, payout_id: uuid.UUID) -> PayoutAttempt:
    """An attempt of this payout, for operators. Raises NotFound."""
    found = db.get(PayoutAttempt, attempt_id)
    if found is None or found.payout_id != payout_id:
        raise NotFound
    return found


def troubled(db, limit: int = 100) -> list[tuple[Payout, PayoutAttempt]]:
    """What waits for a person: unknown outcomes, rejected ones that no later payout made good, and attempts (also
    earlier ones) about which a bank contradicted itself."""
    newer = aliased(Payout)
    made_good = select(newer.id).where(newer.owner == Payout.owner, newer.currency == Payout.currency,
                                       newer.id > Payout.id, newer.state != "dropped").exists()
    running = (PayoutAttempt.n == Payout.attempt) & (
        (Payout.state == "unknown") | (Payout.state == "rejected") & ~made_good)
    return [tuple(row) for row in db.execute(
        select(Payout, PayoutAttempt).join(PayoutAttempt, PayoutAttempt.payout_id == Payout.id)
        .where(running | CONTRADICTED).order_by(Payout.id, PayoutAttempt.n).limit(limit))]


def access_payout(db, payout_id: uuid.UUID, owner: str | None = None) -> Payout:
    """A payout, for operators; of this party alone if `owner` is given. Raises NotFound."""
    found = db.get(Payout, payout_id)
    if found is None or owner not in (None, found.owner):
        raise NotFound
    return found


def accounts_to_verify(db, limit: int = 100) -> list[PayoutAccount]:
    """Payout accounts that nobody verified yet, the oldest first."""
    return list(db.scalars(select(PayoutAccount).where(
        PayoutAccount.replaced_at.is_(None), PayoutAccount.verified_at.is_(None)).order_by(PayoutAccount.id)
        .limit(limit)))


_PAID = text("""SELECT owner, currency, sum(amount_minor) FILTER (WHERE state = 'paid')::bigint AS paid,
  sum(amount_minor) FILTER (WHERE state IN ('reserved', 'submitted', 'unknown'))::bigint AS on_the_way
FROM payouts WHERE owner = ANY(cast(:owners AS text[])) GROUP BY owner, currency""")


def sums_of(db, owner: str, currency: str) -> dict[str, int]:
    """{"paid", "on_the_way"} of a party in one currency, minor units."""
    row = next((row for row in db.execute(_PAID, {"owners": [owner]}) if row.currency == currency), None)
    return {"paid": (row and row.paid) or 0, "on_the_way": (row and row.on_the_way) or 0}


def totals(db, affiliate_ids: list[uuid.UUID]) -> dict:
    """{(affiliate, currency): {"paid", "on_the_way"}} in minor units."""
    by_owner = {books.affiliate(id_): id_ for id_ in affiliate_ids}
    return {(by_owner[row.owner], row.currency): {"paid": row.paid or 0, "on_the_way": row.on_the_way or 0}
            for row in db.execute(_PAID, {"owners": list(by_owner)})}
