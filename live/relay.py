"""The relay: one process at a time numbers the events of each stream and publishes them, joined, once per tick.

A PostgreSQL advisory lock elects it; the lock, the LISTEN and the numbering share one connection, so whoever loses the
connection loses all three, and a stale leader can number nothing. Rows are marked, "last id" is never trusted: ids
commit out of order.
"""
import threading
import time
from collections import defaultdict, namedtuple
from itertools import groupby

import structlog
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import bus, clock, events
from core.db import engine, reading
from core.health import RELAY_BEAT
from core.ticks import TICKS
from live import figures
from live.rooms import LIVE, room_of
from live.sampling import Sampler
from live.show.clockwork import app_context

log = structlog.get_logger("relay")
LOCK = 0x11FE0001
TICK_SECONDS = 0.05  # what is not urgent waits for this and leaves joined (DESIGN.md §4)
SWEEP_SECONDS = 1.0  # should a notification be lost
ELECTION_SECONDS = 0.5
BATCH = 5000
MOST_OWN = 20_000  # of one pump's rows for many members; what is beyond waits for the next
# After these, the member's sockets are closed: authority is gone.
DROP_AFTER = {"signed_out", "roles.changed", "banned"}

PENDING = text("""SELECT id, stream, kind, payload, urgent, merge_key, created_at FROM events
                  WHERE published_at IS NULL ORDER BY id LIMIT :most FOR UPDATE""")
NUMBER = text("""INSERT INTO streams (name, seq) SELECT * FROM unnest(cast(:names AS text[]), cast(:counts AS bigint[]))
                 ON CONFLICT (name) DO UPDATE SET seq = streams.seq + EXCLUDED.seq RETURNING name, seq""")
MARK = text("""UPDATE events SET seq = v.seq, stream = coalesce(v.stream, events.stream),
                      published_at = clock_timestamp()
               FROM unnest(cast(:ids AS bigint[]), cast(:seqs AS bigint[]), cast(:streams AS text[]))
                    AS v(id, seq, stream) WHERE events.id = v.id""")
# A row that was for many members becomes a row of each one's stream, told already; the common one goes.
TELL = text("""INSERT INTO events (stream, kind, payload, urgent, created_at, seq, published_at)
               SELECT v.*, clock_timestamp() FROM unnest(cast(:streams AS text[]), cast(:kinds AS text[]),
                 cast(:payloads AS jsonb[]), cast(:urgent AS bool[]), cast(:moments AS timestamptz[]),
                 cast(:seqs AS bigint[])) AS v""")
DROP_COMMON = text("DELETE FROM events WHERE id = ANY(:ids)")
Own = namedtuple("Own", "id stream kind payload urgent merge_key created_at")
RECENT = text("""SELECT stream, kind, payload, seq, created_at FROM events
                 WHERE published_at > clock_timestamp() - interval '5 seconds' AND seq IS NOT NULL
                 ORDER BY stream, seq""")


def choose(pending: list, tick_due: bool) -> tuple[dict, list]:
    """What leaves now, a stream at a time in order, and what newer events have made needless. Pure.

    A stream leaves at once if one of its events is urgent; the others wait for the tick.
    """
    streams, newest = defaultdict(list), {}
    for row in pending:
        streams[row.stream].append(row)
        if row.merge_key:
            newest[row.stream, row.merge_key] = row.id
    due, needless = {}, []
    for stream, rows in streams.items():
        if not tick_due and not any(row.urgent for row in rows):
            continue
        keep = [row for row in rows if not row.merge_key or newest[stream, row.merge_key] == row.id]
        needless += [row.id for row in rows if row.merge_key and newest[stream, row.merge_key] != row.id]
        due[stream] = keep
    return due, needless


def tell_apart(pending: list) -> tuple[list, list]:
    """(rows with a stream each, ids of the common rows they came from). Pure.

    A common row leaves whole, with whatever comes next: parts of it could be overtaken by the members' later news.
    """
    apart, common = [], []
    for row in pending:
        if row.stream != events.MEMBERS:
            apart.append(row)
        elif len(apart) < MOST_OWN:
            common.append(row.id)
            apart += [Own(None, stream, row.kind, payload, True, None, row.created_at)
                      for stream, payload in events.for_each(row.payload)]
        else:
            break
    return apart, common


def sample(due: dict[str, list], sampler: Sampler) -> dict[str, list]:
    """More chat than viewers can read is numbered in the staff's stream instead: nobody sees a gap, nothing is lost."""
    for stream in [stream for stream in due if stream.startswith(LIVE)]:
        due[stream], rest = sampler.part(stream, due[stream])
        if rest:
            staff = events.staff_stream(stream.removeprefix(LIVE))
            due[staff] = sorted([*due.get(staff, []), *rest], key=lambda row: row.id)
    return {stream: rows for stream, rows in due.items() if rows}


def pump(connection, tick_due: bool = True, sampler: Sampler | None = None) -> list[dict]:
    """Number and mark what is due, in one transaction; the frames to publish after it."""
    with connection.begin():
        pending, common = tell_apart(connection.execute(PENDING, {"most": BATCH}).all())
        due, needless = choose(pending, tick_due)
        if sampler:
            due = sample(due, sampler)
        if not due:
            return []
        names = sorted(due)
        last = dict(connection.execute(NUMBER, {"names": names, "counts": [len(due[name]) for name in names]}).all())
        numbered = {stream: list(enumerate(rows, last[stream] - len(rows) + 1)) for stream, rows in due.items()}
        _mark(connection, numbered, needless)
        if common:
            _write_own(connection, numbered, common)
    return [frame for stream, rows in numbered.items()
            for frame in frames_of(stream, [(seq, row.kind, row.payload, row.created_at) for seq, row in rows])]


