"""RQ wakes settlements and nothing more: a job may run twice, die anywhere, or never come: a tick looks each minute."""
import uuid
from datetime import timedelta

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import OperationalError

from affiliates.settlement import actions
from affiliates.settlement.models import SettlementRun
from core import jobs
from core.clock import now
from core.db import engine, reading, transaction
from core.ticks import every

log = structlog.get_logger("settlement")
PATH = "affiliates.settlement.jobs.settle"
# A campaign that is not through is looked at again after this long.
AGAIN_AFTER = timedelta(days=1)


def settle(run_id: str) -> None:
    """Settle what is left of a run, chunk by chunk; then finish and audit it. Safe beside itself."""
    id_ = uuid.UUID(run_id)
    begin(id_)
    while _one(id_):
        pass
    with transaction() as db:
        settled = actions.finish(db, id_)
    if settled:
        audit(id_)


def audit(run_id: uuid.UUID) -> None:
    """Recompute every amount of a run that is settled, or was blocked. Safe beside itself."""
    with transaction() as db:
        if db.scalar(select(SettlementRun.state).where(SettlementRun.id == run_id)) not in ("settled", "blocked"):
            return
    # A plan made for the empty tables joined 2,000 parties with 4,000 transfers row by row: 12 s instead of 0.1 s.
    _know_sizes("settlement_items, settlement_adjustments, ledger_transfers, ledger_accounts")
    with transaction() as db:
        run = actions.audit_run(db, run_id)
    if run is not None and run.state == "blocked":
        log.error("settlement blocked by its audit", run=str(run_id), problems=run.result["problems"])


def begin(run_id: uuid.UUID) -> None:
    """Before the first chunk: a plan made for yesterday's empty table took 10 min where 46 s were enough.

    And what is visible to all must be known of commissions, so that a chunk reads its range of the index alone: in the
    table its rows lie in every page."""
    with transaction() as db:
        is_open = db.scalar(select(SettlementRun.state).where(SettlementRun.id == run_id)) == "open"
    if is_open:
        _say("VACUUM (ANALYZE, SKIP_LOCKED, TRUNCATE off, BUFFER_USAGE_LIMIT '32MB') commissions")
        _know_sizes("commission_adjustments, orders")


def _know_sizes(tables: str) -> None:
    """Count what lies in these tables of ours; where another counts already, leave it to that one."""
    _say(f"ANALYZE (SKIP_LOCKED) {tables}")


def _say(order: str) -> None:
    """Outside of any transaction."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(order))


def _one(run_id: uuid.UUID) -> bool:
    """Settle one chunk and tell how far the run is; False if there is none to take."""
    try:
        with transaction() as db:
            if actions.settle_next(db, run_id) is None:
                return False
    except actions.ChunkFailed as failed:
        if isinstance(failed.__cause__, OperationalError):
            raise  # the database went away or is busy: the chunk is not to blame; RQ or the tick comes again
        log.error("chunk failed", run=str(run_id), chunk=failed.no, error=repr(failed.__cause__))
        with transaction() as db:
            actions.note_failure(db, run_id, failed.no, repr(failed.__cause__))
        return True
    with transaction() as db:
        actions.tell.progress(db, db.get(SettlementRun, run_id))
    return True


def wake(run_id: uuid.UUID) -> bool:
    """After the commit that opened or retried a run: have it settled now rather than within a minute."""
    return jobs.enqueue(PATH, str(run_id), timeout_seconds=3600)


@every(60)
def wake_due() -> None:
    """Every run that is not finished."""
    with reading() as db:
        due = db.scalars(select(SettlementRun.id).where(SettlementRun.state.in_(("open", "running", "settled")))).all()
    for run_id in due:
        wake(run_id)


_DUE = text("""
SELECT c.id FROM campaigns c WHERE c.state IN ('settling', 'settled')
AND NOT EXISTS (SELECT FROM settlement_runs r WHERE r.campaign_id = c.id
                AND (r.state <> 'audited' OR r.opened_at > :since))
AND (c.state = 'settling'
  OR EXISTS (SELECT FROM refunds f JOIN orders o ON o.id = f.order_id WHERE o.campaign_id = c.id
             AND f.created_at > (SELECT max(cutoff) FROM settlement_runs r WHERE r.campaign_id = c.id))
  OR EXISTS (SELECT FROM disputes d JOIN orders o ON o.id = d.order_id WHERE o.campaign_id = c.id
             AND d.changed_at > (SELECT max(cutoff) FROM settlement_runs r WHERE r.campaign_id = c.id))
  OR EXISTS (SELECT FROM commission_adjustments a JOIN commissions m ON m.id = a.commission_id
             WHERE m.campaign_id = c.id AND a.created_at > (SELECT max(cutoff) FROM settlement_runs r
                                                            WHERE r.campaign_id = c.id)))""")


@every(600)
def open_due() -> None:
    """Once a day for a campaign that is not through, or was changed after it was settled: another run."""
    with reading() as db:
        due = db.scalars(_DUE, {"since": now() - AGAIN_AFTER}).all()
    for campaign_id in due:
        with transaction() as db:
            run, _fresh = actions.open_run(db, campaign_id)
        wake(run.id)


def unfinished(db) -> int:
    """How many runs are under way, for the operator's overview."""
    return db.scalar(select(func.count()).select_from(SettlementRun).where(SettlementRun.state != "audited"))
