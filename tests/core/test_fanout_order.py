"""What one socket hears, and in which order: rooms that join, personal messages, full kernels, waiting queues.

The rule: within a room nothing is lost, doubled or reordered for a member; and what is said to a member alone (an
acknowledgement, a personal message) neither overtakes what was said before it in the member's rooms nor is overtaken.
"""
import json

import flask
import flask_socketio
import gevent
import pytest
from engineio.packet import PING, Packet
from engineio.socket import Socket
from gevent import socket
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from socketio.packet import ACK

from core import fanout
from core.fanout import driver, manager
from core.fanout.driver import WebSocket

ROOMS = ("show", "staff")


class World:
    """A server that listens nowhere, and members with real socket pairs; the last one polls."""

    def __init__(self, members=5, pause=0.03):
        app = flask.Flask(__name__)
        made = fanout.FanoutManager(pause, small_room=1)
        self.server = flask_socketio.SocketIO(app, async_mode="gevent", client_manager=made).server
        fanout.connect(self.server)
        self.manager, self.engine = made, self.server.eio
        self.said, self.number = [], 0
        self.members = [Member(self, n, polls=n == members - 1) for n in range(members)]

    def close(self):
        for member in self.members:
            member.close()

    def say(self, kind, member, room):
        """Say one numbered thing: to a room, to one member, or as an acknowledgement."""
        self.number += 1
        one = self.members[member]
        if kind == "room":
            self.said.append((self.number, room, {m.sid for m in self.members if room in m.rooms}))
            self.server.emit("ev", [self.number, room], to=room)
        elif kind == "mine":
            self.said.append((self.number, None, {one.sid}))
            self.server.emit("ev", [self.number, None], to=one.sid)
        else:
            self.said.append((self.number, None, {one.sid}))
            self.server._send_packet(one.engine_sid, self.server.packet_class(
                ACK, namespace="/", id=self.number, data=[[self.number, None]]))

    def settle(self):
        """Until nothing waits any more; what each member heard."""
        for _ in range(2):
            for member in self.members:
                member.queue_flows()
            gevent.sleep(0.04)
        for member in self.members:
            member.queue_flows()
        return {member.sid: member.heard() for member in self.members}


class Member:
    def __init__(self, world, number, polls):
        self.world, self.engine_sid, self.polls, self.rooms = world, f"engine-{number}", polls, set()
        self.client = Socket(world.engine, self.engine_sid)
        self.client.connected, self.client.last_ping = True, None
        world.engine.sockets[self.engine_sid] = self.client
        self.bytes, self.polled = b"", []
        if not polls:
            ours, self.theirs = socket.socketpair()
            self.line = WebSocket(world.manager, self.client._websocket_handler, world.engine)
            self.line.sock = ours
            self.line.raw_send = self.really_send = ours._sock.send
            world.manager.add(self.line)
        self.sid = world.manager.connect(self.engine_sid, "/")

    def enter(self, room):
        self.rooms.add(room)
        self.world.manager.enter_room(self.sid, "/", room)

    def leave(self, room):
        self.rooms.discard(room)
        self.world.manager.leave_room(self.sid, "/", room)

    def kernel(self, takes):
        """How many bytes the kernel takes of the next direct write."""
        if self.polls:
            return

        def some(data):
            self.line.raw_send = self.really_send
            if not takes:
                raise BlockingIOError
            return self.really_send(data[:takes])
        self.line.raw_send = some

    def queue_waits(self):
        """The library queued a ping and its writer has not run yet."""
        self.client.queue.put(Packet(PING))

    def queue_flows(self):
        while self.client.queue.queue:
            packet = self.client.queue.get_nowait()
            if self.polls:
                self.polled.append(packet.encode())
            else:
                self.line.send(packet.encode())

    def heard(self):
        """[(number, room or None)] in order of arrival."""
        if self.polls:
            packets = self.polled
        else:
            packets = self._frames()
        values = [json.loads(packet[packet.index("["):]) for packet in packets if packet != "2"]
        return [tuple(value[1] if value[0] == "ev" else value[0]) for value in values]

    def _frames(self):
        with gevent.Timeout(0.02, False):
            while True:
                data = self.theirs.recv(65536)
                if not data:
                    break
                self.bytes += data
        found, at = [], 0
        while at < len(self.bytes):
            length, start = self.bytes[at + 1], at + 2
            if length == 126:
                length, start = int.from_bytes(self.bytes[start:start + 2], "big"), start + 2
            found.append(self.bytes[start:start + length].decode())
            at = start + length
        return found

    def close(self):
        if not self.polls:
            self.theirs.close()
            self.line.sock.close()


def problems(world, heard) -> list[str]:
    """What breaks the rule."""
    found = []
    for member in world.members:
        got, due = heard[member.sid], [(n, room) for n, room, who in world.said if member.sid in who]
        for room in (*ROOMS, None):
            if [one for one in got if one[1] == room] != [one for one in due if one[1] == room]:
                found.append(f"{member.engine_sid}: {room}: {got} instead of {due}")
        for at, (number, room) in enumerate(got):
            if any(later < number and None in (room, other) for later, other in got[at + 1:]):
                found.append(f"{member.engine_sid}: {number} overtook in {got}")
    return found


STEPS = st.lists(st.one_of(
    st.tuples(st.sampled_from(["room", "mine", "ack"]), st.integers(0, 4), st.sampled_from(ROOMS)),
    st.tuples(st.sampled_from(["full", "part", "queue", "flow", "enter", "leave"]), st.integers(0, 4),
              st.sampled_from(ROOMS)),
    st.tuples(st.just("wait"), st.integers(1, 40), st.none())), max_size=40)


