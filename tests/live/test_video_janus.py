"""WebRTC through our doors: our client against a double of Janus, and what is offered where there is none."""
import re
import time
import uuid
from dataclasses import replace
from datetime import timedelta

import pytest

from core import clock
from core.config import ConfigError, load
from core.db import transaction
from live.video import channels, files, janus_setup, keys, queries, views_rtc
from live.video.janus import ROOM, STREAM, JanusGone, JanusRefused, Session
from live.video.models import VideoChannel
from live.video.rtc import Badge
from tests.e2e.video_parts import wait_until
from tests.live.conftest import set_state
from tests.live.janus_double import ANSWER, JanusDouble

OFFER = ("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n"
         "m=video 9 UDP/TLS/RTP/SAVPF 102\r\na=mid:1\r\na=rtpmap:102 H264/90000\r\n")


@pytest.fixture
def config(world, settings, monkeypatch):
    """A show on air, VIDEO embedded."""
    config = replace(settings, video="embedded")
    monkeypatch.setitem(world.app.config, "LIVESTALL", config)
    set_state(world, "live")
    with transaction() as db:
        channels.ensure(db, world.show.id)
        channels.set_status(db, world.show.id, "on", "whip")
    queries._channels.clear()
    return config


@pytest.fixture
def janus(config, world):
    """A Janus of which the office says that it runs and that the show is there to watch."""
    double = JanusDouble(janus_setup.secret(config))
    home = files.root(config.data_dir)
    files.write(home / "janus/janus.json", {"port": double.port})
    files.write(home / "status.json", {"at": time.time(), "rtc": [world.id]})
    views_rtc._sessions.clear()
    yield double
    double.stop()
    (home / "janus/janus.json").unlink()
    (home / "status.json").unlink()
    views_rtc._sessions.clear()


def key_of(world, config) -> str:
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
        return keys.publish_key(config.secret_key, world.show.id, channel.key_nonce, int(channel.key_until.timestamp()))


def send(world, key, *, show=None, offer=OFFER, kind="application/sdp"):
    headers = {"Authorization": f"Bearer {key}"} if key is not None else {}
    return world.client(None).post(f"/whip/{show or world.id}", data=offer, content_type=kind, headers=headers)


# -- the client ------------------------------------------------------------------------------------------------------

def test_it_asks_and_hears_what_comes_later(janus):
    session = Session(janus.port, janus.secret)
    session.listen()
    handle = session.attach(STREAM)
    assert session.say(handle, {"request": "info"}) == {"info": {"viewers": 0}}
    data, offer = session.ask(handle, {"request": "watch", "id": "x"})
    assert data["result"]["status"] == "preparing" and offer == {"type": "offer", "sdp": ANSWER}
    janus.tell(handle, "hangup")
    wait_until(lambda: janus.gone == [handle], 10)


def test_a_handle_that_was_asked_for_and_never_used_is_given_back(janus, monkeypatch):
    session = Session(janus.port, janus.secret)
    used, unused = session.attach(STREAM), session.attach(STREAM)
    monkeypatch.setattr("live.video.janus.UNUSED_SECONDS", 0)
    janus.tell(used, "webrtcup")
    session.listen()
    wait_until(lambda: janus.gone, 10)
    assert janus.gone == [unused]


def test_a_wrong_secret_an_unknown_handle_and_a_plugins_no_are_refusals(janus):
    with pytest.raises(JanusRefused, match="403"):
        Session(janus.port, "x")
    session = Session(janus.port, janus.secret)
    with pytest.raises(JanusRefused, match="459"):
        session.say(99, {"request": "info"})
    handle = session.attach(ROOM)
    session.say(handle, {"request": "create"})
    with pytest.raises(JanusRefused, match="427"):
        session.say(handle, {"request": "create"})


