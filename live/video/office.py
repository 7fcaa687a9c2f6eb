"""The video office: one process that keeps the media server, a packager for each stream that comes, and what is kept.

What viewers may see is decided by the show's state: on air goes to the public folder, which is the recording; before
the start, in a rehearsal and in a break it goes to a private one. It writes what pages show of it to status.json.
"""
import select
import time
from collections.abc import Callable
from datetime import timedelta

import psycopg
import structlog
from sqlalchemy import or_
from sqlalchemy import select as pick
from sqlalchemy.exc import SQLAlchemyError

from core import clock
from core.db import engine, reading, transaction
from live.show.models import LiveSession
from live.video import channels, export, files, keys, small
from live.video.engine import Engine
from live.video.models import VideoChannel
from live.video.packager import Packager
from live.video.processes import Process
from live.video.rtc import Rtc

log = structlog.get_logger("video")
TURN_SECONDS, LOOK_SECONDS, STATUS_SECONDS, DISK_SECONDS, KEEP_SECONDS = 0.25, 0.5, 1.0, 2.0, 600.0
# Called with (config, live show ids) → {live_id: argv without the target}: what plays when nobody publishes (demo).
PROGRAMMES: list[Callable] = []
DEMO_SECONDS = 3600.0  # of a generated programme no more than so much is kept
FULL_MB = 8  # less is no room for what all shows write until the next look
PROGRAMME_NICE = 10  # a generated picture must never slow a sale


