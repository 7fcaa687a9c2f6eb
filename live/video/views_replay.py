"""Replays, clips on orders, and what the merchant does with a recording."""
import os
import uuid

from flask import Response, g
from marshmallow import ValidationError, fields, validate, validates_schema

from core import clock
from core.db import reading, transaction
from core.errors import NotFound
from core.web import In, body
from live import doors
from live.schemas import Flag
from live.show.queries import access_show
from live.video import channels, export, files, keys, playlist, queries, replay
from live.video.adapters import adapter_for
from live.video.models import VideoChannel
from live.video.views import m3u8, settings, video
from live.views_api import fresh
from members import identity
from members.access import may, public, signed_in, staff
from orders.models import Order
from orders.queries import access_order

identity.WITHOUT_MEMBER |= {"video.replay_playlist", "video.clip_playlist", "video.chapters_vtt",
                            "video.whole_playlist"}


@video.get("/api/live/<uuid:live_id>/replay")
@public
def replay_of(live_id: uuid.UUID):
    doors.enter(live_id, g.get("member"))
    with reading() as db:
        channel, segments = replay.seen(settings(), db, live_id)
        if not segments:
            return fresh({"hls": "", "vtt": "", "chapters": [], "seconds": 0})
        chapters = replay.chapters(db, channel, segments)
    token = keys.watch_token(settings().secret_key, live_id, "replay")
    base = f"/video/{live_id}/replay/{token}"
    return fresh({"hls": f"{base}/index.m3u8", "vtt": f"{base}/chapters.vtt", "chapters": chapters,
                  "seconds": round(playlist.seconds_of(segments), 2)})


def _opened(live_id, scope: str, token: str):
    if not keys.right_token(settings().secret_key, live_id, scope, token):
        raise NotFound
    return queries.known_channel(live_id)


@video.get("/video/<uuid:live_id>/replay/<token>/index.m3u8")
@public
def replay_playlist(live_id: uuid.UUID, token: str):
    channel = _opened(live_id, "replay", token)
    if channel is None or channel.hidden:
        raise NotFound
    return _whole(channel, replay.kept(settings(), channel))


@video.get("/video/<uuid:live_id>/replay/<token>/chapters.vtt")
@public
def chapters_vtt(live_id: uuid.UUID, token: str):
    channel = _opened(live_id, "replay", token)
    if channel is None or channel.hidden:
        raise NotFound
    with reading() as db:
        text = playlist.vtt(replay.chapters(db, channel, replay.kept(settings(), channel)))
    return Response(text, content_type="text/vtt; charset=utf-8", headers={"Cache-Control": "max-age=10"})


def _whole(channel, segments) -> Response:
    if not segments:
        raise NotFound
    return m3u8(playlist.whole(segments, f"/video/{channel.live_session_id}/{channel.public_dir}/"), "max-age=5")


# -- the seconds of a claim ------------------------------------------------------------------------------------------

@video.get("/api/orders/<uuid:order_id>/clip")
@signed_in
def clip_of(order_id: uuid.UUID):
    """Where to watch what was shown when this was claimed; for its buyer and the shop's people. {hls: ""}: nothing."""
    with reading() as db:
        _access_order(db, order_id)
        moment = replay.claim_moment(db, order_id)
        channel = db.get(VideoChannel, moment[0]) if moment else None
    at = int(moment[1].timestamp() * 1000) if moment else 0
    segments = replay.clip(settings(), channel, at) if channel else []
    if not segments:
        return fresh({"hls": "", "at": None, "start": 0})
    token = keys.watch_token(settings().secret_key, channel.live_session_id, f"clip:{at}")
    # The second of the claim, from the clip's beginning.
    place = playlist.place_of(segments, at + channels.SKEW_MS.get(channel.kind or "rtmp", 0))
    return fresh({"hls": f"/video/{channel.live_session_id}/clip/{token}/{at}.m3u8", "at": clock.iso(moment[1]),
                  "start": round(place, 2)})


