"""A TCP proxy that breaks connections on demand: late, lossy, cut, silent, half-open. Threads, greenlets if patched."""
import queue
import random
import socket
import struct
import threading
import time

# What TCP does for a lost segment: sent again after 0.2 s, doubled each time, everything behind it waiting meanwhile.
RESEND_SECONDS = 0.2


class Proxy:
    """Listens on 127.0.0.1:port for `target`: (host, port) or the path of a unix socket. Attributes set what breaks:

    delay (seconds one way), loss (share of segments), refuse (new connections are closed), mute (what the server
    answers is swallowed), cut_after (bytes: once a client has sent them, they go through and the line is cut).
    """

    def __init__(self, target, seed: int = 0):
        self.target, self.dice = target, random.Random(seed)
        self.delay, self.loss, self.refuse, self.mute, self.cut_after = 0.0, 0.0, False, False, None
        self.cuts = 0
        self._pairs: set = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def heal(self) -> None:
        """Nothing breaks any more; what is half-open stays so until somebody notices."""
        self.delay, self.loss, self.refuse, self.mute, self.cut_after = 0.0, 0.0, False, False, None

    def cut(self) -> int:
        """Reset all connections of this moment; how many."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.reset()
        return len(pairs)

    def half_open(self) -> int:
        """All connections of this moment stay open and carry nothing any more; how many. New ones work."""
        pairs = list(self._pairs)
        for pair in pairs:
            pair.dead = True
        return len(pairs)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if self.refuse:
                client.close()
                continue
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        for end in (client, server):
            if end.family == socket.AF_INET:
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        _Pair(self, client, server).run()

    def _connect(self):
        if isinstance(self.target, tuple):
            return socket.create_connection(self.target, timeout=5)
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.target)
        return server


class _Pair:
    """One connection: two directions, each a reader and a writer, so that a delay delays but does not slow down."""

    def __init__(self, proxy: Proxy, client, server):
        self.proxy, self.client, self.server, self.dead = proxy, client, server, False
        for end in (client, server):
            end.settimeout(None)
        proxy._pairs.add(self)

    def run(self) -> None:
        for source, target, answers in ((self.client, self.server, False), (self.server, self.client, True)):
            waiting: queue.Queue = queue.Queue(1000)
            threading.Thread(target=self._read, args=(source, waiting, answers), daemon=True).start()
            threading.Thread(target=self._write, args=(target, waiting), daemon=True).start()

    def _read(self, source, waiting, answers) -> None:
        try:
            while data := source.recv(65536):
                if self.dead or answers and self.proxy.mute:
                    continue
                waiting.put((time.monotonic() + self._late(), data))
                mark = self.proxy.cut_after
                if mark and not answers and mark in data:
                    self._cut_behind(data, waiting)
                    return
        except OSError:
            pass
        waiting.put((0.0, b""))

    def _cut_behind(self, data, waiting) -> None:
        """What the client said arrives; what the server answers does not."""
        self.proxy.cuts += 1
        self.dead = True
        time.sleep(0.3)  # time for the server to do it
        self.reset()

    def _late(self) -> float:
        late, again = self.proxy.delay, RESEND_SECONDS
        while self.proxy.loss and self.proxy.dice.random() < self.proxy.loss:
            late, again = late + again, again * 2
        return late

    def _write(self, target, waiting) -> None:
        try:
            while True:
                due, data = waiting.get()
                if not data:
                    break
                if (rest := due - time.monotonic()) > 0:
                    time.sleep(rest)
                target.sendall(data)
        except OSError:
            pass
        self._end()

    def _end(self) -> None:
        self.proxy._pairs.discard(self)
        for end in (self.client, self.server):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue

    def reset(self) -> None:
        """RST both ways, as a cable that is pulled and a router that notices."""
        self.proxy._pairs.discard(self)
        for end in (self.client, self.server):
            try:
                if end.family == socket.AF_INET:
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RDWR)
                end.close()
            except OSError:
                continue
