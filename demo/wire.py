"""A small Socket.IO client over gevent sockets (Engine.IO 4, Socket.IO 5, websocket only), and a JSON client.

The libraries' client costs about 150 µs a message; with 500 viewers on the two cores that also run the server it would
measure itself. This one looks only at what a viewer must act on and skips the rest undecoded.
"""
import base64
import contextlib
import http.client
import json
import os
import socket
import struct

import gevent
from gevent.event import AsyncResult
from gevent.lock import Semaphore


class Web:
    """JSON over one kept connection, with the cookie and the CSRF token of one browser."""

    def __init__(self, host: str, port: int, cookie: str):
        self.host, self.port, self.cookie, self.token = host, port, cookie, ""
        self._connection, self._turn = None, Semaphore()

    def call(self, method: str, path: str, body=None, *, form: bool = False) -> tuple[int, object, dict]:
        """(status, JSON or text, headers), one after the other; one new try if the kept connection was closed."""
        with self._turn:
            return self._call(method, path, body, form)

    def _call(self, method: str, path: str, body, form: bool) -> tuple[int, object, dict]:
        headers = {"Cookie": self.cookie, "Accept": "application/json, text/html", "Host": f"{self.host}:{self.port}",
                   "Origin": f"http://{self.host}:{self.port}", "X-CSRFToken": self.token,
                   "Referer": f"http://{self.host}:{self.port}/"}
        data = None
        if body is not None:
            data = body if form else json.dumps(body)
            headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
        for again in (True, False):
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
                self._connection.request(method, path, data, headers)
                answer = self._connection.getresponse()
                text = answer.read().decode()
                self._keep(answer.headers.get_all("Set-Cookie") or [])
                kind = answer.getheader("Content-Type") or ""
                return answer.status, json.loads(text) if "json" in kind else text, dict(answer.getheaders())
            except (http.client.RemoteDisconnected, ConnectionError, http.client.BadStatusLine):
                self._connection = None
                if not again:
                    raise
        raise AssertionError("unreachable")

    def _keep(self, cookies: list[str]) -> None:
        """The session cookie as the server has it now: the CSRF token belongs to it."""
        name = self.cookie.split("=", 1)[0]
        for cookie in cookies:
            if cookie.startswith(name + "="):
                self.cookie = cookie.split(";", 1)[0]

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Sockets:
    """One viewer's socket. `heard` counts frames; `on_event(name, payload)` gets the events named in `wanted`."""

    def __init__(self, host: str, port: int, cookie: str, wanted: dict[str, object]):
        self.host, self.port, self.cookie = host, port, cookie
        self.wanted = {f'42["{name}"'.encode(): handler for name, handler in wanted.items()}
        self.heard, self.closed = 0, False
        self._socket: socket.socket | None = None
        self._acks: dict[int, AsyncResult] = {}
        self._number = 0

    def connect(self) -> None:
        """Open, upgrade and join the default namespace. Raises OSError."""
        self._socket = socket.create_connection((self.host, self.port), timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self._socket.sendall((
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n"
            f"Origin: http://{self.host}:{self.port}\r\nCookie: {self.cookie}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise OSError(head.split(b"\r\n")[0].decode())
        self._send(b"40")
        while not self._message().startswith(b"40"):
            continue
        self._socket.settimeout(60)  # three pings
        self._reader = gevent.spawn(self._read)

    def ask(self, name: str, body: dict, seconds: float = 5.0):
        """Emit with an acknowledgement; its body. Raises gevent.Timeout."""
        self._number += 1
        number, answer = self._number, AsyncResult()
        self._acks[number] = answer
        self._send(f"42{number}{json.dumps([name, body])}".encode())
        try:
            return answer.get(timeout=seconds)
        finally:
            self._acks.pop(number, None)

    def close(self) -> None:
        self.closed = True
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()

    def _read(self) -> None:
        try:
            while not self.closed:
                self._hear(self._message())
        except OSError:
            self.closed = True

    def _hear(self, message: bytes) -> None:
        if message == b"2":
            self._send(b"3")
        elif message.startswith(b"43"):
            start = message.index(b"[")
            answer = self._acks.get(int(message[2:start]))
            if answer is not None:
                answer.set(json.loads(message[start:])[0])
        else:
            self.heard += 1
            handler = self.wanted.get(message[: message.find(b'"', 4) + 1])
            if handler is not None:
                handler(message)

    def _send(self, payload: bytes) -> None:
        size = len(payload)
        head = bytes((0x81, 0x80 | size)) if size < 126 else struct.pack("!BBH", 0x81, 0x80 | 126, size)
        mask = os.urandom(4)
        value = int.from_bytes(payload, "big") ^ int.from_bytes((mask * (size // 4 + 1))[:size], "big")
        self._socket.sendall(head + mask + value.to_bytes(size, "big"))

    def _more(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise OSError("closed by the server")
        self._buffer += data

    def _need(self, count: int) -> None:
        while len(self._buffer) < count:
            self._more()

    def _message(self) -> bytes:
        """The next text message; control frames are answered here."""
        while True:
            self._need(2)
            code, size, start = self._buffer[0] & 15, self._buffer[1] & 127, 2
            if size == 126:
                self._need(4)
                size, start = struct.unpack("!H", self._buffer[2:4])[0], 4
            elif size == 127:
                self._need(10)
                size, start = struct.unpack("!Q", self._buffer[2:10])[0], 10
            self._need(start + size)
            payload, self._buffer = self._buffer[start:start + size], self._buffer[start + size:]
            if code == 1:
                return payload
            if code == 8:
                raise OSError("closed by the server")
