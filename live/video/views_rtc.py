"""The doors to Janus: WHIP for who sends, an offer and an answer for who watches. Janus itself is open to nobody.

Each web process has one session with Janus, which ends with it; then pages connect again.
"""
import re
import threading
import time
import uuid

import structlog
from flask import Response, g, request, url_for
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate

from core.config import derived
from core.db import reading
from core.errors import DomainError, NotFound
from core.web import In, body, csrf
from live import doors
from live.show.models import LiveSession
from live.video import files, janus_setup, keys, rtc
from live.video.janus import ROOM, STREAM, JanusGone, JanusRefused, Session
from live.video.models import VideoChannel
from live.video.views import settings, video
from live.views_api import fresh
from members.access import provider, public

log = structlog.get_logger("video")
LONGEST_SDP = 60_000
ROOM_UNKNOWN, ROOM_EXISTS = 426, 427
_lock = threading.Lock()
_sessions: dict[tuple, Session] = {}


class NoWebRtc(DomainError):
    code, status, message = "no_webrtc", 503, _l("There is no WebRTC here now.")


class RefusedSdp(DomainError):
    code, status, message = "sdp_refused", 422, _l("This browser and the media server have no picture in common.")


class Full(DomainError):
    code, status, message = "webrtc_full", 503, _l("As many as can watch so are there.")


def session() -> Session:
    """This process's session with the Janus that runs. Raises NoWebRtc."""
    port = files.read(files.root(settings().data_dir) / "janus/janus.json").get("port")
    if not port:
        raise NoWebRtc
    with _lock:
        known = _sessions.get(port)
        if known is None or known.gone:
            _sessions.clear()
            try:
                known = _sessions[port] = Session(port, janus_setup.secret(settings()))
            except (JanusGone, JanusRefused) as error:
                raise NoWebRtc from error
            known.listen()
    return known


def peer_name(live_id, session_id: int, handle: int) -> str:
    """A peer as its page calls it; signed, so that nobody touches another's."""
    text = f"{session_id}.{handle}"
    return f"{text}.{keys.sign(derived(settings().secret_key, 'video peer'), live_id, text)[:40]}"


def peer_of(live_id, name: str) -> tuple[int, int]:
    """(session, handle) of a name that we gave. Raises NotFound."""
    parts = name.split(".")
    if len(parts) != 3 or not all(part.isdecimal() for part in parts[:2]) or not keys.same(
            peer_name(live_id, *map(int, parts[:2])), name):
        raise NotFound
    return int(parts[0]), int(parts[1])


# -- who sends -------------------------------------------------------------------------------------------------------

@video.post("/whip/<uuid:live_id>")
@csrf.exempt
@provider
def whip(live_id: uuid.UUID):
    """WHIP (RFC 9725): an offer in, an answer out. The stream key is the bearer token."""
    key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    check_key(live_id, key)
    offer = request.get_data(as_text=True)
    if request.mimetype != "application/sdp" or not offer.startswith("v=0") or len(offer) > LONGEST_SDP:
        raise RefusedSdp
    janus = session()
    try:
        handle, answer = publish(janus, str(live_id), key, offer)
    except JanusGone as error:
        raise NoWebRtc from error
    except JanusRefused as error:
        log.info("WHIP refused", show=str(live_id), reason=str(error))
        raise RefusedSdp from error
    where = url_for("video.whip_end", live_id=live_id, peer=peer_name(live_id, janus.id, handle))
    return Response(answer, 201, content_type="application/sdp", headers={"Location": where})


def check_key(live_id, key: str) -> None:
    """Raises WrongKey unless it is this show's key now."""
    with reading() as db:
        channel, show = db.get(VideoChannel, live_id), db.get(LiveSession, live_id)
    if channel is None or show.state in ("ended", "cancelled") or not keys.right_key(
            settings().secret_key, live_id, channel.key_nonce, int(channel.key_until.timestamp()), key):
        raise WrongKey


