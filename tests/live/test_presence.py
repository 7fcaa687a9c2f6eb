"""Counting who is here and how they react, with Redis and without."""
import uuid

import pytest
from redis.exceptions import ConnectionError as RedisGone
from sqlalchemy import text

from core import bus
from core.db import reading
from live import figures, presence
from live.limits import BURST, DROP, OK, WAIT, Buckets
from live.show.models import LiveSession, ViewerMinute
from tests.live.conftest import set_state

SHOW = str(uuid.uuid4())


@pytest.fixture
def redis_away(monkeypatch):
    def gone(*_args, **_more):
        raise RedisGone("away")
    monkeypatch.setattr(bus, "client", gone)


def test_a_member_with_two_windows_is_one_viewer(quiet, app):
    presence.enter(SHOW, "socket-1", "mei")
    presence.enter(SHOW, "socket-2", "mei")
    presence.enter(SHOW, "socket-3", "socket-3")
    presence.enter_staff(SHOW, "socket-4", "Nora")
    assert presence.local_counts() == {SHOW: 2}
    presence.leave("socket-1")
    assert presence.local_counts() == {SHOW: 2}
    for socket in ("socket-2", "socket-3", "socket-4"):
        presence.leave(socket)
    assert presence.local_counts() == {}


def test_counts_of_several_processes_are_added_and_dead_ones_forgotten(quiet, app, monkeypatch):
    presence.enter(SHOW, "a", "a")
    presence.flush()
    monkeypatch.setattr(presence, "_process", "another")
    presence.enter(SHOW, "b", "b")
    presence.enter_staff(SHOW, "b", "Nora")
    presence.flush()
    assert presence.totals(SHOW) == {"viewers": 3, "pending_reactions": 0, "here": ["Nora"]}
    later = presence.time.time() + presence.FRESH_SECONDS + 1
    monkeypatch.setattr(presence.time, "time", lambda: later)
    presence.flush()
    assert presence.totals(SHOW)["viewers"] == 2


def test_without_redis_each_process_shows_its_own(quiet, app, redis_away):
    presence.enter(SHOW, "a", "a")
    presence.enter_staff(SHOW, "a", "Nora")
    presence.flush()
    assert presence.totals(SHOW) == {"viewers": 1, "pending_reactions": 0, "here": ["Nora"]}
    assert presence.viewers(SHOW) == 1


def test_hearts_are_not_lost_while_redis_is_away(quiet, app, monkeypatch):
    presence.enter(SHOW, "a", "a")
    presence.react(SHOW, 5)
    with monkeypatch.context() as patched:
        patched.setattr(bus, "client", lambda: (_ for _ in ()).throw(RedisGone("away")))
        presence.flush()
        assert presence.totals(SHOW)["pending_reactions"] == 5
    presence.react(SHOW, 2)
    presence.flush()
    assert presence.totals(SHOW)["pending_reactions"] == 7
    assert presence.reactions(SHOW, stored=10) == 17


def test_hearts_and_viewers_reach_the_database_once(world):
    presence.enter(world.id, "a", "a")
    presence.react(world.id, 9)
    presence.flush()
    figures.keep_counts()
    figures.keep_counts()
    with reading() as db:
        show = db.get(LiveSession, world.show.id)
        assert (show.reactions, show.peak_viewers) == (9, 1)
        assert [row.viewers for row in db.query(ViewerMinute)] == [1]
    assert presence.totals(world.id)["pending_reactions"] == 0


def test_a_failed_write_gives_the_hearts_back(world, monkeypatch):
    presence.react(world.id, 9)
    presence.enter(world.id, "a", "a")
    presence.flush()
    with monkeypatch.context() as patched:
        def broken():
            raise RuntimeError("database away")
        patched.setattr(figures, "transaction", broken)
        with pytest.raises(RuntimeError):
            figures.keep_counts()
    presence.flush()
    figures.keep_counts()
    assert world.state().reactions == 9


def test_rehearsals_leave_no_minutes(world):
    set_state(world, "rehearsal")
    presence.enter(world.id, "a", "a")
    presence.flush()
    figures.keep_counts()
    with reading() as db:
        assert db.scalar(text("SELECT count(*) FROM viewer_minutes")) == 0
    assert world.state().peak_viewers == 0


def test_figures_go_to_viewers_and_to_control_pages(world):
    world.open()
    world.hold(quantity=3)
    presence.enter(world.id, "a", "a")
    presence.flush()
    with reading() as db:
        frames = {(frame["room"], frame["name"]): frame["data"] for frame in figures.tick_frames(db)}
    tick, staff = frames[f"live:{world.id}", "tick"], frames[f"staff:{world.id}", "figures"]
    assert (tick["viewers"], tick["reactions"], tick["bought_last_minute"]) == (1, 0, 0)
    assert (staff["viewers"], staff["claims"], staff["held"], staff["paid"], staff["refused"]) == (1, 1, 3, 0, 0)
    assert "claims" not in tick


def test_a_rehearsals_figures_stay_among_staff(world):
    set_state(world, "rehearsal")
    with reading() as db:
        assert {frame["room"] for frame in figures.tick_frames(db)} == {f"rehearsal:{world.id}", f"staff:{world.id}"}


# -- limits of a socket ----------------------------------------------------------------------------------------------

def test_a_person_is_never_slowed_a_fast_one_waits_and_a_program_is_dropped():
    now = [0.0]
    buckets = Buckets(clock=lambda: now[0])
    for _second in range(10):  # 8 taps a second, for long
        for _tap in range(8):
            assert buckets.take("person") == OK
        now[0] += 1
    verdicts = [buckets.take("fast") for _n in range(60)]
    assert (verdicts.count(OK), verdicts.count(WAIT)) == (int(BURST), 60 - int(BURST))
    now[0] += 1
    assert buckets.take("fast") == OK
    assert [buckets.take("program") for _n in range(101)][-1] == DROP


def test_only_so_many_sockets_are_remembered():
    buckets = Buckets(most=3)
    for n in range(10):
        buckets.take(f"socket-{n}")
    assert len(buckets._state) == 3
