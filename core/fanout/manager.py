"""The client manager: an event for a room is encoded once, framed once, and written to each socket of the room.

A room that was sent to a moment ago waits for its pause and then gets everything since in one write per socket: each
event stays a Socket.IO packet of its own, so clients need no change. Whatever goes to one socket alone (an
acknowledgement, a personal message, a frame for a small room) first takes along what waits for that socket in its
rooms, so a socket hears everything in the order in which it was said.
"""
import time

import gevent
from engineio import packet as engine_packet
from prometheus_client import Counter
from socketio import packet as socket_packet
from socketio.manager import Manager

from core.fanout import frames

# A room is written to at most 20 times a second: an eye sees no difference, and sends are what costs (one is 4 to 8
# µs of CPU, whatever is in it).
PAUSE_SECONDS = 0.05
# And it costs at most half of a core: a large room, whose round takes 80 ms, pauses for 160.
REST = 2.0
# Members' own rooms and a show's staff: never made to wait.
SMALL_ROOM = 16
# A room whose events of one pause are more than this is written to at once: it bounds what a room keeps in memory.
MOST_BATCH_BYTES = 64 * 1024
# What may wait in the library's queue for a client that polls; then it is dropped.
MOST_QUEUED_PACKETS = 500

sends = Counter("livestall_fanout_sends", "writes to sockets; each may carry many events")
events_sent = Counter("livestall_fanout_events", "events times the sockets they went to")


class Batch:
    """What one room is still to be told. `early` says how much of it some sockets have already."""

    __slots__ = ("packets", "bytes", "early")

    def __init__(self):
        self.packets: list[str] = []
        self.bytes = 0
        self.early: dict[str, int] = {}


