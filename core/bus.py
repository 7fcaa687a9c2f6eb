"""Between processes: one published frame per room and tick, already joined, through Redis, which may be lost.

What is published is only ever a copy: numbered events stand in PostgreSQL, so a process that missed frames reads
them there (live/broadcast.py), and counters are sent again a second later.
"""
import json
import time

import redis
import structlog

log = structlog.get_logger("bus")
# A half-open connection gives no error, and redis-py's own health check waits for no answer (python-socketio#281): who
# has heard nothing for 5 s asks, who hears nothing for 10 s begins anew. The relay beats every second.
QUIET_SECONDS, SILENT_SECONDS = 5.0, 10.0
_client = None


def init_bus(redis_url: str) -> None:
    global _client
    _client = redis.Redis.from_url(redis_url, socket_connect_timeout=2, socket_timeout=5, decode_responses=True)


def client() -> redis.Redis:
    if _client is None:
        raise RuntimeError("core.bus.init_bus was not called")
    return _client


def channel() -> str:
    """Where our frames go. What is published is heard in all databases of a Redis server, and a copy of a shop that
    uses the next one has the same shows: its numbers would leave gaps on our pages that nothing ever fills."""
    return f"livestall:frames:{client().get_connection_kwargs().get('db') or 0}"


def publish(frames: list[dict]) -> bool:
    """Publish frames ({"room", "name", "data"} or {"drop": room}) in one message; False if Redis is away."""
    if not frames:
        return True
    try:
        client().publish(channel(), json.dumps(frames, separators=(",", ":"), default=str))
    except redis.RedisError as error:
        log.warning("frames not published", error=str(error))
        return False
    return True


def listen(on_frames, on_state, poll_seconds: float = 1.0) -> None:
    """Call on_frames(list) for every message, for ever. on_state(True/False) tells when Redis comes and goes."""
    up = None
    while True:
        try:
            subscriber = client().pubsub()  # one that ignores what is no message ignores the answer to a ping as well
            subscriber.subscribe(channel())
            subscriber.get_message(timeout=poll_seconds)  # the subscription stands before we say so
            if up is not True:
                up = True
                on_state(True)
            _hear(subscriber, on_frames, poll_seconds)
        except (redis.RedisError, OSError) as error:
            if up is not False:
                up = False
                log.warning("redis lost", error=str(error))
                on_state(False)
            time.sleep(0.5)


def _hear(subscriber, on_frames, poll_seconds: float) -> None:
    """Hand on what comes, until the connection breaks or is silent. Raises RedisError, OSError."""
    heard = asked = time.monotonic()
    while True:
        message, now = subscriber.get_message(timeout=poll_seconds), time.monotonic()
        if message:
            heard = now
        elif now - heard > SILENT_SECONDS:
            subscriber.close()
            raise redis.ConnectionError(f"nothing heard for {SILENT_SECONDS:g} s")
        elif now - max(heard, asked) > QUIET_SECONDS:
            subscriber.ping()
            asked = now
        if message and message["type"] == "message":
            on_frames(json.loads(message["data"]))