class Office:
    def __init__(self, config):
        self.config, self.logs = config, config.data_dir / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.engine = Engine(config)
        self.rtc = Rtc(config, self.logs)
        self.packagers: dict[str, Packager] = {}
        self.programmes: dict[str, Process] = {}
        self.small = small.SmallPictures(self.logs)
        self.shows: dict[str, tuple] = {}  # name → (channel, state)
        self.due = dict.fromkeys(("look", "status", "disk", "keep"), 0.0)
        self.ears = None
        self.low_disk, self.wrote_well_at = False, clock.now()
        self.play = keys.play_secret(config.secret_key)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Until told to stop. A database that is away changes nothing of what is on."""
        try:
            while not stopped():
                self._wait()
                self._try("media server", self._keep_engine)
                self._try("media server", self._hear)
                self._try("Janus", self.rtc.keep)
                for name, seconds, work in (("look", LOOK_SECONDS, self._look), ("disk", DISK_SECONDS, self._disk),
                                            ("status", STATUS_SECONDS, self._status),
                                            ("keep", KEEP_SECONDS, self._forget_old)):
                    if time.monotonic() >= self.due[name]:
                        self.due[name] = time.monotonic() + seconds
                        self._try(name, work)
                self._try("packagers", self._keep_packagers)
                self._try("second pictures", self._keep_small)
        finally:
            for process in [*self.programmes.values(), *self.packagers.values(), self.small, self.rtc,
                            self.engine]:
                process.stop()

    def _try(self, name: str, work: Callable) -> None:
        """A database that is away or a disk that is full is told, and tried again at the next turn."""
        try:
            work()
        except (SQLAlchemyError, OSError) as error:
            log.error("video office", work=name, error=str(error).splitlines()[0])

    def _wait(self) -> None:
        """Until the media server speaks, a piece is done, a page wants something, or a quarter of a second is over."""
        process = self.engine.process
        sources = [*self.small.sources(), *([process] if process and process.running else [])]
        ears = self._listen()
        ready = select.select([*sources, *([ears] if ears else [])], [], [], TURN_SECONDS)[0]
        if ears in ready:
            try:
                if list(ears.notifies(timeout=0, stop_after=1)):
                    self.due["look"] = 0.0
            except psycopg.Error:
                self.ears = None

    def _listen(self):
        if self.ears is None or self.ears.closed:
            try:
                url = engine().url.set(drivername="postgresql").render_as_string(hide_password=False)
                self.ears = psycopg.connect(url, autocommit=True, connect_timeout=3)
                self.ears.execute("LISTEN video")
            except psycopg.Error:
                self.ears = None
                time.sleep(0.5)
        return self.ears

    def _keep_engine(self) -> None:
        process = self.engine.process
        if process and process.running:
            return
        if time.monotonic() >= self.engine.again_at:
            if process:
                log.warning("media server ended and starts again", code=process.popen.returncode)
            self.engine.again_at = time.monotonic() + 1.0
            self.engine.start()

    def _hear(self) -> None:
        for event in self.engine.hear():
            self._on(event)

    def _on(self, event: dict) -> None:
        packager = self.packagers.get(event.get("name"))
        if event["event"] == "pulled" and packager:
            packager.pulled(str(event["run"]), event["key_at"])
        elif event["event"] == "published" and packager:
            packager.stop()  # a new line of the host: dates begin anew with it
            packager.again_at = 0.0

    # -- what should be ----------------------------------------------------------------------------------------------

    def _look(self) -> None:
        with reading() as db:
            rows = db.execute(pick(VideoChannel, LiveSession.state, LiveSession.id).join(
                LiveSession, LiveSession.id == VideoChannel.live_session_id).where(or_(
                    LiveSession.state.not_in(("ended", "cancelled")),
                    VideoChannel.status.in_(("on", "lost"))))).all()
            on_air = list(db.scalars(pick(LiveSession.id).where(LiveSession.state.in_(("live", "paused")))))
        self.shows = {str(live_id): (channel, state) for channel, state, live_id in rows}
        self.engine.tell({"keys": self._keys(), "play": self.play, "view": keys.flv_secret(self.config.secret_key),
                          "air": sorted(name for name, (_, state) in self.shows.items() if state == "live"),
                          "most": self.config.flv_viewers})
        for name, (channel, state) in self.shows.items():
            if state in ("ended", "cancelled"):
                self._finish(name, channel)
            else:
                self._tell_viewers(name, channel, state)
        self._keep_programmes(on_air)
        self.rtc.look(self.shows, self.engine.doors["keys"], self.engine)

    def _keys(self) -> dict:
        found = {}
        for name, (channel, state) in self.shows.items():
            if state not in ("ended", "cancelled"):
                until = int(channel.key_until.timestamp())
                key = keys.publish_key(self.config.secret_key, name, channel.key_nonce, until)
                found[name] = {"key": key, "until": until}
        return found

    def _finish(self, name: str, channel) -> None:
        if packager := self.packagers.pop(name, None):
            packager.stop()
        place = files.folder(self.config.data_dir, name, channel.public_dir)
        small.forget(place)
        with transaction() as db:
            channels.finish(db, channel.live_session_id, files.size_of(place))

    def _tell_viewers(self, name: str, channel, state: str) -> None:
        """"on" when the public picture is there, "lost" when it was and is not; a break says its own word."""
        packager, stream = self.packagers.get(name), self.engine.streams.get(name)
        status = channel.status
        if state == "live":
            flows = packager and packager.keep and packager.running and stream and not stream["lost"]
            if flows and packager.ready():
                status = "on"
            elif status == "on" and not (stream and not stream["lost"]):
                status = "lost"
        elif state in ("scheduled", "rehearsal"):
            status = "off"
        kind = stream["by"] if stream and stream["by"] in ("browser", "whip") else "rtmp"
        if status != channel.status or status == "on" and kind != channel.kind:
            with transaction() as db:
                channels.set_status(db, channel.live_session_id, status, kind if status == "on" else "")

    # -- what is -----------------------------------------------------------------------------------------------------

    def _keep_packagers(self) -> None:
        now = time.monotonic()
        for name, (channel, state) in self.shows.items():
            stream = self.engine.streams.get(name)
            public = state == "live"
            place = files.folder(self.config.data_dir, name, channel.public_dir if public else channel.private_dir)
            packager = self.packagers.get(name)
            if packager and packager.place != place:
                packager.stop()
                packager = self.packagers.pop(name, None) and None
            if not stream or state in ("ended", "cancelled"):
                continue
            if packager is None:
                packager = self.packagers[name] = Packager(name, place, self.logs, keep=public)
            if not packager.running and not stream["lost"] and now >= packager.again_at:
                packager.again_at = now + 1.0
                packager.start(self.engine.pull_base, self.play)
            packager.ready()
        for name in [name for name in self.packagers if name not in self.shows]:
            self.packagers.pop(name).stop()

    def _keep_small(self) -> None:
        """Second pictures. One that does not keep up is switched off: the first must not suffer, nor a sale."""
        for name, why in self.small.turn(self.shows, self.packagers, self.engine.streams).items():
            channel = self.shows[name][0]
            channel.small = why  # until the next look
            log.warning("second picture switched off", show=name, why=why)
            with transaction() as db:
                channels.small_gave_up(db, channel.live_session_id, why)

    def _keep_programmes(self, on_air: list) -> None:
        wanted = {}
        for programme in PROGRAMMES:
            wanted |= programme(self.config, on_air)
        for name in [name for name in self.programmes if name not in wanted]:
            self.programmes.pop(name).stop()
        for name, words in wanted.items():
            playing, stream = self.programmes.get(name), self.engine.streams.get(name)
            if stream and stream["by"] != "demo" and not stream["lost"]:
                if playing:
                    self.programmes.pop(name).stop()  # a person is on: the programme makes room
                continue
            door = self.engine.doors.get("keys", {}).get(name)
            if door and self.engine.listening and not (playing and playing.running) and (
                    not playing or playing.age > 2):
                if playing:
                    playing.stop()
                target = f"{self.engine.pull_base}/{name}?key={door['key']}&by=demo"
                self.programmes[name] = Process([*words, "-f", "flv", target], self.logs / "programme.log",
                                                nice=PROGRAMME_NICE)

    def _status(self) -> None:
        """What the control page shows: the truth of each stream."""
        said = {}
        for name, (channel, state) in self.shows.items():
            stream, packager = self.engine.streams.get(name), self.packagers.get(name)
            said[name] = {"stream": stream, "state": state, "packaging": bool(packager and packager.running),
                          "ready": bool(packager and packager.shifted), "recording": channel.recording,
                          "small": self.small.state(name)}
        files.write(self.engine.home / "status.json", {
            "at": time.time(), "listening": self.engine.listening, "free_mb": files.free_mb(self.config.data_dir),
            "low_disk": self.low_disk, "rtc": self.rtc.shown, "machine": small.machine(self.small.fresh()),
            "shows": said})

    # -- what is kept ------------------------------------------------------------------------------------------------

    def _disk(self) -> None:
        free = files.free_mb(self.config.data_dir)
        self.low_disk = free < self.config.video_min_free_mb
        if is_full := free < FULL_MB:
            # Somebody else filled it in an instant. What was written since the last look may be cut off in the middle.
            if files.give_up_reserve(self.config.data_dir):
                log.error("disk full: the reserve is given up, the show goes on in it")
        else:
            self.wrote_well_at = clock.now()
            if free > self.config.video_min_free_mb + 2 * files.RESERVE_MB:
                files.keep_reserve(self.config.data_dir)
        for name, packager in self.packagers.items():
            channel = self.shows.get(name, (None,))[0]
            if channel is None or not packager.keep:
                continue
            stream = self.engine.streams.get(name)
            if stream and stream["by"] == "demo" and packager.process and packager.process.age > DEMO_SECONDS:
                packager.begin_anew()
            if self.low_disk and channel.recording == "on":
                with transaction() as db:
                    at = self.wrote_well_at - timedelta(seconds=DISK_SECONDS) if is_full else None
                    channels.stop_recording(db, channel.live_session_id, at)
                log.warning("disk nearly full: recording stopped, the show goes on", show=name)
            elif channel.recording_stopped_at:
                now = clock.now().timestamp() * 1000
                packager.drop_older_than(channel.recording_stopped_at.timestamp() * 1000, now)

    def _forget_old(self) -> None:
        with transaction() as db:
            old = channels.due_for_deletion(db, self.config.video_keep_days)
            for live_id in old:
                channels.delete_recording(db, live_id)
        for live_id in old:
            files.delete(self.config.data_dir, live_id)
            log.info("recording deleted after its time", show=str(live_id))
        export.forget_left(self.config.data_dir)
