"""How a campaign's budget for commissions is used up: what the shop's people see, and hear while it happens."""
import uuid

from sqlalchemy import select, text

from affiliates.commission.models import Budget
from campaigns.terms.models import Campaign
from core import events
from core.clock import iso, now
from core.events import Stream

# Of all that a campaign costs, at most so many points of time; a show of two hours has one a minute.
POINTS = 120
_MOVED = text("""
SELECT b.campaign_id, b.currency, b.amount_minor, b.spent_minor FROM commission_budgets b
JOIN campaigns c ON c.id = b.campaign_id WHERE c.state IN ('scheduled', 'live')""")
# What was earned and what went back, in bins of the whole time, each with its last moment; the running sum of it.
_POINTS = text("""
WITH moves AS (
  SELECT created_at AS at, amount_minor AS minor FROM commissions WHERE campaign_id = :id AND kind = 'sale'
  UNION ALL SELECT a.created_at, a.amount_minor FROM commission_adjustments a JOIN commissions c
    ON c.id = a.commission_id WHERE c.campaign_id = :id AND c.kind = 'sale'
), span AS (SELECT min(at) AS first, greatest(60, extract(epoch FROM max(at) - min(at)) / :points) AS wide FROM moves),
bins AS (SELECT floor(extract(epoch FROM m.at - s.first) / s.wide) AS bin, max(m.at) AS at, sum(m.minor) AS minor
  FROM moves m CROSS JOIN span s GROUP BY 1)
SELECT extract(epoch FROM at) AS at, (sum(minor) OVER (ORDER BY bin))::bigint AS spent FROM bins ORDER BY bin""")
# What was told last, by this process; a new leader tells everything once.
_told: dict[uuid.UUID, tuple[int, int]] = {}


def stream(campaign_id: uuid.UUID) -> str:
    return f"budget:{campaign_id}"


def snapshot(db, campaign: Campaign) -> dict:
    """Everything the page draws. `points`: [[seconds since 1970, spent until then]]; amount None: no budget."""
    seq = db.scalar(select(Stream.seq).where(Stream.name == stream(campaign.id))) or 0
    budget = db.get(Budget, campaign.id)
    points = [[float(row.at), row.spent] for row in db.execute(_POINTS, {"id": campaign.id, "points": POINTS})]
    return {"campaign_id": str(campaign.id), "seq": seq, "currency": campaign.currency, "points": points,
            "amount_minor": budget and budget.amount_minor,
            "spent_minor": budget.spent_minor if budget else (points[-1][1] if points else 0)}


def tell_budgets(db) -> int:
    """Tell of every budget of a running campaign that moved since the last time; how many.

    Read after the commits that moved it: the last one told is right, and no payment does anything for it."""
    moved = [row for row in db.execute(_MOVED) if _told.get(row.campaign_id) != (row.amount_minor, row.spent_minor)]
    at = iso(now())
    events.append_all(db, [
        {"stream": stream(row.campaign_id), "kind": "budget.moved", "urgent": True, "merge_key": "budget",
         "payload": {"campaign_id": str(row.campaign_id), "currency": row.currency, "amount_minor": row.amount_minor,
                     "spent_minor": row.spent_minor, "at": at}} for row in moved])
    if len(_told) > 10_000:
        _told.clear()
    _told.update({row.campaign_id: (row.amount_minor, row.spent_minor) for row in moved})
    return len(moved)
