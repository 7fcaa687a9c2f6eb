"""A crowd of sockets that only watch, as light as they can be: they join, and come back with the page's own pauses."""
import time
from urllib.parse import urlsplit

import gevent

from demo.wire import Sockets


class Storm:
    """`with Storm(sale, 5000) as crowd:` all are in the show; come_back() waits until all are in again."""

    def __init__(self, sale, count: int):
        self.sale, self.count, self.done = sale, count, False
        self.inside: set[int] = set()
        self.back: list[float] = []
        self.killed_at = None

    def __enter__(self):
        for number in range(self.count):
            gevent.spawn(self._stay, number)
            if number % 20 == 19:
                gevent.sleep(0.05)
        self.sale.until(lambda: len(self.inside) == self.count, 120, "the storm does not gather")
        return self

    def __exit__(self, *_):
        self.done = True

    def come_back(self) -> dict:
        """Call right after the kill. {"p95", "last"} in seconds."""
        self.killed_at = time.monotonic()
        self.sale.until(lambda: len(self.back) >= self.count, 120, "the storm does not settle")
        times = sorted(self.back)
        return {"p95": times[int(len(times) * 0.95)], "last": times[-1]}

    def _stay(self, number: int) -> None:
        place, buyers, tries = urlsplit(self.sale.rig.url), self.sale.buyers, 0
        buyer = buyers[number % len(buyers)]
        while not self.done:
            # Straight to the web processes: 5,000 lines through a proxy in Python would measure the proxy.
            sockets = Sockets(place.hostname, self.sale.rig.port, buyer.web.cookie, {})
            try:
                with gevent.Timeout(8, OSError("late")):
                    sockets.connect()
                if not sockets.ask("join", {"live_id": str(self.sale.live_id)}, 6).get("ok"):
                    raise OSError("not let in")
            except (OSError, gevent.Timeout):
                sockets.close()
                tries += 1
                gevent.sleep(min(3.0, 0.4 * 2 ** tries) * buyer.dice.uniform(0.4, 1.6))
                continue
            tries = 0
            self.inside.add(number)
            if self.killed_at:
                self.back.append(time.monotonic() - self.killed_at)
            while not (sockets.closed or self.done):
                gevent.sleep(0.2 + number % 7 / 20)
            sockets.close()
