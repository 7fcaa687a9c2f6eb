"""A real web process and a real Socket.IO client: what only a real connection can show."""
import os
import resource
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from core import bus, sockets
from core.children import MOST_FILES
from tests.live.conftest import pump

ORIGIN = "http://shop.example"
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


def until(true, seconds=10.0):
    """Wait for something that other processes do; whether it came."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.02)
    return False


def few_files() -> None:
    """In a new child: as most shells start a program."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(1024, hard), hard))


@pytest.fixture(scope="module")
def process(app, settings):
    """(address, process) of `python app.py web` on the test's database, gevent and all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    env = {**os.environ, "APP_ENV": "test", "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url,
           "SECRET_KEY": settings.secret_key, "DATA_DIR": str(settings.data_dir), "PORT": str(port),
           "BASE_URL": address, "ALLOWED_ORIGINS": f"{address},{ORIGIN}", "LOG_LEVEL": "info", "LOG_FORMAT": "json"}
    process = subprocess.Popen([sys.executable, "app.py", "web"], cwd=ROOT, env=env, text=True,
                               preexec_fn=few_files, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = []
    for line in process.stdout:
        said.append(line)
        if '"serving"' in line:
            break
    else:
        pytest.fail("the server did not start: " + "".join(said))
    yield address, process
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.fixture(scope="module")
def server(process):
    return process[0]


def test_more_viewers_may_come_than_a_shell_allows_files(process):
    mine = resource.prlimit(process[1].pid, resource.RLIMIT_NOFILE)
    assert mine[0] == min(mine[1], MOST_FILES)


class Browser:
    """A page's socket from outside, with the cookie of a signed-in member."""

    def __init__(self, world, server, member=None, origin=ORIGIN, transports=("websocket",)):
        self.world, self.frames, self.closed = world, [], []
        # websocket-client writes an Origin of its own unless it is told another as an option.
        self.io = socketio.Client(reconnection=False, websocket_extra_options={"origin": origin})
        self.io.on("events", self.frames.append)
        self.io.on("disconnect", lambda *reason: self.closed.append(reason))
        headers = {} if "websocket" in transports else {"Origin": origin}
        if member is not None:
            with world.client(member).session_transaction() as session:
                value = world.app.session_interface.get_signing_serializer(world.app).dumps(dict(session))
            headers["Cookie"] = f"livestall={value}"
        self.io.connect(server, headers=headers, transports=list(transports), wait_timeout=5)

    def send(self, name, **data):
        return self.io.call(name, data, timeout=5)

    def join(self):
        return self.send("join", live_id=self.world.id)


@pytest.fixture
def browser(world, server):
    opened = []

    def make(member=None, **more):
        opened.append(Browser(world, server, member, **more))
        return opened[-1]
    yield make
    for one in opened:
        one.io.disconnect()


def publish():
    """What the relay would: number what is pending, and hand the frames to the processes through Redis."""
    import core.db
    from live import relay
    with core.db.engine().connect() as connection:
        return bus.publish(relay.pump(connection))


def test_a_viewer_claims_over_a_real_socket_and_hears_of_it(world, browser):
    world.open()
    pump()
    viewer = browser(world.viewer)
    joined = viewer.join()
    assert joined["ok"], joined
    answer = viewer.send("claim", live_id=world.id, key="k", offer_id=world.offer, quantity=2)
    assert answer["hold"]["quantity"] == 2
    assert until(lambda: publish() and len(viewer.frames) >= 2)
    kinds = {event["kind"] for frame in viewer.frames for event in frame["events"]}
    assert kinds == {"offer.stock", "hold.changed"}
    assert min(event["seq"] for frame in viewer.frames if frame["stream"].startswith("live:")
               for event in frame["events"]) == joined["seq"] + 1


def test_polling_works_where_websockets_do_not(world, browser):
    assert browser(transports=("polling",)).join()["ok"]


@pytest.mark.parametrize("transports", [("websocket",), ("polling",)])
@pytest.mark.parametrize("origin", ["http://evil.example", "http://shop.example.evil.example", "null"])
def test_a_foreign_page_cannot_open_a_socket(world, browser, origin, transports):
    with pytest.raises(Refused):
        browser(world.viewer, origin=origin, transports=transports)


def test_an_unknown_namespace_is_refused(world, server):
    client = socketio.Client(reconnection=False, websocket_extra_options={"origin": ORIGIN})
    with pytest.raises(Refused):
        client.connect(server, namespaces=["/host"], transports=["websocket"], wait_timeout=3)
    client.disconnect()


def test_viewers_are_refused_the_control_room(world, browser):
    viewer = browser(world.viewer)
    viewer.join()
    assert viewer.send("join_control", live_id=world.id)["code"] == "not_found"
    world.do("pin", offer_id=world.offer)
    assert until(lambda: publish() and viewer.frames)
    assert {frame["stream"] for frame in viewer.frames} == {f"live:{world.id}"}


def test_an_event_of_2_mb_is_dropped_and_others_go_on(world, browser):
    bystander, attacker = browser(world.other), browser(world.viewer)
    bystander.join()
    attacker.join()
    attacker.io.emit("chat", {"live_id": world.id, "key": "k", "body": "x" * 2_000_000})
    assert until(lambda: attacker.closed)
    assert bystander.send("ping_lag")["ok"]
    assert world.shown(None)["chat"] == []


def test_a_payload_just_under_the_cap_is_answered(world, browser):
    size = sockets.MAX_PAYLOAD_BYTES - 300
    assert browser(world.viewer).send("chat", live_id=world.id, key="k", body="x" * size)["code"] == "invalid"


@pytest.mark.parametrize("kind", ["banned", "signed_out"])
def test_sockets_of_the_banned_and_the_signed_out_are_closed(world, browser, kind):
    from core.db import transaction
    from members.identity import end_sign_ins
    viewer, other = browser(world.viewer), browser(world.other)
    viewer.join()
    other.join()
    if kind == "banned":
        world.do("ban", member_id=str(world.viewer.id))
    else:
        with transaction() as db:
            end_sign_ins(db, world.viewer.id)
    assert until(lambda: publish() and viewer.closed)
    assert other.send("ping_lag")["ok"]


def test_a_rehearsal_is_heard_by_staff_alone(world, browser):
    from tests.live.conftest import set_state
    set_state(world, "scheduled")
    viewer, helper = browser(world.viewer), browser(world.helper)
    viewer.join()
    helper.join()
    world.do("rehearse")
    world.do("next_item")
    world.say(world.host, "only a rehearsal")
    assert until(lambda: publish() and any(event["kind"] == "chat.said" for frame in helper.frames
                                           for event in frame["events"]))
    assert viewer.frames == []


def test_the_presence_of_viewers_reaches_redis(world, browser):
    from live import presence
    browser(world.viewer).join()
    browser(None).join()
    assert until(lambda: presence.totals(world.id)["viewers"] == 2)


def test_the_page_itself_is_served(world, server):
    with urllib.request.urlopen(f"{server}/live/{world.id}", timeout=5) as answer:
        assert world.show.title in answer.read().decode()