def test_a_janus_that_was_started_again_or_is_not_there_is_gone(janus, config):
    session = Session(janus.port, janus.secret)
    session.listen()
    janus.forget()
    wait_until(lambda: session.gone, 10)
    with pytest.raises(JanusGone):
        session.attach(ROOM)
    with pytest.raises(JanusGone):
        Session(1, janus.secret)


# -- who sends -------------------------------------------------------------------------------------------------------

def test_whip_with_the_stream_key_gets_an_answer_and_a_place_in_the_shows_room(world, janus, config):
    key = key_of(world, config)
    said = send(world, key)
    assert (said.status_code, said.mimetype, said.text) == (201, "application/sdp", ANSWER)
    room, join = [(body, jsep) for plugin, body, jsep in janus.said if plugin == ROOM]
    assert room[0]["room"] == world.id and room[0]["is_private"] and room[0]["videocodec"] == "h264"
    assert join[1] == {"type": "offer", "sdp": OFFER}
    badge = Badge.read(join[0]["display"])
    assert (badge.audio, badge.video, badge.key) == ("0", "1", key)
    assert send(world, key).status_code == 201, "the room is there already"
    assert world.client(None).delete(said.headers["Location"]).status_code == 200
    assert len(janus.gone) == 1


def test_a_wrong_missing_foreign_expired_or_rotated_key_is_refused_before_janus_hears_of_it(world, janus, config):
    key, other = key_of(world, config), uuid.uuid4()
    until = int(time.time()) - 5
    with transaction() as db:
        nonce = db.get(VideoChannel, world.show.id).key_nonce
    for wrong in (None, "", "x", key + "0", key[:-1] + ("0" if key[-1] != "0" else "1"),
                  keys.publish_key(config.secret_key, other, nonce, int(key.split("-")[0])),
                  keys.publish_key(config.secret_key, world.show.id, nonce, until),
                  keys.watch_token(config.secret_key, world.show.id, "public")):
        assert send(world, wrong).status_code == 401, wrong
    assert send(world, key, show=other).status_code == 401
    with transaction() as db:
        channels.rotate(db, world.show.id)
    assert send(world, key).status_code == 401
    with transaction() as db:
        db.get(VideoChannel, world.show.id).key_until = clock.now() - timedelta(seconds=1)
    assert send(world, key).status_code == 401
    assert not janus.said


def test_what_is_no_offer_or_has_no_picture_for_us_is_refused_and_leaves_nothing(world, janus, config):
    key = key_of(world, config)
    for offer, kind in (("hello", "application/sdp"), (OFFER, "text/plain"), ("v=0" + "x" * 70_000, "application/sdp")):
        assert send(world, key, offer=offer, kind=kind).status_code == 422
    assert not janus.said
    janus.answer = ANSWER.replace("m=video 9", "m=video 0")
    assert send(world, key).status_code == 422
    assert not janus.handles


def test_a_peer_is_touched_by_who_was_given_it_alone(world, janus, config):
    where = send(world, key_of(world, config)).headers["Location"]
    for other in (re.sub(r"\.\w+$", ".0", where), re.sub(r"(\d+)\.(\d+)\.", r"\1.99.", where),
                  where.replace(world.id, str(uuid.uuid4())), f"/whip/{world.id}/1.2"):
        assert world.client(None).delete(other).status_code == 404
    assert not janus.gone


# -- who watches -----------------------------------------------------------------------------------------------------

def asked(world, member=None, **change):
    info = world.client(member).get(f"/api/live/{world.id}/video").json
    given = {"scope": info["rtc"]["scope"], "token": info["rtc"]["token"], **change}
    return world.client(member).post(info["rtc"]["url"], json=given)


def test_a_viewer_with_a_token_gets_an_offer_and_answers_it(world, janus):
    said = asked(world)
    assert said.status_code == 200 and said.json["sdp"] == ANSWER
    path = f"/api/live/{world.id}/video/rtc/{said.json['peer']}"
    assert world.client(None).post(path, json={"sdp": "v=0 mine"}).status_code == 200
    assert janus.said[-1][1:] == ({"request": "start"}, {"type": "answer", "sdp": "v=0 mine"})
    assert world.client(None).post(path[:-1] + "_", json={"sdp": "v=0"}).status_code == 404


