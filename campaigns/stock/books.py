"""The claim's statements: what a batch reads under the locks, and what it writes. Two round trips a batch.

Arrays go as text that PostgreSQL parses: the driver's own way of writing them took half of a claim's processor time.
"""
import uuid
from collections import namedtuple
from datetime import timedelta

from campaigns.stock import rules
from core import clock, events

Shelf = namedtuple("Shelf", "id offer_id rehearsal mode opens_at closes_at left held sold reserve waiting version "
                            "price_minor currency unit_limit hold_seconds live_session_id")
Hold = namedtuple("Hold", "id state expires_at created_at price_minor source")

LOCK = """
SELECT s.id, s.offer_id, s.rehearsal, s.mode, s.opens_at, s.closes_at, s."left", s.held, s.sold, s.reserve, s.waiting,
       s.version, s.price_minor, s.currency, s.unit_limit, s.hold_seconds, s.live_session_id
FROM offer_stock s JOIN unnest(%(offers)s::uuid[], %(rehearsals)s::bool[]) AS w(offer_id, rehearsal)
  ON s.offer_id = w.offer_id AND s.rehearsal = w.rehearsal
ORDER BY s.id FOR NO KEY UPDATE OF s"""

KNOWN = """
SELECT c.outcome, c.stock_id, c.member_id, c.key, c.quantity, c.hold_id, NULL::timestamptz
FROM unnest(%(members)s::uuid[], %(keys)s::text[]) AS w(member_id, key) JOIN claims c USING (member_id, key)"""

# After the lock: what it protects is read as it is now, and so is the clock that decides.
READ = KNOWN + """
UNION ALL
SELECT 'units', m.stock_id, m.member_id, NULL, m.units, NULL, NULL FROM offer_members m
WHERE m.member_id = ANY(%(members)s::uuid[]) AND m.stock_id IN (
  SELECT s.id FROM offer_stock s JOIN unnest(%(offers)s::uuid[], %(rehearsals)s::bool[]) AS w(offer_id, rehearsal)
    USING (offer_id, rehearsal))
UNION ALL
SELECT 'now', NULL, NULL, NULL, 0, NULL, clock_timestamp()"""  # noqa: S608 - both parts are ours

HOLDS = "SELECT id, state, expires_at, created_at, price_minor, source FROM holds WHERE id = ANY(%(ids)s::uuid[])"

REFUSED = """
INSERT INTO claims (member_id, key, stock_id, quantity, outcome, hold_id, created_at)
SELECT c.member_id, c.key, %(stock)s::uuid, c.quantity, c.outcome, c.hold_id, %(now)s
FROM unnest(%(members)s::uuid[], %(keys)s::text[], %(quantities)s::int[], %(outcomes)s::text[], %(holds)s::uuid[])
     AS c(member_id, key, quantity, outcome, hold_id)"""

# One offer's part of a batch: the winners' holds and counts, the offer's numbers, the news, everybody's answer.
WRITE = """
WITH won AS MATERIALIZED (
  SELECT * FROM unnest(%(winners)s::uuid[], %(taken)s::int[], %(won)s::uuid[]) AS w(member_id, quantity, hold_id)
), hold AS (
  INSERT INTO holds (id, stock_id, offer_id, member_id, live_session_id, quantity, price_minor, state, source,
                     created_at, expires_at)
  SELECT hold_id, %(stock)s::uuid, %(offer)s::uuid, member_id, %(live)s::uuid, quantity, %(price)s::bigint,
         'held', 'claim', %(now)s, %(expires)s::timestamptz FROM won
), counted AS (
  INSERT INTO offer_members (stock_id, member_id, units, unit_limit)
  SELECT %(stock)s::uuid, member_id, sum(quantity), %(limit)s::int FROM won GROUP BY member_id
  ON CONFLICT (stock_id, member_id) DO UPDATE SET units = offer_members.units + EXCLUDED.units
), moved AS (
  UPDATE offer_stock SET "left" = "left" - %(units)s::int, held = held + %(units)s::int, version = version + 1
  WHERE id = %(stock)s::uuid
), told AS (
  INSERT INTO events (stream, kind, payload, urgent, merge_key)
  SELECT * FROM (VALUES (%(show_stream)s::text, 'offer.stock', %(numbers)s::jsonb, false, %(offer)s::uuid::text),
                        (%(members_stream)s::text, 'hold.changed', %(told)s::jsonb, false, NULL)) AS e(stream)
  WHERE stream IS NOT NULL
)""" + REFUSED  # noqa: S608 - both parts are ours


def array(values) -> str:
    """A PostgreSQL array of values that need no quotes (identifiers, numbers, words)."""
    return "{" + ",".join(values) + "}"


