"""API keys, and what was answered to writes that may be sent twice."""
import uuid
from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, Text

from core.db import Base, Mapped, created_column, mapped_column, uuid_pk

# What a key may do at most; what its member may do now is asked at every request.
AREAS = ("affiliate", "shop", "payouts", "platform")
SCOPES = tuple(f"{area}:{act}" for area in AREAS for act in ("read", "write"))


class ApiKey(Base):
    """A key of a member, for one shop where a scope is about shops. Of the secret there is only the hash."""
    __tablename__ = "api_keys"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    merchant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)  # the key's beginning, to tell keys apart
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_at: Mapped[datetime] = created_column()
    last_used_at: Mapped[datetime | None]  # to the minute
    revoked_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("cardinality(scopes) >= 1", name="scopes"), CheckConstraint("name <> ''", name="name"),
        CheckConstraint("NOT scopes && ARRAY['shop:read', 'shop:write'] OR merchant_id IS NOT NULL", name="shop"))


class ApiAnswer(Base):
    """The answer to a write that came with an Idempotency-Key; the same again gets the same. Kept for a day."""
    __tablename__ = "api_answers"
    api_key_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("api_keys.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    request_hash: Mapped[str] = mapped_column(Text)  # of method, path and body
    status: Mapped[int | None] = mapped_column(Integer)
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (Index("ix_api_answers_created", "created_at"),)
