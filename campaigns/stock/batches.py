"""Natural batching: what arrives while one batch is being committed goes into the next.

No timer: a lone caller waits for nobody, a crowd shares one commit. Two runners take turns: while one waits for its
commit the other has the next batch ready behind the same lock (docs/decisions/0020-…). In a web process `threading` is
gevent's, so a runner is a greenlet.
"""
import random
import threading
import time
from collections import deque
from concurrent.futures import Future

import structlog
from gevent import monkey
from gevent.event import AsyncResult

from core.errors import Busy

log = structlog.get_logger("batches")
SWEEP_SECONDS = 0.1


class _ThreadResult(Future):
    """Where greenlets are not in use: the same three words for a Future."""
    get, set, ready = Future.result, Future.set_result, Future.done


class _Ticket:
    __slots__ = ("item", "result", "since")

    def __init__(self, item):
        # AsyncResult costs a greenlet 2 µs to wait on, a Future 46, a Lock with a timeout 21.
        self.item = item
        self.result = AsyncResult() if monkey.is_module_patched("threading") else _ThreadResult()
        self.since = time.monotonic()


class Batcher:
    """Hands lists of at most `most` items to `run(items, next_may_start) -> results`, first come, first served.

    `run` calls next_may_start() once the following batch can no longer overtake it; at the latest that is when it ends.
    """

    def __init__(self, run, *, most: int = 500, waiting_most: int = 4000, patience_seconds: float = 3.0,
                 runners: int = 2):
        self._run, self._most, self._waiting_most, self._patience = run, most, waiting_most, patience_seconds
        self._runners, self._started, self._gate = runners, False, threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._asked: deque[_Ticket] = deque()  # all without an answer, oldest first; and some that have one
        self._bell, self._turn = threading.Event(), threading.Lock()

    def call(self, item):
        """The result for one item. Raises Busy if too many wait, or after 3 s: then the outcome is open, and the same
        key must be sent again."""
        if len(self._waiting) >= self._waiting_most:
            raise Busy(retry_ms=random.randint(200, 800))
        if not self._started:
            self._start()
        ticket = _Ticket(item)
        self._asked.append(ticket)
        self._waiting.append(ticket)
        if not self._bell.is_set():
            self._bell.set()
        return ticket.result.get()

    def _start(self):
        with self._gate:
            if not self._started:
                self._started = True
                for work in [self._loop] * self._runners + [self._sweep]:
                    threading.Thread(target=work, name="batcher", daemon=True).start()

    def _loop(self):
        while True:
            self._turn.acquire()
            once = _Once(self._turn.release)
            try:
                self._one_batch(self._gather(), once)
            except Exception:
                log.exception("batch lost")
            finally:
                once()

    def _gather(self) -> list[_Ticket]:
        """The next batch, oldest first; waits for one. Whoever was told "busy" meanwhile is not in it."""
        while True:
            batch = []
            while self._waiting and len(batch) < self._most:
                ticket = self._waiting.popleft()
                if not ticket.result.ready():
                    batch.append(ticket)
            if batch:
                return batch
            self._bell.clear()
            if not self._waiting:
                self._bell.wait()

    def _one_batch(self, batch: list[_Ticket], once) -> None:
        try:
            results = self._run([ticket.item for ticket in batch], once)
        except Exception as error:
            for ticket in batch:
                if not ticket.result.ready():
                    ticket.result.set_exception(error)
            return
        for ticket, result in zip(batch, results, strict=True):
            if not ticket.result.ready():
                ticket.result.set(result)

    def _sweep(self):
        """Nobody waits longer than `patience_seconds`. One clock for all: a timer each cost a third of a claim."""
        while True:
            time.sleep(SWEEP_SECONDS)
            oldest = time.monotonic() - self._patience
            while self._asked and (self._asked[0].result.ready() or self._asked[0].since < oldest):
                ticket = self._asked.popleft()
                if not ticket.result.ready():
                    ticket.result.set_exception(Busy(retry_ms=random.randint(300, 1200)))


class _Once:
    """Calls a function the first time only."""
    __slots__ = ("_do",)

    def __init__(self, do):
        self._do = do

    def __call__(self):
        do, self._do = self._do, None
        if do is not None:
            do()