def _write_own(connection, numbered: dict, common: list[int]) -> None:
    own = [(seq, row) for rows in numbered.values() for seq, row in rows if row.id is None]
    connection.execute(TELL, {
        "streams": [row.stream for _, row in own], "kinds": [row.kind for _, row in own],
        "payloads": [events.dumps(row.payload) for _, row in own], "urgent": [row.urgent for _, row in own],
        "moments": [row.created_at for _, row in own], "seqs": [seq for seq, _ in own]})
    connection.execute(DROP_COMMON, {"ids": common})


def _mark(connection, numbered: dict[str, list], needless: list[int]) -> None:
    marks = [(row.id, seq, stream) for stream, rows in numbered.items() for seq, row in rows if row.id is not None]
    marks += [(i, None, None) for i in needless]
    ids, seqs, streams = zip(*marks, strict=True) if marks else ((), (), ())
    connection.execute(MARK, {"ids": list(ids), "seqs": list(seqs), "streams": list(streams)})


def frames_of(stream: str, rows: list[tuple]) -> list[dict]:
    """One joined frame for a stream, and a drop behind it where an event ends the member's sockets.

    Where a rehearsal and the public are told by turns, each turn is a frame: whoever hears both hears them in order.
    """
    frames = []
    for room, turn in groupby(rows, key=lambda row: room_of(stream, row[2])):
        body = [{"seq": seq, "kind": kind, "payload": payload, "at": clock.iso(at)} for seq, kind, payload, at in turn]
        frames.append({"room": room, "name": "events", "data": {"stream": stream, "events": body}})
    if any(kind in DROP_AFTER for _, kind, *_ in rows):
        frames.append({"drop": stream})
    return frames


class Leader:
    """One term of office: from the lock to the first error or `stop`."""

    def __init__(self, connection):
        self.connection = connection
        self.over = threading.Event()
        self.sampler = Sampler()

    def serve(self) -> None:
        driver = self.connection.connection.driver_connection
        self.connection.execute(text(f"LISTEN {events.CHANNEL}"))
        self.connection.commit()
        bus.publish(self._again())
        for tick in TICKS:
            threading.Thread(target=self._repeat, args=(tick.name, tick.seconds, tick.run), daemon=True).start()
        threading.Thread(target=self._repeat, args=("figures", 1.0, publish_figures), daemon=True).start()
        try:
            self._loop(driver)
        finally:
            self.over.set()

    def _loop(self, driver) -> None:
        last_tick = 0.0
        pending = True
        while not self.over.is_set():
            now = time.monotonic()
            tick_due = pending and now - last_tick >= TICK_SECONDS
            frames = pump(self.connection, tick_due, self.sampler)
            if tick_due:
                last_tick, pending = now, False
            bus.publish(frames)
            wait = max(0.0, last_tick + TICK_SECONDS - time.monotonic()) if pending else SWEEP_SECONDS
            urgent = self._listen(driver, wait)
            pending = pending or urgent is not None or wait == SWEEP_SECONDS
            while pending and not urgent and (rest := last_tick + TICK_SECONDS - time.monotonic()) > 0:
                urgent = self._listen(driver, rest)

    def _listen(self, driver, seconds: float):
        """None if nothing came; else whether something urgent did."""
        came = None
        driver.autocommit = True
        try:
            for notice in driver.notifies(timeout=seconds, stop_after=1):
                came = bool(came) or notice.payload == "now"
        finally:
            driver.autocommit = False
        return came

    def _again(self) -> list[dict]:
        """What the last leader numbered in its last seconds: it may have died before publishing. Pages skip repeats."""
        with self.connection.begin():
            streams = defaultdict(list)
            for stream, kind, payload, seq, at in self.connection.execute(RECENT):
                streams[stream].append((seq, kind, payload, at))
        return [frame for stream, rows in streams.items() for frame in frames_of(stream, rows) if "drop" not in frame]

    def _repeat(self, name: str, seconds: float, run) -> None:
        while not self.over.wait(seconds):
            try:
                with app_context():  # addresses and sentences need the application
                    run()
            except Exception:
                log.exception("tick failed", tick=name)


def publish_figures() -> None:
    """Once a second: a sign of life, and counters that are sent whole and never numbered."""
    with reading() as db:
        bus.publish([{"beat": clock.iso(clock.now())}, *figures.tick_frames(db)])
    try:
        bus.client().set(RELAY_BEAT, clock.iso(clock.now()), ex=5)
    except RedisError:
        log.warning("no sign of life left: redis is away")


def run(stop: threading.Event | None = None) -> None:
    """Stand for election until `stop` is set; lead when elected; stand again when office is lost."""
    stop = stop or threading.Event()
    while not stop.is_set():
        try:
            with engine().connect() as connection:
                if connection.execute(text(f"SELECT pg_try_advisory_lock({LOCK})")).scalar():
                    connection.commit()
                    log.info("leading")
                    leader = Leader(connection)
                    threading.Thread(target=lambda leader=leader: (stop.wait(), leader.over.set()), daemon=True).start()
                    try:
                        leader.serve()
                    finally:
                        connection.invalidate()  # the lock goes with the connection
        except (SQLAlchemyError, OSError) as error:
            log.warning("office lost", error=str(error).splitlines()[0])
        except Exception as error:
            if "connection" not in str(error).lower():
                raise
            log.warning("office lost", error=str(error).splitlines()[0])
        stop.wait(ELECTION_SECONDS)
