"""The claim: one transaction for everybody who tapped while the last one was being committed.

Lock the offers' rows in id order, read limits and earlier answers, decide in memory (rules.decide), write everything
in one statement, commit, answer. PostgreSQL alone is the truth; the memo below may only reject.
"""
import time
import uuid
from collections import Counter as Tally
from datetime import timedelta
from functools import cache

import structlog
from prometheus_client import Counter, Histogram
from sqlalchemy.exc import IntegrityError

from campaigns.stock import rules
from campaigns.stock.batches import Batcher
from campaigns.stock.errors import NotOpen, OverLimit, SoldOut, UnknownOffer
from core import clock, events
from core.db import engine
from core.errors import Invalid, KeyConflict
from core.ids import new_id

log = structlog.get_logger("claims")
ANSWERS = Counter("livestall_claims", "answers to claims, by outcome", ["outcome"])
SECONDS = Histogram("livestall_claim_seconds", "from asking to the answer, in this process",
                    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3))
# A process may go on refusing this long after it saw an offer empty; then it asks the database again.
SOLD_OUT_MEMORY_SECONDS = 0.05
_sold_out: dict[tuple, float] = {}

LOCK = """
SELECT s.id, s.offer_id, s.rehearsal, s.mode, s.opens_at, s.closes_at, s."left", s.held, s.sold, s.reserve, s.waiting,
       s.version, s.price_minor, s.currency, s.unit_limit, s.hold_seconds, s.live_session_id
FROM offer_stock s JOIN unnest(%(offers)s::uuid[], %(rehearsals)s::bool[]) AS w(offer_id, rehearsal)
  ON s.offer_id = w.offer_id AND s.rehearsal = w.rehearsal
ORDER BY s.id FOR NO KEY UPDATE OF s"""

# After the lock: what it protects is read as it is now, and so is the clock that decides.
READ = """
SELECT 'now', NULL::uuid, NULL::uuid, NULL, 0, NULL::uuid, clock_timestamp()
UNION ALL
SELECT 'units', m.stock_id, m.member_id, NULL, m.units, NULL, NULL
FROM offer_members m JOIN unnest(%(stocks)s::uuid[], %(members)s::uuid[]) AS w(stock_id, member_id)
  USING (stock_id, member_id)
UNION ALL
SELECT c.outcome, c.stock_id, c.member_id, c.key, c.quantity, c.hold_id, NULL
FROM claims c JOIN unnest(%(members)s::uuid[], %(keys)s::text[]) AS w(member_id, key) USING (member_id, key)"""

KNOWN = """
SELECT c.outcome, c.stock_id, c.member_id, c.key, c.quantity, c.hold_id
FROM claims c JOIN unnest(%(members)s::uuid[], %(keys)s::text[]) AS w(member_id, key) USING (member_id, key)"""

WRITE = """
WITH hold AS (
  INSERT INTO holds (id, stock_id, offer_id, member_id, live_session_id, quantity, price_minor, state, source,
                     created_at, expires_at)
  SELECT h.id, h.stock_id, h.offer_id, h.member_id, h.live_session_id, h.quantity, h.price_minor, 'held', 'claim',
         %(now)s, h.expires_at
  FROM unnest(%(h_id)s::uuid[], %(h_stock)s::uuid[], %(h_offer)s::uuid[], %(h_member)s::uuid[], %(h_live)s::uuid[],
              %(h_quantity)s::int[], %(h_price)s::bigint[], %(h_expires)s::timestamptz[])
       AS h(id, stock_id, offer_id, member_id, live_session_id, quantity, price_minor, expires_at)
), counted AS (
  INSERT INTO offer_members (stock_id, member_id, units, unit_limit)
  SELECT * FROM unnest(%(m_stock)s::uuid[], %(m_member)s::uuid[], %(m_units)s::int[], %(m_limit)s::int[])
  ON CONFLICT (stock_id, member_id) DO UPDATE SET units = offer_members.units + EXCLUDED.units
), taken AS (
  UPDATE offer_stock s SET "left" = s."left" - t.units, held = s.held + t.units, version = s.version + 1
  FROM unnest(%(t_stock)s::uuid[], %(t_units)s::int[]) AS t(id, units) WHERE s.id = t.id
), said AS (
  INSERT INTO events (stream, kind, payload, urgent, merge_key)
  SELECT * FROM unnest(%(e_stream)s::text[], %(e_kind)s::text[], %(e_payload)s::jsonb[], %(e_urgent)s::bool[],
                       %(e_merge)s::text[])
)
INSERT INTO claims (member_id, key, stock_id, quantity, outcome, hold_id, created_at)
SELECT c.*, %(now)s FROM unnest(%(c_member)s::uuid[], %(c_key)s::text[], %(c_stock)s::uuid[], %(c_quantity)s::int[],
                                %(c_outcome)s::text[], %(c_hold)s::uuid[]) AS c"""

