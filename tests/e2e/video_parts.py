"""A synthetic RTMP source and what a page's film says of itself, for tests and the bench."""
import functools
import subprocess
import time
import uuid
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from demo.accounts import HOST
from live.video import channels, engine, files, keys

SECRET = "e" * 40  # tests/stack.py
FPS = 15


@functools.cache
def film(folder: Path, seconds: int = 40, keyframe: int = FPS, size: str = "270x480") -> Path:
    """A short film with sound, encoded once: sending a copy of it costs nothing, so the machine's load is not in it."""
    path = Path(folder) / f"film-{seconds}-{keyframe}-{size}.flv"
    words = [engine.ffmpeg_path(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", f"testsrc2=s={size}:r={FPS}",
             "-f", "lavfi", "-i", "sine=440:sample_rate=44100", "-t", str(seconds), "-c:v", "libx264", "-preset",
             "ultrafast", "-tune", "zerolatency", "-g", str(keyframe), "-pix_fmt", "yuv420p", "-b:v", "300k",
             "-c:a", "aac", "-b:a", "64k", str(path)]
    subprocess.run(words, check=True, timeout=120)
    return path


def stream_key(stack, live_id) -> str:
    """The show's key, as its control page tells it, once the media server knows the show: nobody's OBS is as quick."""
    database = create_engine(stack.database_url)
    with Session(database) as db, db.begin():
        channel = channels.ensure(db, live_id)
        key = keys.publish_key(SECRET, live_id, channel.key_nonce, int(channel.key_until.timestamp()))
    database.dispose()
    wait_until(lambda: str(live_id) in files.read(stack.folder / "data/video/status.json").get("shows", {}))
    return key


def rotate(stack, live_id) -> None:
    """Take the show's key back, as its control page does."""
    database = create_engine(stack.database_url)
    with Session(database) as db, db.begin():
        channels.rotate(db, live_id)
    database.dispose()


def stream_of(stack, live_id) -> dict | None:
    """What the office says of the show's stream."""
    shows = files.read(stack.folder / "data/video/status.json").get("shows", {})
    return shows.get(str(live_id), {}).get("stream")


def wait_until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.1)


def show_in(stack, state: str):
    database = create_engine(stack.database_url)
    with database.connect() as connection:
        found = connection.execute(text("SELECT id FROM live_sessions WHERE state = :state ORDER BY starts_at LIMIT 1"),
                                   {"state": state}).scalar()
    database.dispose()
    return found


def send_camera(person, live_id):
    """The host's control page, from which the camera is on its way in two clicks."""
    host = person(HOST, phone=False)
    # A small picture: Chromium encodes it in software, on a machine that does much else.
    host.add_init_script("localStorage.setItem('livestall.camera', JSON.stringify({longSide: 480}))")
    host.goto(f"/studio/shows/{live_id}/control")
    host.locator("#film-health").click()
    host.get_by_role("button", name="Send this picture").click(timeout=60_000)
    return host


class Source:
    """FFmpeg as OBS: sends the film in real time, again and again."""

    def __init__(self, stack, live_id, path: Path, key: str | None = None):
        self.stack, self.live_id, self.path = stack, live_id, path
        self.key = key or stream_key(stack, live_id)
        self.process = None

    @property
    def port(self) -> int:
        return files.read(self.stack.folder / "data/video/engine.json")["rtmp"]

    def start(self) -> "Source":
        target = f"rtmp://127.0.0.1:{self.port}/live/{self.live_id}?key={self.key}"
        words = [engine.ffmpeg_path(), "-loglevel", "error", "-re", "-stream_loop", "-1", "-i", str(self.path), "-c",
                 "copy", "-f", "flv", target]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        if self.running:
            self.process.kill()
            self.process.wait(10)


FRAMES = "document.querySelector('video.film')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"


def wait_for_frames(page, more: int = 10, seconds: float = 60) -> int:
    """Until so many more frames were decoded: a picture that really moves, not only a clock that runs."""
    before = page.evaluate(FRAMES)
    moves = "document.querySelector('[data-film=playing] video.film')"
    page.wait_for_function(f"() => ({FRAMES}) >= {before + more} && {moves}", timeout=seconds * 1000, polling=200)
    return page.evaluate(FRAMES)


def act(host, live_id, action, **more):
    """A press on the control page, by its own door."""
    return host.evaluate("""async ([url, body]) => (await (await fetch(url, {method: 'POST', body: JSON.stringify(body),
        headers: {'Content-Type': 'application/json',
                  'X-CSRFToken': document.querySelector('meta[name=csrf-token]').content}})).json())""",
                         [f"/api/live/{live_id}/control", {"action": action, "key": uuid.uuid4().hex, **more}])
