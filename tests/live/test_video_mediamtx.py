"""MediaMTX as its documentation says it speaks: a double that asks before each publisher and reader, and tells."""
import json
import uuid
from dataclasses import replace

import pytest

from core.db import reading, transaction
from live.video import channels, queries
from live.video.models import VideoChannel
from tests.live.conftest import set_state


class MediaMtxDouble:
    """Asks `authHTTPAddress` with the documented body and lets in on 2xx; calls the run-on hooks."""

    def __init__(self, client, secret):
        self.client, self.secret = client, secret

    def ask(self, action, path, query="", protocol="rtmp", **more):
        body = {"user": "", "password": "", "token": "", "ip": "203.0.113.7", "action": action, "path": path,
                "protocol": protocol, "id": str(uuid.uuid4()), "query": query, "userAgent": "x", **more}
        answer = self.client.post(f"/api/video/mediamtx/auth?secret={self.secret}", data=json.dumps(body),
                                  content_type="application/json")
        return 200 <= answer.status_code < 300

    def tell(self, event, path):
        return self.client.post(f"/api/video/mediamtx/event?secret={self.secret}",
                                json={"event": event, "path": path}).status_code


@pytest.fixture
def mtx(world, settings, monkeypatch):
    config = replace(settings, video="mediamtx", mediamtx_hls_url="https://video.example",
                     mediamtx_ingest_url="rtmps://video.example/live", mediamtx_secret="s" * 32)
    monkeypatch.setitem(world.app.config, "LIVESTALL", config)
    queries._channels.clear()
    with transaction() as db:
        channels.ensure(db, world.show.id)
    return MediaMtxDouble(world.app.test_client(), "s" * 32)


def test_only_the_hosts_key_publishes_and_a_rotated_one_no_more(world, mtx):
    path = f"live/{world.id}"
    said = world.client(world.host).get(f"/api/live/{world.id}/video/key").json
    assert said["server"] == "rtmps://video.example/live"
    query = said["key"].split("?")[1]
    assert mtx.ask("publish", path, query)
    assert not mtx.ask("publish", path, "")
    assert not mtx.ask("publish", path, query[:-1] + "x")
    assert not mtx.ask("publish", f"live/{uuid.uuid4()}", query)
    assert not mtx.ask("publish", f"other/{world.id}", query)
    assert not mtx.ask("api", path, query)
    world.client(world.host).post(f"/api/live/{world.id}/video/key", json={})
    assert not mtx.ask("publish", path, query)


def test_viewers_read_what_is_on_air_and_nothing_else(world, mtx):
    set_state(world, "live")
    assert mtx.tell("ready", f"live/{world.id}") == 204
    queries._channels.clear()
    info = world.client(None).get(f"/api/live/{world.id}/video").json
    assert info["hls"].startswith(f"https://video.example/live/{world.id}/index.m3u8?") and info["status"] == "on"
    query = info["hls"].split("?")[1]
    assert mtx.ask("read", f"live/{world.id}", query, "hls")
    assert not mtx.ask("read", f"live/{world.id}", query.replace("token=", "token=1"), "hls")
    set_state(world, "rehearsal")
    assert not mtx.ask("read", f"live/{world.id}", query, "hls")
    desk = world.client(world.host).get(f"/api/live/{world.id}/video/desk").json
    assert mtx.ask("read", f"live/{world.id}", desk["watch"]["hls"].split("?")[1], "hls")


def test_a_cut_is_told_to_viewers(world, mtx):
    set_state(world, "live")
    mtx.tell("ready", f"live/{world.id}")
    assert mtx.tell("not_ready", f"live/{world.id}") == 204
    with reading() as db:
        assert db.get(VideoChannel, world.show.id).status == "lost"


def test_who_does_not_know_the_secret_is_not_answered(world, mtx):
    stranger = MediaMtxDouble(mtx.client, "wrong")
    assert stranger.tell("ready", f"live/{world.id}") == 404
    assert not stranger.ask("publish", f"live/{world.id}", "key=1")
