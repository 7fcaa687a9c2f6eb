"""Who hears what: rehearsals go to staff, in order with what everybody hears; numbers are read once for a crowd."""
import threading
from concurrent.futures import ThreadPoolExecutor

from core import events
from core.db import transaction
from live import relay, sockets
from live.rooms import rehearsal_room, room_of
from tests.live.test_snapshot import statements


def test_only_a_shows_own_stream_is_hidden_in_a_rehearsal():
    assert room_of("live:1", {"rehearsal": True}) == rehearsal_room("1") == "rehearsal:1"
    for stream, payload in (("live:1", {"rehearsal": False}), ("live:1", {}), ("staff:1", {"rehearsal": True}),
                            ("member:1", {"rehearsal": True})):
        assert room_of(stream, payload) == stream


def test_turns_of_rehearsal_and_public_keep_their_order():
    rows = [(n, "k", {"rehearsal": hidden}, None) for n, hidden in enumerate((False, True, True, False), 1)]
    frames = [(frame["room"], frame["data"]["stream"], [event["seq"] for event in frame["data"]["events"]])
              for frame in relay.frames_of("live:1", rows)]
    assert frames == [("live:1", "live:1", [1]), ("rehearsal:1", "live:1", [2, 3]), ("live:1", "live:1", [4])]


def test_a_storm_of_joins_reads_the_numbers_together(empty):
    with transaction() as db:
        db.add_all([events.Stream(name="live:a", seq=7), events.Stream(name="live:b", seq=9)])
    go = threading.Barrier(40)

    def join(n):
        go.wait()
        return sockets._seq(("live:a", "live:b", "live:c")[n % 3])
    with statements() as sent, ThreadPoolExecutor(40) as pool:
        assert list(pool.map(join, range(40))) == [(7, 9, 0)[n % 3] for n in range(40)]
    assert len(sent) < 20
