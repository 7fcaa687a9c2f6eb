"""How often one socket may speak, whatever it says: a bucket of tokens in this process."""
import threading
import time
from collections import OrderedDict

# 20 events a second: a person who taps hearts makes 8. Above 100 a second it is a program, and its socket is dropped.
RATE_PER_SECOND = 20.0
BURST = 40.0
DROP_ABOVE = 100
OK, WAIT, DROP = "ok", "wait", "drop"


class Buckets:
    """One bucket a socket; `clock` is given by tests."""

    def __init__(self, clock=time.monotonic, most: int = 50_000):
        self._clock, self._most, self._lock = clock, most, threading.Lock()
        self._state: OrderedDict[str, list] = OrderedDict()  # sid → [tokens, at, second, events in it]

    def take(self, sid: str) -> str:
        """OK, WAIT (answer "too fast") or DROP (close the socket)."""
        now = self._clock()
        with self._lock:
            bucket = self._state.setdefault(sid, [BURST, now, int(now), 0])
            self._state.move_to_end(sid)
            if len(self._state) > self._most:
                self._state.popitem(last=False)
            tokens = min(BURST, bucket[0] + (now - bucket[1]) * RATE_PER_SECOND)
            count = bucket[3] + 1 if bucket[2] == int(now) else 1
            enough = tokens >= 1
            bucket[:] = [tokens - 1 if enough else tokens, now, int(now), count]
            if count > DROP_ABOVE:
                return DROP
            return OK if enough else WAIT

    def forget(self, sid: str) -> None:
        with self._lock:
            self._state.pop(sid, None)
