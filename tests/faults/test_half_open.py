"""A connection to Redis that only looks open: the listener notices, says so, and hears again."""
import threading
import time
from urllib.parse import urlsplit

import pytest
import redis

from core import bus
from tests.faults.proxy import Proxy


@pytest.fixture
def piped(servers, monkeypatch):
    """(a proxy before Valkey, a client of the bus through it, a client beside it)."""
    url = urlsplit(servers[1])
    proxy = Proxy((url.hostname, url.port))
    through = f"redis://:{url.password or ''}@127.0.0.1:{proxy.port}/0"
    monkeypatch.setattr(bus, "_client", redis.Redis.from_url(through, socket_timeout=2, decode_responses=True))
    monkeypatch.setattr(bus, "QUIET_SECONDS", 0.3)
    monkeypatch.setattr(bus, "SILENT_SECONDS", 0.9)
    yield proxy, redis.Redis.from_url(servers[1])
    proxy.close()


def until(what, seconds=10.0):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.02)


def test_a_half_open_line_is_noticed_and_made_anew(piped):
    proxy, beside = piped
    frames, states = [], []
    threading.Thread(target=bus.listen, args=(frames.extend, states.append, 0.05), daemon=True).start()
    until(lambda: states == [True])
    beside.publish(bus.FRAMES, '[{"beat": 1}]')
    until(lambda: frames == [{"beat": 1}])
    time.sleep(0.95)  # quiet for longer than silence is borne: the answer to the ping keeps it up
    assert states == [True]
    assert proxy.half_open() > 0
    until(lambda: states == [True, False, True])
    beside.publish(bus.FRAMES, '[{"beat": 2}]')
    until(lambda: frames[-1] == {"beat": 2})
