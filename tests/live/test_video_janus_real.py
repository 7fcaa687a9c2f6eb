"""Janus itself, where it is installed: a picture by WHIP becomes a stream like any other, and a key that ends cuts it.

FFmpeg stands for OBS: it sends by WHIP through our own door. tests/e2e/test_video_janus.py has the browsers.
"""
import subprocess
import threading
import time
from dataclasses import replace

import pytest
from werkzeug.serving import make_server

from core.db import transaction
from live.video import channels, engine, files, keys, rtc, views_rtc
from live.video.janus import ROOM
from tests.e2e.video_parts import film, wait_until
from tests.live.conftest import set_state
from tests.live.test_video_fast import free_port

pytestmark = pytest.mark.janus


class Office:
    """The part of the video office that this is about, turned by hand: media server, Janus, one show."""

    def __init__(self, config, world):
        self.config, self.world, self.state = config, world, "live"
        logs = config.data_dir / "logs"
        logs.mkdir(exist_ok=True)
        self.engine, self.rtc = engine.Engine(config), rtc.Rtc(config, logs)
        self.tell()
        self.engine.start()

    def tell(self):
        with transaction() as db:
            channel = channels.ensure(db, self.world.show.id)
            until = int(channel.key_until.timestamp())
            key = keys.publish_key(self.config.secret_key, channel.live_session_id, channel.key_nonce, until)
        self.key = key
        self.engine.tell({"keys": {self.world.id: {"key": key, "until": until}}, "play": "p" * 40, "view": "v",
                          "air": [], "most": 0})

    def turn(self):
        self.rtc.keep()
        self.engine.hear()
        self.rtc.look({self.world.id: (None, self.state)}, self.engine.doors["keys"], self.engine)

    def until(self, condition, seconds=60):
        def there():
            self.turn()
            return condition()
        wait_until(there, seconds)

    @property
    def stream(self):
        return self.engine.streams.get(self.world.id)

    def people(self):
        return self.rtc._ask(ROOM, "listparticipants", room=self.world.id)["participants"]

    def stop(self):
        self.rtc.stop()
        self.engine.stop()


@pytest.fixture
def office(world, settings, monkeypatch):
    config = replace(settings, video="embedded", rtmp_port=free_port(), flv_port=free_port())
    monkeypatch.setitem(world.app.config, "LIVESTALL", config)
    set_state(world, "live")
    views_rtc._sessions.clear()
    office = Office(config, world)
    office.until(lambda: office.engine.listening and office.rtc.session)
    web = make_server("127.0.0.1", 0, world.app, threaded=True)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    office.port = web.server_port
    yield office
    web.shutdown()
    web.server_close()
    views_rtc._sessions.clear()
    office.stop()


@pytest.fixture
def whip(office, tmp_path):
    """whip(key) → FFmpeg that sends a film through our door."""
    started, movie = [], film(tmp_path)

    def start(key):
        started.append(subprocess.Popen(
            [engine.ffmpeg_path(), "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(movie), "-c:v", "copy",
             "-c:a", "libopus", "-ar", "48000", "-ac", "2", "-f", "whip", "-authorization", key,
             f"http://127.0.0.1:{office.port}/whip/{office.world.id}"]))
        return started[-1]
    yield start
    for process in started:
        process.kill()
        process.wait()


def test_whip_becomes_a_stream_with_picture_and_sound_that_viewers_may_watch(office, whip):
    whip(office.key)
    office.until(lambda: office.stream and office.stream.get("fps", 0) > 10 and office.stream.get("sound"))
    assert office.stream["by"] == "whip" and (office.stream["width"], office.stream["height"]) == (270, 480)
    office.until(lambda: office.rtc.shown == [office.world.id])
    office.state = "paused"
    office.until(lambda: office.rtc.shown == [], 10)
    office.state = "live"
    office.until(lambda: office.rtc.shown == [office.world.id], 10)


def test_a_wrong_key_never_gets_in_and_one_that_is_taken_back_is_out_at_once(office, whip):
    assert whip(office.key[:-1] + ("0" if office.key[-1] != "0" else "1")).wait(30) != 0
    whip(office.key)
    office.until(lambda: office.stream and office.rtc.shown)
    with transaction() as db:
        channels.rotate(db, office.world.show.id)
    office.tell()
    began = time.monotonic()
    office.until(lambda: not office.people() and not office.rtc.senders, 10)
    assert time.monotonic() - began < 3
    office.until(lambda: not office.stream or office.stream["lost"], 10)


def test_janus_dies_and_is_there_again(office, whip):
    whip(office.key)
    office.until(lambda: office.stream)
    before = files.read(office.rtc.home / "janus.json")["pid"]
    office.rtc.process.popen.kill()
    office.until(lambda: office.rtc.session and files.read(office.rtc.home / "janus.json").get("pid", before) != before)
    whip(office.key)
    office.until(lambda: office.rtc.shown)
