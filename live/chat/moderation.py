"""Control actions on the chat: the pinned message, slow mode, blocked words, lines and their authors."""
import uuid

from flask_babel import gettext as _
from marshmallow import ValidationError, fields, validate, validates_schema

from core.errors import Invalid, NotFound
from core.web import In
from live.chat import actions as chat
from live.chat.words import clean
from live.schemas import Strict
from live.show.control import OPEN, Change, Desk, action, keep, undo_show
from live.show.errors import UndoGone
from live.show.lifecycle import OVER
from members.access import may
from members.models import Member

RIGHT = "chat.moderate"


class NoticeIn(In):
    text = fields.String(required=True, validate=validate.Length(max=200))


@action("notice", right=RIGHT, schema=NoticeIn, states=OPEN, undo=undo_show)
def notice(desk: Desk, data) -> Change:
    """The message above the chat; empty takes it away."""
    before = keep(desk.show, ["notice"])
    desk.show.notice = clean(data["text"])
    return Change("", before, keep(desk.show, ["notice"]), show=True)


class SlowIn(In):
    seconds = Strict(required=True, validate=validate.Range(min=0, max=300))


@action("slow", right=RIGHT, schema=SlowIn, states=OPEN, undo=undo_show)
def slow(desk: Desk, data) -> Change:
    before = keep(desk.show, ["slow_seconds"])
    desk.show.slow_seconds = data["seconds"]
    return Change("", before, keep(desk.show, ["slow_seconds"]), show=True)


class WordsIn(In):
    words = fields.List(fields.String(validate=validate.Length(min=1, max=40)), required=True,
                        validate=validate.Length(max=200))


@action("blocked_words", right=RIGHT, schema=WordsIn, states=OPEN, undo=undo_show)
def blocked_words(desk: Desk, data) -> Change:
    before = keep(desk.show, ["blocked_words"])
    desk.show.blocked_words = list(dict.fromkeys(word for word in map(clean, data["words"]) if word))
    return Change("", before, keep(desk.show, ["blocked_words"]), show=True, desk=True)


# -- lines -----------------------------------------------------------------------------------------------------------

class MessageIn(In):
    message_id = Strict(required=True, validate=validate.Range(min=1, max=2**63 - 1))


def _undo_message(desk: Desk, before: dict, after: dict) -> Change:
    line = chat.message_in(desk.db, desk.show.id, before["id"])
    if line.state != after["state"]:
        raise UndoGone
    chat.set_state(desk.db, line, before["state"], desk.by)
    return Change(line.name)


@action("remove_message", right=RIGHT, schema=MessageIn, states=OPEN | OVER, undo=_undo_message)
def remove_message(desk: Desk, data) -> Change:
    return _set_state(desk, data["message_id"], "removed")


@action("restore_message", right=RIGHT, schema=MessageIn, states=OPEN | OVER, undo=_undo_message)
def restore_message(desk: Desk, data) -> Change:
    """Show a removed or flagged line to everybody."""
    return _set_state(desk, data["message_id"], "visible")


def _set_state(desk: Desk, message_id: int, state: str) -> Change:
    line = chat.message_in(desk.db, desk.show.id, message_id)
    before = {"id": line.id, "state": line.state}
    chat.set_state(desk.db, line, state, desk.by)
    return Change(line.name, before, {"state": state})


# -- authors ---------------------------------------------------------------------------------------------------------

class WhoIn(In):
    member_id = fields.UUID(load_default=None)
    message_id = Strict(load_default=None, validate=validate.Range(min=1, max=2**63 - 1))

    @validates_schema
    def one_of_both(self, data, **_more):
        if (data.get("member_id") is None) == (data.get("message_id") is None):
            raise ValidationError(_("Say who: a member or one of their messages."), "member_id")


def _who(desk: Desk, data) -> Member:
    """Whom it is about: somebody else, and nobody of the merchant's own people."""
    member_id = data["member_id"]
    if data["message_id"] is not None:
        member_id = chat.message_in(desk.db, desk.show.id, data["message_id"]).member_id
    who = desk.db.get(Member, member_id)
    if who is None:
        raise NotFound
    if may(who, "shows", desk.show.merchant_id):
        raise Invalid(_("That is one of your own people."))
    return who


def _set(kind: str, on: bool):
    def run(desk: Desk, data) -> Change:
        who = _who(desk, data)
        if on:
            did = chat.sanction(desk.db, desk.show, who.id, kind, desk.by)
        else:
            did = chat.lift(desk.db, desk.show, who.id, kind)
        value = {"member_id": str(who.id)}
        return Change(who.name, value if did else None, value if did else None, desk=True)
    return run


def _unset(kind: str, on: bool):
    def undo(desk: Desk, before: dict, _after: dict) -> Change:
        who = uuid.UUID(before["member_id"])
        if on:
            chat.lift(desk.db, desk.show, who, kind)
        else:
            chat.sanction(desk.db, desk.show, who, kind, desk.by)
        return Change(desk=True)
    return undo


for _name, _kind, _on in (("mute", "mute", True), ("unmute", "mute", False), ("ban", "ban", True),
                          ("unban", "ban", False)):
    action(_name, right=RIGHT, schema=WhoIn, states=OPEN | OVER, undo=_unset(_kind, _on))(_set(_kind, _on))
