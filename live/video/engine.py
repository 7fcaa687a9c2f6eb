"""The embedded media server as the office sees it: started on ports that are free, told who may, asked what is on."""
import json
import os
import shutil
import sys
from pathlib import Path
from urllib.parse import urlsplit

import structlog

from core.children import free_port
from core.config import PROJECT, reachable_host
from live.video import files
from live.video.processes import Process

log = structlog.get_logger("video")
SCRIPT = Path(__file__).with_name("engine.js")


def node_path() -> str | None:
    """The node beside our Python, else the system's; None without node or without its modules."""
    beside = Path(sys.executable).with_name("node")
    found = str(beside) if beside.exists() else shutil.which("node")
    return found if found and (PROJECT / "node_modules/node-media-server").is_dir() else None


def ffmpeg_path() -> str | None:
    """FFMPEG from the environment, else that of imageio-ffmpeg, else the system's."""
    if given := os.environ.get("FFMPEG"):
        return given
    try:
        import imageio_ffmpeg  # late: it is not needed where video is off
        return imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return shutil.which("ffmpeg")


class Engine:
    """Keeps one media server running; `streams` is what it said last of each stream."""

    def __init__(self, config):
        self.config, self.process, self.again_at = config, None, 0.0
        self.home = files.root(config.data_dir)
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # OBS and nginx keep the address they were given, so a restart takes the same ports.
        self.rtmp_port, self.flv_port = config.rtmp_port, config.flv_port
        self.streams: dict[str, dict] = {}
        self.doors = {}
        self.listening = False

    @property
    def pull_base(self) -> str:
        return f"rtmp://{reachable_host(self.config.host)}:{self.rtmp_port}/live"

    def start(self) -> None:
        self.rtmp_port = free_port(self.config.host, self.rtmp_port)
        self.flv_port = free_port(self.config.host, self.flv_port)
        self.listening, self.streams = False, {}
        logs = self.config.data_dir / "logs"
        logs.mkdir(mode=0o700, exist_ok=True)
        self.process = Process([node_path(), str(SCRIPT), self.config.host, str(self.rtmp_port), str(self.flv_port),
                                str(self.home / "engine")], logs / "media-server.log", stdin=True)
        if self.doors:
            self.process.write(json.dumps(self.doors))

    def tell(self, doors: dict) -> None:
        """Who may publish and watch, whole; said again when the server is started again."""
        if doors != self.doors:
            self.doors = doors
            if self.process and self.process.running:
                self.process.write(json.dumps(doors))

    def hear(self) -> list[dict]:
        """What it has said since; `streams` follows."""
        said = []
        for line in self.process.lines() if self.process else []:
            try:
                event = json.loads(line)
            except ValueError:
                continue
            said.append(event)
            self._note(event)
        return said

    def _note(self, event: dict) -> None:
        kind, name = event.get("event"), event.get("name")
        if kind == "listening":
            self.listening = True
            files.write(self.home / "engine.json", {"rtmp": self.rtmp_port, "flv": self.flv_port,
                                                    "pid": self.process.pid})
            log.info("media server listens", rtmp=self.rtmp_port, flv=self.flv_port, pid=self.process.pid)
        elif kind == "published":
            self.streams[name] = {"lost": False, "by": event["by"], "from": event["from"]}
            log.info("publishing", show=name, by=event["by"])
        elif kind == "refused":
            log.warning("stream key refused", show=name)
        elif kind == "health" and name in self.streams:
            self.streams[name].update(event)
        elif kind == "gone":
            self.streams.pop(name, None)

    def stop(self) -> None:
        if self.process:
            self.process.stop()


def address(config) -> str:
    """Where OBS sends to: the running server's port, else the one that will be tried."""
    port = files.read(files.root(config.data_dir) / "engine.json").get("rtmp", config.rtmp_port)
    return f"rtmp://{urlsplit(config.base_url).hostname}:{port}/live"


def flv_base(config) -> str:
    """Where browsers open the sockets of the fast picture; "" where there is none.

    A page that came by https may open no plain socket: there it is a path of the same address (deploy/nginx.conf).
    """
    port = files.read(files.root(config.data_dir) / "engine.json").get("flv")
    if not port or not config.flv_viewers:
        return ""
    parts = urlsplit(config.base_url)
    if config.flv_url or parts.scheme == "https":
        return config.flv_url or f"wss://{parts.netloc}/flv"
    return f"ws://{parts.netloc.removesuffix(f':{parts.port}')}:{port}"
