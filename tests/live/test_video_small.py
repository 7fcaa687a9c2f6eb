"""The second picture's rules: the same numbers and dates as the first, room for it, who switches and who sees it."""
import time
from dataclasses import replace

import pytest

from core.db import reading, transaction
from live.video import channels, files, playlist, queries, small
from live.video.models import VideoChannel
from tests.live.conftest import set_state

BASE = playlist.parse_date("2026-01-02T10:00:00.000+0000")


def pieces(count: int, jump_at: int = -1) -> list[playlist.Segment]:
    return [playlist.Segment(f"{100 if number < jump_at or jump_at < 0 else 200}-{number:06}.ts", 1.0,
                             BASE + number * 1000, number == jump_at) for number in range(count)]


def names(segments) -> set[str]:
    return {one.name for one in segments}


def lines_of(text: str) -> list[str]:
    return [line.replace("/small/", "/") for line in text.splitlines()]


def test_its_list_is_the_firsts_up_to_its_newest_piece():
    found = pieces(20, jump_at=14)
    segments, window = playlist.both(found, names(found[:18]))
    assert lines_of(playlist.live_window(segments, "/v/small/", window=window)) == lines_of(
        playlist.live_window(found[:18], "/v/"))


def test_a_list_that_begins_or_has_a_hole_shows_what_is_whole():
    found = pieces(20)
    segments, window = playlist.both(found, names(found[17:]))
    assert (len(segments), window) == (20, 3)
    assert "#EXT-X-MEDIA-SEQUENCE:17" in playlist.live_window(segments, "/v/", window=window)
    segments, window = playlist.both(found, names(found) - {"100-000016.ts"})
    assert (segments[-1].name, window) == ("100-000019.ts", 3)
    assert playlist.both(found, set()) == ([], 0)
    assert playlist.both([], {"100-000001.ts"}) == ([], 0)


def test_players_get_the_better_picture_first_and_sort_them_by_what_they_take():
    text = playlist.master({"name": "live.m3u8", "bandwidth": 2_500_000, "width": 720, "height": 1280},
                           {"name": "small.m3u8", "bandwidth": small.MOST_BPS, "width": 0, "height": 0})
    assert text.splitlines()[3:] == ["#EXT-X-STREAM-INF:BANDWIDTH=2500000,RESOLUTION=720x1280", "live.m3u8",
                                     f"#EXT-X-STREAM-INF:BANDWIDTH={small.MOST_BPS}", "small.m3u8"]


@pytest.mark.parametrize(("load", "fresh", "cores", "fits"), [
    (0.0, 0, 1, True), (0.5, 0, 1, False), (1.2, 0, 2, True), (1.3, 0, 2, False), (0.9, 1, 2, True),
    (0.9, 2, 2, False), (0.0, 0, 0.25, False)])
def test_it_is_refused_when_what_runs_and_it_would_take_too_much(load, fresh, cores, fits, app):
    with app.test_request_context():
        if fits:
            small.check_room({"load": load, "cores": cores, "fresh": fresh}, 80)
        else:
            with pytest.raises(small.TooBusy):
                small.check_room({"load": load, "cores": cores, "fresh": fresh}, 80)


def test_upright_and_wide_pictures_get_360_points_on_their_short_side():
    assert small.size({"width": 1080, "height": 1920}) == (360, 640)
    assert small.size({"width": 1280, "height": 720}) == (640, 360)
    assert small.size({"width": 0, "height": 0}) == small.size(None) == (0, 0)


@pytest.fixture
def on_air(world, settings, monkeypatch):
    """A show on air, an office that writes how its machine is: `busy(load, **stream)`."""
    monkeypatch.setitem(world.app.config, "LIVESTALL", replace(settings, video="embedded"))
    queries._channels.clear()
    set_state(world, "live")
    with transaction() as db:
        channels.ensure(db, world.show.id)
        channels.set_status(db, world.show.id, "on", "rtmp")

    def busy(load: float, **stream) -> None:
        files.write(files.root(settings.data_dir) / "status.json", {
            "at": time.time(), "listening": True, "free_mb": 9999, "low_disk": False,
            "machine": {"cores": 2, "load": load, "fresh": 0}, "shows": {world.id: {"stream": stream or None}}})
    return busy