def texts(values) -> str:
    """A PostgreSQL array of any text."""
    return "{" + ",".join(['"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values]) + "}"


def lock_and_read(connection, batch: list[tuple]) -> tuple:
    """Begin, lock the batch's offers in id order, read: (shelves, now, units, known). Two statements, one round trip.

    The second starts after the first has its locks, so it sees what the holder before us wrote.
    """
    pairs = {(offer, rehearsal) for _, _, offer, _, rehearsal in batch}
    given = {"offers": array([str(offer) for offer, _ in pairs]),
             "rehearsals": array(["t" if rehearsal else "f" for _, rehearsal in pairs]),
             "members": array([item[0].hex for item in batch]), "keys": texts([item[1] for item in batch])}
    with connection.pipeline():
        connection.execute("BEGIN")
        locked = connection.execute(LOCK, given)
        found = connection.execute(READ, given)
    shelves = [Shelf(*row) for row in locked.fetchall()]
    return shelves, *_sorted(found.fetchall())


def _sorted(rows: list[tuple]) -> tuple:
    now, units, known = None, {}, {}
    for kind, stock_id, member_id, key, number, hold_id, moment in rows:
        if kind == "now":
            now = moment
        elif kind == "units":
            units[stock_id, member_id] = number
        else:
            known[member_id, key] = rules.Known(stock_id, number, kind, hold_id)
    return now, units, known


def known_keys(connection, batch: list[tuple]) -> set:
    """(member, key) of those in the batch that were answered before."""
    rows = connection.execute(KNOWN, {"members": array([item[0].hex for item in batch]),
                                      "keys": texts([item[1] for item in batch])}).fetchall()
    return {(row[2], row[3]) for row in rows}


def write_and_commit(connection, parts: dict, now, repeated: list, sent) -> dict:
    """Write what was decided ({shelf: [(wanted, answer)]}), commit, and give the holds in `repeated` by id.

    sent() is called when all of it is on its way, before the answer is there.
    """
    with connection.pipeline() as pipeline:
        for shelf, answers in parts.items():
            connection.execute(*_statement(shelf, answers, now))
        earlier = connection.execute(HOLDS, {"ids": array([str(one) for one in repeated])}) if repeated else None
        connection.execute("COMMIT")
        sent()
        pipeline.sync()
    return {row[0]: Hold(*row) for row in earlier.fetchall()} if repeated else {}


def _statement(shelf: Shelf, answers: list[tuple], now) -> tuple[str, dict]:
    won = [(w, a) for w, a in answers if a.outcome == "held"]
    given = {"stock": shelf.id, "now": now, "members": array([w.member_id.hex for w, _ in answers]),
             "keys": texts([w.key for w, _ in answers]), "quantities": array([str(w.quantity) for w, _ in answers]),
             "outcomes": array([a.outcome for _, a in answers]),
             "holds": array([a.hold_id.hex if a.hold_id else "NULL" for _, a in answers])}
    if not won:
        return REFUSED, given
    units = sum([w.quantity for w, _ in won])
    live = shelf.live_session_id
    return WRITE, {
        **given, "winners": array([w.member_id.hex for w, _ in won]), "taken": array([str(w.quantity) for w, _ in won]),
        "won": array([a.hold_id.hex for _, a in won]), "offer": shelf.offer_id, "live": live,
        "price": shelf.price_minor, "limit": shelf.unit_limit, "units": units,
        "expires": now + timedelta(seconds=shelf.hold_seconds), "show_stream": live and events.live_stream(live),
        "numbers": events.dumps(_numbers(shelf, units)), "members_stream": events.MEMBERS,
        "told": events.dumps(_told(shelf, won, now))}


def _numbers(shelf: Shelf, units: int) -> dict:
    """The offer's numbers after the batch."""
    return {"offer_id": str(shelf.offer_id), "version": shelf.version + 1, "mode": shelf.mode,
            "left": shelf.left - units, "held": shelf.held + units, "sold": shelf.sold, "reserve": shelf.reserve,
            "waiting": shelf.waiting, "price_minor": shelf.price_minor, "opens_at": clock.iso(shelf.opens_at),
            "closes_at": clock.iso(shelf.closes_at), "rehearsal": shelf.rehearsal}


def _told(shelf: Shelf, won: list[tuple], now) -> dict:
    """For each winner's other windows: one row for all of them, which the relay tells apart (core/events.py)."""
    same = hold_out(shelf, now)
    return events.to_each("hold", {name: same[name] for name in same if name not in ("id", "quantity")},
                          [(w.member_id, {"id": str(a.hold_id), "quantity": w.quantity}) for w, a in won])


def hold_out(shelf: Shelf, now, hold_id: uuid.UUID | None = None, quantity: int = 0) -> dict:
    """A hold made now, as pages see it."""
    return {"id": str(hold_id), "offer_id": str(shelf.offer_id), "quantity": quantity,
            "price_minor": shelf.price_minor, "currency": shelf.currency, "state": "held", "source": "claim",
            "expires_at": clock.iso(now + timedelta(seconds=shelf.hold_seconds)), "created_at": clock.iso(now)}
