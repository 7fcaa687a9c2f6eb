"""Guessing gets slow, people do not get locked out.

Every refusal here rests on what this browser or its own network did. What strangers do to an account never refuses
its owner: it only shortens the patience with browsers that nobody signed in on before, and a letter with a reset
link (which is not counted here) always opens the door.

Counters are in Redis, shared by all processes; when Redis is away each process counts for itself.
"""
import ipaddress
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

import structlog
from flask import request
from flask_babel import gettext as _
from flask_babel import ngettext
from redis.exceptions import RedisError

from core import bus
from core.errors import TooMany
from members import devices

log = structlog.get_logger("throttle")
# A person mistypes twice, remembers an old password, finds caps lock: five tries cost nothing.
FREE = 5
# An account at which strangers failed this often within the hour is being guessed; a browser nobody signed in on
# before then gets this many free tries.
ALARM, FREE_UNDER_ALARM = 20, 2
# An office or a café behind one address fails now and then; a list of stolen passwords fails all the time.
FREE_PER_NETWORK = 60
LONGEST_WAIT_SECONDS = 900
FORGET_SECONDS = 3600
_PREFIX = "livestall:wait:"


@dataclass(frozen=True)
class Bucket:
    """A counter: after `free` tries each next one makes the wait twice as long. free=None only counts."""
    key: str
    free: int | None
    shared: bool = False  # others fill it too, so one person's success takes back one try, not all


def wait_seconds(tries: int, free: int | None) -> int:
    """How long to wait after this many tries: 0 while free, then 2, 4, 8 … s, at most 15 min."""
    if free is None or tries < free:
        return 0
    return min(2 ** (tries - free + 1), LONGEST_WAIT_SECONDS)


class LocalCounters:
    """One process's own counters, at most 10,000 (the oldest go first)."""

    MOST = 10_000

    def __init__(self, clock=time.monotonic):
        self._rows: OrderedDict[str, tuple[int, float, float]] = OrderedDict()  # key → tries, open at, forget at
        self._lock = threading.Lock()
        self._clock = clock

    def take(self, buckets: list[Bucket]) -> int:
        """Count a try in every bucket and give 0, or count nothing and give the ms to wait."""
        with self._lock:
            now = self._clock()
            rows = [self._row(bucket.key, now) for bucket in buckets]
            wait = max((row[1] - now for row in rows), default=0)
            if wait > 0:
                return int(wait * 1000) + 1
            for bucket, (tries, _open, _end) in zip(buckets, rows, strict=True):
                self._rows[bucket.key] = (tries + 1, now + wait_seconds(tries + 1, bucket.free), now + FORGET_SECONDS)
                self._rows.move_to_end(bucket.key)
            while len(self._rows) > self.MOST:
                self._rows.popitem(last=False)
            return 0

    def forgive(self, buckets: list[Bucket]) -> None:
        with self._lock:
            for bucket in buckets:
                tries, _open, end = self._row(bucket.key, self._clock())
                if bucket.shared and tries:
                    self._rows[bucket.key] = (tries - 1, 0.0, end)
                else:
                    self._rows.pop(bucket.key, None)

    def tries(self, key: str) -> int:
        with self._lock:
            return self._row(key, self._clock())[0]

    def _row(self, key: str, now: float) -> tuple[int, float, float]:
        row = self._rows.get(key)
        return row if row and row[2] > now else (0, 0.0, 0.0)


# The same as LocalCounters.take and forgive, in one step for all processes. Each bucket is a hash {n, open}.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local wait = 0
for i, key in ipairs(KEYS) do
  wait = math.max(wait, tonumber(redis.call('HGET', key, 'open') or 0) - now)
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  local n, free, pause = redis.call('HINCRBY', key, 'n', 1), tonumber(ARGV[i + 2]), 0
  if free >= 0 and n >= free then pause = math.min(2 ^ math.min(n - free + 1, 30), tonumber(ARGV[1])) end
  redis.call('HSET', key, 'open', string.format('%d', now + pause * 1000))
  redis.call('EXPIRE', key, ARGV[2])
end
return 0
"""
_FORGIVE = """
for i, key in ipairs(KEYS) do
  if ARGV[i] == '1' and tonumber(redis.call('HGET', key, 'n') or 0) > 0 then
    redis.call('HINCRBY', key, 'n', -1)
    redis.call('HSET', key, 'open', 0)
  else redis.call('DEL', key) end
end
"""


class RedisCounters:
    """The counters that all processes share. Raises RedisError when it is away."""

    def take(self, buckets: list[Bucket]) -> int:
        frees = [-1 if bucket.free is None else bucket.free for bucket in buckets]
        return int(bus.client().eval(_TAKE, len(buckets), *self._keys(buckets), LONGEST_WAIT_SECONDS, FORGET_SECONDS,
                                     *frees))

    def forgive(self, buckets: list[Bucket]) -> None:
        bus.client().eval(_FORGIVE, len(buckets), *self._keys(buckets), *(int(bucket.shared) for bucket in buckets))

    def tries(self, key: str) -> int:
        return int(bus.client().hget(_PREFIX + key, "n") or 0)

    @staticmethod
    def _keys(buckets):
        return [_PREFIX + bucket.key for bucket in buckets]


_shared, _own = RedisCounters(), LocalCounters()


def _ask(method: str, *args):
    try:
        return getattr(_shared, method)(*args)
    except RedisError as error:
        log.warning("counting without redis", error=str(error))
        return getattr(_own, method)(*args)


def network() -> str | None:
    """The asking network: an IPv4 address or an IPv6 /64 (one household). None for this machine itself: then a proxy
    hides the real one, and slowing it down would slow everybody."""
    try:
        address = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return None
    if address.is_loopback:
        return None
    if address.version == 6:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)


def sign_in_buckets(email: str) -> list[Bucket]:
    """What a try to sign in to this account from this browser counts in."""
    account, device = devices.account_key(email), devices.device_for(email)
    if device:
        return [Bucket(f"device:{device}:{account}", FREE)]
    alarm = _ask("tries", f"account:{account}") >= ALARM
    here = network()
    buckets = [Bucket(f"address:{here or 'local'}:{account}", FREE_UNDER_ALARM if alarm else FREE),
               Bucket(f"account:{account}", None, shared=True)]
    return buckets + ([Bucket(f"network:{here}", FREE_PER_NETWORK, shared=True)] if here else [])


def take(buckets: list[Bucket]) -> None:
    """Count a try before it is made, so that a hundred at once are counted too. Raises TooMany with the wait."""
    wait_ms = _ask("take", buckets)
    if wait_ms > 0:
        raise TooMany(wait_in_words(-(-wait_ms // 1000)), retry_ms=wait_ms)


def forgive(buckets: list[Bucket]) -> None:
    """It was the right person: take the try back."""
    _ask("forgive", buckets)


def limit(what: str, who: str | None, free: int) -> None:
    """Count an act (a sign-up, a letter) by somebody: beyond `free` within the hour each next one waits longer."""
    if who is not None:
        take([Bucket(f"{what}:{who}", free)])


def wait_in_words(seconds: int) -> str:
    if seconds < 60:
        return ngettext("Too many tries. Please wait %(num)s second, then try again.",
                        "Too many tries. Please wait %(num)s seconds, then try again.", seconds)
    return _("Too many tries. Please wait %(minutes)s min, then try again.", minutes=-(-seconds // 60))