HOLD = """SELECT id, state, expires_at, created_at, price_minor, source FROM holds WHERE id = ANY(%(ids)s)"""


def claim(member_id: uuid.UUID, key: str, offer_id: uuid.UUID, quantity: int, rehearsal: bool = False) -> dict:
    """Reserve units for a member; the hold as pages see it. The same key gets the same answer.

    Raises SoldOut, OverLimit, NotOpen, UnknownOffer, KeyConflict, Invalid, or Busy (then send the same key again).
    """
    if not 1 <= len(key) <= 64:
        raise Invalid(fields={"key": ["1 to 64 characters"]})
    if not 1 <= quantity <= rules.MAX_QUANTITY:
        raise Invalid(fields={"quantity": [f"1 to {rules.MAX_QUANTITY}"]})
    start = time.monotonic()
    answer = _batcher().call((member_id, key, offer_id, quantity, rehearsal))
    SECONDS.observe(time.monotonic() - start)
    ANSWERS.labels("held" if isinstance(answer, dict) else answer.code).inc()
    if isinstance(answer, dict):
        return answer
    raise answer


@cache
def _batcher() -> Batcher:
    return Batcher(run_batch)


def run_batch(batch: list[tuple]) -> list:
    """Answer (member_id, key, offer_id, quantity, rehearsal) claims: a dict, or the refusal to raise."""
    moment = time.monotonic()
    empty = [_sold_out.get((offer, rehearsal), 0) > moment for _, _, offer, _, rehearsal in batch]
    rest = [item for item, gone in zip(batch, empty, strict=True) if not gone]
    late = [item for item, gone in zip(batch, empty, strict=True) if gone]
    answers = iter(_decide_in_database(rest) if rest else [])
    refused = iter(_refuse_unless_known(late) if late else [])
    return [next(refused) if gone else next(answers) for gone in empty]


def _decide_in_database(batch: list[tuple]) -> list:
    try:
        return _transaction(batch)
    except IntegrityError:
        # One key raced through two processes for different offers; the second look finds the first one's answer.
        return _transaction(batch)


def _transaction(batch: list[tuple]) -> list:
    pairs = {(offer, rehearsal) for _, _, offer, _, rehearsal in batch}
    with engine().connect() as connection, connection.begin():
        rows = connection.exec_driver_sql(LOCK, {"offers": [offer for offer, _ in pairs],
                                                 "rehearsals": [rehearsal for _, rehearsal in pairs]}).all()
        by_id = {row.id: row for row in rows}
        shelf_of = {(row.offer_id, row.rehearsal): row.id for row in rows}
        wanted = [rules.Wanted(member, key, shelf_of.get((offer, rehearsal)), quantity)
                  for member, key, offer, quantity, rehearsal in batch]
        now, units, known = _read(connection, wanted)
        shelves = {row.id: rules.Shelf(row.id, row.mode, row.opens_at, row.closes_at, row.left, row.unit_limit)
                   for row in rows}
        answers = rules.decide(wanted, shelves, units, known, now, new_id)
        _write(connection, wanted, answers, by_id, now)
        repeated = _holds(connection, [a.hold_id for a in answers if a.hold_id and not a.fresh])
    for row in rows:
        if shelves[row.id].left == 0 and row.mode != "closed":
            _sold_out[row.offer_id, row.rehearsal] = time.monotonic() + SOLD_OUT_MEMORY_SECONDS
    return [_reply(w, a, by_id.get(w.shelf_id), now, repeated) for w, a in zip(wanted, answers, strict=True)]


def _read(connection, wanted) -> tuple:
    found = connection.exec_driver_sql(READ, {
        "stocks": [w.shelf_id for w in wanted], "members": [w.member_id for w in wanted],
        "keys": [w.key for w in wanted]}).all()
    now, units, known = None, {}, {}
    for kind, stock_id, member_id, key, number, hold_id, moment in found:
        if kind == "now":
            now = moment
        elif kind == "units":
            units[stock_id, member_id] = number
        else:
            known[member_id, key] = rules.Known(stock_id, number, kind, hold_id)
    return now, units, known


