"""Standard clients against a real server with our fan-out: python-socketio's, npm's socket.io-client, and raw bytes."""
import http.client
import json
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import pytest
import socketio
import websocket

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / ".venv/bin/node"


class Server:
    """tests/bench/fanout_server.py as a process."""

    def __init__(self, **options):
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        self.process = subprocess.Popen([sys.executable, "tests/bench/fanout_server.py", "0", *words], cwd=ROOT,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"http://127.0.0.1:{self.port}"

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return answer.read().decode()

    def state(self):
        return json.loads(self.get("/state"))

    def until(self, true, seconds=10.0):
        end = time.monotonic() + seconds
        while not true(self.state()):
            assert time.monotonic() < end, self.state()
            time.sleep(0.02)

    def stop(self):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()


@contextmanager
def serving(**options):
    server = Server(**options)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def server():
    """Joins for two members already, one of whom is always there; pings once a second."""
    with serving(small=1, ping=1, pause=0.05) as server:
        bystander = socketio.Client(reconnection=False)
        bystander.connect(server.url, transports=["websocket"], wait_timeout=5)
        yield server
        bystander.disconnect()


class Raw:
    """One websocket read packet by packet."""

    def __init__(self, server, query="", **options):
        self.ws = websocket.create_connection(
            server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket" + query, timeout=10, **options)
        self.opened = json.loads(self.ws.recv()[1:])
        self.ws.send("40")
        assert self.ws.recv().startswith("40")

    def packets(self, count):
        """The next packets, pings answered and left out."""
        found = []
        while len(found) < count:
            packet = self.ws.recv()
            if packet == "2":
                self.ws.send("3")
            else:
                found.append(packet)
        return found


def order(packets):
    """Short names of packets: the event's number, mine, ack."""
    short = []
    for packet in packets:
        body = json.loads(packet[packet.index("["):])
        short.append("ack" if packet.startswith("43") else body[1]["seq"] if body[0] == "ev" else body[0])
    return short


def test_an_acknowledgement_comes_after_what_was_said_to_the_room_before(server):
    raw = Raw(server)
    raw.ws.send('421["script","aaamaamca"]')
    packets = raw.packets(10)
    first = server.state()["told"] - 6
    assert order(packets) == [first, first + 1, first + 2, "mine", first + 3, first + 4, "mine", "asked",
                              first + 5, "ack"]
    assert json.loads(packets[9][3:])[0]["told"] == first + 6
    raw.ws.close()


def test_the_python_client_hears_joined_events_one_by_one(server):
    """In which order it runs our function is its own affair: each message has a thread (engineio/client.py)."""
    client, heard, done = socketio.Client(reconnection=False), [], threading.Event()
    client.on("ev", lambda data: (heard.append(data["seq"]), len(heard) >= 200 and done.set()))
    client.connect(server.url, transports=["websocket"], wait_timeout=5)
    assert client.call("echo", {"a": [1, "ü"]}, timeout=5) == {"a": [1, "ü"]}
    server.get("/start?events=200&rate=2000")
    assert done.wait(10)
    assert sorted(heard) == list(range(min(heard), min(heard) + len(heard)))
    client.disconnect()
    server.until(lambda state: not state["busy"])


def node(server, transports, events, script=""):
    return subprocess.Popen([NODE, "tests/core/fanout_client.mjs", server.url, transports, str(events), script],
                            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def connected(client):
    """Wait until it is; what it says instead is the reason of the failure."""
    said = client.stderr.readline()
    assert said == "connected\n", said + client.communicate(timeout=20)[0]


@pytest.mark.parametrize("transports, ends_as", [("websocket", "websocket"), ("polling", "polling"),
                                                 ("polling,websocket", "websocket")])
def test_the_npm_client_needs_no_change(server, transports, ends_as):
    client = node(server, transports, 4, "aamamma")
    out, err = client.communicate(timeout=20)
    heard = json.loads(out)
    first = server.state()["told"] - 4
    assert heard["transport"] == ends_as, err
    assert [one for one in heard["heard"] if "ack" not in str(one)] == [
        first, first + 1, f"mine {first + 2}", first + 2, f"mine {first + 3}", f"mine {first + 3}", first + 3]
    assert heard["heard"][7] == f"ack {first + 4}"


def test_nothing_is_lost_while_a_client_upgrades_from_polling(server):
    client = node(server, "polling,websocket", 600)
    connected(client)
    server.get("/start?events=800&rate=800")
    out, err = client.communicate(timeout=20)
    heard = json.loads(out)
    assert heard["transport"] == "websocket", err
    assert heard["heard"] == list(range(heard["heard"][0], heard["heard"][0] + 600))
    server.until(lambda state: not state["busy"])


def test_who_comes_by_polling_into_a_busy_room_gets_its_websocket_and_loses_nothing(server):
    """What is told while a client tries its websocket must not come over it before the client has changed to it."""
    server.get("/start?events=6000&rate=600")
    clients = [node(server, "polling,websocket", 600) for _ in range(4)]
    for client in clients:
        out, err = client.communicate(timeout=30)
        heard = json.loads(out or "{}")
        assert heard.get("transport") == "websocket", out + err
        assert heard["heard"] == list(range(heard["heard"][0], heard["heard"][0] + 600))
    server.until(lambda state: not state["busy"])


@pytest.mark.parametrize("transports", ["websocket", "polling"])
def test_over_three_ping_intervals_nothing_is_lost(server, transports):
    client = node(server, transports, 1400)
    connected(client)
    server.get("/start?events=1600&rate=400")
    out, err = client.communicate(timeout=30)
    heard = json.loads(out)
    assert "ping" in heard["seen"], err
    assert heard["heard"] == list(range(heard["heard"][0], heard["heard"][0] + 1400))
    server.until(lambda state: not state["busy"])


def test_who_does_not_answer_pings_is_closed():
    with serving(ping=0.3, patience=0.5) as server:
        raw = Raw(server)
        with pytest.raises(websocket.WebSocketConnectionClosedException):
            while True:
                raw.ws.recv()
        server.until(lambda state: state["sockets"] == 0)


def test_compression_is_not_agreed_to(server):
    raw = websocket.create_connection(
        server.url.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket", timeout=5,
        header=["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"])
    assert raw.headers.get("sec-websocket-extensions") is None
    raw.close()


@pytest.mark.parametrize("bad", [b"\x81\x02hi", b"\xc1\x80mask", b"\x83\x80mask", b"\x81\xff" + b"\x7f" * 8 + b"mask",
                                 b"\x81\x82\0\0\0\0\xff\xfe"])
def test_who_breaks_the_protocol_is_closed_and_others_go_on(server, bad):
    bystander, rude = Raw(server), Raw(server)
    rude.ws.sock.sendall(bad)
    with pytest.raises((websocket.WebSocketConnectionClosedException, OSError)):
        for _ in range(50):
            frame = rude.ws.recv_frame()
            if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
                raise OSError("told to close")
    bystander.ws.send('421["echo",5]')
    assert "431[5]" in bystander.packets(1)
    bystander.ws.close()


def test_a_websocket_ping_is_answered(server):
    raw = Raw(server)
    raw.ws.ping(b"there?")
    while (frame := raw.ws.recv_frame()).opcode != websocket.ABNF.OPCODE_PONG:
        assert frame.data == b"2"
    assert frame.data == b"there?"
    raw.ws.close()


def test_a_request_that_is_no_websocket_of_today_is_refused(server):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    connection.request("GET", "/socket.io/?EIO=4&transport=websocket", headers={
        "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": "x"})
    assert connection.getresponse().status == 426
    connection.close()


def test_a_stopped_reader_is_dropped_and_costs_little_memory():
    with serving(small=0, ping=60, pause=0) as server:
        small = ((socket.SOL_SOCKET, socket.SO_RCVBUF, 8192),)
        stopped, reader = Raw(server, sockopt=small), Raw(server)
        before, heard, rest = server.state()["rss_kb"], 0, b""
        # 1.4 MB; the kernel and our buffer keep some 300 KB of it: the reader too is dropped if it sleeps for 1.5 s.
        server.get("/start?events=8000&rate=1000")
        while heard < 8000:
            more = reader.ws.sock.recv(1 << 20)
            assert more, "who read was dropped too"
            rest += more
            heard, rest = heard + rest.count(b"xxx\"}]"), rest[-5:]
        state = server.state()
        assert state["too_slow"] == 1
        assert state["rss_kb"] - before < 2000
        stopped.ws.close()
        reader.ws.close()
