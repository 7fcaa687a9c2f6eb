"""The media server, the packager, the office and a web process die in the middle of a show: the picture comes back."""
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from live.video import files, playlist
from tests.e2e.video_parts import Source, film, show_in
from tests.stack import Stack

# Ten seconds on a machine that does nothing else; this one runs other tests too.
PATIENCE = 90


class Host(threading.Thread):
    """A sender that connects again a second after each cut, as OBS does."""

    def __init__(self, source):
        super().__init__(daemon=True)
        self.source, self.done = source, threading.Event()

    def run(self):
        while not self.done.wait(0.5):
            if not self.source.running:
                self.source.start()

    def stop(self):
        self.done.set()
        self.join()
        self.source.stop()


@pytest.fixture(scope="module")
def show(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("video-gone")
    with Stack(servers, folder, worker=False, video=True) as stack:
        live_id = show_in(stack, "live")
        host = Host(Source(stack, live_id, film(folder)))
        host.start()
        stack.live_id = live_id
        newest(stack, beyond=0)
        yield stack
        host.stop()


def newest(stack, beyond: float) -> float:
    """When the newest piece that viewers can get came (ms), once it is younger than `beyond`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            status, info = stack.get(f"/api/live/{stack.live_id}/video")
            status, text = stack.get(info["hls"]) if status == 200 and info["hls"] else (0, "")
        except OSError:
            status = 0
        if status == 200:
            assert "#EXT-X-ENDLIST" not in text
            at = playlist.parse(text, dict.fromkeys([name.split("/")[-1].split("-")[0] for name in text.split()
                                                     if name.endswith(".ts")], 0))[-1].at
            if at > beyond:
                return at
        time.sleep(0.1)
    logs = "\n".join(path.read_text()[-1500:] for path in [stack.folder / "video.log"])
    raise AssertionError(f"no picture newer than {beyond}: {logs}")


def comes_back(stack, kill) -> float:
    """Seconds from the death to a picture that was taken after it."""
    kill()
    died = time.time()
    # What was on its way is packed a few milliseconds later: that is not the picture being back.
    newest(stack, beyond=died * 1000 + 1000)
    took = time.time() - died
    print(f"picture back after {took:.1f} s")
    return took


def packager_pid(stack) -> int:
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                words = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
            except OSError:
                continue
            if "-hls_time" in words and str(stack.folder) in words:
                return int(folder.name)
    raise AssertionError("no packager")


def test_the_media_server_dies_and_the_picture_comes_back(show):
    server = files.read(show.folder / "data/video/engine.json")
    comes_back(show, lambda: os.kill(server["pid"], signal.SIGKILL))
    again = files.read(show.folder / "data/video/engine.json")
    assert again["pid"] != server["pid"]
    assert again["rtmp"] == server["rtmp"], "OBS knows one address"


def test_the_packager_dies_and_the_recording_is_whole_but_for_the_gap(show):
    comes_back(show, lambda: os.kill(packager_pid(show), signal.SIGKILL))
    place = next((show.folder / "data/video" / str(show.live_id)).glob("*/index.m3u8")).parent
    segments = files.segments(place)
    assert all((place / one.name).stat().st_size > 0 for one in segments)
    assert len({one.run for one in segments}) >= 2 and any(one.jump for one in segments[1:])
    times = [one.at for one in segments]
    assert times == sorted(times)


def test_the_office_dies_with_its_children_and_all_comes_back(show):
    packager = packager_pid(show)

    def kill():
        show.kill("video")
        end = time.monotonic() + 20
        while Path(f"/proc/{packager}").exists() and time.monotonic() < end:
            time.sleep(0.05)
        assert not Path(f"/proc/{packager}").exists(), "a packager outlived the office"
        show.start("video")  # as the supervisor does
    comes_back(show, kill)


def test_a_web_process_dies_and_the_show_is_recorded_meanwhile(show):
    def kill():
        show.kill("web1")
        show.start("web1")
    comes_back(show, kill)
    assert "0 broken" in show.run("check")
