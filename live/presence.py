"""Who is here and how they react: counted in each process, joined through Redis, never a row per heart.

Viewers are counted by member, or by socket for those who are not signed in. Each process writes its own count into a
Redis hash each second; the relay's leader adds them up. Without Redis every process shows its own count.
"""
import json
import os
import threading
import time
import uuid
from collections import Counter, defaultdict

import structlog
from redis.exceptions import RedisError

from core import bus

log = structlog.get_logger("presence")
# A process that has not written for 5 s is gone; the hash itself goes after a minute without anybody.
FRESH_SECONDS = 5
KEY_SECONDS = 60
_process = f"{os.getpid()}-{uuid.uuid4().hex[:6]}"
_lock = threading.Lock()
_here: dict[str, dict[str, str]] = defaultdict(dict)  # show → socket → who
_staff: dict[str, dict[str, str]] = defaultdict(dict)  # show → socket → name, for the control page
_reacted: Counter = Counter()  # show → not yet in Redis
_seen: dict[str, tuple[float, int, int]] = {}  # show → when, viewers, reactions not yet in the database


def enter(live_id, sid: str, who: str) -> None:
    """A socket watches a show. `who` is the member's id, or the socket's own for those who are not signed in."""
    with _lock:
        _here[str(live_id)][sid] = who


def enter_staff(live_id, sid: str, name: str) -> None:
    """A control page is open; it is not counted as a viewer."""
    with _lock:
        _staff[str(live_id)][sid] = name


def leave(sid: str, live_id=None) -> None:
    """The socket left one show, or all of them."""
    with _lock:
        for places in (_here, _staff):
            for show in [str(live_id)] if live_id else list(places):
                if show in places:
                    places[show].pop(sid, None)
                    if not places[show]:
                        del places[show]


def local_counts() -> dict[str, int]:
    """{show: viewers connected to this process}."""
    with _lock:
        return {show: len(set(_here.get(show, {}).values())) for show in {*_here, *_staff}}


def react(live_id, count: int) -> None:
    with _lock:
        _reacted[str(live_id)] += count


def flush() -> None:
    """Write this process's counts to Redis and read the shows' totals; called each second in a web process."""
    counts = local_counts()
    with _lock:
        pending, names = dict(_reacted), {show: sorted(set(people.values())) for show, people in _staff.items()}
        _reacted.clear()
    try:
        _write(counts, names, pending)
        for show in counts:
            _remember(show, *_read(show))
    except RedisError:
        with _lock:  # not lost: told when Redis is back
            for show, count in pending.items():
                _reacted[show] += count


def _write(counts: dict, names: dict, pending: dict) -> None:
    now = time.time()
    pipe = bus.client().pipeline(transaction=True)
    for show, count in counts.items():
        pipe.hset(f"livestall:here:{show}", _process, json.dumps([now, count, names.get(show, [])]))
        pipe.expire(f"livestall:here:{show}", KEY_SECONDS)
    for show, count in pending.items():
        pipe.incrby(f"livestall:reactions:{show}", count)
    pipe.execute()


def _read(show: str) -> tuple[int, int]:
    pipe = bus.client().pipeline(transaction=False)
    pipe.hvals(f"livestall:here:{show}")
    pipe.get(f"livestall:reactions:{show}")
    processes, reactions = pipe.execute()
    return sum(count for _, count, _ in _fresh(processes)), int(reactions or 0)


def _fresh(values) -> list[tuple[float, int, list]]:
    now = time.time()
    return [entry for entry in map(json.loads, values) if now - entry[0] < FRESH_SECONDS]


def _remember(show: str, viewers: int, reactions: int) -> None:
    _seen[show] = (time.monotonic(), viewers, reactions)
    if len(_seen) > 500:
        _seen.clear()


def totals(live_id) -> dict:
    """{viewers, pending_reactions, here: names of staff} over all processes; this process's own when Redis is away."""
    show = str(live_id)
    try:
        entries = _fresh(bus.client().hvals(f"livestall:here:{show}"))
        reactions = int(bus.client().get(f"livestall:reactions:{show}") or 0)
    except RedisError:
        with _lock:
            names = sorted(set(_staff.get(show, {}).values()))
        return {"viewers": local_counts().get(show, 0), "pending_reactions": _reacted[show], "here": names}
    viewers = sum(count for _, count, _ in entries)
    _remember(show, viewers, reactions)
    here = sorted({name for *_, names in entries for name in names})
    return {"viewers": viewers, "pending_reactions": reactions, "here": here}


def viewers(live_id) -> int:
    """The last known total, without asking anybody."""
    seen = _seen.get(str(live_id))
    fresh = seen and time.monotonic() - seen[0] < FRESH_SECONDS
    return max(seen[1] if fresh else 0, local_counts().get(str(live_id), 0))


def reactions(live_id, stored: int) -> int:
    """Reactions so far: what the database has and what is on its way there, as last known."""
    seen = _seen.get(str(live_id))
    return stored + (seen[2] if seen and time.monotonic() - seen[0] < FRESH_SECONDS else 0)


def take_reactions(live_id) -> int:
    """What is to be added to the database now; taken from Redis at once, so that it is added once."""
    try:
        taken = int(bus.client().getset(f"livestall:reactions:{live_id}", 0) or 0)
    except RedisError:
        with _lock:
            return _reacted.pop(str(live_id), 0)
    if seen := _seen.get(str(live_id)):
        _seen[str(live_id)] = (seen[0], seen[1], 0)
    return taken


def give_back_reactions(live_id, count: int) -> None:
    """The database did not take them after all."""
    react(live_id, count)


def reset() -> None:
    """Forget everything this process counted (a test begins)."""
    with _lock:
        for counted in (_here, _staff, _reacted, _seen):
            counted.clear()
