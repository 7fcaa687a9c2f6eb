"""Reading the chat for those who moderate it."""
import uuid

from sqlalchemy import or_, select

from live.chat.models import ChatMessage, ChatSanction
from live.show.outs import message_out
from members.models import Member


def flagged(db, live_id: uuid.UUID, rehearsal: bool, most: int = 50) -> list[dict]:
    """Lines that wait for a decision, oldest first."""
    lines = db.scalars(select(ChatMessage).where(ChatMessage.live_session_id == live_id, ChatMessage.state == "flagged",
                                                 ChatMessage.rehearsal == rehearsal)
                       .order_by(ChatMessage.id.desc()).limit(most)).all()
    return [message_out(line) for line in reversed(lines)]


def sanctions(db, show) -> list[dict]:
    """Who is muted in this show or banned from the merchant's."""
    rows = db.execute(select(ChatSanction.kind, Member.id, Member.name)
                      .join(Member, Member.id == ChatSanction.member_id)
                      .where(ChatSanction.merchant_id == show.merchant_id, ChatSanction.lifted_at.is_(None),
                             or_(ChatSanction.live_session_id.is_(None), ChatSanction.live_session_id == show.id))
                      .order_by(ChatSanction.created_at.desc()).limit(200))
    return [{"kind": kind, "member_id": str(member), "name": name} for kind, member, name in rows]
