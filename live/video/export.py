"""A recording as one MP4 file: nothing is encoded, its index stands in front, and it is gone when it was sent."""
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import structlog
from flask_babel import lazy_gettext as _l

from core.errors import DomainError
from live.video import files, playlist
from live.video.engine import ffmpeg_path
from live.video.models import VideoChannel

log = structlog.get_logger("video")
PREFIX = "export-"
LONGEST_SECONDS = 600  # an hour takes some seconds; a disk that needs ten minutes for a show is broken
LEFT_SECONDS = 3600  # what a killed process left behind


class NoRoom(DomainError):
    code, status = "no_room", 507
    message = _l("The disk has no room for the file. Delete old recordings first.")


class Broken(DomainError):
    code, status, message = "not_exported", 500, _l("The file could not be made. Try again.")


def mp4(config, channel: VideoChannel, segments: list[playlist.Segment]):
    """An open file with the segments as one MP4; closing it frees its disk. Raises NoRoom, Broken."""
    place = files.folder(config.data_dir, channel.live_session_id, channel.public_dir)
    home = files.root(config.data_dir)
    size = sum((place / one.name).stat().st_size for one in segments if (place / one.name).exists())
    if files.free_mb(config.data_dir) - size // 2**20 < config.video_min_free_mb:
        raise NoRoom
    # Not in /tmp, which may be memory: an hour is a gigabyte.
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=home) as folder:
        source, target = Path(folder) / "all.m3u8", Path(folder) / "film.mp4"
        source.write_text(playlist.whole(segments, f"{place}/"))
        try:
            done = subprocess.run(_words(source, target), capture_output=True, stdin=subprocess.DEVNULL,
                                  timeout=LONGEST_SECONDS)
        except subprocess.TimeoutExpired:
            raise Broken from None
        if done.returncode or not target.exists():
            log.error("export failed", show=str(channel.live_session_id), error=done.stderr.decode()[-300:])
            raise Broken
        return open(target, "rb")  # noqa: SIM115 - whoever sends it closes it


def _words(source: Path, target: Path) -> list[str]:
    """As a list of pieces (HLS), read on as one stream: pieces put one after the other, each with a length of its own
    (FFmpeg's concat), came out 80 ms too long each, with a jump where they meet."""
    return [ffmpeg_path(), "-loglevel", "error", "-nostdin", "-y", "-i", str(source), "-map", "0:v:0", "-map",
            "0:a:0?", "-c", "copy", "-bsf:a", "aac_adtstoasc", "-movflags", "+faststart", str(target)]


def pieces(file, size: int = 256 * 1024):
    """The file bit by bit; closed at its end, or when nobody wants the rest."""
    with file:
        while data := file.read(size):
            yield data


def forget_left(data_dir) -> None:
    """Files of exports whose process was killed."""
    for path in files.root(data_dir).glob(f"{PREFIX}*"):
        if time.time() - path.stat().st_mtime > LEFT_SECONDS:
            shutil.rmtree(path, ignore_errors=True)