class WrongKey(DomainError):
    code, status, message = "wrong_key", 401, _l("This stream key is not right, or not any more.")


def publish(janus: Session, name: str, key: str, offer: str) -> tuple[int, str]:
    """A new sender in the show's room: (its handle, the answer)."""
    badge = rtc.Badge(time.time_ns() // 1_000_000, mid_of(offer, "audio"), mid_of(offer, "video"), key)
    handle = janus.attach(ROOM)
    try:
        try:
            janus.say(handle, rtc.room_of(name, janus.secret))
        except JanusRefused as error:
            if error.code != ROOM_EXISTS:
                raise
        _data, answer = janus.ask(handle, {"request": "joinandconfigure", "room": name, "ptype": "publisher",
                                           "display": str(badge)}, {"type": "offer", "sdp": offer})
        if not answer or not re.search(r"^m=video [1-9]", answer["sdp"], re.M):
            raise JanusRefused(0, "no H.264 in the offer")
    except (JanusGone, JanusRefused):
        detach(janus, handle)
        raise
    return handle, answer["sdp"]


def mid_of(sdp: str, kind: str) -> str:
    """The id of the first medium of a kind; "" if there is none."""
    found = re.search(rf"^m={kind} (?:(?!^m=).)*?^a=mid:([\w-]{{1,16}})\s*$", sdp, re.M | re.S)
    return found[1] if found else ""


@video.delete("/whip/<uuid:live_id>/<peer>")
@csrf.exempt
@provider
def whip_end(live_id: uuid.UUID, peer: str):
    """Stop sending. Its address is known to the sender alone."""
    detach(session(), peer_of(live_id, peer)[1], peer_of(live_id, peer)[0])
    return Response("", 200)


def detach(janus: Session, handle: int, owner: int = 0) -> None:
    try:
        janus.detach(handle, owner)
    except (JanusGone, JanusRefused) as error:
        log.debug("was gone", reason=str(error))


# -- who watches -----------------------------------------------------------------------------------------------------

class WatchIn(In):
    scope = fields.String(required=True, validate=validate.OneOf(["public"]))
    token = fields.String(required=True, validate=validate.Length(max=200))


class AnswerIn(In):
    sdp = fields.String(required=True, validate=validate.Length(max=LONGEST_SDP))


@video.post("/api/live/<uuid:live_id>/video/rtc")
@public
def watch(live_id: uuid.UUID):
    """Ask to watch: {peer, sdp}, an offer to be answered. Only what is on air now is there."""
    data = body(WatchIn)
    found = doors.enter(live_id, g.get("member"))
    if found.state != "live" or not keys.right_token(settings().secret_key, live_id, data["scope"], data["token"]):
        raise NotFound
    janus = session()
    try:
        handle = janus.attach(STREAM)
        try:
            seen = janus.say(handle, {"request": "info", "id": str(live_id), "secret": janus.secret})["info"]
            if seen.get("viewers", 0) >= settings().janus_viewers:
                raise Full
            _data, offer = janus.ask(handle, {"request": "watch", "id": str(live_id)})
        except (JanusGone, JanusRefused, Full):
            detach(janus, handle)
            raise
    except (JanusGone, JanusRefused) as error:
        raise NoWebRtc from error
    return fresh({"peer": peer_name(live_id, janus.id, handle), "sdp": offer["sdp"]})


@video.post("/api/live/<uuid:live_id>/video/rtc/<peer>")
@public
def answer(live_id: uuid.UUID, peer: str):
    """The page's answer; packets flow from here on. Any web process may take it."""
    owner, handle = peer_of(live_id, peer)
    doors.enter(live_id, g.get("member"))
    given = {"type": "answer", "sdp": body(AnswerIn)["sdp"]}
    try:
        session().say(handle, {"request": "start"}, session=owner, jsep=given)
    except (JanusGone, JanusRefused) as error:
        raise NoWebRtc from error
    return fresh({})
