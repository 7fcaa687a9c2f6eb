import threading
import time
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from core import bus, events
from core.db import engine, transaction
from live import relay
from live.broadcast import Broadcaster


def row(id, stream, kind="k", urgent=False, merge_key=None):
    return SimpleNamespace(id=id, stream=stream, kind=kind, urgent=urgent, merge_key=merge_key, payload={},
                           created_at=None)


def say(*kinds, stream="live:a", **more):
    with transaction() as db:
        for kind in kinds:
            events.append(db, stream, kind, {"kind": kind}, **more)


def pumped(tick_due=True):
    with engine().connect() as connection:
        frames = relay.pump(connection, tick_due)
    return {frame["room"]: [(e["seq"], e["kind"]) for e in frame["data"]["events"]]
            for frame in frames if "room" in frame}


def test_a_stream_with_an_urgent_event_leaves_at_once_and_in_order():
    due, needless = relay.choose([row(1, "a"), row(2, "b"), row(3, "a", urgent=True)], tick_due=False)
    assert {stream: [r.id for r in rows] for stream, rows in due.items()} == {"a": [1, 3]}
    assert needless == []


def test_of_counters_only_the_newest_value_is_told():
    pending = [row(1, "a", merge_key="x"), row(2, "a", merge_key="y"), row(3, "a", merge_key="x"), row(4, "a")]
    due, needless = relay.choose(pending, tick_due=True)
    assert [r.id for r in due["a"]] == [2, 3, 4]
    assert needless == [1]


def test_numbers_follow_without_gap_over_several_pumps(empty):
    say("one", "two")
    say("one", stream="live:b")
    assert pumped() == {"live:a": [(1, "one"), (2, "two")], "live:b": [(1, "one")]}
    say("three")
    assert pumped() == {"live:a": [(3, "three")]}
    assert pumped() == {}


def test_a_row_that_commits_late_is_not_lost(empty):
    """Its id is lower than what was already numbered: whoever trusts the last id loses it."""
    slow = engine().connect()
    slow.execute(text("INSERT INTO events (stream, kind, payload, urgent) VALUES ('live:a', 'slow', '{}', false)"))
    say("fast")
    assert pumped() == {"live:a": [(1, "fast")]}
    slow.commit()
    slow.close()
    assert pumped() == {"live:a": [(2, "slow")]}


def test_without_an_urgent_event_nothing_leaves_before_the_tick(empty):
    say("calm")
    assert pumped(tick_due=False) == {}
    say("pin", urgent=True)
    assert pumped(tick_due=False) == {"live:a": [(1, "calm"), (2, "pin")]}


def test_signing_out_closes_the_sockets_after_the_event(empty):
    say("signed_out", stream="member:m")
    with engine().connect() as connection:
        frames = relay.pump(connection)
    assert [frame.get("drop") for frame in frames] == [None, "member:m"]


def many(*own):
    """A row for many members: (member, values) each."""
    say_row = events.to_each("hold", {"state": "held"}, list(own))
    with transaction() as db:
        events.append(db, events.MEMBERS, "hold.changed", say_row)


def test_a_row_for_many_is_told_to_each_in_the_stream_of_their_own(empty):
    say("earlier", stream="member:a")
    many(("a", {"id": 1}), ("b", {"id": 2}))
    say("later", stream="member:a")
    with engine().connect() as connection:
        frames = relay.pump(connection)
    heard = {frame["room"]: [(e["seq"], e["kind"], e["payload"]) for e in frame["data"]["events"]] for frame in frames}
    assert heard == {
        "member:a": [(1, "earlier", {"kind": "earlier"}), (2, "hold.changed", {"hold": {"state": "held", "id": 1}}),
                     (3, "later", {"kind": "later"})],
        "member:b": [(1, "hold.changed", {"hold": {"state": "held", "id": 2}})]}
    assert pumped() == {}


def test_what_each_was_told_stands_in_the_log_and_the_common_row_is_gone(empty):
    many(("a", {"id": 1}), ("b", {"id": 2}))
    pumped()
    with engine().connect() as connection:
        rows = connection.execute(text("SELECT stream, seq, kind, payload FROM events ORDER BY stream")).all()
        told = connection.execute(text("SELECT count(*) FROM events WHERE published_at IS NOT NULL")).scalar()
    assert [tuple(row) for row in rows] == [
        ("member:a", 1, "hold.changed", {"hold": {"state": "held", "id": 1}}),
        ("member:b", 1, "hold.changed", {"hold": {"state": "held", "id": 2}})]
    assert told == 2


