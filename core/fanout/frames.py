"""WebSocket frames (RFC 6455) as bytes: ours are made once for many sockets, a client's are read as they come. Pure."""
import base64
import hashlib
import struct

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
NORMAL, PROTOCOL_ERROR, NOT_TEXT, TOO_BIG = 1000, 1002, 1007, 1009
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Refused(Exception):
    """The client broke the protocol; `code` is what the close frame says."""

    def __init__(self, code: int):
        super().__init__(code)
        self.code = code


def accept_key(key: str) -> str:
    """What Sec-WebSocket-Accept answers to Sec-WebSocket-Key."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()).decode()


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One whole frame from a server, which masks nothing."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, size) + payload


def message(data: str | bytes) -> bytes:
    """A frame for an encoded Engine.IO packet."""
    return frame(data.encode(), TEXT) if isinstance(data, str) else frame(data, BINARY)


class Incoming:
    """A client's bytes become messages. Keeps at most one unfinished message of `most` bytes."""

    __slots__ = ("most", "_rest", "_parts", "_kind")

    def __init__(self, most: int):
        self.most = most
        self._rest = b""
        self._parts, self._kind = b"", 0  # a message in several frames

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Whole messages and control frames, (opcode, payload), in order. Raises Refused."""
        data = self._rest + data if self._rest else data
        found, at, size = [], 0, len(data)
        while size - at >= 2:
            head = _head(data, at, size)
            if head is None:
                break
            final, opcode, length, start = head
            self._check(final, opcode, length)
            end = start + length
            if size < end:
                break
            got = self._take(final, opcode, _unmask(data[start:end], data[start - 4:start]))
            if got:
                found.append(got)
            at = end
        self._rest = data[at:]
        return found

    def _check(self, final: bool, opcode: int, length: int) -> None:
        if opcode >= CLOSE:
            if opcode > PONG or not final or length > 125:
                raise Refused(PROTOCOL_ERROR)
        elif opcode > BINARY or (opcode == 0) != bool(self._kind):
            raise Refused(PROTOCOL_ERROR)
        elif length + len(self._parts) > self.most:
            raise Refused(TOO_BIG)

    def _take(self, final: bool, opcode: int, payload: bytes) -> tuple[int, bytes] | None:
        if opcode >= CLOSE:
            return opcode, payload
        if final and not self._kind:
            return opcode, payload
        self._kind = self._kind or opcode
        self._parts += payload
        if not final:
            return None
        whole, self._parts, self._kind = (self._kind, self._parts), b"", 0
        return whole


def _head(data: bytes, at: int, size: int) -> tuple[bool, int, int, int] | None:
    """(final, opcode, length, where the payload starts), or None while the head is not whole. Raises Refused."""
    first, second = data[at], data[at + 1]
    if first & 0x70 or not second & 0x80:  # extensions we did not agree to; clients must mask
        raise Refused(PROTOCOL_ERROR)
    length, start = second & 127, at + 2
    if length == 126:
        if size < start + 2:
            return None
        length, start = data[start] << 8 | data[start + 1], start + 2
    elif length == 127:
        if size < start + 8:
            return None
        length, start = int.from_bytes(data[start:start + 8], "big"), start + 8
    if size < start + 4:
        return None
    return bool(first & 0x80), first & 15, length, start + 4


def _unmask(payload: bytes, mask: bytes) -> bytes:
    """XOR with the mask as one large integer: 20 times faster than a loop over bytes."""
    size = len(payload)
    if not size or mask == b"\0\0\0\0":
        return payload
    key = (mask * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