def test_without_the_right_token_or_off_the_air_nobody_watches(world, janus, config):
    info = world.client(None).get(f"/api/live/{world.id}/video").json["rtc"]
    for wrong in ({"token": "x"}, {"token": keys.watch_token(config.secret_key, world.show.id, "public", -1)},
                  {"token": keys.watch_token(config.secret_key, uuid.uuid4(), "public")},
                  {"token": keys.watch_token(config.secret_key, world.show.id, "private")},
                  {"token": keys.flv_token(config.secret_key, world.show.id, "public")}):
        assert asked(world, **wrong).status_code == 404, wrong
    private = keys.watch_token(config.secret_key, world.show.id, "private")
    assert asked(world, scope="private", token=private).status_code == 422
    for state in ("paused", "rehearsal", "scheduled", "ended"):
        set_state(world, state)
        from live import doors
        doors.forget(world.show.id)
        said = world.client(None).post(info["url"], json={"scope": "public", "token": info["token"]})
        assert said.status_code in (403, 404), state
    assert not janus.said


def test_when_the_house_is_full_it_says_so_and_the_page_has_another_picture(world, janus, config):
    janus.viewers = config.janus_viewers
    assert asked(world).json["code"] == "webrtc_full"
    assert not janus.handles


# -- where it is not -------------------------------------------------------------------------------------------------

def test_without_janus_nothing_is_offered_and_the_doors_say_so(world, config):
    info = world.client(None).get(f"/api/live/{world.id}/video").json
    assert info["status"] == "on" and info["rtc"] is None and info["hls"]
    desk = world.client(world.host).get(f"/api/live/{world.id}/video/desk").json
    assert desk["whip"] == "" and desk["can_browser"]
    assert send(world, key_of(world, config)).status_code == 503
    token = keys.watch_token(config.secret_key, world.show.id, "public")
    said = world.client(None).post(f"/api/live/{world.id}/video/rtc", json={"scope": "public", "token": token})
    assert said.json["code"] == "no_webrtc"


def test_it_is_found_where_it_is_installed_and_can_be_switched_off(config, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    program = tmp_path / "janus"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert janus_setup.find(config) == str(program)
    assert janus_setup.find(replace(config, janus="off")) is None
    assert janus_setup.find(replace(config, video="mediamtx")) is None
    assert janus_setup.find(replace(config, janus=str(tmp_path / "other"))) is None
    assert janus_setup.find(replace(config, janus=str(program))) == str(program)


def test_its_settings_open_nothing_but_udp(config, tmp_path):
    janus_setup.write(config, tmp_path / "janus", 8188, tmp_path / "janus.log")
    text = {path.name: path.read_text() for path in (tmp_path / "janus").iterdir()}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "janus").iterdir())
    door = text["janus.transport.http.jcfg"]
    assert 'ip = "127.0.0.1"' in door and "port = 8188" in door and "admin_http = false" in door
    assert f'api_secret = "{janus_setup.secret(config)}"' in text["janus.jcfg"]
    assert 'rtp_port_range = "20000-20400"' in text["janus.jcfg"]
    assert "websockets" in text["janus.jcfg"]
    assert 'nat_1_1_mapping = "203.0.113.5"' in str(janus_setup._section(
        "nat", janus_setup.settings(replace(config, janus_ip="203.0.113.5"), tmp_path, 1, tmp_path)["janus"]["nat"]))
    with pytest.raises(ConfigError, match="JANUS_PORTS"):
        load({"APP_ENV": "test", "DATA_DIR": str(tmp_path), "JANUS_PORTS": "30000-20000"})