def play(steps, tamper=lambda manager: None):
    world = World()
    tamper(world.manager)
    for member in world.members[:4]:
        member.enter("show")
    for member in world.members[2:]:
        member.enter("staff")
    world.members[4].enter("show")
    act = {"full": lambda m, _: m.kernel(0), "part": lambda m, _: m.kernel(9), "queue": lambda m, _: m.queue_waits(),
           "flow": lambda m, _: m.queue_flows()}
    for kind, who, room in steps:
        if kind == "wait":
            gevent.sleep(who / 1000)
        elif kind in act:
            act[kind](world.members[who], room)
        elif kind in ("enter", "leave"):
            # What waits for the room is settled first: who hears a joined event is who is there when it leaves.
            gevent.sleep(0.035)
            getattr(world.members[who], kind)(room)
        else:
            world.say(kind, who, room)
    found = problems(world, world.settle())
    world.close()
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS)
def test_a_member_hears_everything_once_and_nothing_personal_overtakes(steps):
    assert play(steps) == []


JOINED_THEN_PERSONAL = [("room", 0, "show"), ("room", 0, "show"), ("ack", 1, "show"), ("mine", 4, "show")]


def test_control_without_catching_up_an_acknowledgement_overtakes():
    def careless(made):
        made._catch_up = lambda eio_sid: None
    assert any("overtook" in problem for problem in play(JOINED_THEN_PERSONAL, careless))
    assert play(JOINED_THEN_PERSONAL) == []


def test_control_without_looking_at_the_queue_an_event_overtakes(monkeypatch):
    """A ping waits, an event is queued behind it, a direct write would pass both."""
    steps = [("queue", 0, "show"), ("mine", 0, "show"), ("room", 0, "show")]
    assert play(steps) == []

    def blind(lines, data, otherwise, packets):
        for line in lines:
            line.push(data)
    monkeypatch.setattr(manager, "write_all", blind)
    assert play(steps) != []


def test_a_rooms_events_of_one_pause_leave_in_one_write():
    world = World(pause=0.03)
    writes = []
    for member in world.members:
        member.enter("show")
    world.say("room", 0, "show")  # the first leaves at once
    line = world.members[0].line
    line.raw_send = lambda data: writes.append(data) or world.members[0].really_send(data)
    for _ in range(50):
        world.say("room", 0, "show")
    assert writes == []
    heard = world.settle()
    assert len(writes) == 1
    assert len(heard[world.members[0].sid]) == 51
    world.close()


def test_a_room_that_says_more_than_64_kib_in_a_pause_does_not_wait(monkeypatch):
    monkeypatch.setattr(manager, "MOST_BATCH_BYTES", 200)
    world = World(pause=5)
    for member in world.members:
        member.enter("show")
    for _ in range(60):
        world.say("room", 0, "show")
    assert all(batch.bytes <= 200 for batch in world.manager._batches.values())
    assert len(world.members[0].heard()) > 40
    world.close()


def test_a_large_room_rests_twice_as_long_as_its_round_took(monkeypatch):
    world = World(pause=0.01)
    for member in world.members:
        member.enter("show")
    monkeypatch.setattr(manager, "write_all", lambda *_: gevent.sleep(0.05))
    began = manager.time.monotonic()
    world.say("room", 0, "show")
    assert 0.09 < world.manager._free_at["/", "show"] - began < 0.5
    world.close()


def test_a_client_that_reads_too_slowly_is_dropped_and_its_buffer_stays_small(monkeypatch):
    monkeypatch.setattr(driver, "MOST_WAITING_BYTES", 1000)
    world = World(pause=0)
    for member in world.members:
        member.enter("show")
    slow = world.members[0]
    slow.line.raw_send = lambda data: 0
    monkeypatch.setattr(WebSocket, "_write_rest", lambda line: None)  # the kernel takes nothing any more
    before = driver.too_slow._value.get()
    for _ in range(100):
        world.say("room", 0, "show")
    assert slow.line.closed
    assert len(slow.line.waiting) <= 1000
    assert driver.too_slow._value.get() == before + 1
    assert len(world.members[1].heard()) == 100
    world.close()


def test_a_client_that_stopped_polling_is_dropped(monkeypatch):
    monkeypatch.setattr(manager, "MOST_QUEUED_PACKETS", 20)
    world = World(pause=0)
    for member in world.members:
        member.enter("show")
    polls = world.members[-1]
    for _ in range(100):
        world.say("room", 0, "show")
    assert polls.client.closed
    assert polls.client.queue.qsize() <= 21
    world.close()


def test_nothing_is_kept_of_a_room_that_everybody_left():
    world = World()
    for member in world.members:
        member.enter("show")
    world.say("room", 0, "show")
    world.settle()
    for member in world.members:
        member.leave("show")
    assert world.manager._free_at == {}
    assert world.manager._casts == {}
    assert world.manager._batches == {}
    world.close()


@pytest.mark.parametrize("data, expected", [((1, 2), '["ev",1,2]'), (None, '["ev"]'), ([1, 2], '["ev",[1,2]]'),
                                            ({"a": "ü"}, '["ev",{"a":"\\u00fc"}]')])
def test_an_event_is_encoded_as_the_library_does(data, expected):
    world = World()
    assert world.manager._encode("ev", data, "/") == "2" + expected
    world.close()
