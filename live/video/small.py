"""The second picture, 360p: each piece of the first is encoded again by itself, with the same name, dates and length.

A short FFmpeg per piece, one at a time and of low priority: a player changes at any piece, an outage is the same in
both, and what falls behind is seen by counting pieces. An FFmpeg that ran all the time would cut elsewhere than the
copy. To start one costs 16 ms of CPU, encoding a second of 720p30 some 230 ms (docs/performance.md).
"""
import os
import shutil
import time
from pathlib import Path

import structlog
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from core.errors import DomainError
from live.video import files, playlist
from live.video.engine import ffmpeg_path
from live.video.processes import Process

log = structlog.get_logger("video")
SHORT_SIDE = 360
SMALLEST_SOURCE = 480  # a picture whose short side is below needs no smaller one
NICE = 10  # a sale goes first
LATE_SECONDS = 5.0  # pieces that wait: the list holds eight, and its viewers would be so much later than the others
MOST_FAILURES = 3
KEPT_PIECES = 40
# Cores that one takes, encoding 720p30 or 1080p30; what was switched on within the last minute is not in the load yet.
COST_CORES, FRESH_SECONDS = 0.35, 60.0
# A piece of a second takes what flows in and most of a full buffer: 450 + 180 = 630 kbit/s of picture.
RATE_KBPS, BUFFER_KBIT = 450, 200
MOST_BPS = 850_000  # with sound and its wrapping


class TooBusy(DomainError):
    code, message = "small_too_busy", _l("This machine is too busy to make the small picture as well.")


class Needless(DomainError):
    code, message = "small_needless", _l("The picture is so small already that a smaller one saves nothing.")


def machine(fresh: int = 0) -> dict:
    """How busy this machine is: {cores that we may use, load of the last minute, fresh: begun within it}."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"cores": cores, "load": round(os.getloadavg()[0], 2), "fresh": fresh}


def check_room(state: dict, most_percent: int) -> None:
    """Raises TooBusy unless a second picture fits: what runs and it may take `most_percent` of the cores together."""
    wanted = state["load"] + COST_CORES * (1 + state["fresh"])
    if wanted > state["cores"] * most_percent / 100:
        raise TooBusy(_("This machine is too busy for a second picture: its load is %(load)s on %(cores)s cores. Try "
                        "again when less is going on.", load=state["load"], cores=state["cores"]))


def check_size(stream: dict | None) -> None:
    """Raises Needless for a picture that is small already."""
    if stream and 0 < short_side(stream) < SMALLEST_SOURCE:
        raise Needless(_("The picture that you send is small already (%(side)s points). A second one would not help.",
                         side=short_side(stream)))


def short_side(stream: dict) -> int:
    """0: not known yet."""
    return min(stream.get("width") or 0, stream.get("height") or 0)


def size(stream: dict | None) -> tuple[int, int]:
    """(width, height) of the second picture of a stream; (0, 0): not known."""
    if not stream or not short_side(stream):
        return 0, 0
    width, height = stream["width"], stream["height"]
    longer = round(max(width, height) * SHORT_SIDE / min(width, height) / 2) * 2
    return (longer, SHORT_SIDE) if width > height else (SHORT_SIDE, longer)


def argv(source: Path, target: Path) -> list[str]:
    """-copyts and no delay of the wrapping: the second picture's times are the first's, to the frame."""
    scale = f"scale=w='if(gt(iw,ih),-2,{SHORT_SIDE})':h='if(gt(iw,ih),{SHORT_SIDE},-2)':flags=fast_bilinear"
    return [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-threads", "1", "-copyts", "-f",
            "mpegts", "-i", str(source), "-map", "0:v:0", "-map", "0:a:0?", "-vf", scale, "-c:v", "libx264", "-preset",
            "ultrafast", "-tune", "zerolatency", "-threads", "1", "-pix_fmt", "yuv420p", "-crf", "25", "-maxrate",
            f"{RATE_KBPS}k", "-bufsize", f"{BUFFER_KBIT}k", "-fps_mode", "passthrough", "-enc_time_base", "1:90000",
            "-c:a", "copy", "-avoid_negative_ts", "disabled", "-muxdelay", "0", "-muxpreload", "0", "-f", "mpegts",
            str(target)]


class Small:
    """Follows one show's pieces until it is stopped. `turn` is to be called a few times a second."""

    def __init__(self, place: Path, log_file: Path):
        self.place, self.log, self.folder = place, log_file, place / files.SMALL
        self.folder.mkdir(mode=0o700, exist_ok=True)
        for left in self.folder.glob("*.new"):
            left.unlink(missing_ok=True)
        self.started, self.failures, self.late = time.monotonic(), 0, 0.0
        self.process: Process | None = None
        self.making = ""
        found = files.segments(place)
        # What was before is past: only from here on.
        self.done = found[-1].name if found else ""

    def turn(self) -> bool:
        """Take what is ready, begin the next. False: it does not keep up, or cannot."""
        if self.process and not self.process.running:
            self._take()
        waiting = self._waiting()
        self.late = sum(one.seconds for one in waiting)
        if waiting and self.process is None:
            self.making = waiting[0].name
            self.folder.mkdir(mode=0o700, exist_ok=True)
            self.process = Process(argv(self.place / self.making, self.folder / f"{self.making}.new"), self.log,
                                   nice=NICE)
        return self.late <= LATE_SECONDS and self.failures < MOST_FAILURES

    def _waiting(self) -> list[playlist.Segment]:
        """Pieces after the last one done; after a new playlist, or when the last one is gone, the newest alone."""
        found = files.segments(self.place)
        for place in range(len(found), max(0, len(found) - KEPT_PIECES), -1):
            if found[place - 1].name == self.done:
                return found[place:]
        return found[-1:] if self.done else found

    def _take(self) -> None:
        made, fresh = self.folder / self.making, self.folder / f"{self.making}.new"
        code = self.process.popen.returncode
        self.process.stop()
        self.process, self.done = None, self.making
        if code == 0 and fresh.exists() and fresh.stat().st_size:
            fresh.replace(made)
            self.failures = 0
        else:
            fresh.unlink(missing_ok=True)
            self.failures += 1
            log.warning("a piece of the second picture failed", piece=self.making, code=code)
        for old in sorted(files.small_ones(self.place))[:-KEPT_PIECES]:
            (self.folder / old).unlink(missing_ok=True)

    def stop(self) -> None:
        if self.process:
            self.process.stop(gently=False)
            self.process = None


