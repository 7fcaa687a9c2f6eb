"""Waiting for PostgreSQL in a process on gevent, with a watcher of its loop instead of select.poll.

gevent's poll makes an object and an event for each wait, and whoever's answer is there lines up behind all that are
ready to begin; a watcher wakes its greenlet at the loop's next look at its sockets.
"""
from time import monotonic

import psycopg.waiting
from gevent import get_hub, monkey
from gevent.socket import timeout as GaveUp  # noqa: N812 - what gevent.socket.wait raises
from gevent.socket import wait as wait_on
from psycopg.errors import _WaitTimeout

# A socket that somebody closed tells nothing: look again every second, as psycopg does every 100 ms.
LOOK_SECONDS = 1.0


def install() -> None:
    """From now on psycopg waits so, if this process is on gevent."""
    if monkey.is_module_patched("select"):
        psycopg.waiting.wait, psycopg.waiting.wait_conn = wait, wait_conn


def wait(generator, fileno: int, interval: float = 0.0, timeout: float | None = None):
    """The result of one of psycopg's generators, which yields what it waits for (1 to read, 2 to write, 3 either)."""
    deadline = None if timeout is None else monotonic() + timeout
    try:
        wanted = next(generator)
        while True:
            ready = _ready(fileno, wanted, deadline)
            answer = generator.send(ready)
            wanted = answer if ready else wanted
    except StopIteration as end:
        return end.value


def wait_conn(generator, interval: float = 0.0, timeout: float | None = None):
    """The same while connecting: the generator yields (socket, what) pairs, and the socket may change."""
    deadline = None if timeout is None else monotonic() + timeout
    try:
        fileno, wanted = next(generator)
        while True:
            ready = _ready(fileno, wanted, deadline)
            answer = generator.send(ready)
            fileno, wanted = answer if ready else (fileno, wanted)
    except StopIteration as end:
        return end.value


def _ready(fileno: int, wanted: int, deadline: float | None) -> int:
    """What is possible now, 0 after a second without. Raises psycopg's timeout."""
    seconds = LOOK_SECONDS if deadline is None else min(LOOK_SECONDS, deadline - monotonic())
    if seconds <= 0:
        raise _WaitTimeout("wait timeout expired")
    watcher = get_hub().loop.io(fileno, wanted)
    try:
        wait_on(watcher, seconds, GaveUp())
    except GaveUp:
        return 0
    finally:
        watcher.close()
    return wanted
