"""What MediaMTX asks (who may publish, who may watch) and tells (a stream is there, or gone): docs/video.md."""
import hmac
import uuid
from urllib.parse import parse_qs

from flask import Response, request
from marshmallow import EXCLUDE, Schema, fields

from core.db import reading, transaction
from core.errors import NotFound
from core.web import check, csrf
from live.show.models import LiveSession
from live.video import channels, keys
from live.video.models import VideoChannel
from live.video.views import settings, video
from members.access import provider


class AuthIn(Schema):
    """MediaMTX's question; newer ones carry more, which is not asked for."""

    class Meta:
        unknown = EXCLUDE

    action = fields.String(required=True)
    path = fields.String(required=True)
    query = fields.String(load_default="", allow_none=True)


def _ours() -> None:
    """Raises NotFound unless whoever asks knows the secret of the two (MEDIAMTX_SECRET)."""
    if settings().video != "mediamtx" or not hmac.compare_digest(
            request.args.get("secret", ""), settings().mediamtx_secret):
        raise NotFound


def _show_of(path: str) -> uuid.UUID:
    app, _slash, name = path.partition("/")
    try:
        if app == "live":
            return uuid.UUID(name)
    except ValueError:
        pass
    raise NotFound


@video.post("/api/video/mediamtx/auth")
@csrf.exempt
@provider
def mediamtx_auth():
    """200 lets in, 401 does not; whatever is not understood does not."""
    _ours()
    data = check(AuthIn, request.get_json(silent=True) or {})
    live_id, query = _show_of(data["path"]), parse_qs(data["query"] or "")
    with reading() as db:
        channel, show = db.get(VideoChannel, live_id), db.get(LiveSession, live_id)
    allowed = bool(channel and show) and {"publish": _may_publish, "read": _may_read}.get(
        data["action"], lambda *_: False)(channel, show, query)
    return Response("", 200 if allowed else 401)


def _may_publish(channel, show, query) -> bool:
    until = int(channel.key_until.timestamp())
    return show.state not in ("ended", "cancelled") and keys.right_key(
        settings().secret_key, show.id, channel.key_nonce, until, query.get("key", [""])[0])


def _may_read(channel, show, query) -> bool:
    """A public token opens only what is on air; a rehearsal has tokens of its own, for staff."""
    scope = query.get("scope", [""])[0]
    if scope not in ("public", "private") or scope == "public" and show.state != "live":
        return False
    return keys.right_token(settings().secret_key, show.id, scope, query.get("token", [""])[0])


class EventIn(Schema):
    class Meta:
        unknown = EXCLUDE

    path = fields.String(required=True)
    event = fields.String(required=True)


@video.post("/api/video/mediamtx/event")
@csrf.exempt
@provider
def mediamtx_event():
    """runOnReady and runOnNotReady: viewers are told that the picture is there, or cut off."""
    _ours()
    data = check(EventIn, request.get_json(silent=True) or {})
    live_id = _show_of(data["path"])
    with transaction() as db:
        show = db.get(LiveSession, live_id)
        if show is None or data["event"] not in ("ready", "not_ready"):
            raise NotFound
        channels.ensure(db, live_id)
        if data["event"] == "ready":
            channels.set_status(db, live_id, "on", "rtmp")
        elif show.state in ("live", "paused"):
            channels.set_status(db, live_id, "lost")
        else:
            channels.set_status(db, live_id, "off")
    return Response("", 204)
