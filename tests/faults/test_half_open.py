"""A connection to Redis that only looks open: the listener notices, says so, and hears again. And only its own shop."""
import threading
import time
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
import redis

from core import bus
from tests.faults.proxy import Proxy

SILENT_SECONDS = 3.0  # a busy machine answers a ping late


@pytest.fixture
def piped(servers, monkeypatch):
    """(a proxy before Valkey, a client beside it, what the bus heard, how it says it stands)."""
    url = urlsplit(servers[1])
    proxy = Proxy((url.hostname, url.port))
    through = f"redis://:{url.password or ''}@127.0.0.1:{proxy.port}/0"
    monkeypatch.setattr(bus, "_client", redis.Redis.from_url(through, socket_timeout=2, decode_responses=True))
    monkeypatch.setattr(bus, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(bus, "SILENT_SECONDS", SILENT_SECONDS)
    frames, states, over = [], [], threading.Event()

    def on_state(up):
        if over.is_set():
            raise SystemExit  # the only way out of listen()
        states.append(up)

    def listen():
        with suppress(SystemExit):
            bus.listen(frames.extend, on_state, 0.05)
    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    yield proxy, redis.Redis.from_url(servers[1]), frames, states
    over.set()
    proxy.cut()
    thread.join(20)
    proxy.close()


def until(what, seconds=30.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def test_a_half_open_line_is_noticed_and_made_anew(piped):
    proxy, beside, frames, states = piped
    until(lambda: states == [True])
    beside.publish(bus.channel(), '[{"beat": 1}]')
    until(lambda: frames == [{"beat": 1}])
    quiet = time.monotonic()
    until(lambda: time.monotonic() - quiet > SILENT_SECONDS + 0.5)
    assert states == [True]  # nothing to say is not silence: the ping is answered
    assert proxy.half_open() > 0
    until(lambda: states == [True, False, True])
    beside.publish(bus.channel(), '[{"beat": 2}]')
    until(lambda: frames[-1] == {"beat": 2})


def test_a_copy_of_the_shop_in_the_next_database_is_not_heard(piped, servers, monkeypatch):
    _proxy, beside, frames, states = piped
    until(lambda: states == [True])
    for database, client in ((7, redis.Redis.from_url(f"{servers[1].rsplit('/', 1)[0]}/7")), (0, beside)):
        monkeypatch.setattr(bus, "_client", client)
        assert bus.publish([{"beat": database}])
    until(lambda: frames)
    assert frames == [{"beat": 0}]
