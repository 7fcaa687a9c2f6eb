"""The websocket of one client, for Engine.IO on gevent's pywsgi: frames that are ready are written to it directly.

Writing never switches greenlets: what the kernel does not take waits in a buffer that has a bound, and a client that
reads too slowly is dropped. It connects again and asks for a snapshot, which is newer than what it missed.
"""
import contextlib
import socket
from functools import partial

import gevent
from gevent.pywsgi import WSGIHandler
from prometheus_client import Counter

from core.fanout import frames

# A viewer gets some 20 KB/s in a busy show: with the kernel's share (twice SEND_BUFFER) this is 10 s of it.
MOST_WAITING_BYTES = 128 * 1024
SEND_BUFFER_BYTES = 32 * 1024
RECEIVE_BYTES = 4096
READ_BUFFER_BYTES = 1024
CLOSE_SECONDS = 2.0  # a client that was told to close has this long to do it

too_slow = Counter("livestall_sockets_too_slow", "sockets dropped because their client read too slowly")


class Handler(WSGIHandler):
    """pywsgi's handler, which also hands over the socket, and ends the connection with its websocket: otherwise it
    would read the last frames as a request and hold it open."""

    def __init__(self, sock, address, server):
        super().__init__(sock, address, server)
        # Kept as long as the websocket. Heads have some 700 bytes; large bodies pass by the buffer anyway.
        self.rfile = sock.makefile("rb", READ_BUFFER_BYTES)

    def get_environ(self):
        return {**super().get_environ(), "fanout.socket": self.socket}

    def handle_one_response(self) -> None:
        super().handle_one_response()
        if self.environ.get("HTTP_UPGRADE", "").lower() == "websocket":
            self.close_connection = True


def driver_for(manager):
    """What Engine.IO calls for each websocket: `driver(handler, server)(environ, start_response)`."""
    return partial(WebSocket, manager)


class WebSocket:
    """One client's line. `eio` is its Engine.IO socket, `queue` what the library has for it and has not sent."""

    __slots__ = ("handler", "manager", "eio", "eio_sid", "queue", "sock", "raw_send", "waiting", "busy", "closed",
                 "incoming", "inbox", "known")

    def __init__(self, manager, handler, server):
        self.manager, self.handler = manager, handler
        self.eio = handler.__self__
        self.eio_sid = self.eio.sid
        self.queue = self.eio.queue.queue
        self.waiting = None  # bytes that the kernel did not take yet
        self.closed = False
        self.busy = False  # closed, or bytes wait: a frame must not be written directly
        self.incoming = frames.Incoming(server.max_http_buffer_size)
        self.inbox = []
        self.known = False  # the manager may write here

    def __call__(self, environ, start_response):
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY")
        if not key or environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
            start_response("426 Upgrade Required", [("Sec-WebSocket-Version", "13"), ("Content-Length", "0")])
            return []
        self.sock = environ["fanout.socket"]
        self.raw_send = self.sock._sock.send  # the kernel's, never waiting
        self._accept(key)
        try:
            return self.handler(self) or []
        finally:
            if self.known:  # a line that was only tried must not take another's place along
                self.manager.remove(self)
            self._end()

    def _accept(self, key: str) -> None:
        answer = ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                  f"Sec-WebSocket-Accept: {frames.accept_key(key)}\r\n\r\n")
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            self.sock.sendall(answer.encode())
        except OSError:  # gone already: the library sees the end at its first look and cleans up
            self._end()

    # -- sending

    def push(self, data: bytes) -> None:
        """Write ready frames now, behind what already waits; never blocks. Too much waiting drops the client."""
        if self.closed:
            return
        if self.waiting is not None:
            if len(self.waiting) + len(data) > MOST_WAITING_BYTES:
                too_slow.inc()
                self._end()
            else:
                self.waiting += data
            return
        try:
            sent = self.raw_send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._end()
            return
        if sent != len(data):
            self.keep(data[sent:])

    def keep(self, rest: bytes) -> None:
        """The kernel took no more: write the rest when it does."""
        self.waiting, self.busy = bytearray(rest), True
        gevent.spawn(self._write_rest)

    def _write_rest(self) -> None:
        try:
            while self.waiting:
                sent = self.sock.send(bytes(self.waiting[:65536]))
                del self.waiting[:sent]
        except OSError:
            self._end()
        else:
            self.waiting, self.busy = None, self.closed

    def send(self, data: str | bytes) -> None:
        """What the library's own writer calls. Raises OSError once closed, which ends the writer."""
        if self.closed:
            raise OSError("closed")
        self.push(frames.message(data))

    def close(self) -> None:
        """Say goodbye; the client closes, or is cut off."""
        if not self.closed:
            self._refuse(frames.NORMAL)

    def _refuse(self, code: int) -> None:
        self.push(frames.frame(code.to_bytes(2, "big"), frames.CLOSE))
        self.closed = self.busy = True
        gevent.spawn_later(CLOSE_SECONDS, self._end)
        if self.waiting is None:
            self._shut(socket.SHUT_WR)

    def _end(self) -> None:
        """Cut the line; whoever waits to read from it wakes up."""
        self.closed = self.busy = True
        self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        with contextlib.suppress(OSError):  # the other end was quicker
            self.sock._sock.shutdown(how)

    # -- receiving

    def wait(self) -> str | bytes | None:
        """The next message; None when the line is at its end."""
        if not self.known and self.eio.upgraded:
            # Not before: a client that polled first probes this line, and gives it up if anything but the answer to
            # its probe comes (it would then poll in a loop, unheard, until its ping ran out).
            self.known = True
            self.manager.add(self)
        while not self.inbox:
            try:
                data = self.sock.recv(RECEIVE_BYTES)
                if not data:
                    return None
                self._sort(self.incoming.feed(data))
            except frames.Refused as refused:
                self._refuse(refused.code)
                return None
            except OSError:
                return None
        return self.inbox.pop(0)

    def _sort(self, found: list[tuple[int, bytes]]) -> None:
        for opcode, payload in found:
            if opcode == frames.TEXT:
                try:
                    self.inbox.append(payload.decode())
                except UnicodeDecodeError:
                    raise frames.Refused(frames.NOT_TEXT) from None
            elif opcode == frames.BINARY:
                self.inbox.append(payload)
            elif opcode == frames.PING:
                self.push(frames.frame(payload, frames.PONG))
            elif opcode == frames.CLOSE:
                self.inbox.append(None)
                return
