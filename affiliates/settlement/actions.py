"""Opening a run, settling a chunk, finishing. Truth, locks and progress are rows; who calls and how often is all one.

Lock order: campaign, run, chunk. A process that dies loses its transaction and with it the lock; whatever comes next
takes the chunk again. Two that do the same chunk cannot: the second skips the locked row, and finds it done later.
"""
import uuid
from datetime import datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from affiliates.commission.actions import award_bonuses
from affiliates.commission.models import Bonus
from affiliates.people import acts
from affiliates.people.queries import terms_of
from affiliates.settlement import audit, books, sums, tell
from affiliates.settlement.models import SettlementChunk, SettlementMerchant, SettlementRun
from campaigns.terms import lifecycle
from campaigns.terms.models import Campaign
from core.errors import DomainError
from core.ids import new_id

# Commissions in a chunk: about 0.3 s each, so a killed worker loses little and a lock is short.
CHUNK_SIZE = 40_000
MOST_TRIES = 3


class NotEnded(DomainError):
    code, message = "not_ended", _l("A campaign is settled after it has ended.")


_BOUNDS = text("""
SELECT no, (array_agg(affiliate_id ORDER BY affiliate_id))[1] AS lo,
       (array_agg(affiliate_id ORDER BY affiliate_id DESC))[1] AS hi
FROM (SELECT affiliate_id, div(sum(count(*)) OVER (ORDER BY affiliate_id) - count(*), :size)::int AS no
      FROM commissions WHERE campaign_id = :campaign_id GROUP BY affiliate_id) parties
GROUP BY no ORDER BY no""")


def open_run(db, campaign_id: uuid.UUID, by=None, size: int = CHUNK_SIZE,
             cutoff: datetime | None = None) -> tuple[SettlementRun, bool]:
    """Begin to settle a campaign: (the run, whether it is new). An unfinished run is the answer to a second call.

    The first time, bonuses are awarded and the campaign is `settling`. A settled campaign may be settled again: the
    run takes what changed since, mostly nothing. Raises NotEnded.
    """
    campaign = lifecycle.lock(db, campaign_id)
    if campaign.state not in ("ended", "settling", "settled"):
        raise NotEnded
    if campaign.state == "ended":
        _close(db, campaign)
    run = db.scalar(select(SettlementRun).where(SettlementRun.campaign_id == campaign_id,
                                                SettlementRun.state != "audited"))
    if run:
        return run, False
    seq = db.scalar(select(func.coalesce(func.max(SettlementRun.seq), 0)).where(
        SettlementRun.campaign_id == campaign_id)) + 1
    made = db.scalar(insert(SettlementRun).values(
        id=new_id(), campaign_id=campaign_id, merchant_id=campaign.merchant_id, currency=campaign.currency, seq=seq,
        state="open", cutoff=cutoff or func.clock_timestamp(), opened_by=by and by.id, result={})
        .on_conflict_do_nothing().returning(SettlementRun))
    _cut(db, made, size)
    acts.note(db, "settlement.opened", made.id, by=by, merchant_id=campaign.merchant_id, seq=seq)
    tell.progress(db, made)
    return made, True


def _close(db, campaign: Campaign) -> None:
    """Sums that depend on the whole campaign, then no more changes to it."""
    if db.scalar(select(Bonus.id).where(Bonus.campaign_id == campaign.id).limit(1)):
        award_bonuses(db, campaign.id)  # reads every commission of the campaign: only where there is something to win
    lifecycle.move(db, campaign, "settling")


def _cut(db, run: SettlementRun, size: int) -> None:
    rows = db.execute(_BOUNDS, {"campaign_id": run.campaign_id, "size": size}).all()
    if rows:
        db.execute(insert(SettlementChunk), [{"run_id": run.id, "no": no, "lo": row.lo, "hi": row.hi}
                                             for no, row in enumerate(rows, 1)])


class ChunkFailed(Exception):
    """A chunk could not be settled; its transaction is gone. `no` says which."""

    def __init__(self, no: int):
        self.no = no
        super().__init__(f"chunk {no}")


def settle_next(db, run_id: uuid.UUID) -> SettlementChunk | None:
    """Settle one chunk that nobody is at, in this transaction; None if there is none. Raises ChunkFailed."""
    chunk = db.scalar(select(SettlementChunk).where(
        SettlementChunk.run_id == run_id, SettlementChunk.state == "todo")
        .order_by(SettlementChunk.tries, SettlementChunk.no).limit(1).with_for_update(skip_locked=True))
    if chunk is None:
        return None
    run = db.get(SettlementRun, run_id)
    try:
        _settle(db, run, chunk)
    except Exception as error:
        raise ChunkFailed(chunk.no) from error
    return chunk