class SmallPictures:
    """The second pictures of all shows: those that are switched on and whose first picture is public."""

    def __init__(self, logs: Path):
        self.logs, self.running = logs, {}

    def turn(self, shows: dict, packagers: dict, streams: dict) -> dict[str, str]:
        """{show: why} of those that are to be switched off: "behind" or "needless"."""
        wanted = {name for name, (channel, state) in shows.items() if channel.small == "on" and state == "live"
                  and name in packagers and packagers[name].keep and name in streams}
        for name in [name for name in self.running if name not in wanted]:
            self.running.pop(name).stop()
        given_up = {}
        for name in wanted:
            if 0 < short_side(streams[name]) < SMALLEST_SOURCE:
                given_up[name] = "needless"
                continue
            if name not in self.running:
                self.running[name] = Small(packagers[name].place, self.logs / "second-picture.log")
            if not self.running[name].turn():
                given_up[name] = "behind"
        for name in given_up:
            if name in self.running:
                self.running.pop(name).stop()
        return given_up

    def sources(self) -> list[Process]:
        """Whose end is worth waking up for."""
        return [one.process for one in self.running.values() if one.process]

    def state(self, name: str) -> dict | None:
        """{late: seconds that wait} of one that runs."""
        one = self.running.get(name)
        return {"late": round(one.late, 1)} if one else None

    def fresh(self) -> int:
        return sum(time.monotonic() - one.started < FRESH_SECONDS for one in self.running.values())

    def stop(self) -> None:
        for one in self.running.values():
            one.stop()


def forget(place: Path) -> None:
    """The show is over: its recording is the first picture alone."""
    shutil.rmtree(place / files.SMALL, ignore_errors=True)
