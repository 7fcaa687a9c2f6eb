"""WebRTC beside the media server, kept by the video office where Janus is installed.

Who sends by WHIP (live/video/views_rtc.py) is in a room of the show, under the stream key as a name. From there Janus
forwards the packets to an FFmpeg, which publishes them to the media server like any other sender: recording, HLS and
the fast picture are as always. While the show is on air they are forwarded to a mountpoint too, which viewers watch.
"""
import contextlib
import socket
import time
from typing import NamedTuple

import structlog

from core.children import free_port
from live.video import files, janus_setup
from live.video.engine import ffmpeg_path
from live.video.janus import ROOM, STREAM, JanusGone, JanusRefused, Session
from live.video.processes import Process

log = structlog.get_logger("video")
START_SECONDS, KEEP_SECONDS = 10, 20
ANSWER_SECONDS = 1.5  # the office has one thread, and other things to do
VIDEO_PT, AUDIO_PT = 96, 111
H264 = "packetization-mode=1;profile-level-id=42e01f;level-asymmetry-allowed=1"


class Badge(NamedTuple):
    """The name under which a sender is in its room: since when (ms), the ids of its two streams, its stream key."""
    at: int
    audio: str
    video: str
    key: str

    @classmethod
    def read(cls, text: str) -> "Badge | None":
        parts = text.split("|")
        return cls(int(parts[0]), *parts[1:]) if len(parts) == 4 and parts[0].isdecimal() else None

    def __str__(self) -> str:
        return "|".join(map(str, self))


def room_of(name: str, key: str) -> dict:
    """What a show's room is made of: H.264 alone, because it is copied everywhere; a key frame each second."""
    return {"request": "create", "room": name, "is_private": True, "secret": key, "admin_key": key, "publishers": 8,
            "bitrate": 2_500_000, "fir_freq": 1, "audiocodec": "opus", "videocodec": "h264",
            "lock_record": True, "lock_rtp_forward": True}


def mount_of(name: str, key: str) -> dict:
    """A mountpoint: what its viewers get is sent to ports of the loopback, which Janus chooses."""
    sound = {"type": "audio", "mid": "a", "codec": "opus", "pt": AUDIO_PT, "port": 0, "iface": "127.0.0.1"}
    picture = {"type": "video", "mid": "v", "codec": "h264", "pt": VIDEO_PT, "fmtp": H264, "port": 0,
               "iface": "127.0.0.1"}
    return {"request": "create", "type": "rtp", "id": name, "is_private": True, "secret": key, "admin_key": key,
            "media": [sound, picture]}


class Sender:
    """One who sends by WHIP, on the way to the media server."""

    def __init__(self, feed, badge: Badge):
        self.feed, self.badge = feed, badge
        self.process, self.again_at = None, 0.0
        self.forwards: list[int] = []  # to the mountpoint

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.running


