"""Engine.IO pings every client every 20 s from a greenlet each, asleep all the time: 10 KB a client. One is enough."""
import time
from collections import deque

import gevent
from engineio import packet
from engineio.socket import Socket


class Pings:
    """Who is to be pinged, in the order in which it is due. Stands in for engineio.Server.start_background_task."""

    def __init__(self, engine):
        self.engine = engine
        self._start_task = engine.start_background_task
        self._due: deque[tuple[float, Socket]] = deque()
        self._runs = False

    def start_background_task(self, target, *args, **kwargs):
        """As the library's, but what would only wait to send a ping is written down instead."""
        if getattr(target, "__func__", None) is not Socket._send_ping:
            return self._start_task(target, *args, **kwargs)
        self._due.append((time.monotonic() + self.engine.ping_interval, target.__self__))
        if not self._runs:
            self._runs = True
            gevent.spawn(self._run)
        return None

    def _run(self) -> None:
        while self._due:
            due, client = self._due[0]
            if (wait := due - time.monotonic()) > 0:
                gevent.sleep(wait)
                continue
            self._due.popleft()
            if not client.closing and not client.closed:
                client.last_ping = time.time()
                client.send(packet.Packet(packet.PING))
        self._runs = False
