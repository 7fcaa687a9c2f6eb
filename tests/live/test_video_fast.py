"""The fast picture's door, on the real media server: who watches by websocket, who does not, when it is shut."""
import socket
import subprocess
import threading
import time
import uuid
from dataclasses import replace

import pytest
import websocket

from core import proxy
from live.video import engine, files, keys
from tests.e2e.video_parts import film, wait_until

SHOW, REHEARSED, SECRET = str(uuid.uuid4()), str(uuid.uuid4()), "t" * 40
KEY = f"{int(time.time()) + 3600}-key"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def doors(*, air=(SHOW,), most=50) -> dict:
    until = int(time.time()) + 3600
    return {"keys": {name: {"key": KEY, "until": until} for name in (SHOW, REHEARSED)}, "play": "p" * 40,
            "view": keys.flv_secret(SECRET), "air": list(air), "most": most}


class Server:
    """The media server with two shows that are sent to: one on air, one rehearsed."""

    def __init__(self, config, movie):
        self.engine, self.movie = engine.Engine(config), movie
        self.engine.doors = doors()
        self.engine.start()
        self.hear_until(lambda: self.engine.listening)
        self.sources = {name: self.send(name) for name in (SHOW, REHEARSED)}
        self.hear_until(lambda: len(self.engine.streams) == 2)

    def hear_until(self, condition):
        def there():
            self.engine.hear()
            return condition()
        wait_until(there)

    def send(self, name, movie=None):
        target = f"{self.engine.pull_base}/{name}?key={KEY}"
        return subprocess.Popen([engine.ffmpeg_path(), "-loglevel", "quiet", "-re", "-stream_loop", "-1", "-i",
                                 str(movie or self.movie), "-c", "copy", "-f", "flv", target])

    def watch(self, query: str, name=SHOW, port=None, path="/live", **more):
        address = f"ws://127.0.0.1:{port or self.engine.flv_port}{path}/{name}.flv?{query}"
        return websocket.create_connection(address, timeout=20, **more)

    def stop(self):
        for source in self.sources.values():
            source.kill()
            source.wait()
        self.engine.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from core.config import load
    folder = tmp_path_factory.mktemp("fast")
    config = load({"APP_ENV": "test", "DATA_DIR": str(folder / "data"), "SECRET_KEY": SECRET, "DATABASE_URL": "",
                   "RTMP_PORT": str(free_port()), "FLV_PORT": str(free_port())})
    server = Server(config, film(folder))
    server.config = config
    yield server
    server.stop()


@pytest.fixture(autouse=True)
def open_doors(server):
    yield
    server.engine.tell(doors())


def query(scope="public", name=SHOW, seconds=600, secret=SECRET) -> str:
    return f"scope={scope}&token={keys.flv_token(secret, name, scope, seconds)}"


def plays(line) -> bool:
    """Whether a film comes: the header of FLV, then a frame a fifteenth of a second."""
    got = line.recv()
    while len(got) < 30_000:
        got += line.recv()
    return got[:3] == b"FLV"


def comes(line) -> bool:
    """Whether it goes on: as much as a second and a half has."""
    return sum(len(line.recv()) for _ in range(60)) > 10_000


def closed_after(line) -> float:
    """Seconds until the server hangs up."""
    began = time.monotonic()
    with pytest.raises(websocket.WebSocketConnectionClosedException):
        while time.monotonic() - began < 20:
            line.recv()
    return time.monotonic() - began


def refused(server, given, status=401, **more):
    with pytest.raises(websocket.WebSocketBadStatusException) as error:
        server.watch(given, **more)
    assert error.value.status_code == status


def test_a_viewer_with_a_token_sees_what_is_on_air(server):
    line = server.watch(query())
    assert plays(line)
    line.close()


@pytest.mark.parametrize("given", [
    "scope=public", "scope=public&token=", "x=1", query(seconds=-1), query(secret="u" * 40), query(name=REHEARSED),
    query().replace("scope=public", "scope=private"), query()[:-1] + "x", query() + "0",
    f"scope=public&token={keys.watch_token(SECRET, SHOW, 'public')}", "play=" + "p" * 40, f"key={KEY}"],
    ids=["none", "empty", "strange", "expired", "another secret", "another show", "another scope", "changed", "longer",
         "a token for HLS", "the packager's password", "a stream key"])
def test_without_the_right_token_nobody_gets_in(server, given):
    refused(server, given)


def test_a_rehearsal_is_for_staff_alone(server):
    """A public token for it is right and opens nothing until the show is on air; staff have private ones."""
    refused(server, query(name=REHEARSED), name=REHEARSED)
    line = server.watch(query("private", REHEARSED), name=REHEARSED)
    assert plays(line)
    line.close()


def test_a_break_shuts_out_viewers_at_once_and_leaves_staff(server):
    viewer, staff = server.watch(query()), server.watch(query("private"))
    assert plays(viewer) and plays(staff)
    server.engine.tell(doors(air=()))
    assert closed_after(viewer) < 2
    assert comes(staff)
    refused(server, query())
    server.engine.tell(doors())
    wait_until(lambda: reached(server))


def reached(server) -> bool:
    try:
        server.watch(query()).close()
    except websocket.WebSocketBadStatusException:
        return False
    return True


