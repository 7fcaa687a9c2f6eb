"""A show that is over: its recording as a timeline, its chapters, the seconds of a claim."""
from flask_babel import gettext as _
from sqlalchemy import func, select

from campaigns.stock.models import Hold
from campaigns.terms.models import Offer
from live.show.models import LiveSession
from live.video import files, playlist, queries
from live.video.adapters import adapter_for
from live.video.channels import SKEW_MS
from live.video.models import VideoChannel
from orders.models import OrderLine

SHORTEST_CHAPTER = 2.0  # seconds: a slip of the finger is no chapter
CLIP_BEFORE, CLIP_AFTER = 12.0, 8.0  # what was promised comes before the press


def kept(config, channel: VideoChannel | None, *, trim: bool = True) -> list[playlist.Segment]:
    """The recording's segments, as the host trimmed it; [] if there is none."""
    adapter = adapter_for(config, channel)
    if adapter is None or channel is None or channel.recording == "deleted":
        return []
    found = adapter.recording(channel)
    return playlist.trimmed(found, channel.trim_start_ms, channel.trim_end_ms) if trim else found


def seen(config, db, live_id) -> tuple[VideoChannel | None, list[playlist.Segment]]:
    """A replay that everybody may see; no segments: not over yet, hidden, deleted, or never recorded."""
    channel = db.get(VideoChannel, live_id)
    state = db.scalar(select(LiveSession.state).where(LiveSession.id == live_id))
    if channel is None or state != "ended" or channel.hidden:
        return channel, []
    return channel, kept(config, channel)


def chapters(db, channel: VideoChannel, segments: list[playlist.Segment]) -> list[dict]:
    """[{start, end, title, offer_id}]: a product each, from when its frame was seen."""
    total, found = playlist.seconds_of(segments), []
    changes = queries.changes(db, channel, limit=2000)
    titles = dict(db.execute(select(Offer.id, Offer.title).where(
        Offer.id.in_({change["on_air"] for change in changes if change["on_air"]}))).all())
    titles = {str(offer): title for offer, title in titles.items()}
    for change in changes:
        start = playlist.place_of(segments, change["at"])
        if found and found[-1]["offer_id"] == change["on_air"]:
            continue
        if found and start - found[-1]["start"] < SHORTEST_CHAPTER:
            found.pop()
        found.append({"start": round(start, 2), "offer_id": change["on_air"],
                      "title": titles.get(change["on_air"]) or _("Between products")})
    for chapter, after in zip(found, [*found[1:], None], strict=True):
        chapter["end"] = round(after["start"] if after else total, 2)
    return [chapter for chapter in found if chapter["end"] > chapter["start"]]


def claim_moment(db, order_id) -> tuple | None:
    """(show, when) of an order's first claim, or None if it was not made in a show."""
    return db.execute(select(Hold.live_session_id, func.min(Hold.created_at)).join(
        OrderLine, OrderLine.hold_id == Hold.id).where(
            OrderLine.order_id == order_id, Hold.live_session_id.is_not(None))
        .group_by(Hold.live_session_id).limit(1)).first()


def clip(config, channel: VideoChannel | None, at_ms: float) -> list[playlist.Segment]:
    """The seconds around a moment of server time, whatever the host trimmed: it is what was promised."""
    at = at_ms + SKEW_MS.get(channel.kind or "rtmp", 0) if channel else at_ms
    return playlist.around(kept(config, channel, trim=False), at, CLIP_BEFORE, CLIP_AFTER)


def disk_use(config, db, merchant_id) -> dict:
    """{used (bytes of this merchant's recordings), free_mb, keep_days}."""
    used = db.scalar(select(func.coalesce(func.sum(VideoChannel.bytes), 0)).join(
        LiveSession, LiveSession.id == VideoChannel.live_session_id).where(LiveSession.merchant_id == merchant_id))
    return {"used": int(used), "free_mb": files.free_mb(config.data_dir), "keep_days": config.video_keep_days}
