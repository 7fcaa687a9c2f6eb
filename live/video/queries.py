"""Reading a show's video: what a viewer may play, the marks in its time, and its chapters."""
import threading
import time
import uuid
from urllib.parse import urlsplit

from sqlalchemy import select

from core import events
from core.db import reading
from live.video import channels
from live.video.adapters import adapter_for
from live.video.models import VideoChannel

MARK_SECONDS = 1.0
_marks: dict[str, tuple[float, list]] = {}
_channels: dict[uuid.UUID, tuple[float, VideoChannel | None]] = {}
_lock = threading.Lock()


def playback(config, channel: VideoChannel | None, state: str) -> dict:
    """What a page needs to play a show in this state: {status, rev, kind, hls, …}; nothing to play has no address."""
    nothing = {"status": "off", "rev": channel.rev if channel else 0, "kind": "", "hls": "", "flv": "",
               "rtc": None, "sync": "none", "skew_ms": 0}
    adapter = adapter_for(config, channel)
    if adapter is None or channel is None or state not in ("live", "paused"):
        return nothing
    if channel.seen not in ("on", "lost"):
        return nothing
    return {**nothing, "status": channel.seen, "kind": channel.kind, "adapter": adapter.name,
            **adapter.playback(channel, "public")}


def known_channel(live_id: uuid.UUID) -> VideoChannel | None:
    """The channel, at most half a second old: playlists ask for it each second, from every viewer."""
    kept = _channels.get(live_id)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    with reading() as db:
        channel = db.get(VideoChannel, live_id)
    with _lock:
        if len(_channels) > 1000:
            _channels.clear()
        _channels[live_id] = (time.monotonic() + 0.5, channel)
    return channel


def forget(live_id: uuid.UUID) -> None:
    """The channel was changed by this process."""
    _channels.pop(live_id, None)
    _marks.pop(str(live_id), None)


def film_origins(config, db, live_id) -> list[str]:
    """Other hosts that a page of this show may load its picture from."""
    external = db.scalar(select(VideoChannel.external_url).where(VideoChannel.live_session_id == live_id))
    parts = [urlsplit(url) for url in (external, config.mediamtx_hls_url) if url]
    return [f"{part.scheme}://{part.netloc}" for part in parts]


def marks(channel: VideoChannel, since: float) -> list[dict]:
    """What was pinned or put on air since a moment (ms), in the time of the picture."""
    name = str(channel.live_session_id)
    kept = _marks.get(name)
    if not kept or kept[0] < time.monotonic():
        with reading() as db:
            found = changes(db, channel)
        with _lock:
            if len(_marks) > 1000:
                _marks.clear()
            kept = _marks[name] = (time.monotonic() + MARK_SECONDS, found)
    return [mark for mark in kept[1] if mark["at"] >= since]


def changes(db, channel: VideoChannel, *, limit: int = 400) -> list[dict]:
    """Each change of pins or of what is on air: [{id, at (ms, in the picture's time), pins, on_air}], oldest first."""
    rows = db.execute(select(events.Event.id, events.Event.created_at, events.Event.payload).where(
        events.Event.stream == events.live_stream(channel.live_session_id), events.Event.kind == "show.changed")
        .order_by(events.Event.id.desc()).limit(limit)).all()
    skew, found, last = channels.SKEW_MS.get(channel.kind or "rtmp", 0), [], None
    for event_id, at, payload in reversed(rows):
        shown = (tuple(payload.get("pins") or ()), payload.get("on_air"))
        if shown != last and not payload.get("rehearsal"):
            found.append({"id": f"pin-{event_id}", "at": at.timestamp() * 1000 + skew, "pins": list(shown[0]),
                          "on_air": shown[1]})
            last = shown
    return found