class Rtc:
    """Keeps Janus, and of each show the line from its room to the media server and to its viewers."""

    def __init__(self, config, logs):
        self.config, self.logs = config, logs
        self.program = janus_setup.find(config) if ffmpeg_path() else None
        self.home = files.root(config.data_dir) / "janus"
        self.process, self.again_at, self.session, self.kept_at, self.port = None, 0.0, None, 0.0, 0
        self.room, self.stream = 0, 0
        self.senders: dict[str, Sender] = {}
        self.mounts: dict[str, dict[str, int]] = {}  # show → ports of its mountpoint

    # -- Janus itself ------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Start it, start it again, and keep our session with it."""
        if self.program is None:
            return
        now = time.monotonic()
        if not (self.process and self.process.running):
            if now >= self.again_at:
                self.again_at = now + 2.0
                self._start()
            return
        try:
            if self.session is None:
                self._open()
            elif now - self.kept_at > KEEP_SECONDS:
                self.session.keep()
                self.kept_at = now
        except (JanusGone, JanusRefused) as error:
            self._forget(error)

    def _start(self) -> None:
        if self.process:
            log.warning("Janus ended and starts again", code=self.process.popen.returncode)
        self._forget(None)
        self.port = free_port("127.0.0.1", self.port)
        words = janus_setup.write(self.config, self.home, self.port, self.logs / "janus.log")
        self.process = Process([self.program, *words], self.logs / "janus.out")

    def _open(self) -> None:
        try:
            self.session = Session(self.port, janus_setup.secret(self.config), ANSWER_SECONDS)
        except JanusGone:
            if self.process.age > START_SECONDS:
                self.process.stop()
            return
        self.room, self.stream = self.session.attach(ROOM), self.session.attach(STREAM)
        self.kept_at = time.monotonic()
        files.write(self.home / "janus.json", {"port": self.port, "pid": self.process.pid})
        log.info("Janus listens", pid=self.process.pid, udp="{}-{}".format(*self.config.janus_ports))

    def _forget(self, error) -> None:
        if error:
            log.warning("Janus does not know us", error=str(error))
        for name in list(self.senders):
            self._drop(name)
        self.session, self.mounts = None, {}
        (self.home / "janus.json").unlink(missing_ok=True)

    def stop(self) -> None:
        for name in list(self.senders):
            self._drop(name)
        if self.process:
            (self.home / "janus.json").unlink(missing_ok=True)
            self.process.stop()

    @property
    def shown(self) -> list[str]:
        """Shows that can be watched by WebRTC now."""
        return sorted(name for name, one in self.senders.items() if one.forwards and one.running)

    # -- shows -------------------------------------------------------------------------------------------------------

    def look(self, shows: dict, doors: dict, engine) -> None:
        """Follow who is in the rooms. `shows`: name → (channel, state); `doors`: name → {key, until}."""
        if self.session is None:
            return
        try:
            rooms = {one["room"]: one["num_participants"] for one in self._ask(ROOM, "list")["list"]}
            for name in {*(room for room, count in rooms.items() if count), *self.senders}:
                self._follow(name, doors.get(name), shows.get(name, (None, ""))[1], engine, name in rooms)
            for name in [name for name in self.mounts if name not in doors]:
                del self.mounts[name]
                self._try(STREAM, "destroy", id=name)
            for name in rooms:
                if name not in doors:
                    self._try(ROOM, "destroy", room=name)
        except (JanusGone, JanusRefused) as error:
            self._forget(error)

    def _follow(self, name: str, door, state: str, engine, is_there: bool) -> None:
        found = self._publishers(name, door) if is_there else []
        sender = self.senders.get(name)
        if sender and (not found or sender.feed != found[-1][1]):
            self._drop(name)
            sender = None
        for _badge, feed in found[:-1]:  # another page of the host: who comes last is the picture
            self._try(ROOM, "kick", room=name, id=feed)
        if found and sender is None:
            badge, feed = found[-1]
            sender = self.senders[name] = Sender(feed, badge)
            log.info("WHIP begins", show=name)
        if sender:
            self._bridge(name, sender, engine)
            self._show(name, sender, is_public=state == "live")

    def _publishers(self, name: str, door) -> list[tuple]:
        """Who sends in a room, oldest first; who has no right to, or no more, is put out."""
        found = []
        for one in self._ask(ROOM, "listparticipants", room=name)["participants"]:
            badge = Badge.read(one.get("display", ""))
            if not (door and badge and badge.key == door["key"] and door["until"] > time.time()):
                self._try(ROOM, "kick", room=name, id=one["id"])
            elif one.get("publisher"):
                found.append((badge, one["id"]))
        return sorted(found)

    def _bridge(self, name: str, sender: Sender, engine) -> None:
        """The line to the media server; when that was given to somebody else, this sender has to go."""
        if sender.running or time.monotonic() < sender.again_at:
            return
        other = engine.streams.get(name)
        if sender.process and other and other["by"] != "whip" and not other["lost"]:
            self._try(ROOM, "kick", room=name, id=sender.feed)
            return
        sender.again_at = time.monotonic() + 1.0
        if sender.process is None:
            ports = [free_pair() for _ in range(2)]
            (self.home / f"{name}.sdp").write_text(description(*ports))
            self._forward(name, sender, *ports)
        target = f"{engine.pull_base}/{name}?key={sender.badge.key}&by=whip"
        words = [ffmpeg_path(), "-hide_banner", "-loglevel", "warning", "-nostdin", "-protocol_whitelist",
                 "file,udp,rtp", "-analyzeduration", "2000000", "-fpsprobesize", "0", "-max_delay", "100000", "-i",
                 str(self.home / f"{name}.sdp"), "-map", "0:v:0", "-map", "0:a:0?", "-c:v", "copy", "-c:a", "aac",
                 "-ar", "48000", "-b:a", "96k", "-flush_packets", "1", "-rw_timeout", "5000000", "-f", "flv", target]
        sender.process = Process(words, self.logs / "whip.log")

    def _show(self, name: str, sender: Sender, *, is_public: bool) -> None:
        """To viewers while it is on air, and to nobody in a break or a rehearsal."""
        if is_public and not sender.forwards:
            if name not in self.mounts:
                made = self._ask(STREAM, **mount_of(name, janus_setup.secret(self.config)))["stream"]["ports"]
                self.mounts[name] = {one["type"]: one["port"] for one in made}
            ports = self.mounts[name]
            sender.forwards = self._forward(name, sender, ports["video"], ports["audio"])
        elif not is_public:
            for stream in sender.forwards:
                self._try(ROOM, "stop_rtp_forward", room=name, publisher_id=sender.feed, stream_id=stream)
            sender.forwards = []

    def _forward(self, name: str, sender: Sender, video: int, audio: int) -> list[int]:
        """Have Janus send a sender's packets to two ports of this machine; the ids by which that is stopped."""
        wanted = [(sender.badge.video, video, VIDEO_PT), (sender.badge.audio, audio, AUDIO_PT)]
        said = self._ask(ROOM, "rtp_forward", room=name, publisher_id=sender.feed, host="127.0.0.1", streams=[
            {"mid": mid, "host": "127.0.0.1", "port": port, "pt": pt} for mid, port, pt in wanted if mid])
        return [one["stream_id"] for one in said["forwarders"]]

    def _drop(self, name: str) -> None:
        sender = self.senders.pop(name)
        if sender.process:
            sender.process.stop(gently=False)
        (self.home / f"{name}.sdp").unlink(missing_ok=True)
        log.info("WHIP ends", show=name)

    def _ask(self, plugin: str, request: str, **more) -> dict:
        key = janus_setup.secret(self.config)
        return self.session.say(self.room if plugin == ROOM else self.stream,
                                {"admin_key": key, "secret": key, "request": request, **more})

    def _try(self, plugin: str, request: str, **more) -> None:
        """As _ask, where somebody who has just gone is no news."""
        with contextlib.suppress(JanusRefused):
            self._ask(plugin, request, **more)


def free_pair() -> int:
    """An even UDP port whose next is free as well: FFmpeg takes both."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, \
                socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            with contextlib.suppress(OSError):
                two.bind(("127.0.0.1", port + 1))
                if port % 2 == 0:
                    return port


def description(video: int, audio: int) -> str:
    """What FFmpeg must know of the packets that come."""
    return "\r\n".join([
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=show", "c=IN IP4 127.0.0.1", "t=0 0",
        f"m=video {video} RTP/AVP {VIDEO_PT}", f"a=rtpmap:{VIDEO_PT} H264/90000", f"a=fmtp:{VIDEO_PT} {H264}",
        f"m=audio {audio} RTP/AVP {AUDIO_PT}", f"a=rtpmap:{AUDIO_PT} opus/48000/2", ""])
