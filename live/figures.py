"""Counters of running shows, once a second, by whoever leads the relay: never numbered, the newest replaces.

Each says in which state of the show it was read: a page that knows of another leaves it alone."""
import time
import uuid

from sqlalchemy import text

from core import clock, events
from core.db import reading, transaction
from core.ticks import every
from live import presence, rehearsal
from live.rooms import rehearsal_room
from live.show.models import LiveSession

# Claims and holds are counted at most this often: a show has 100,000 of them, its control page looks once a second.
COUNTS_SECONDS = 2.0

ACTIVE = text("""SELECT id FROM live_sessions WHERE state IN ('live', 'paused', 'rehearsal')
                 OR state = 'scheduled' AND starts_at
                    BETWEEN now() - interval '1 hour' AND now() + interval '1 hour'""")
BOUGHT = text("""
SELECT coalesce(sum(l.quantity), 0) FROM orders o JOIN order_lines l ON l.order_id = o.id
WHERE o.live_session_id = :live AND o.rehearsal = :rehearsal AND o.paid_at > clock_timestamp() - interval '1 minute'""")
MONEY = text("""
SELECT date_trunc('minute', paid_at) AS minute, count(*) AS orders, sum(total_minor) AS minor
FROM orders WHERE live_session_id = :live AND rehearsal = :rehearsal AND paid_at IS NOT NULL GROUP BY 1 ORDER BY 1""")
COUNTS = text("""
WITH shelf AS (SELECT s.id FROM offer_stock s JOIN offers f ON f.id = s.offer_id
               WHERE f.campaign_id = :campaign AND s.rehearsal = :rehearsal)
SELECT (SELECT count(*) FROM claims c
        WHERE c.stock_id IN (TABLE shelf) AND c.outcome = 'held' AND c.created_at >= :since),
       (SELECT count(*) FROM claims c
        WHERE c.stock_id IN (TABLE shelf) AND c.outcome <> 'held' AND c.created_at >= :since),
       sum(h.quantity) FILTER (WHERE h.state = 'held'), sum(h.quantity) FILTER (WHERE h.state = 'consumed'),
       sum(h.quantity) FILTER (WHERE h.state IN ('released', 'expired'))
FROM holds h WHERE h.stock_id IN (TABLE shelf) AND h.live_session_id = :live""")
LAG = text("""
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM e.published_at - e.created_at)) * 1000
FROM events e
WHERE e.stream = :stream AND e.seq > (SELECT seq - 50 FROM streams WHERE name = :stream)
  AND e.published_at > clock_timestamp() - interval '30 seconds'""")

_counts: dict[tuple, tuple[float, tuple]] = {}


def tick_frames(db) -> list[dict]:
    """One frame to viewers and one to control pages for each show that is on, rehearsed, or about to start."""
    frames = []
    for live_id in db.scalars(ACTIVE).all():
        show = db.get(LiveSession, live_id)
        tick = public_tick(db, live_id)
        room = rehearsal_room(live_id) if show.state == "rehearsal" else events.live_stream(live_id)
        frames.append({"room": room, "name": "tick", "data": tick})
        frames.append({"room": events.staff_stream(live_id), "name": "figures",
                       "data": staff_figures(db, live_id, tick)})
    return frames


def public_tick(db, live_id: uuid.UUID) -> dict:
    """What every viewer's page counts."""
    show = db.get(LiveSession, live_id)
    totals = presence.totals(live_id)
    return {"live_id": str(live_id), "state": show.state, "viewers": totals["viewers"] + _simulated(show),
            "reactions": show.reactions + totals["pending_reactions"], "bought_last_minute": int(db.scalar(
                BOUGHT, {"live": live_id, "rehearsal": show.state == "rehearsal"})), "now": clock.iso(clock.now())}


def _simulated(show: LiveSession) -> int:
    return rehearsal.viewers(show) if show.state == "rehearsal" else 0


def staff_figures(db, live_id: uuid.UUID, tick: dict | None = None) -> dict:
    """What the control page counts: people, claims, orders, money by the minute, and where the holds are (in units)."""
    show, tick = db.get(LiveSession, live_id), tick or public_tick(db, live_id)
    minutes = db.execute(MONEY, {"live": live_id, "rehearsal": show.state == "rehearsal"}).all()
    claims, refused, held, paid, returned = _cached_counts(db, show)
    lag = db.scalar(LAG, {"stream": events.live_stream(live_id)})
    return {"state": show.state, "viewers": tick["viewers"], "claims": claims, "refused": refused,
            "held": int(held or 0), "paid": int(paid or 0), "returned": int(returned or 0),
            "orders": sum(row.orders for row in minutes),
            "revenue_minor": sum(int(row.minor) for row in minutes),
            "revenue": [{"minute": clock.iso(row.minute), "minor": int(row.minor)} for row in minutes],
            "lag_ms": None if lag is None else round(float(lag)), "here": presence.totals(live_id)["here"],
            "bought_last_minute": tick["bought_last_minute"]}


def _cached_counts(db, show: LiveSession) -> tuple:
    key = (show.id, show.state == "rehearsal")
    kept = _counts.get(key)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    row = tuple(db.execute(COUNTS, {"campaign": show.campaign_id, "rehearsal": key[1], "live": show.id,
                                    "since": show.started_at or show.created_at}).one())
    if len(_counts) > 200:
        _counts.clear()
    _counts[key] = (time.monotonic() + COUNTS_SECONDS, row)
    return row


@every(2)
def keep_counts() -> None:
    """Reactions, and the viewers of each minute, into the database; rehearsals leave none."""
    with reading() as db:
        shows = db.scalars(ACTIVE).all()
    for live_id in shows:
        _keep(live_id)


def _keep(live_id: uuid.UUID) -> None:
    viewers, taken = presence.totals(live_id)["viewers"], presence.take_reactions(live_id)
    try:
        with transaction() as db:
            state = db.scalar(text("""UPDATE live_sessions SET reactions = reactions + :taken,
                peak_viewers = CASE WHEN state IN ('live', 'paused') THEN greatest(peak_viewers, :viewers)
                                    ELSE peak_viewers END
                WHERE id = :live RETURNING state"""), {"taken": taken, "viewers": viewers, "live": live_id})
            if state in ("live", "paused"):
                db.execute(text("""INSERT INTO viewer_minutes (live_session_id, minute, viewers)
                    VALUES (:live, date_trunc('minute', clock_timestamp()), :viewers)
                    ON CONFLICT (live_session_id, minute)
                    DO UPDATE SET viewers = greatest(viewer_minutes.viewers, EXCLUDED.viewers)"""),
                           {"live": live_id, "viewers": viewers})
    except Exception:
        presence.give_back_reactions(live_id, taken)
        raise