def _write(connection, wanted, answers, by_id, now) -> None:
    fresh = [(w, a) for w, a in zip(wanted, answers, strict=True) if a.fresh]
    if not fresh:
        return
    won = [(w, a, by_id[w.shelf_id]) for w, a in fresh if a.outcome == "held"]
    expires = [now + timedelta(seconds=row.hold_seconds) for _, _, row in won]
    mine, taken = Tally(), Tally()
    for w, _, row in won:
        mine[row.id, w.member_id] += w.quantity
        taken[row.id] += w.quantity
    said = _events(won, expires, taken, by_id, now)
    connection.exec_driver_sql(WRITE, {
        "now": now,
        "h_id": [a.hold_id for _, a, _ in won], "h_stock": [row.id for *_, row in won],
        "h_offer": [row.offer_id for *_, row in won], "h_member": [w.member_id for w, *_ in won],
        "h_live": [row.live_session_id for *_, row in won], "h_quantity": [w.quantity for w, *_ in won],
        "h_price": [row.price_minor for *_, row in won], "h_expires": expires,
        "m_stock": [stock for stock, _ in mine], "m_member": [member for _, member in mine],
        "m_units": list(mine.values()), "m_limit": [by_id[stock].unit_limit for stock, _ in mine],
        "t_stock": list(taken), "t_units": list(taken.values()),
        "e_stream": [e[0] for e in said], "e_kind": [e[1] for e in said], "e_payload": [e[2] for e in said],
        "e_urgent": [e[3] for e in said], "e_merge": [e[4] for e in said],
        "c_member": [w.member_id for w, _ in fresh], "c_key": [w.key for w, _ in fresh],
        "c_stock": [w.shelf_id for w, _ in fresh], "c_quantity": [w.quantity for w, _ in fresh],
        "c_outcome": [a.outcome for _, a in fresh], "c_hold": [a.hold_id for _, a in fresh]})


def _events(won, expires, taken, by_id, now) -> list[tuple]:
    """One stock event an offer, and one for each winner's other windows."""
    said = []
    for stock_id, units in taken.items():
        row = by_id[stock_id]
        if row.live_session_id:
            payload = {"offer_id": str(row.offer_id), "version": row.version + 1, "mode": row.mode,
                       "left": row.left - units, "held": row.held + units, "sold": row.sold, "reserve": row.reserve,
                       "waiting": row.waiting, "price_minor": row.price_minor, "opens_at": clock.iso(row.opens_at),
                       "closes_at": clock.iso(row.closes_at), "rehearsal": row.rehearsal}
            said.append((events.live_stream(row.live_session_id), "offer.stock", events.dumps(payload), False,
                         str(row.offer_id)))
    for (w, a, row), until in zip(won, expires, strict=True):
        payload = {"hold": _hold(a.hold_id, row, w.quantity, "held", "claim", row.price_minor, until, now)}
        said.append((events.member_stream(w.member_id), "hold.changed", events.dumps(payload), True, None))
    return said


def _hold(hold_id, row, quantity, state, source, price_minor, expires_at, created_at) -> dict:
    return {"id": str(hold_id), "offer_id": str(row.offer_id), "quantity": quantity, "price_minor": price_minor,
            "currency": row.currency, "state": state, "source": source, "expires_at": clock.iso(expires_at),
            "created_at": clock.iso(created_at)}


def _holds(connection, ids: list) -> dict:
    if not ids:
        return {}
    return {row.id: row for row in connection.exec_driver_sql(HOLD, {"ids": ids})}


def _reply(wanted, answer, row, now, repeated):
    if answer.outcome == "held":
        if answer.fresh:
            until = now + timedelta(seconds=row.hold_seconds)
            return _hold(answer.hold_id, row, wanted.quantity, "held", "claim", row.price_minor, until, now)
        earlier = repeated[answer.hold_id]
        return _hold(answer.hold_id, row, wanted.quantity, earlier.state, earlier.source, earlier.price_minor,
                     earlier.expires_at, earlier.created_at)
    return _refusal(answer, row)


def _refusal(answer, row):
    match answer.outcome:
        case "sold_out":
            return SoldOut(left=answer.left)
        case "over_limit":
            return OverLimit(limit=row.unit_limit, units=answer.units)
        case "not_open":
            return NotOpen(opens_at=clock.iso(row.opens_at))
        case "key_conflict":
            return KeyConflict()
    return UnknownOffer()


def _refuse_unless_known(batch: list[tuple]) -> list:
    """For offers seen empty a moment ago: no lock and no write, but a key that was answered before keeps its answer."""
    with engine().connect() as connection:
        known = {(row.member_id, row.key) for row in connection.exec_driver_sql(KNOWN, {
            "members": [item[0] for item in batch], "keys": [item[1] for item in batch]})}
    repeats = [item for item in batch if (item[0], item[1]) in known]
    answers = iter(_decide_in_database(repeats) if repeats else [])
    return [next(answers) if (item[0], item[1]) in known else SoldOut(left=0) for item in batch]
