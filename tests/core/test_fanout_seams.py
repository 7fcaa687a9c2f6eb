"""What core/fanout relies on inside Flask-SocketIO, python-socketio and python-engineio, each by its name.

When a new version breaks one of these, the test that fails says which part of core/fanout has to follow.
"""
import inspect
import time
from collections import deque
from types import SimpleNamespace

import engineio
import flask
import flask_socketio
import pytest
import socketio
from engineio.packet import MESSAGE, PING, Packet
from engineio.socket import Socket
from gevent import queue
from socketio.manager import Manager

from core import fanout
from core.fanout.pings import Pings


@pytest.fixture
def server():
    """A server of Flask-SocketIO with our fan-out, not listening."""
    app = flask.Flask(__name__)
    extension = flask_socketio.SocketIO(app, async_mode="gevent", client_manager=fanout.FanoutManager())
    fanout.connect(extension.server)
    return extension.server


def test_flask_socketio_hands_our_client_manager_to_socketio(server):
    assert isinstance(server.manager, fanout.FanoutManager)
    assert server.manager.server is server


def test_flask_socketio_emits_through_the_client_manager(server):
    heard = []
    server.manager.emit = lambda event, data, namespace, **more: heard.append((event, data, more["room"], namespace))
    server.emit("ev", {"a": 1}, to="room", namespace="/")
    assert heard == [("ev", {"a": 1}, "room", "/")]


def test_the_managers_emit_takes_what_ours_takes():
    ours, theirs = inspect.signature(fanout.FanoutManager.emit), inspect.signature(Manager.emit)
    assert list(ours.parameters) == list(theirs.parameters)


def test_the_manager_keeps_rooms_as_two_way_maps_and_enters_and_leaves_by_the_basic_methods(server):
    manager = server.manager
    sid = manager.connect("engine-1", "/")
    manager.enter_room(sid, "/", "room")
    assert manager.rooms["/"]["room"] == {sid: "engine-1"}
    assert manager.rooms["/"][None] == {sid: "engine-1"}
    assert "engine-1" in manager.rooms["/"]["room"].inverse
    left = []
    manager.basic_leave_room = lambda *args: left.append(args)
    manager.disconnect(sid, "/")
    assert (sid, "/", "room") in left
    for method in ("basic_enter_room", "basic_leave_room"):
        assert list(inspect.signature(getattr(fanout.FanoutManager, method)).parameters) == list(
            inspect.signature(getattr(Manager, method)).parameters)


def test_socketio_sends_acknowledgements_through_engineios_send_packet(server):
    heard = []
    server.eio.send_packet = lambda sid, packet: heard.append((sid, packet.packet_type, packet.data))
    server._send_packet("engine-1", server.packet_class(socketio.packet.ACK, namespace="/", id=7, data=["yes"]))
    server._send_eio_packet("engine-1", Packet(MESSAGE, "raw"))
    assert heard == [("engine-1", MESSAGE, '37["yes"]'), ("engine-1", MESSAGE, "raw")]


def test_engineio_takes_the_websocket_driver_from_its_async_table(server):
    assert server.eio._async["websocket"].func.__name__ == "WebSocket"
    assert "self.server._async['websocket']" in inspect.getsource(Socket._upgrade_websocket)
    assert engineio.Server(async_mode="gevent")._async["websocket"] is not server.eio._async["websocket"]


def test_engineio_gives_the_driver_a_bound_method_of_its_socket(server):
    seen = []
    server.eio._async = {**server.eio._async,
                         "websocket": lambda handler, eio: seen.append(handler) or (lambda *_: [])}
    client = Socket(server.eio, "engine-1")
    client._upgrade_websocket({}, None)
    assert seen[0].__self__ is client
    assert seen[0].__func__ is Socket._websocket_handler


def test_engineios_socket_has_a_gevent_queue_over_a_deque(server):
    client = Socket(server.eio, "engine-1")
    assert isinstance(client.queue, queue.JoinableQueue)
    assert isinstance(client.queue.queue, deque)
    waiting = client.queue.queue
    client.connected = True
    client.send(Packet(MESSAGE, "x"))
    assert [packet.data for packet in waiting] == ["x"]
    assert client.queue.qsize() == 1


def test_engineio_starts_a_greenlet_for_each_ping_that_does_what_ours_does():
    started, slept = [], []
    engine = SimpleNamespace(create_queue=queue.JoinableQueue, ping_interval=20, ping_timeout=15, sleep=slept.append,
                             start_background_task=started.append, logger=SimpleNamespace(info=lambda *_: None))
    client = Socket(engine, "engine-1")
    client.schedule_ping()
    assert [task.__func__ for task in started] == [Socket._send_ping]
    assert client.last_ping is None
    started[0]()
    assert slept == [20]
    assert time.time() - client.last_ping < 5
    assert client.queue.get_nowait().packet_type == PING


def test_other_tasks_of_engineio_are_still_its_own(server):
    ran = []
    task = Pings(server.eio).start_background_task(ran.append, 1)
    task.join()
    assert ran == [1]


def test_a_packet_of_engineio_encodes_to_text_with_its_type_in_front():
    assert Packet(MESSAGE, "x").encode() == "4x"
    assert Packet(MESSAGE, b"x").encode() == b"x"
