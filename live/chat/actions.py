"""Saying something, and taking it away. Ordered by id, limited per member by the database, once per key."""
import uuid
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select

from core import events
from core.errors import Invalid, KeyConflict, NotFound, TooMany
from live.chat import words
from live.chat.models import ChatMessage, ChatSanction
from live.doors import Facts, sees_rehearsal
from live.show.errors import ChatClosed, Muted
from live.show.lifecycle import ON_AIR
from live.show.outs import message_out
from members.access import may


def say(db, facts: Facts, member, key: str, body: str) -> dict:
    """A line of chat; {message, flagged}. The same key gives the same line.

    Raises Invalid, Muted, ChatClosed, TooMany (slow mode, with retry_ms), KeyConflict.
    """
    text = words.clean(body)
    if not 1 <= len(text) <= words.MOST_CHARACTERS:
        raise Invalid(fields={"body": [_("Write 1 to %(most)s characters.", most=words.MOST_CHARACTERS)]})
    staff = may(member, "chat.moderate", facts.merchant_id)
    rehearsal = sees_rehearsal(facts, member)
    if member.id in facts.muted:
        raise Muted
    if facts.state not in ON_AIR and not rehearsal:
        raise ChatClosed
    one_at_a_time(db, facts.id, member.id)
    if earlier := _said(db, facts.id, member.id, key, text):
        return _answer(earlier)
    if not staff:
        _slow(db, facts, member.id)
    line = ChatMessage(live_session_id=facts.id, member_id=member.id, name=member.name,
                       role=_role(facts, member, staff), body=text, key=key, rehearsal=rehearsal,
                       state="flagged" if not staff and words.is_blocked(text, facts.blocked_words) else "visible")
    db.add(line)
    db.flush()
    db.refresh(line)
    tell_said(db, line)
    return _answer(line)


def one_at_a_time(db, live_id, member_id) -> None:
    """Until the transaction ends nobody else writes as this member, so slow mode holds for all of their devices."""
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"chat:{live_id}:{member_id}", 0))))


def _answer(line: ChatMessage) -> dict:
    return {"message": message_out(line), "flagged": line.state == "flagged"}


def _said(db, live_id, member_id, key: str, text: str) -> ChatMessage | None:
    earlier = db.scalar(select(ChatMessage).where(ChatMessage.live_session_id == live_id, ChatMessage.key == key,
                                                  ChatMessage.member_id == member_id))
    if earlier and earlier.body != text:
        raise KeyConflict
    return earlier


def _slow(db, facts: Facts, member_id) -> None:
    """At most one line in `slow_seconds`, by the database's clock."""
    since = func.clock_timestamp() - timedelta(seconds=facts.slow_seconds)
    last = db.execute(select(func.clock_timestamp() - ChatMessage.created_at).where(
        ChatMessage.live_session_id == facts.id, ChatMessage.member_id == member_id, ChatMessage.created_at > since)
        .order_by(ChatMessage.created_at.desc()).limit(1)).scalar()
    if last is not None:
        wait = max(0, int((timedelta(seconds=facts.slow_seconds) - last).total_seconds() * 1000)) + 1
        raise TooMany(_("Slow mode is on: one message in %(seconds)s seconds.", seconds=facts.slow_seconds),
                      retry_ms=wait)


def _role(facts: Facts, member, staff: bool) -> str | None:
    if member.id == facts.host_id:
        return "host"
    return "assistant" if staff else None


def tell_said(db, line: ChatMessage) -> None:
    message = message_out(line)
    if line.state == "flagged":
        # Only staff and the author see it; the author sees nothing unusual.
        events.append(db, events.staff_stream(line.live_session_id), "chat.flagged",
                      {"message": message, "rehearsal": line.rehearsal})
        events.append(db, events.member_stream(line.member_id), "chat.said",
                      {"message": message, "live_id": str(line.live_session_id), "rehearsal": line.rehearsal})
    else:
        events.append(db, events.live_stream(line.live_session_id), "chat.said",
                      {"message": message, "rehearsal": line.rehearsal})


# -- moderation ------------------------------------------------------------------------------------------------------

def message_in(db, live_id: uuid.UUID, message_id: int) -> ChatMessage:
    """A line of this show, locked. Raises NotFound."""
    line = db.scalar(select(ChatMessage).where(ChatMessage.id == message_id, ChatMessage.live_session_id == live_id)
                     .with_for_update())
    if line is None:
        raise NotFound
    return line


def set_state(db, line: ChatMessage, state: str, by) -> None:
    """Show, flag or remove a line, and tell those who see the difference."""
    if line.state == state:
        return
    was, line.state, line.moderated_by = line.state, state, by.id
    stream, member = events.live_stream(line.live_session_id), events.member_stream(line.member_id)
    more = {"rehearsal": line.rehearsal, "live_id": str(line.live_session_id)}
    if was == "flagged":
        events.append(db, member, "chat.removed", {"id": line.id, **more}, urgent=True)
    if state == "visible":
        events.append(db, stream, "chat.restored", {"message": message_out(line), **more}, urgent=True)
    elif state == "flagged":
        events.append(db, stream, "chat.removed", {"id": line.id, **more}, urgent=True)
        events.append(db, member, "chat.said", {"message": message_out(line), **more})
        events.append(db, events.staff_stream(line.live_session_id), "chat.flagged",
                      {"message": message_out(line), **more})
    elif was == "visible":
        events.append(db, stream, "chat.removed", {"id": line.id, **more}, urgent=True)
    if was == "flagged":  # on the control page it leaves the list of those that wait
        decided = {"message": message_out(line)} if state == "visible" else {"id": line.id}
        events.append(db, events.staff_stream(line.live_session_id),
                      "chat.restored" if state == "visible" else "chat.removed", {**decided, **more}, urgent=True)
    db.flush()


def sanction(db, show, member_id: uuid.UUID, kind: str, by) -> ChatSanction | None:
    """Mute (in this show) or ban (from the merchant's shows); None if that stood already."""
    if _sanctions(db, show, member_id, kind):
        return None
    row = ChatSanction(merchant_id=show.merchant_id, live_session_id=show.id if kind == "mute" else None,
                       member_id=member_id, kind=kind, by_member_id=by.id)
    db.add(row)
    db.flush()
    _tell_sanction(db, show, member_id, kind, True)
    return row


def lift(db, show, member_id: uuid.UUID, kind: str) -> bool:
    """Take a mute or ban back; False if there was none."""
    rows = _sanctions(db, show, member_id, kind)
    for row in rows:
        row.lifted_at = func.clock_timestamp()
    db.flush()
    if rows:
        _tell_sanction(db, show, member_id, kind, False)
    return bool(rows)


def _sanctions(db, show, member_id, kind) -> list[ChatSanction]:
    return list(db.scalars(select(ChatSanction).where(
        ChatSanction.merchant_id == show.merchant_id, ChatSanction.member_id == member_id, ChatSanction.kind == kind,
        ChatSanction.lifted_at.is_(None), *([ChatSanction.live_session_id == show.id] if kind == "mute" else []))
        .with_for_update()))


def _tell_sanction(db, show, member_id, kind: str, on: bool) -> None:
    """`banned` also has the member's sockets closed (live/relay.py), so it is told only when it begins."""
    stream, live = events.member_stream(member_id), {"live_id": str(show.id), "rehearsal": show.state == "rehearsal"}
    if kind == "mute":
        events.append(db, stream, "muted", {**live, "muted": on}, urgent=True)
    elif on:
        events.append(db, stream, "banned", {**live, "merchant_id": str(show.merchant_id)}, urgent=True)
