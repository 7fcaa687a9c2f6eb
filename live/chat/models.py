"""Chat: what was said, and who may not speak."""
import uuid
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Identity, Index, Text, UniqueConstraint, text

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk


class ChatMessage(Base):
    """One line of chat. Its id is its order."""
    __tablename__ = "chat_messages"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"))
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    name: Mapped[str] = mapped_column(Text)  # as it was then
    role: Mapped[str | None] = mapped_column(Text)  # host, assistant or none
    body: Mapped[str] = mapped_column(Text)
    key: Mapped[str | None] = mapped_column(Text)  # the browser's; the same key is the same line
    # flagged: holds a blocked word, seen by staff and its author only.
    state: Mapped[str] = mapped_column(choice("visible", "flagged", "removed", column="chat_state"), default="visible")
    rehearsal: Mapped[bool] = mapped_column(Boolean, default=False)
    moderated_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("char_length(body) BETWEEN 1 AND 300", name="body"),
                      UniqueConstraint("member_id", "live_session_id", "key"),
                      Index("ix_chat_messages_show", "live_session_id", "id"),
                      Index("ix_chat_messages_author", "live_session_id", "member_id", "created_at"))


class ChatSanction(Base):
    """A member who may not speak (mute, in one show) or not enter (ban, in all shows of the merchant)."""
    __tablename__ = "chat_sanctions"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    live_session_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"))
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(choice("mute", "ban", column="sanction_kind"))
    by_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    lifted_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("(kind = 'mute') = (live_session_id IS NOT NULL)", name="scope"),
                      Index("ix_chat_sanctions_member", "member_id", "merchant_id",
                            postgresql_where=text("lifted_at IS NULL")))
