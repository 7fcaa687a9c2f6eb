"""Socket events of the live and the control page. Every event checks anew who asks and whether they may be here."""
import functools
import time
from functools import cache

from flask import g, request
from flask_socketio import disconnect, join_room, leave_room
from sqlalchemy import select

from campaigns.stock.batches import Batcher
from campaigns.stock.claims import claim
from core import events
from core.db import reading, transaction
from core.errors import Forbidden, NotFound, SignInNeeded, TooMany
from core.sockets import event as core_event
from core.sockets import socketio
from live import doors, limits, presence, schemas
from live.chat import actions as chat
from live.rooms import rehearsal_room
from members.access import may, require

buckets = limits.Buckets()
# Called with a socket's id when it is gone.
ON_LEFT = []


def event(name: str, schema: type, *, access: str = "public"):
    """A socket event that is limited per socket and, with access="signed_in", asks for a member."""
    def register(fn):
        @functools.wraps(fn)
        def limited(data):
            _limit()
            if access == "signed_in" and g.get("member") is None:
                raise SignInNeeded
            return fn(data)
        return core_event(name, schema, access=access)(limited)
    return register


def _limit() -> None:
    verdict = buckets.take(request.sid)
    if verdict == limits.DROP:
        disconnect()
    if verdict != limits.OK:
        raise TooMany(retry_ms=1000)


def limit_member(member) -> None:
    """The same for who comes over HTTP, all browsers of a member together. Raises TooMany."""
    if buckets.take(f"member:{member.id}") != limits.OK:
        raise TooMany(retry_ms=1000)


@event("join", schemas.JoinIn)
def join(data):
    """Enter a show: from here on its events come. `seq` is what the stream was at."""
    member = g.get("member")
    found = doors.enter(data["live_id"], member)
    _join_rooms(found, member)
    presence.enter(found.id, request.sid, str(member.id) if member else request.sid)
    return {"seq": _seq(events.live_stream(found.id))}


def _join_rooms(found, member) -> None:
    try:
        join_room(events.live_stream(found.id))
    except KeyError:  # it closed while it waited for the database, as many do when all is slow: no news for the log
        raise NotFound from None
    if member is not None:
        join_room(events.member_stream(member.id))
    if may(member, "shows", found.merchant_id):
        join_room(rehearsal_room(found.id))


@event("join_control", schemas.JoinIn, access="signed_in")
def join_control(data):
    """Enter the control room as well. Strangers cannot tell whether the show exists."""
    found = doors.facts(data["live_id"])
    require("show.run", found.merchant_id)
    _join_rooms(found, g.member)
    join_room(events.staff_stream(found.id))
    presence.enter_staff(found.id, request.sid, g.member.name)
    return {"seq": _seq(events.live_stream(found.id)), "staff_seq": _seq(events.staff_stream(found.id))}


@event("leave", schemas.LeaveIn)
def leave(data):
    live_id = data["live_id"]
    if live_id is not None:
        for room in (events.live_stream(live_id), events.staff_stream(live_id), rehearsal_room(live_id)):
            leave_room(room)
    presence.leave(request.sid, live_id)


@event("claim", schemas.SocketClaimIn, access="signed_in")
def claim_units(data):
    return claim_at(data.pop("live_id"), g.member, data)


def claim_at(live_id, member, data: dict) -> dict:
    """The one function behind both doors: {hold}. Raises what campaigns.stock.claims.claim raises, NotFound, Banned."""
    found = doors.enter_signed_in(live_id, member)
    offer_id = doors.offer_in(found, data["offer_id"])
    hold = claim(member.id, data["key"], offer_id, data["quantity"], rehearsal=doors.sees_rehearsal(found, member))
    return {"hold": hold}


@event("chat", schemas.ChatIn, access="signed_in")
def say(data):
    found = doors.enter_signed_in(data["live_id"], g.member)
    with transaction() as db:
        return chat.say(db, found, g.member, data["key"], data["body"])


@event("react", schemas.ReactIn)
def react(data):
    found = doors.enter(data["live_id"], g.get("member"))
    if found.state not in ("live", "paused") and not doors.sees_rehearsal(found, g.get("member")):
        raise Forbidden
    presence.react(found.id, data["count"])


@event("ping_lag", schemas.NothingIn)
def ping_lag(_data):
    """For the page's own measure of its lag."""
    return {"now": time.time()}


@socketio.on("disconnect")
def left(*_reason):
    presence.leave(request.sid)
    buckets.forget(request.sid)
    for leave in ON_LEFT:
        leave(request.sid)


def _seq(stream: str) -> int:
    """The stream's last number, read after the room was joined: what came before is in it, the rest is sent."""
    return _numbers().call(stream)


@cache
def _numbers() -> Batcher:
    return Batcher(read_numbers, runners=1)


def read_numbers(streams: list[str], _next_may_start=None) -> list[int]:
    """One statement for everybody who joined while the last one ran: a storm of thousands costs some dozens."""
    with reading() as db:
        found = dict(db.execute(select(events.Stream.name, events.Stream.seq)
                                .where(events.Stream.name.in_(set(streams)))).all())
    return [found.get(stream, 0) for stream in streams]
