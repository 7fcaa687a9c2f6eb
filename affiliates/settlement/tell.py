"""What others hear of a settlement: its progress, and each party that its sums changed."""
from sqlalchemy import text

from core import events
from core.ids import new_id

_PROGRESS = text("""SELECT count(*) AS chunks, count(*) FILTER (WHERE state = 'done') AS done,
  count(*) FILTER (WHERE state = 'failed') AS failed, coalesce(sum(parties), 0) AS parties,
  coalesce(sum(items), 0) AS items, coalesce(sum(amount_minor), 0) AS amount_minor
FROM settlement_chunks WHERE run_id = :run_id""")
_DUE = text("""INSERT INTO affiliate_totals_due (id, affiliate_id)
SELECT * FROM unnest(cast(:ids AS uuid[]), cast(:affiliate_ids AS uuid[]))""")


def progress_of(db, run) -> dict:
    """How far a run is, as pages and events carry it."""
    row = db.execute(_PROGRESS, {"run_id": run.id}).mappings().one()
    return {"run_id": str(run.id), "campaign_id": str(run.campaign_id), "seq": run.seq, "state": run.state,
            "currency": run.currency, **{name: int(value) for name, value in row.items()}, "result": run.result}


def progress(db, run) -> None:
    """On the stream `campaign:<id>`; of several that wait only the newest is told."""
    db.flush()
    events.append(db, f"campaign:{run.campaign_id}", "settlement.changed", progress_of(db, run), urgent=True,
                  merge_key=f"run:{run.id}")


def parties(db, affiliate_ids: list) -> None:
    """Their sums are told by the tick that tells all sums (affiliates/commission/tell.py)."""
    if affiliate_ids:
        db.execute(_DUE, {"ids": [new_id() for _ in affiliate_ids], "affiliate_ids": affiliate_ids})
