"""A line for pages that only wait for news of the member's own orders."""
from flask import g
from flask_socketio import join_room

from core import events
from core.errors import SignInNeeded
from core.sockets import event
from core.web import In


class NothingIn(In):
    """No fields."""


@event("join_orders", NothingIn, access="signed_in")
def join_orders(_data):
    """Hear of one's own holds and orders, without entering a show."""
    if g.get("member") is None:
        raise SignInNeeded
    join_room(events.member_stream(g.member.id))
    return {}