def _access_order(db, order_id) -> None:
    order = db.get(Order, order_id)
    if order is None or order.rehearsal or not may(g.member, "orders", order.merchant_id):
        access_order(db, order_id, g.member)


@video.get("/video/<uuid:live_id>/clip/<token>/<int:at>.m3u8")
@public
def clip_playlist(live_id: uuid.UUID, token: str, at: int):
    channel = _opened(live_id, f"clip:{at}", token)
    return _whole(channel, replay.clip(settings(), channel, at) if channel else [])


# -- what the merchant does with it ----------------------------------------------------------------------------------

class RecordingIn(In):
    hidden = Flag(required=True)
    trim_start_ms = fields.Integer(required=True, strict=True, validate=validate.Range(min=0, max=10**9))
    trim_end_ms = fields.Integer(required=True, strict=True, allow_none=True, validate=validate.Range(min=1, max=10**9))

    @validates_schema
    def _in_order(self, data, **_kwargs):
        end = data.get("trim_end_ms")
        if end is not None and end <= data.get("trim_start_ms", 0):
            raise ValidationError("Not a valid end.", "trim_end_ms")


@video.get("/api/live/<uuid:live_id>/video/recording")
@staff("shows")
def recording(live_id: uuid.UUID):
    with reading() as db:
        show = access_show(db, live_id)
        channel = db.get(VideoChannel, live_id)
        return fresh(recording_out(db, show, channel))


def recording_out(db, show, channel) -> dict:
    whole = replay.kept(settings(), channel, trim=False)
    token = keys.watch_token(settings().secret_key, show.id, "whole")
    return {"state": channel.recording if channel else "none", "hidden": bool(channel and channel.hidden),
            "seconds": round(playlist.seconds_of(whole), 2), "bytes": channel.bytes if channel else 0,
            "trim_start_ms": channel.trim_start_ms if channel else 0,
            "trim_end_ms": channel.trim_end_ms if channel else None,
            "hls": f"/video/{show.id}/whole/{token}/all.m3u8" if whole else "", "ended": show.state == "ended",
            **replay.disk_use(settings(), db, show.merchant_id)}


@video.get("/video/<uuid:live_id>/whole/<token>/all.m3u8")
@public
def whole_playlist(live_id: uuid.UUID, token: str):
    """Untrimmed, for who trims it; the token is given to staff alone."""
    channel = _opened(live_id, "whole", token)
    return _whole(channel, replay.kept(settings(), channel, trim=False))


@video.post("/api/live/<uuid:live_id>/video/recording")
@staff("shows")
def edit_recording(live_id: uuid.UUID):
    data = body(RecordingIn)
    with transaction() as db:
        show = access_show(db, live_id)
        channel = channels.edit_recording(db, live_id, **data)
        queries.forget(live_id)
        return fresh(recording_out(db, show, channel))


@video.delete("/api/live/<uuid:live_id>/video/recording")
@staff("show.end")
def delete_recording(live_id: uuid.UUID):
    """Forgotten first, deleted then: what is half done is found again by who cleans up (live/video/office.py)."""
    with transaction() as db:
        show = access_show(db, live_id, "show.end")
        channel = channels.delete_recording(db, live_id)
        out = {**recording_out(db, show, channel), "hls": "", "seconds": 0}
    if adapter := adapter_for(settings(), channel):
        adapter.forget(channel)
    files.delete(settings().data_dir, live_id)
    queries.forget(live_id)
    return fresh(out)


@video.get("/studio/shows/<uuid:live_id>/recording.mp4")
@staff("shows")
def export_mp4(live_id: uuid.UUID):
    with reading() as db:
        show = access_show(db, live_id)
        channel = db.get(VideoChannel, live_id)
        segments = replay.kept(settings(), channel)
    if not segments:
        raise NotFound
    name = f"livestall-show-{show.starts_at:%Y-%m-%d}.mp4"
    file = export.mp4(settings(), channel, segments)
    return Response(export.pieces(file), content_type="video/mp4", headers={
        "Content-Length": str(os.fstat(file.fileno()).st_size),
        "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"})
