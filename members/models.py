"""Who: members, merchants (tenants), roles, sign-ins, addresses, and mail to people."""
import uuid
from datetime import datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import relationship

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk

MERCHANT_ROLES = ("host", "assistant", "merchant_staff")
PLATFORM_ROLES = ("operator",)


class Merchant(Base):
    """A seller of record; every campaign, product and order belongs to one."""
    __tablename__ = "merchants"
    id: Mapped[uuid.UUID] = uuid_pk()
    name: Mapped[str] = mapped_column(Text)
    slug: Mapped[str] = mapped_column(Text, unique=True)
    currency: Mapped[str] = mapped_column(Text)  # ISO 4217; what its list prices are in
    country: Mapped[str] = mapped_column(Text)  # ISO 3166-1 alpha-2
    contact_email: Mapped[str] = mapped_column(Text)
    # Sentences shown beside Buy: delivery and returns are the merchant's promises, not ours.
    delivery_note: Mapped[str] = mapped_column(Text, default="")
    returns_note: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),)


class Member(Base):
    """A person who can sign in."""
    __tablename__ = "members"
    id: Mapped[uuid.UUID] = uuid_pk()
    email: Mapped[str] = mapped_column(Text, unique=True)  # lower case
    name: Mapped[str] = mapped_column(Text)  # shown in chat
    password_hash: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    disabled_at: Mapped[datetime | None]
    # Rehearsal buyers: never a person, cannot sign in, left out of every report.
    simulated: Mapped[bool] = mapped_column(Boolean, default=False)
    roles: Mapped[list["Role"]] = relationship(back_populates="member", lazy="selectin",
                                               cascade="all, delete-orphan", foreign_keys="Role.member_id")
    __table_args__ = (CheckConstraint("email = lower(email)", name="email_lower"),)

    @property
    def initials(self) -> str:
        words = self.name.split()
        return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()[:2]


class Role(Base):
    """What a member may do, for one merchant or (operator) for the platform."""
    __tablename__ = "roles"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    merchant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("merchants.id"), index=True)
    kind: Mapped[str] = mapped_column(choice(*MERCHANT_ROLES, *PLATFORM_ROLES, column="role_kind"))
    granted_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    member: Mapped[Member] = relationship(back_populates="roles", foreign_keys=[member_id])
    __table_args__ = (
        UniqueConstraint("member_id", "merchant_id", "kind", postgresql_nulls_not_distinct=True),
        CheckConstraint("(kind = 'operator') = (merchant_id IS NULL)", name="scope"))


class SignIn(Base):
    """A signed-in browser. The cookie holds a random token, this only its hash: a copy of the table opens nothing."""
    __tablename__ = "sign_ins"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    user_agent: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class PasswordReset(Base):
    __tablename__ = "password_resets"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Address(Base):
    """Where an order goes. Orders copy it, so a change here never rewrites an order."""
    __tablename__ = "addresses"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(Text)
    line1: Mapped[str] = mapped_column(Text)
    line2: Mapped[str] = mapped_column(Text, default="")
    city: Mapped[str] = mapped_column(Text)
    postcode: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    phone: Mapped[str] = mapped_column(Text, default="")
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = created_column()
    removed_at: Mapped[datetime | None]
    __table_args__ = (Index("uq_addresses_default", "member_id", unique=True,
                            postgresql_where=text("is_default AND removed_at IS NULL")),)


class Follow(Base):
    """A member wants to hear of a merchant's shows."""
    __tablename__ = "follows"
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = created_column()


class Mail(Base):
    """A letter to a person: written in the transaction that causes it, sent by a job, once per key."""
    __tablename__ = "mails"
    id: Mapped[uuid.UUID] = uuid_pk()
    key: Mapped[str] = mapped_column(Text, unique=True)
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id", ondelete="SET NULL"))
    to_email: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    sent_at: Mapped[datetime | None]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    failed_at: Mapped[datetime | None]  # given up; the operator may try again
    error: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (Index("ix_mails_pending", "id", postgresql_where=text("sent_at IS NULL")),)
