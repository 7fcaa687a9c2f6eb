"""Who may send and who may watch: keys and tokens that are signed, end, and are worth nothing elsewhere."""
import re
import time
import uuid
from datetime import timedelta

import pytest

from core import clock
from core.db import reading, transaction
from live.show.models import LiveSession
from live.video import channels, files, keys, playlist, queries
from live.video.models import VideoChannel
from tests.live.conftest import set_state

SECRET = "t" * 40  # as in tests/conftest.py


@pytest.fixture(autouse=True)
def nothing_remembered():
    queries._channels.clear()
    queries._marks.clear()


@pytest.fixture
def channel(world, settings, monkeypatch):
    """A show on air whose picture is there: one run of three seconds on disk."""
    from dataclasses import replace
    monkeypatch.setitem(world.app.config, "LIVESTALL", replace(settings, video="embedded"))
    set_state(world, "live")
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
        channels.set_status(db, world.show.id, "on", "rtmp")
    write_recording(settings, channel, channel.public_dir)
    return channel


def write_recording(settings, channel, name, seconds=3):
    place = files.folder(settings.data_dir, channel.live_session_id, name)
    place.mkdir(parents=True, exist_ok=True)
    now = time.time() * 1000 - seconds * 1000
    lines = ["#EXTM3U"]
    for number in range(seconds):
        (place / f"1-{number:06}.ts").write_bytes(b"G" * 188)
        at = playlist.date_text(now + number * 1000).replace("Z", "+0000")
        lines += ["#EXTINF:1.000000,", f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"1-{number:06}.ts"]
    (place / "index.m3u8").write_text("\n".join(lines))
    return place


def test_a_stream_key_is_right_for_one_show_until_its_time_or_its_rotation():
    show, other, until = uuid.uuid4(), uuid.uuid4(), int(time.time()) + 60
    key = keys.publish_key(SECRET, show, "n1", until)
    assert keys.right_key(SECRET, show, "n1", until, key)
    assert not keys.right_key(SECRET, other, "n1", until, key)
    assert not keys.right_key(SECRET, show, "n2", until, key)
    assert not keys.right_key("u" * 40, show, "n1", until, key)
    assert not keys.right_key(SECRET, show, "n1", until, "")
    past = int(time.time()) - 1
    assert not keys.right_key(SECRET, show, "n1", past, keys.publish_key(SECRET, show, "n1", past))


def test_rotating_makes_another_key_and_wakes_the_office(world):
    with transaction() as db:
        before = (channels.ensure(db, world.show.id).key_nonce, db.get(VideoChannel, world.show.id).public_dir)
    with transaction() as db:
        channels.rotate(db, world.show.id)
    with reading() as db:
        after = db.get(VideoChannel, world.show.id)
    assert after.key_nonce != before[0] and after.public_dir == before[1]


def test_a_key_that_ends_soon_is_made_anew_when_it_is_asked_for(world):
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
        channel.key_until, nonce = clock.now() + timedelta(minutes=5), channel.key_nonce
    with transaction() as db:
        assert channels.ensure(db, world.show.id).key_nonce != nonce


def test_viewers_get_a_playlist_with_their_token_and_the_pieces_by_it(world, channel):
    client = world.client(None)
    info = client.get(f"/api/live/{world.id}/video").json
    assert (info["status"], info["sync"], info["skew_ms"]) == ("on", "pdt", channels.SKEW_MS["rtmp"])
    answer = client.get(info["hls"])
    assert answer.status_code == 200 and answer.mimetype == "application/vnd.apple.mpegurl"
    assert "#EXT-X-ENDLIST" not in answer.text
    piece = re.search(r"^(/video/\S+\.ts)$", answer.text, re.M)[1]
    found = client.get(piece)
    assert (found.status_code, found.data[:1]) == (200, b"G")
    assert "immutable" in found.headers["Cache-Control"]


@pytest.mark.parametrize("spoil", [
    lambda path: path.replace("/live.m3u8", "0/live.m3u8"),
    lambda path: re.sub(r"/\d+-", "/99-", path),
    lambda path: path.replace("/public/", "/private/"),
    lambda path: re.sub(r"[0-9a-f-]{36}", str(uuid.UUID(int=7)), path),
    lambda path: re.sub(r"/\d+-\w+/", "/x/", path)])
