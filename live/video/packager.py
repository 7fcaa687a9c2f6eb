"""One FFmpeg that turns a published stream into HLS files on disk, copying picture and sound as they come."""
import shutil
import time
from pathlib import Path

from live.video import files, playlist
from live.video.engine import ffmpeg_path
from live.video.processes import Process

# Segments are cut at key frames: 1 s if the sender sends one a second.
OUT = ["-c", "copy", "-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "event",
       "-hls_flags", "program_date_time+independent_segments+temp_file+omit_endlist+append_list"]

KEPT_MS = 30_000  # behind the edge, for who stalls


def argv(source: str, place: Path, run: str) -> list[str]:
    """append_list goes on after a restart; omit_endlist, because the end is the host's to say (docs/video.md)."""
    return [ffmpeg_path(), "-hide_banner", "-loglevel", "warning", "-nostdin", "-analyzeduration", "300000",
            "-fpsprobesize", "0", "-rw_timeout", "15000000", "-i", source, "-map", "0:v:0", "-map", "0:a:0?", *OUT,
            "-hls_segment_filename", str(place / f"{run}-%06d.ts"), str(place / "index.m3u8")]


class Packager:
    """Packages one stream into one folder until it is stopped; a run is one FFmpeg."""

    def __init__(self, name: str, place: Path, logs: Path, *, keep: bool):
        self.name, self.place, self.log, self.keep = name, place, logs / "packager.log", keep
        self.process, self.again_at, self.failures = None, 0.0, 0
        self.run, self.key_at, self.shifted = "", None, False
        if not keep:  # a rehearsal, a preview or a break: nobody needs what was before
            shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def start(self, base: str, play: str) -> None:
        """A new run. Its dates begin anew, so an outage does not shift what comes after it."""
        self.run, self.key_at, self.shifted = f"{time.time() * 1000:.0f}", None, False
        for left in self.place.glob("*.tmp"):
            left.unlink(missing_ok=True)
        self.process = Process(argv(f"{base}/{self.name}?play={play}&run={self.run}", self.place, self.run), self.log)

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running

    def pulled(self, run: str, key_at: float) -> None:
        """The media server says when the run's first frame had come."""
        if run == self.run:
            self.key_at = key_at

    def ready(self) -> bool:
        """Whether this run has written a segment; the first time, how much later its dates are is written down."""
        if not self.run:
            return False
        if self.shifted:
            return True
        found = [one for one in files.segments(self.place) if one.run == self.run]
        if not found or self.key_at is None and self.process.age < 5:
            return False
        if self.key_at is not None:
            shift = found[0].at + playlist.DEFAULT_SHIFT_MS - self.key_at
            files.write(self.place / "runs.json", {**files.shifts(self.place), self.run: round(shift, 1)})
        self.shifted = True
        return True

    def drop_older_than(self, at: float, live_edge: float) -> None:
        """Recording has stopped: of what came after `at`, only the last half minute stays."""
        old = [one for one in files.segments(self.place) if at < one.at < live_edge - KEPT_MS]
        for segment in old:
            (self.place / segment.name).unlink(missing_ok=True)
        if old:
            (self.place / "pruned").touch()  # whoever reads the playlist looks which files are there

    def begin_anew(self) -> None:
        """Forget everything: the next run writes a new playlist. For programmes that play for days."""
        self.stop()
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir(mode=0o700, parents=True, exist_ok=True)

    def stop(self) -> None:
        if self.process:
            self.process.stop()
            self.process = None