def test_a_token_that_ends_meanwhile_ends_the_picture(server):
    line = server.watch(query(seconds=2))
    assert plays(line)
    assert closed_after(line) < 5


def test_nobody_sends_through_this_door(server):
    for words in ("post", "publisher"):
        refused(server, f"{query()}&key={KEY}", subprotocols=[words])


def test_what_nobody_sends_is_not_there_and_a_full_house_says_so(server):
    other = str(uuid.uuid4())
    server.engine.tell(doors(air=(SHOW, other)))
    wait_until(lambda: status_of(server, query(name=other), other) == 404)
    first = server.watch(query())
    server.engine.tell(doors(most=1))
    wait_until(lambda: status_of(server, query(), SHOW) == 503)
    assert plays(first)
    first.close()


def status_of(server, given, name) -> int:
    try:
        server.watch(given, name=name).close()
    except websocket.WebSocketBadStatusException as error:
        return error.status_code
    return 101


def test_another_line_of_the_host_begins_anew(server):
    """Its clock is another: a player that went on would stand still."""
    line = server.watch(query())
    assert plays(line)
    before = server.sources[SHOW]
    server.sources[SHOW] = server.send(SHOW)
    assert closed_after(line) < 20
    before.kill()
    before.wait()
    again = server.watch(query())
    assert plays(again)
    again.close()


def test_who_reads_too_slowly_is_let_go_and_the_others_play_on(server):
    """What waits for one viewer is bounded, or a phone in a tunnel would fill the media server's memory."""
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # before it connects, or the kernel takes megabytes
    small.connect(("127.0.0.1", server.engine.flv_port))
    flood = Flood(server)
    slow = server.watch(query(), socket=small)
    other = server.watch(query())
    try:
        gone = threading.Event()
        threading.Thread(target=lambda: (drain(other), gone.set()), daemon=True).start()
        counts = []

        def let_go():
            counts.extend(one["fast"] for one in server.engine.hear() if one.get("name") == SHOW and "fast" in one)
            return len(counts) >= 3 and counts[-1] == 1  # the first may be from before both were there
        wait_until(let_go)
        assert not gone.is_set()
    finally:
        flood.stop()
        for line in (slow, other):
            line.shutdown()
        server.sources[SHOW] = server.send(SHOW)
        server.hear_until(lambda: 0 < server.engine.streams.get(SHOW, {}).get("kbps", 0) < 2000)


class Flood:
    """Noise that cannot be packed: 1 MB a second."""

    def __init__(self, server):
        server.sources[SHOW].kill()
        server.sources[SHOW].wait()
        path = server.movie.with_name("noise.flv")
        subprocess.run([engine.ffmpeg_path(), "-loglevel", "error", "-y", "-f", "lavfi", "-i",
                        "color=gray:s=136x240:r=15,noise=alls=100:allf=t", "-t", "2", "-c:v", "libx264", "-preset",
                        "ultrafast", "-qp", "0", "-g", "15", "-f", "flv", str(path)], check=True, timeout=60)
        self.process = server.send(SHOW, path)
        server.hear_until(lambda: server.engine.streams.get(SHOW, {}).get("kbps", 0) > 5000)

    def stop(self):
        self.process.kill()
        self.process.wait()


def drain(line) -> None:
    try:
        while line.recv():
            pass
    except (OSError, websocket.WebSocketException):
        return


def test_it_is_behind_the_shops_own_address_where_nginx_is(server, tmp_path):
    """The settings of deploy/nginx.conf, as `WEB=4 make run` takes them: the door still looks at each token."""
    nginx = proxy.find()
    if not nginx:
        return  # then browsers reach the media server's own port: the other tests here
    port = free_port()
    line = proxy.words(nginx, tmp_path / "nginx", f"127.0.0.1:{port}", [1], f"127.0.0.1:{server.engine.flv_port}")
    front = subprocess.Popen(line)
    try:
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0)
        watched = server.watch(query(), port=port, path="/flv/live")
        assert plays(watched)
        watched.close()
        refused(server, query(seconds=-1), port=port, path="/flv/live")
        refused(server, query(name=REHEARSED), name=REHEARSED, port=port, path="/flv/live")
    finally:
        front.terminate()
        front.wait(10)


@pytest.mark.parametrize(("base", "more", "wanted"), [
    ("http://127.0.0.1:8000", {}, "ws://127.0.0.1:1936"), ("http://shop.example", {}, "ws://shop.example:1936"),
    ("http://[::1]:8000", {}, "ws://[::1]:1936"), ("https://shop.example", {}, "wss://shop.example/flv"),
    ("https://shop.example", {"flv_url": "wss://fast.example"}, "wss://fast.example"),
    ("http://127.0.0.1:8000", {"flv_viewers": 0}, "")])
def test_its_address_is_one_that_the_page_may_open(server, tmp_path, base, more, wanted):
    config = replace(server.config, data_dir=tmp_path, base_url=base, **more)
    assert engine.flv_base(config) == ""  # nothing listens
    files.write(files.root(tmp_path) / "engine.json", {"flv": 1936})
    assert engine.flv_base(config) == wanted
