"""A line for an affiliate's own pages: commissions as they appear."""
from flask import g
from flask_socketio import join_room
from sqlalchemy import select

from affiliates.commission.queries import totals_of
from affiliates.commission.tell import stream
from affiliates.people.queries import access_own
from core.db import reading
from core.errors import SignInNeeded
from core.events import Stream
from core.sockets import event
from core.web import In


class NothingIn(In):
    """No fields: one only ever hears of oneself."""


@event("join_affiliate", NothingIn, access="signed_in")
def join_affiliate(_data):
    """Hear of one's own commissions and sums; the sums as they are now are the answer."""
    if g.get("member") is None:
        raise SignInNeeded
    with reading() as db:
        affiliate = access_own(db, g.member)
        totals = totals_of(db, [affiliate.id])[affiliate.id]
    join_room(stream(affiliate.id))
    with reading() as db:  # after the room was joined: what came before is in it, the rest is sent
        seq = db.scalar(select(Stream.seq).where(Stream.name == stream(affiliate.id))) or 0
    return {"affiliate_id": str(affiliate.id), "totals": totals, "seq": seq}
