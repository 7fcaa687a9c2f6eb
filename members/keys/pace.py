"""How fast one key may ask: bursts of 100, 10 a second after that. Counted in Redis; without it, in each process."""
import threading
import time

import structlog
from redis.exceptions import RedisError

from core import bus
from core.errors import TooMany

log = structlog.get_logger("keys")
EVERY_MS, BURST = 100, 100
# GCRA: the one number kept is the moment at which everything asked so far would be used up at an even pace.
_TAKE = """
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local up = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now) + tonumber(ARGV[1])
local wait = up - now - ARGV[1] * ARGV[2]
if wait > 0 then return wait end
redis.call('SET', KEYS[1], string.format('%d', up), 'PX', ARGV[1] * ARGV[2] + 1000)
return 0
"""
_own: dict[str, float] = {}
_lock = threading.Lock()


def take(key_id) -> None:
    """Count a request of this key. Raises TooMany with the wait."""
    name = f"livestall:pace:{key_id}"
    try:
        wait_ms = int(bus.client().eval(_TAKE, 1, name, EVERY_MS, BURST))
    except RedisError as error:
        log.warning("counting without redis", error=str(error))
        wait_ms = local_wait_ms(name, time.monotonic() * 1000)
    if wait_ms > 0:
        raise TooMany(retry_ms=wait_ms)


def local_wait_ms(name: str, now_ms: float) -> int:
    """The same in this process; at most 10,000 keys are remembered."""
    with _lock:
        if len(_own) > 10_000:
            _own.clear()
        up = max(_own.get(name, 0), now_ms) + EVERY_MS
        wait = up - now_ms - EVERY_MS * BURST
        if wait <= 0:
            _own[name] = up
        return max(0, int(wait))
