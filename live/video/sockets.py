"""Socket events of the control page's camera. Each piece checks anew that its sender may run the show."""
from flask import current_app, g, request
from marshmallow import ValidationError, fields, validate

from core.db import transaction
from core.errors import SignInNeeded
from core.sockets import event
from core.web import In
from live import doors
from live.show.queries import access_show
from live.video import channels, ingest, keys
from live.video.adapters import adapter_for
from members.access import require


class OpenIn(In):
    live_id = fields.UUID(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(sorted(ingest.KINDS)))


class Bytes(fields.Field):
    """A piece of what a browser recorded, as it is."""

    def _deserialize(self, value, attr, data, **kwargs):
        if not isinstance(value, bytes) or not 0 < len(value) <= ingest.CHUNK_BYTES:
            raise ValidationError("Not a valid piece.")
        return value


class ChunkIn(In):
    live_id = fields.UUID(required=True)
    data = Bytes(required=True)


class CloseIn(In):
    live_id = fields.UUID(required=True)


@event("video_open", OpenIn, access="signed_in")
def video_open(data):
    """Begin to send a camera. Raises NoEngine where browsers cannot send."""
    _need_member()
    config = current_app.config["LIVESTALL"]
    with transaction() as db:
        access_show(db, data["live_id"], "show.run")
        channel = channels.ensure(db, data["live_id"])
    adapter = adapter_for(config, channel)
    if adapter is None or not (adapter.ingest(channel) or {}).get("browser"):
        raise ingest.NoEngine
    until = int(channel.key_until.timestamp())
    key = keys.publish_key(config.secret_key, channel.live_session_id, channel.key_nonce, until)
    ingest.begin(request.sid, config, channel, key, data["kind"])
    return {}


@event("video_chunk", ChunkIn, access="signed_in")
def video_chunk(data):
    _need_member()
    require("show.run", doors.facts(data["live_id"]).merchant_id)
    line = ingest.of(request.sid)
    if line.live_id != data["live_id"]:
        raise ingest.IngestGone
    line.take(data["data"])
    return {}


@event("video_close", CloseIn, access="signed_in")
def video_close(_data):
    _need_member()
    ingest.end(request.sid)
    return {}


def _need_member() -> None:
    if g.get("member") is None:
        raise SignInNeeded