class FanoutManager(Manager):
    """For one process on gevent. `pause_seconds` 0 joins nothing."""

    def __init__(self, pause_seconds: float = PAUSE_SECONDS, small_room: int = SMALL_ROOM):
        super().__init__()
        self.pause_seconds, self.small_room = pause_seconds, small_room
        self.lines = {}  # Engine.IO sid → its WebSocket; who polls is not in it
        self._casts = {}  # (namespace, room) → ([WebSocket …], [sids of those who poll])
        self._batches: dict[tuple, Batch] = {}
        self._free_at: dict[tuple, float] = {}  # when a room may be written to again

    # -- what the driver tells

    def add(self, line) -> None:
        self.lines[line.eio_sid] = line
        self._casts.clear()

    def remove(self, line) -> None:
        self.lines.pop(line.eio_sid, None)
        self._casts.clear()

    # -- membership: the library's, and what was derived from it is forgotten

    def basic_enter_room(self, sid, namespace, room, eio_sid=None):
        was_in = sid in self.rooms.get(namespace, {}).get(room, ())
        super().basic_enter_room(sid, namespace, room, eio_sid=eio_sid)
        self._casts.pop((namespace, room), None)
        if not was_in and (batch := self._batches.get((namespace, room))):
            # What waits was said before: a newcomer begins behind it.
            batch.early[self.rooms[namespace][room][sid]] = len(batch.packets)

    def basic_leave_room(self, sid, namespace, room):
        super().basic_leave_room(sid, namespace, room)
        self._casts.pop((namespace, room), None)
        if room not in self.rooms.get(namespace, ()):
            self._free_at.pop((namespace, room), None)

    # -- sending

    def emit(self, event, data, namespace, room=None, skip_sid=None, callback=None, to=None, **kwargs):
        """Tell an event to everybody of this process in a room (None: in the namespace)."""
        room = to or room
        if callback or skip_sid or not (room is None or isinstance(room, str)):
            super().emit(event, data, namespace, room=room, skip_sid=skip_sid, callback=callback, **kwargs)
            return
        members = self.rooms.get(namespace, {}).get(room)
        if not members:
            return
        packet = self._encode(event, data, namespace)
        if isinstance(packet, list):  # with attachments: the library knows how
            super().emit(event, data, namespace, room=room, **kwargs)
        elif len(members) <= self.small_room:
            self._tell_few(list(members.values()), packet)
        else:
            self._tell_many((namespace, room), packet)

    def _encode(self, event, data, namespace) -> str | list:
        values = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        return self.server.packet_class(socket_packet.EVENT, namespace=namespace, data=[event, *values]).encode()

    def _tell_few(self, eio_sids: list[str], packet: str) -> None:
        for eio_sid in eio_sids:
            self._catch_up(eio_sid)
            self._send_to(eio_sid, [packet])

    def _tell_many(self, key: tuple, packet: str) -> None:
        batch = self._batches.get(key)
        if batch is None:
            now = time.monotonic()
            wait = self._free_at.get(key, 0.0) - now
            if wait <= 0 or not self.pause_seconds:
                self._write(key, [packet])
                return
            batch = self._batches[key] = Batch()
            gevent.spawn_later(wait, self._flush, key, batch)
        batch.packets.append(packet)
        batch.bytes += len(packet)
        if batch.bytes > MOST_BATCH_BYTES:
            self._flush(key, batch)

    def _flush(self, key: tuple, batch: Batch) -> None:
        if self._batches.get(key) is batch:
            del self._batches[key]
            self._write(key, batch.packets, batch.early)

    def _write(self, key: tuple, packets: list[str], early: dict[str, int] | None = None) -> None:
        """One write to each socket of the room; those in `early` get only what they lack."""
        began = time.monotonic()
        lines, polling = self._cast(key)
        if early:
            lines = [line for line in lines if line.eio_sid not in early]
            polling = [eio_sid for eio_sid in polling if eio_sid not in early]
        write_all(lines, joined(packets), self._send_to, packets)
        for eio_sid in polling:
            self._send_to(eio_sid, packets)
        for eio_sid, had in (early or {}).items():
            if had < len(packets) and self._is_in(eio_sid, key):
                self._send_to(eio_sid, packets[had:])
        sends.inc(len(lines))
        events_sent.inc(len(lines) * len(packets))
        took = time.monotonic() - began
        self._free_at[key] = began + max(self.pause_seconds, took * REST)

    def _cast(self, key: tuple) -> tuple[list, list]:
        """Who is in the room: sockets, and sids of those without."""
        cast = self._casts.get(key)
        if cast is None:
            namespace, room = key
            eio_sids = self.rooms.get(namespace, {}).get(room, {}).values()
            lines = self.lines
            cast = self._casts[key] = ([lines[sid] for sid in eio_sids if sid in lines],
                                       [sid for sid in eio_sids if sid not in lines])
        return cast

    # -- one socket

    def send_packet(self, eio_sid: str, packet) -> None:
        """Stands in for engineio.Server.send_packet: acknowledgements and whatever else the library sends to one."""
        self._catch_up(eio_sid)
        line = self.lines.get(eio_sid)
        if line is not None and packet.packet_type == engine_packet.MESSAGE and not (line.closed or line.queue):
            line.push(frames.message(packet.encode()))
            sends.inc()
        else:
            self._queue(eio_sid, packet)

    def _catch_up(self, eio_sid: str) -> None:
        """Send to this socket what waits in its rooms: nothing that comes later may overtake it."""
        for key, batch in self._batches.items():
            if self._is_in(eio_sid, key):
                had = batch.early.get(eio_sid, 0)
                if had < len(batch.packets):
                    self._send_to(eio_sid, batch.packets[had:])
                    batch.early[eio_sid] = len(batch.packets)

    def _is_in(self, eio_sid: str, key: tuple) -> bool:
        members = self.rooms.get(key[0], {}).get(key[1])
        return members is not None and eio_sid in members.inverse

    def _send_to(self, eio_sid: str, packets: list[str]) -> None:
        """Packets in order to one socket: directly, or behind what the library still has for it."""
        line = self.lines.get(eio_sid)
        if line is not None and not line.queue:
            line.push(joined(packets))
            return
        for packet in packets:
            self._queue(eio_sid, engine_packet.Packet(engine_packet.MESSAGE, packet))

    def _queue(self, eio_sid: str, packet) -> None:
        """The library's way, with a bound: a client that stopped polling is dropped."""
        engine = self.server.eio
        socket = engine.sockets.get(eio_sid)
        if socket is None or socket.closed:
            return
        if socket.queue.qsize() >= MOST_QUEUED_PACKETS:
            socket.close(wait=False, abort=True, reason=engine.reason.TRANSPORT_ERROR)
        else:
            socket.send(packet)


def joined(packets: list[str]) -> bytes:
    """Packets as websocket frames in one piece."""
    return b"".join([frames.frame(b"4" + packet.encode()) for packet in packets])


def write_all(lines: list, data: bytes, otherwise, packets: list[str]) -> None:
    """The hot loop: the same bytes to each socket. A socket that is not free goes the long way, `otherwise`."""
    size = len(data)
    for line in lines:
        if line.busy or line.queue:
            otherwise(line.eio_sid, packets)
            continue
        try:
            sent = line.raw_send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            line.push(data)  # it fails there again, and ends the line
            continue
        if sent != size:
            line.keep(data[sent:])
