"""What the control page asks and does: the stream key, the private picture, how the stream is."""
import uuid
from urllib.parse import urlsplit

from flask_babel import gettext as _
from marshmallow import fields, validate

from core import clock
from core.db import transaction
from core.errors import Invalid
from core.web import In, body
from live.schemas import Flag
from live.show.queries import access_show
from live.video import channels, ingest, queries, small
from live.video.adapters import adapter_for
from live.video.models import VideoChannel
from live.video.views import settings, video
from live.views_api import fresh
from members.access import staff


def desk_out(channel: VideoChannel, state: str) -> dict:
    """Everything the video panel shows, but the key: that is asked for on its own."""
    adapter = adapter_for(settings(), channel)
    # On air the host watches what viewers do; before the start and in a break, what only staff see.
    scope = "public" if state == "live" else "private"
    return {"adapter": adapter.name if adapter else "off", "status": channel.status, "kind": channel.kind,
            "external_url": channel.external_url, "recording": channel.recording, "small": channel.small,
            "can_send": bool(adapter and adapter.ingest(channel)),
            "can_browser": bool(adapter and (adapter.ingest(channel) or {}).get("browser")),
            "whip": (adapter.ingest(channel) or {}).get("whip", "") if adapter else "",
            "health": adapter.health(channel) if adapter else {}, "now": clock.iso(clock.now()),
            "watch": adapter.playback(channel, scope) if adapter else None}


@video.get("/api/live/<uuid:live_id>/video/desk")
@staff("show.run")
def desk(live_id: uuid.UUID):
    with transaction() as db:
        show = access_show(db, live_id, "show.run")
        return fresh(desk_out(channels.ensure(db, live_id), show.state))


@video.get("/api/live/<uuid:live_id>/video/key")
@staff("show.run")
def key(live_id: uuid.UUID):
    with transaction() as db:
        access_show(db, live_id, "show.run")
        return fresh(key_out(channels.ensure(db, live_id)))


@video.post("/api/live/<uuid:live_id>/video/key")
@staff("show.run")
def rotate(live_id: uuid.UUID):
    """Another key; the old one ends at once."""
    with transaction() as db:
        access_show(db, live_id, "show.run")
        return fresh(key_out(channels.rotate(db, live_id)))


def key_out(channel: VideoChannel) -> dict:
    adapter = adapter_for(settings(), channel)
    found = (adapter and adapter.ingest(channel)) or {"server": "", "key": "", "until": None}
    return {"server": found["server"], "key": found["key"], "until": clock.iso(found["until"])}


class ExternalIn(In):
    url = fields.String(required=True, validate=validate.Length(max=1000))


@video.post("/api/live/<uuid:live_id>/video/external")
@staff("show.run")
def external(live_id: uuid.UUID):
    """Play the merchant's own HLS address instead of what is sent to us; an empty one ends that."""
    url = body(ExternalIn)["url"].strip()
    check_external(url)
    with transaction() as db:
        show = access_show(db, live_id, "show.run")
        return fresh(desk_out(channels.set_external(db, live_id, url), show.state))


class SmallIn(In):
    on = Flag(required=True)


@video.post("/api/live/<uuid:live_id>/video/small")
@staff("show.run")
def second_picture(live_id: uuid.UUID):
    """Switch the second picture on (where the machine has room for it) or off."""
    is_on = body(SmallIn)["on"]
    with transaction() as db:
        show = access_show(db, live_id, "show.run")
        channel = channels.ensure(db, live_id)
        if is_on and channel.small != "on":
            check_second(adapter_for(settings(), channel), channel)
        channel = channels.set_small(db, live_id, "on" if is_on else "off")
        queries.forget(live_id)
        return fresh(desk_out(channel, show.state))


def check_second(adapter, channel) -> None:
    """Raises NoEngine, Needless or TooBusy unless our own media server can make a second picture now."""
    health = adapter.health(channel) if adapter and adapter.name == "embedded" else {}
    if not health.get("office"):
        raise ingest.NoEngine
    small.check_size(health.get("stream"))
    small.check_room(health["machine"], settings().video_small_load)


def check_external(url: str) -> None:
    """Raises Invalid unless it is nothing or the address of an HLS playlist that pages of ours may load."""
    parts = urlsplit(url)
    schemes = ("https",) if settings().production else ("https", "http")
    if url and (parts.scheme not in schemes or not parts.hostname or parts.username or not parts.path.endswith(".m3u8")
                or not url.isprintable() or any(letter in url for letter in " ;,'\"<>")):
        raise Invalid(fields={"url": [_("Give the https address of an HLS playlist; it ends in .m3u8.")]})
