"""Chat faster than anybody reads: viewers get a fair sample without a gap, staff and the record get everything."""
import random
from collections import Counter
from types import SimpleNamespace

from sqlalchemy import text

from core.db import engine, reading, transaction
from live import relay, snapshot
from live.sampling import BURST, LINES_PER_SECOND, MOST_AUTHORS, MOST_SHOWS, Sampler
from tests import factories
from tests.live.conftest import pump

STREAM = "live:show"


def line(id, by, role=None, **more):
    return SimpleNamespace(id=id, kind="chat.said", payload={"message": {"id": id, "by": by, "role": role}, **more})


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


def played(seconds, said, per_second=20):
    """Ids shown when `said(tick)` gives each 50 ms tick's lines."""
    clock = Clock()
    sampler, shown = Sampler(clock), []
    for tick in range(seconds * per_second):
        clock.now += 1 / per_second
        shown += sampler.part(STREAM, said(tick))[0]
    return shown


def test_what_can_be_read_is_shown_whole():
    shown = played(60, lambda tick: [line(tick, f"m{tick}")] if tick % 5 == 0 else [])
    assert len(shown) == 60 * 4


def test_a_flood_is_shown_at_five_lines_a_second():
    shown = played(60, lambda tick: [line(tick * 10 + n, f"m{tick * 10 + n}") for n in range(10)])
    assert 60 * LINES_PER_SECOND <= len(shown) <= 60 * LINES_PER_SECOND + BURST


def test_who_writes_most_of_the_lines_gets_little_of_the_screen():
    dice = random.Random(7)

    def said(tick):
        others = [line(tick * 30 + n, f"m{who}") for n, who in enumerate(dice.sample(range(180), 9))]
        return others + [line(tick * 30 + 9 + n, "loud") for n in range(20)]
    shown = Counter(row.payload["message"]["by"] for row in played(120, said))
    assert shown["loud"] / shown.total() < 0.05  # of 69 % of what is said
    assert len(shown) > 150  # of 181: nearly everybody is seen


def test_one_line_of_everybody_comes_before_a_second_of_anybody():
    clock = Clock()
    sampler = Sampler(clock, pick=lambda: 0.5)
    rows = [line(n, "loud") for n in range(20)] + [line(20 + n, f"m{n}") for n in range(9)]
    shown, rest = sampler.part(STREAM, rows)
    assert Counter(row.payload["message"]["by"] for row in shown) == {"loud": 1, **{f"m{n}": 1 for n in range(9)}}
    assert [row.id for row in shown] == sorted(row.id for row in shown)
    assert {row.id for row in rest} == set(range(1, 20))


def test_staff_rehearsals_and_everything_else_always_pass():
    sampler = Sampler(Clock())
    other = SimpleNamespace(id=999, kind="offer.stock", payload={})
    sampler.part(STREAM, [line(n, f"m{n}") for n in range(50)])  # nothing is left of the allowance
    rows = [line(100, "host", role="host"), other, line(101, "m1", rehearsal=True), line(102, "m2")]
    shown, rest = sampler.part(STREAM, rows)
    assert [row.id for row in shown] == [100, 999, 101]
    assert [row.id for row in rest] == [102]


def test_what_is_remembered_has_bounds():
    clock = Clock()
    sampler = Sampler(clock)
    for n in range(MOST_SHOWS + 20):
        sampler.part(f"live:{n}", [line(n, "m")])
    for n in range(MOST_AUTHORS + 100):
        clock.now += 1
        sampler.part(STREAM, [line(n, f"m{n}")])
    assert len(sampler._screens) == MOST_SHOWS
    assert len(sampler._screens[STREAM].shown) == MOST_AUTHORS


def crowd(many):
    with transaction() as db:
        return [factories.member(db, f"M{n}") for n in range(many)]


def test_viewers_see_no_gap_staff_see_everything_and_the_record_is_whole(world):
    members = crowd(40)
    pump()
    before, staff_before = world.shown(None)["seq"], world.staff()["seq"]
    for member in members:
        world.say(member, "hello")
    with engine().connect() as connection:
        frames = relay.pump(connection, True, Sampler())
    told = {frame["data"]["stream"]: frame["data"]["events"] for frame in frames}
    live, staff = told[f"live:{world.id}"], told[f"staff:{world.id}"]
    assert [event["seq"] for event in live] == list(range(before + 1, before + int(BURST) + 1))
    assert [event["seq"] for event in staff] == list(range(staff_before + 1, staff_before + 31))
    said = {event["payload"]["message"]["id"] for event in [*live, *staff]}
    with reading() as db:
        kept = set(db.scalars(text("SELECT id FROM chat_messages")))
        pending = db.scalar(text("SELECT count(*) FROM events WHERE published_at IS NULL"))
    assert said == kept
    assert (len(kept), pending) == (40, 0)
    state = {**world.shown(None), "seq": before, "chat": []}
    for event in live:
        state = snapshot.apply(state, {"stream": f"live:{world.id}", **event})
    assert state["seq"] == world.shown(None)["seq"]  # the page is up to date: nothing to fetch


def test_who_catches_up_from_the_database_gets_the_same_sample(world):
    for member in crowd(20):
        world.say(member, "hello")
    with engine().connect() as connection:
        frames = relay.pump(connection, True, Sampler())
        again = connection.execute(text("SELECT seq, payload FROM events WHERE stream = :s AND kind = 'chat.said' "
                                        "ORDER BY seq"), {"s": f"live:{world.id}"}).all()
    live = next(f["data"]["events"] for f in frames if f["data"]["stream"] == f"live:{world.id}")
    assert [(row.seq, row.payload["message"]["id"]) for row in again] == [
        (event["seq"], event["payload"]["message"]["id"]) for event in live]
