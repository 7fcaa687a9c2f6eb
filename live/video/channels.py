"""Writing a show's video: its row, its key, its external address, what viewers are told, and what is kept."""
import secrets
from datetime import timedelta

from flask_babel import lazy_gettext as _l
from sqlalchemy import func, select, text

from core import clock, events
from core.errors import DomainError
from live.show.models import LiveSession
from live.video.keys import KEY_SECONDS
from live.video.models import VideoChannel

# How much later a frame reaches the media server than it was taken, by how it is sent; measured, see docs/video.md.
SKEW_MS = {"rtmp": 250, "browser": 450, "whip": 250, "external": 0, "mediamtx": 250}


class StillOn(DomainError):
    code, message = "video_still_on", _l("The show is still on. End it first.")


def ensure(db, live_id) -> VideoChannel:
    """The show's channel, made if it has none; its key is made anew when its time is over."""
    channel = db.get(VideoChannel, live_id)
    if channel is None:
        channel = VideoChannel(live_session_id=live_id, public_dir=secrets.token_urlsafe(18),
                               private_dir=secrets.token_urlsafe(18))
        new_key(channel)
        db.add(channel)
        db.flush()
        wake(db)
    elif channel.key_until < clock.now() + timedelta(hours=12):
        new_key(channel)
        wake(db)
    return channel


def new_key(channel: VideoChannel) -> None:
    """From now on only the new key is right."""
    channel.key_nonce = secrets.token_urlsafe(12)
    channel.key_until = (clock.now() + timedelta(seconds=KEY_SECONDS)).replace(microsecond=0)


def rotate(db, live_id) -> VideoChannel:
    """Another stream key; whoever sends with the old one is cut off at once."""
    channel = ensure(db, live_id)
    new_key(channel)
    db.flush()
    wake(db)
    return channel


def wake(db) -> None:
    """Have the video office look now, not at its next turn. It hears it when this transaction commits."""
    db.execute(text("SELECT pg_notify('video', '')"))


def set_external(db, live_id, url: str) -> VideoChannel:
    """Take the picture from the merchant's own HLS address; an empty one goes back to ours."""
    channel = ensure(db, live_id)
    channel.external_url = url
    db.flush()
    tell(db, channel)
    return channel


def set_status(db, live_id, status: str, kind: str = "") -> None:
    """What viewers get to see has changed: write it and tell them."""
    channel = db.get(VideoChannel, live_id, with_for_update=True)
    if channel is None or (channel.status, channel.kind) == (status, kind or channel.kind):
        return
    channel.status, channel.kind = status, kind or channel.kind
    tell(db, channel)


def tell(db, channel: VideoChannel) -> None:
    """Count the change and say it on the show's stream. Pages ask anew for addresses; values are enough to decide."""
    channel.rev += 1
    db.flush()
    events.append(db, events.live_stream(channel.live_session_id), "video.changed", channel.news(),
                  urgent=True)


def set_small(db, live_id, small: str) -> VideoChannel:
    """Switch the second picture; viewers hear it, because the address of what they play changes."""
    ensure(db, live_id)
    channel = db.get(VideoChannel, live_id, with_for_update=True)
    if channel.small != small:
        was_on, channel.small = channel.small == "on", small
        if was_on or small == "on":
            tell(db, channel)
            wake(db)
    return channel


def small_gave_up(db, live_id, why: str) -> None:
    """Switched off by itself: "behind" or "needless". A person who switched it off meanwhile is right."""
    channel = db.get(VideoChannel, live_id, with_for_update=True)
    if channel and channel.small == "on":
        set_small(db, live_id, why)


def stop_recording(db, live_id, at=None) -> None:
    """The disk is (nearly) full: the show goes on, from `at` (now) on nothing is kept."""
    channel = db.get(VideoChannel, live_id, with_for_update=True)
    if channel and channel.recording == "on":
        channel.recording, channel.recording_stopped_at = "stopped", at or clock.now()
        db.flush()
        events.append(db, events.staff_stream(live_id), "video.recording", {"recording": "stopped"}, urgent=True)


def finish(db, live_id, size: int) -> None:
    """The show is over: its recording is what it is."""
    channel = db.get(VideoChannel, live_id, with_for_update=True)
    channel.status, channel.bytes = "over", size
    tell(db, channel)


def delete_recording(db, live_id) -> VideoChannel:
    """Forget the recording; the caller removes the files after the commit. Raises StillOn."""
    channel = ensure(db, live_id)
    if db.scalar(select(LiveSession.state).where(LiveSession.id == live_id)) in ("live", "paused", "rehearsal"):
        raise StillOn
    channel.recording, channel.bytes = "deleted", 0
    tell(db, channel)
    return channel


def edit_recording(db, live_id, *, hidden: bool, trim_start_ms: int, trim_end_ms: int | None) -> VideoChannel:
    channel = ensure(db, live_id)
    channel.hidden, channel.trim_start_ms, channel.trim_end_ms = hidden, trim_start_ms, trim_end_ms
    db.flush()
    return channel


def due_for_deletion(db, days: int) -> list:
    """Shows whose recording is older than the setting allows."""
    return list(db.scalars(select(VideoChannel.live_session_id).join(
        LiveSession, LiveSession.id == VideoChannel.live_session_id).where(
            VideoChannel.recording != "deleted", LiveSession.state.in_(("ended", "cancelled")),
            func.coalesce(LiveSession.ended_at, LiveSession.created_at)
            < func.now() - func.make_interval(0, 0, 0, days))))