def test_a_token_that_is_changed_over_or_of_another_show_is_refused(world, channel, spoil):
    client = world.client(None)
    path = client.get(f"/api/live/{world.id}/video").json["hls"]
    assert client.get(path).status_code == 200
    assert client.get(spoil(path)).status_code in (403, 404)


def test_a_piece_cannot_be_had_from_beside_its_folder(world, channel, settings):
    client = world.client(None)
    for path in (f"/video/{world.id}/{channel.public_dir}/..%2f..%2fengine.ts", f"/video/{world.id}/..%2fx/1-000000.ts",
                 f"/video/{world.id}/{channel.private_dir}/1-000000.ts"):
        assert client.get(path).status_code == 404


def test_a_rehearsal_is_never_public(world, channel, settings):
    """Neither where it is nor a token for it is told, and the live page's address does not lead to it."""
    with transaction() as db:
        channels.set_status(db, world.show.id, "off")
    set_state(world, "rehearsal")
    write_recording(settings, channel, channel.private_dir)
    queries._channels.clear()
    for who in (None, world.viewer):
        info = world.client(who).get(f"/api/live/{world.id}/video").json
        assert (info["status"], info["hls"], info["flv"]) == ("off", "", "")
        assert world.client(who).get(f"/api/live/{world.id}/video/desk").status_code in (401, 403, 404)
    desk = world.client(world.host).get(f"/api/live/{world.id}/video/desk").json
    assert "/private/" in desk["watch"]["hls"]
    assert channel.private_dir in world.client(world.host).get(desk["watch"]["hls"]).text


def test_a_banned_member_gets_no_address(world, channel):
    from live.chat.models import ChatSanction
    with transaction() as db:
        db.add(ChatSanction(merchant_id=world.show.merchant_id, kind="ban",
                            member_id=world.viewer.id, by_member_id=world.host.id))
    from live import doors
    doors.forget(world.show.id)
    assert world.client(world.viewer).get(f"/api/live/{world.id}/video").status_code == 403


def test_only_staff_of_the_show_see_its_key(world, channel):
    for who, wanted in ((None, (401,)), (world.viewer, (403, 404)), (world.host, (200,))):
        assert world.client(who).get(f"/api/live/{world.id}/video/key").status_code in wanted
    said = world.client(world.host).get(f"/api/live/{world.id}/video/key").json
    assert said["server"].startswith("rtmp://") and said["key"].startswith(f"{world.id}?key=")


def test_an_address_of_the_merchants_own_is_played_and_must_be_one(world, channel):
    host = world.client(world.host)
    path = f"/api/live/{world.id}/video/external"
    for bad in ("ftp://a/b.m3u8", "https://a/b.mp4", "https://u:p@a/b.m3u8", "https://a/b.m3u8; script-src *"):
        assert host.post(path, json={"url": bad}).status_code == 422, bad
    assert host.post(path, json={"url": "https://cdn.example/show.m3u8"}).status_code == 200
    queries._channels.clear()
    info = world.client(None).get(f"/api/live/{world.id}/video").json
    assert (info["adapter"], info["hls"], info["status"]) == ("external", "https://cdn.example/show.m3u8", "on")
    page = world.client(None).get(f"/live/{world.id}")
    assert "https://cdn.example" in page.headers["Content-Security-Policy"]
    assert host.post(path, json={"url": ""}).json["adapter"] == "embedded"


def test_pins_are_in_the_playlist_in_the_pictures_time(world, channel):
    world.client(world.host)
    with transaction() as db:
        show = db.get(LiveSession, world.show.id)
        from core import events
        events.append(db, events.live_stream(show.id), "show.changed", {"pins": ["p1"], "on_air": "o1"})
        events.append(db, events.live_stream(show.id), "show.changed",
                      {"pins": ["p2"], "on_air": "o1", "rehearsal": True})
    client = world.client(None)
    text = client.get(client.get(f"/api/live/{world.id}/video").json["hls"]).text
    assert 'X-PINS="p1",X-ON-AIR="o1"' in text and "p2" not in text
