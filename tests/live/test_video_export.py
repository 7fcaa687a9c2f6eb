"""The MP4 of a recording is a real film: it decodes to its end, knows its length, and begins to play while it comes."""
import re
import struct
import subprocess
from dataclasses import replace

import pytest

from core.db import transaction
from live.video import channels, engine, export, files, playlist, queries
from tests.e2e.video_parts import film
from tests.live.conftest import set_state

RUN_SECONDS = 6


@pytest.fixture
def recorded(world, settings, monkeypatch, tmp_path_factory):
    """Two runs of six seconds with an outage between them, written by FFmpeg as the packager writes them."""
    monkeypatch.setitem(world.app.config, "LIVESTALL", replace(settings, video="embedded", video_min_free_mb=0))
    set_state(world, "ended")
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
    place = files.folder(settings.data_dir, world.show.id, channel.public_dir)
    place.mkdir(parents=True, exist_ok=True)
    source = film(tmp_path_factory.getbasetemp(), seconds=RUN_SECONDS)
    for run in ("1000", "2000"):
        words = [engine.ffmpeg_path(), "-loglevel", "error", "-i", str(source), "-c", "copy", "-f", "hls", "-hls_time",
                 "1", "-hls_list_size", "0", "-hls_playlist_type", "event", "-hls_flags",
                 "program_date_time+independent_segments+temp_file+omit_endlist+append_list", "-hls_segment_filename",
                 str(place / f"{run}-%06d.ts"), str(place / "index.m3u8")]
        subprocess.run(words, check=True, timeout=60)
    queries._channels.clear()
    return files.segments(place)


def download(world, folder):
    answer = world.client(world.host).get(f"/studio/shows/{world.id}/recording.mp4")
    assert (answer.status_code, answer.mimetype) == (200, "video/mp4")
    assert answer.headers["Content-Length"] == str(len(answer.data))
    path = folder / "recording.mp4"
    path.write_bytes(answer.data)
    return path


def boxes(data: bytes) -> list[str]:
    """The names of an MP4's outer boxes, in order."""
    found, at = [], 0
    while at + 8 <= len(data):
        size, name = struct.unpack(">I4s", data[at:at + 8])
        size = struct.unpack(">Q", data[at + 8:at + 16])[0] if size == 1 else size
        found.append(name.decode())
        at += size
    return found


def told(path) -> tuple[float, list[str]]:
    """(length in seconds as the file itself says it, its kinds of streams)."""
    words = [engine.ffmpeg_path(), "-hide_banner", "-i", str(path)]
    said = subprocess.run(words, capture_output=True, text=True).stderr
    hours, minutes, seconds = re.search(r"Duration: (\d+):(\d+):([\d.]+)", said).groups()
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds), re.findall(r"Stream #\S+: (\w+): ", said)


def decoded(path) -> list[float]:
    """When each frame of the picture is shown, s. Fails on any error of the decoder, in picture or sound."""
    done = subprocess.run([engine.ffmpeg_path(), "-loglevel", "error", "-xerror", "-i", str(path), "-map", "0:v",
                           "-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-f", "framecrc", "-", "-map",
                           "0:a", "-f", "null", "-"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    return [int(line.split(",")[2]) / 90_000 for line in done.stdout.splitlines() if not line.startswith("#")]


def test_the_whole_recording_is_one_film_that_decodes(world, recorded, tmp_path):
    path = download(world, tmp_path)
    names = boxes(path.read_bytes())
    assert names.index("moov") < names.index("mdat") and "moof" not in names, "it plays while it comes"
    length, kinds = told(path)
    assert kinds == ["Video", "Audio"]
    assert length == pytest.approx(playlist.seconds_of(recorded), abs=0.2)
    times = decoded(path)
    assert len(times) == 2 * RUN_SECONDS * 15, "each frame that was sent"
    steps = [after - before for before, after in zip(times, times[1:], strict=False)]
    assert all(0.04 < step < 0.2 for step in steps), "no jump where pieces meet, or where the line was cut"


def test_the_file_is_what_the_host_left_of_it(world, recorded, tmp_path):
    cut = {"hidden": False, "trim_start_ms": 2000, "trim_end_ms": 9000}
    assert world.client(world.host).post(f"/api/live/{world.id}/video/recording", json=cut).status_code == 200
    path = download(world, tmp_path)
    assert told(path)[0] == pytest.approx(7, abs=0.2)
    assert len(decoded(path)) == 7 * 15


def test_it_leaves_nothing_on_the_disk_and_needs_room(world, recorded, tmp_path, settings, monkeypatch):
    download(world, tmp_path)
    assert list(files.root(settings.data_dir).glob("export-*")) == []
    monkeypatch.setitem(world.app.config, "LIVESTALL", replace(settings, video="embedded", video_min_free_mb=10**8))
    answer = world.client(world.host).get(f"/studio/shows/{world.id}/recording.mp4")
    assert (answer.status_code, answer.headers.get("Content-Type", "").split(";")[0]) in (
        (507, "text/html"), (507, "application/json"))
    assert list(files.root(settings.data_dir).glob("export-*")) == []


def test_a_file_that_cannot_be_made_is_said_and_not_half_sent(world, recorded, settings):
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
    gone = [replace(one, name="3000-000000.ts") for one in recorded[:1]]
    with pytest.raises(export.Broken):
        export.mp4(world.app.config["LIVESTALL"], channel, gone)
    assert list(files.root(settings.data_dir).glob("export-*")) == []


def test_it_is_for_the_shops_people(world, recorded):
    for who, allowed in ((None, (302, 401)), (world.viewer, (403, 404))):
        assert world.client(who).get(f"/studio/shows/{world.id}/recording.mp4").status_code in allowed