def test_news_that_leaves_at_once_does_not_overtake_a_row_for_many(empty):
    many(("a", {"id": 1}), ("b", {"id": 2}))
    say("pin", stream="member:a", urgent=True)
    assert pumped(tick_due=False) == {"member:a": [(1, "hold.changed"), (2, "pin")], "member:b": [(1, "hold.changed")]}


def test_a_flood_of_rows_for_many_leaves_in_parts(empty, monkeypatch):
    monkeypatch.setattr(relay, "MOST_OWN", 2)
    for n in range(3):
        many(("a", {"id": n}), ("b", {"id": n}))
    say("last", stream="member:a")
    assert pumped() == {"member:a": [(1, "hold.changed")], "member:b": [(1, "hold.changed")]}
    assert pumped() == {"member:a": [(2, "hold.changed")], "member:b": [(2, "hold.changed")]}
    assert pumped() == {"member:a": [(3, "hold.changed"), (4, "last")], "member:b": [(3, "hold.changed")]}


@pytest.fixture
def heard():
    """What the bus carries while the test runs."""
    frames, ready = [], threading.Event()
    threading.Thread(target=bus.listen, args=(frames.extend, lambda up: ready.set()), daemon=True).start()
    assert ready.wait(5)
    return frames


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def numbers(frames, stream):
    return [e["seq"] for f in frames if f.get("room") == stream and f["name"] == "events" for e in f["data"]["events"]]


def test_when_the_leader_dies_the_next_goes_on_without_a_gap(empty, heard):
    first, second = threading.Event(), threading.Event()
    one = threading.Thread(target=relay.run, args=(first,))
    one.start()
    say("one")
    assert until(lambda: 1 in numbers(heard, "live:a"))
    two = threading.Thread(target=relay.run, args=(second,))
    two.start()
    with engine().connect() as connection:  # the leader's connection is cut, as kill -9 of its process would
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
                                "AND granted AND database = (SELECT oid FROM pg_database WHERE datname = "
                                "current_database())"))
    first.set()
    cut = time.monotonic()
    say("two", urgent=True)
    assert until(lambda: 2 in numbers(heard, "live:a"), 3)
    assert time.monotonic() - cut < 3
    second.set()
    one.join(5)
    two.join(5)
    assert sorted(set(numbers(heard, "live:a"))) == [1, 2]


def test_urgent_news_passes_in_less_than_a_tick(empty, heard, monkeypatch):
    monkeypatch.setattr(relay, "TICK_SECONDS", 5)  # so long that a slow machine proves nothing wrong
    stop = threading.Event()
    leader = threading.Thread(target=relay.run, args=(stop,))
    leader.start()
    say("warm up", urgent=True)
    assert until(lambda: numbers(heard, "live:a") == [1])
    delays = []
    for n in range(2, 12):
        start = time.monotonic()
        say("pin", urgent=True)
        assert until(lambda n=n: n in numbers(heard, "live:a"))
        delays.append(time.monotonic() - start)
    stop.set()
    leader.join(5)
    assert max(delays) < 2.5


def test_pages_hear_when_no_relay_leads_and_when_one_does_again(empty, monkeypatch):
    said, now = [], [100.0]
    monkeypatch.setattr("core.sockets.socketio.emit", lambda name, data: said.append((name, data["delayed"])))
    monkeypatch.setattr("live.broadcast.time.monotonic", lambda: now[0])
    caster = Broadcaster()
    caster.tell_if_late()
    assert said == []
    now[0] += 6
    caster.tell_if_late()
    caster.tell_if_late()
    assert said == [("delayed", True)]
    caster.on_frames([{"beat": "now"}])
    caster.tell_if_late()
    assert said == [("delayed", True), ("delayed", False)]


def test_while_redis_is_away_frames_come_from_the_database(empty, monkeypatch):
    say("one", "two")
    pumped()
    sent = []
    monkeypatch.setattr("core.sockets.rooms", lambda: ["live:a"])
    monkeypatch.setattr("core.sockets.sids", lambda room: ["x"])
    monkeypatch.setattr("core.sockets.send_frame", lambda room, name, data: sent.append((room, name, data)))
    Broadcaster().catch_up(10)
    assert [(room, [e["seq"] for e in data["events"]]) for room, _, data in sent] == [("live:a", [1, 2])]