def switch(world, who, is_on=True):
    answer = world.client(who).post(f"/api/live/{world.id}/video/small", json={"on": is_on})
    queries._channels.clear()
    return answer


def small_of(world) -> str:
    with reading() as db:
        return db.get(VideoChannel, world.show.id).small


def test_who_runs_the_show_switches_it_and_viewers_get_one_address_with_both(world, on_air):
    on_air(0.2, width=720, height=1280)
    assert switch(world, world.viewer).status_code in (403, 404) and switch(world, None).status_code == 401
    assert switch(world, world.host).json["small"] == "on"
    info = world.client(None).get(f"/api/live/{world.id}/video").json
    assert info["hls"].endswith("/master.m3u8") and "/public/" in info["hls"]
    text = world.client(None).get(info["hls"]).text
    assert "RESOLUTION=720x1280\nlive.m3u8" in text and "RESOLUTION=360x640\nsmall.m3u8" in text
    assert world.client(None).get(info["hls"].replace("/master", "0/master")).status_code == 403
    assert switch(world, world.host, is_on=False).json["small"] == "off"
    assert world.client(None).get(info["hls"]).status_code == 404
    assert world.client(None).get(f"/api/live/{world.id}/video").json["hls"].endswith("/live.m3u8")


def test_a_busy_machine_refuses_it_with_its_figures(world, on_air):
    on_air(1.6, width=720, height=1280)
    answer = switch(world, world.host)
    assert (answer.status_code, answer.json["code"]) == (409, "small_too_busy")
    assert "load is 1.6 on 2 cores" in answer.json["message"] and small_of(world) == "off"


def test_a_small_picture_and_an_office_that_is_away_refuse_it(world, on_air):
    on_air(0.0, width=360, height=640)
    assert switch(world, world.host).json["code"] == "small_needless"
    files.write(files.root(world.app.config["LIVESTALL"].data_dir) / "status.json", {"at": 0})
    assert switch(world, world.host).json["code"] == "no_video_engine"


def test_its_pieces_are_found_by_its_list_alone(world, on_air, settings):
    on_air(0.0)
    switch(world, world.host)
    with reading() as db:
        place = files.folder(settings.data_dir, world.show.id, db.get(VideoChannel, world.show.id).public_dir)
    (place / files.SMALL).mkdir(parents=True)
    lines = ["#EXTM3U"]
    for number in range(4):
        (place / f"1-{number:06}.ts").write_bytes(b"G" * 188)
        at = playlist.date_text(BASE + number * 1000).replace("Z", "+0000")
        lines += ["#EXTINF:1.000000,", f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"1-{number:06}.ts"]
    (place / "index.m3u8").write_text("\n".join(lines))
    client = world.client(None)
    address = client.get(f"/api/live/{world.id}/video").json["hls"].replace("master", "small")
    assert client.get(address).status_code == 404, "not made yet: players stay with the other"
    (place / files.SMALL / "1-000002.ts").write_bytes(b"S" * 188)
    text = client.get(address).text
    assert text.count("#EXTINF") == 1 and "#EXT-X-MEDIA-SEQUENCE:2" in text
    found = client.get(text.splitlines()[-1])
    assert (found.status_code, found.data[:1]) == (200, b"S") and "immutable" in found.headers["Cache-Control"]
    assert client.get(text.splitlines()[-1].replace("/1-", "/..%2f1-")).status_code == 404


def test_what_a_person_switched_off_stays_off(world, on_air):
    on_air(0.0)
    switch(world, world.host)
    switch(world, world.host, is_on=False)
    with transaction() as db:
        channels.small_gave_up(db, world.show.id, "behind")
    assert small_of(world) == "off"
    switch(world, world.host)
    with transaction() as db:
        channels.small_gave_up(db, world.show.id, "behind")
    assert small_of(world) == "behind"
    assert switch(world, world.host).json["small"] == "on", "it may be tried again"
