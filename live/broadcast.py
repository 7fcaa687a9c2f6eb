"""In each web process: from the bus to this process's sockets. While Redis is away, from PostgreSQL instead."""
import threading
import time

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import bus, sockets
from core.db import engine
from live import relay

log = structlog.get_logger("broadcast")
POLL_SECONDS = 1.0
BEAT_LOST_SECONDS = 5.0  # the relay beats once a second; a new leader is there within 3 s
# A second of overlap: pages ignore what they have.
MISSED = text("""SELECT stream, kind, payload, seq, created_at FROM events
                 WHERE stream = ANY(:streams) AND seq IS NOT NULL
                 AND published_at > clock_timestamp() - make_interval(secs => :seconds) ORDER BY stream, seq""")


class Broadcaster:
    """Forwards frames to local sockets, and tells their pages when news is late: Redis is away, or no relay leads."""

    def __init__(self):
        self.redis_up = True
        self.lost_at = 0.0
        self.beat_at = time.monotonic()
        self.told_late, self.told_at = False, 0.0

    def start(self) -> None:
        threading.Thread(target=bus.listen, args=(self.on_frames, self.on_state), daemon=True).start()
        threading.Thread(target=self._watch, daemon=True).start()

    @property
    def late(self) -> bool:
        return not self.redis_up or time.monotonic() - self.beat_at > BEAT_LOST_SECONDS

    def _watch(self) -> None:
        while True:
            time.sleep(1)
            self.tell_if_late()

    def tell_if_late(self) -> None:
        """Say it when it begins and when it ends, and again every 5 s for pages that came meanwhile."""
        late, now = self.late, time.monotonic()
        if late != self.told_late or late and now - self.told_at > BEAT_LOST_SECONDS:
            self.told_late, self.told_at = late, now
            sockets.socketio.emit("delayed", {"delayed": late})

    def on_frames(self, frames: list[dict]) -> None:
        for frame in frames:
            if "beat" in frame:
                self.beat_at = time.monotonic()
            elif "drop" in frame:
                sockets.drop(frame["drop"])
            elif sockets.sids(frame["room"]):
                sockets.send_frame(frame["room"], frame["name"], frame["data"])

    def on_state(self, up: bool) -> None:
        first = self.redis_up is True and up and not self.lost_at
        self.redis_up = up
        if first:
            return
        if not up:
            self.lost_at = time.monotonic()
            threading.Thread(target=self._poll, daemon=True).start()
        else:
            self.catch_up(time.monotonic() - self.lost_at + 2)
            self.beat_at = time.monotonic()
        self.tell_if_late()

    def _poll(self) -> None:
        while not self.redis_up:
            self.catch_up(POLL_SECONDS + 1)
            time.sleep(POLL_SECONDS)

    def catch_up(self, seconds: float) -> None:
        """Send what was numbered in the last `seconds` to the rooms that have somebody here."""
        rooms = [room for room in sockets.rooms() if ":" in room]
        if not rooms:
            return
        try:
            with engine().connect() as connection:
                rows = connection.execute(MISSED, {"streams": rooms, "seconds": min(seconds, 120)}).all()
        except SQLAlchemyError as error:
            log.warning("cannot catch up", error=str(error).splitlines()[0])
            return
        streams: dict[str, list] = {}
        for stream, kind, payload, seq, at in rows:
            streams.setdefault(stream, []).append((seq, kind, payload, at))
        for stream, found in streams.items():
            self.on_frames(relay.frames_of(stream, found))


broadcaster = Broadcaster()
