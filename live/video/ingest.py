"""A browser's camera: pieces of a MediaRecorder come over a socket and go into an FFmpeg, which publishes them.

One for each socket that sends. A bounded queue and a thread stand between the socket and the pipe, so a stuck encoder
never holds a web process; when the queue is full the page is told, and sends less.
"""
import contextlib
import os
import queue
import subprocess
import threading

import structlog
from flask_babel import lazy_gettext as _l

from core.config import reachable_host
from core.errors import DomainError
from live.video import engine, files

log = structlog.get_logger("video")
MOST_WAITING = 300  # pieces of at most 14 KB: 4 MB, some 15 s
CHUNK_BYTES = 15 * 1024  # below core.sockets.MAX_PAYLOAD_BYTES with its frame
# What browsers record: already H.264 is copied; what is not is encoded anew, a third of a core at 720p.
KINDS = {
    "webm-h264": ["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy"],
    "mp4": ["-f", "mov", "-i", "pipe:0", "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy"],
    "webm": ["-f", "matroska", "-i", "pipe:0", "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "libx264", "-preset",
             "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-force_key_frames", "expr:gte(t,n_forced*1)",
             "-b:v", "1500k", "-maxrate", "1800k", "-bufsize", "1800k"],
}
_open: dict[str, "BrowserIngest"] = {}


class NoEngine(DomainError):
    code, status, message = "no_video_engine", 503, _l("The media server does not run. Nothing can be sent now.")


class IngestGone(DomainError):
    code, message = "ingest_gone", _l("The line for the picture was cut. It begins again.")


class TooSlow(DomainError):
    code, message = "ingest_slow", _l("The picture comes faster than it can be taken. Send less.")


class BrowserIngest:
    """One page's camera on its way to the engine."""

    def __init__(self, config, channel, key: str, kind: str):
        self.live_id = channel.live_session_id
        port = files.read(files.root(config.data_dir) / "engine.json").get("rtmp")
        if not port or not engine.ffmpeg_path():
            raise NoEngine
        target = f"rtmp://{reachable_host(config.host)}:{port}/live/{self.live_id}?key={key}&by=browser"
        words = [engine.ffmpeg_path(), "-hide_banner", "-loglevel", "warning", "-analyzeduration", "300000",
                 *KINDS[kind], "-c:a", "aac", "-ar", "48000", "-b:a",
                 "96k", "-flush_packets", "1", "-rw_timeout", "5000000", "-f", "flv", target]
        with open(config.data_dir / "logs" / "browser-ingest.log", "ab") as errors:
            # It ends when its standard input does: with this process, however that ends.
            self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=errors)
        self.waiting: queue.Queue = queue.Queue(MOST_WAITING)
        threading.Thread(target=self._write, name="browser-ingest", daemon=True).start()

    def take(self, data: bytes) -> None:
        """Raises IngestGone when FFmpeg has ended, TooSlow when it cannot keep up."""
        if self.process.poll() is not None:
            raise IngestGone
        try:
            self.waiting.put_nowait(data)
        except queue.Full:
            raise TooSlow from None

    def _write(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while (data := self.waiting.get()) is not None:
                self.process.stdin.write(data)
                self.process.stdin.flush()
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def close(self) -> None:
        with contextlib.suppress(queue.Full):
            self.waiting.put_nowait(None)
            return
        self.process.kill()


def begin(sid: str, config, channel, key: str, kind: str) -> None:
    """Start taking a page's camera; what the same socket sent before ends."""
    end(sid)
    os.makedirs(config.data_dir / "logs", mode=0o700, exist_ok=True)
    _open[sid] = BrowserIngest(config, channel, key, kind)
    log.info("camera begins", show=str(channel.live_session_id), kind=kind)


def of(sid: str) -> BrowserIngest:
    """Raises IngestGone."""
    if sid not in _open:
        raise IngestGone
    return _open[sid]


def end(sid: str) -> None:
    if found := _open.pop(sid, None):
        found.close()
        log.info("camera ends", show=str(found.live_id))