def _settle(db, run: SettlementRun, chunk: SettlementChunk) -> None:
    """One statement takes everything of the range and adds it up; one more posts it."""
    sums.prepare(db)
    rows = db.execute(sums.TAKE, {"campaign_id": run.campaign_id, "run_id": run.id, "lo": chunk.lo, "hi": chunk.hi,
                                  "cutoff": run.cutoff}).all()
    books.post_parties(db, run, {row.affiliate_id: row.amount_minor for row in rows})
    chunk.state, chunk.done_at, chunk.error = "done", func.clock_timestamp(), None
    chunk.parties, chunk.items = len(rows), sum(row.items for row in rows)
    chunk.adjustments = sum(row.adjustments for row in rows)
    chunk.amount_minor = sum(row.amount_minor for row in rows)
    db.execute(update(SettlementRun).where(SettlementRun.id == run.id, SettlementRun.state == "open")
               .values(state="running").execution_options(synchronize_session=False))
    db.flush()
    tell.parties(db, [row.affiliate_id for row in rows])


def note_failure(db, run_id: uuid.UUID, no: int, error: str) -> None:
    """Keep what went wrong with a chunk; after the third time it waits for a person."""
    chunk = db.scalar(select(SettlementChunk).where(SettlementChunk.run_id == run_id, SettlementChunk.no == no)
                      .with_for_update())
    if chunk.state == "todo":
        chunk.tries, chunk.error = chunk.tries + 1, error[:500]
        chunk.state = "failed" if chunk.tries >= MOST_TRIES else "todo"


def retry(db, run_id: uuid.UUID, by) -> int:
    """A person has failed chunks done again; how many there are. Then wake the run (jobs.wake)."""
    count = db.execute(update(SettlementChunk).where(
        SettlementChunk.run_id == run_id, SettlementChunk.state == "failed").values(state="todo", tries=0)
        .execution_options(synchronize_session=False)).rowcount
    run = db.get(SettlementRun, run_id)
    acts.note(db, "settlement.retried", run_id, by=by, merchant_id=run.merchant_id, chunks=count)
    return count


def finish(db, run_id: uuid.UUID) -> bool:
    """When every chunk is done: settle the merchant. Whether the run is settled now, by us or before."""
    run = _lock(db, run_id)
    if run is None or db.scalar(select(SettlementChunk.no).where(
            SettlementChunk.run_id == run_id, SettlementChunk.state != "done").limit(1)):
        return False
    if run.state not in ("open", "running"):
        return True
    sums.prepare(db)
    row = merchant_part(db, run.campaign_id, run.merchant_id, run.cutoff)
    left = db.execute(sums.LEFT_OVER, {"campaign_id": run.campaign_id, "cutoff": run.cutoff,
                                       "through": row.pop("through")}).mappings().one()
    db.execute(insert(SettlementMerchant).values(run_id=run.id, merchant_id=run.merchant_id, **row))
    books.post_merchant(db, run, row["amount_minor"])
    parts = db.execute(select(
        func.coalesce(func.sum(SettlementChunk.items), 0), func.coalesce(func.sum(SettlementChunk.adjustments), 0),
        func.coalesce(func.sum(SettlementChunk.parties), 0), func.coalesce(func.sum(SettlementChunk.amount_minor), 0))
        .where(SettlementChunk.run_id == run_id)).one()
    run.result = {"items": int(parts[0]), "adjustments": int(parts[1]), "parties": int(parts[2]),
                  "commissions_minor": int(parts[3]), "merchant_minor": row["amount_minor"], "left": dict(left)}
    run.state, run.settled_at = "settled", func.clock_timestamp()
    db.flush()
    tell.progress(db, run)
    return True


def merchant_part(db, campaign_id, merchant_id, cutoff) -> dict:
    """The merchant's figures as a row of settlement_merchants holds them; and how many orders are `through`."""
    row = db.execute(sums.MERCHANT, {"campaign_id": campaign_id, "cutoff": cutoff,
                                     "hold_days": terms_of(db, merchant_id).hold_days}).mappings().one()
    due = row["sales_minor"] - sum(row[f"{what}_minor"] for what in ("refunds", "disputes", "fees", "commissions"))
    return {**row, "due_minor": due, "amount_minor": due - row["before_minor"]}


def audit_run(db, run_id: uuid.UUID) -> SettlementRun | None:
    """Recompute every amount of a settled run. Nothing found: audited, and the campaign is settled if nothing is
    left over. Something found: blocked, with what it was. None if somebody else is at it or it is not settled."""
    run = _lock(db, run_id)
    if run is None or run.state not in ("settled", "blocked"):
        return None
    sums.prepare(db)
    found = audit.problems(db, run)
    run.result = {**run.result, "problems": found}
    run.state = "blocked" if found else "audited"
    run.audited_at = None if found else func.clock_timestamp()
    db.flush()
    if not found:
        campaign = db.get(Campaign, run.campaign_id)
        if campaign.state == "settling" and not any(run.result["left"].values()):
            lifecycle.move(db, campaign, "settled")
    tell.progress(db, run)
    return run


def _lock(db, run_id: uuid.UUID) -> SettlementRun | None:
    """The run, unless somebody else finishes or audits it right now."""
    return db.scalar(select(SettlementRun).where(SettlementRun.id == run_id).with_for_update(skip_locked=True)
                     .execution_options(populate_existing=True))
