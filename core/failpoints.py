"""Named places where a fault test makes this process die or wait. Nothing here is part of a running shop: the module is
imported only where FAILPOINTS names a folder, which production refuses, and nobody calls it; it wraps the driver.

`<table>.before_commit` and `<table>.after_commit` are reached by a transaction that wrote to the table. A file of that
name in the folder arms the point for one process once: "kill", or "sleep 0.5". Two files are looked at as the process
starts and stay in force: `clock` (seconds by which its clock is wrong) and `unlocked` (it locks no row).
"""
import os
import re
import signal
import time
from collections.abc import Callable
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

WROTE = re.compile(r'\b(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?([a-z_]+)')
LOCKING = re.compile(r"\bFOR (NO KEY )?UPDATE( OF \w+)?( SKIP LOCKED| NOWAIT)?")


def install(folder: str) -> None:
    """Wrap the driver of this process for as long as it lives. Call before anything else of ours is imported."""
    place = Path(folder)
    if (place / "clock").exists():
        _shift_clock(float((place / "clock").read_text()))
    wrap(lambda name: _act(place, name), unlocked=(place / "unlocked").exists())


def _act(folder: Path, name: str) -> None:
    if not (folder / name).exists():
        return
    with suppress(FileNotFoundError):  # another process was first: a point is hit once
        os.rename(folder / name, folder / f"{name}.hit")
        word, *more = (folder / f"{name}.hit").read_text().split()
        if word == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(float(more[0]))


def _shift_clock(seconds: float) -> None:
    """A machine whose clock is wrong: everything that asks Python for the time, not the monotonic one."""
    from core import clock
    real, by = time.time, timedelta(seconds=seconds)
    time.time = lambda: real() + seconds
    clock.now = lambda: datetime.now(UTC) + by


def wrap(reached: Callable[[str], None], unlocked: bool = False) -> Callable[[], None]:
    """Have `reached(name)` called at every point, and at each statement as "statement". Gives what undoes it."""
    cursor, connection, pipeline = psycopg.Cursor, psycopg.Connection, psycopg.Pipeline
    kept = (cursor.execute, connection.commit, connection.rollback, pipeline.__exit__)

    def execute(self, query, *args, **options):
        text = query if isinstance(query, str) else bytes(query).decode() if isinstance(query, bytes) else ""
        mine = self.connection.__dict__
        if text.strip().upper() == "COMMIT":
            _say(reached, mine, "before_commit")
            mine["committing"] = True
        else:
            reached("statement")
            mine.setdefault("wrote", set()).update(WROTE.findall(text))
        answer = kept[0](self, LOCKING.sub("", text) if unlocked and text else query, *args, **options)
        if mine.get("committing") and self.connection._pipeline is None:
            _committed(reached, mine)
        return answer

    def commit(self):
        _say(reached, self.__dict__, "before_commit")
        kept[1](self)
        _committed(reached, self.__dict__)

    def rollback(self):
        self.__dict__["wrote"] = set()
        kept[2](self)

    def leave(self, *args):
        kept[3](self, *args)
        if self._conn.__dict__.get("committing"):
            _committed(reached, self._conn.__dict__)

    cursor.execute, connection.commit, connection.rollback, pipeline.__exit__ = execute, commit, rollback, leave

    def undo():
        cursor.execute, connection.commit, connection.rollback, pipeline.__exit__ = kept
    return undo


@contextmanager
def watched(reached: Callable[[str], None]):
    """For a test in one process: as wrap, undone at the end."""
    undo = wrap(reached)
    try:
        yield
    finally:
        undo()


def _committed(reached, mine: dict) -> None:
    mine["committing"] = False
    _say(reached, mine, "after_commit")
    mine["wrote"] = set()


def _say(reached, mine: dict, what: str) -> None:
    for table in sorted(mine.get("wrote", ())):
        reached(f"{table}.{what}")
    reached(what)
