"""The show: a live session, its run of show, its flash sales, and what can be undone."""
import uuid
from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import relationship

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk

SHOW_STATES = ("scheduled", "rehearsal", "live", "paused", "ended", "cancelled")


class LiveSession(Base):
    __tablename__ = "live_sessions"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    host_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    title: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    cover_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pictures.id"))
    state: Mapped[str] = mapped_column(choice(*SHOW_STATES, column="show_state"), default="scheduled")
    # Grows with every change of what is below; pages ignore what is older than they have.
    rev: Mapped[int] = mapped_column(Integer, default=0)
    starts_at: Mapped[datetime] = mapped_column(index=True)
    started_at: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    current_item_id: Mapped[uuid.UUID | None]
    item_started_at: Mapped[datetime | None]
    on_air_offer_id: Mapped[uuid.UUID | None]  # what the big card shows
    pins: Mapped[list[uuid.UUID]] = mapped_column(ARRAY(Text), default=list)  # offer ids as text, at most 3
    notice: Mapped[str] = mapped_column(Text, default="")  # the pinned message
    slow_seconds: Mapped[int] = mapped_column(Integer, default=2)
    blocked_words: Mapped[list[str]] = mapped_column(ARRAY(Text), default=list)
    reactions: Mapped[int] = mapped_column(default=0)
    peak_viewers: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = created_column()
    items: Mapped[list["RunItem"]] = relationship(order_by="RunItem.position", back_populates="live_session")
    __table_args__ = (CheckConstraint("cardinality(pins) <= 3", name="pins"),
                      CheckConstraint("slow_seconds BETWEEN 0 AND 300", name="slow"))


class RunItem(Base):
    """A line of the run of show: usually an offer, with planned minutes and talking points."""
    __tablename__ = "run_items"
    id: Mapped[uuid.UUID] = uuid_pk()
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer)
    offer_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("offers.id"))
    title: Mapped[str] = mapped_column(Text)
    minutes: Mapped[int] = mapped_column(Integer, default=5)
    points: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    live_session: Mapped[LiveSession] = relationship(back_populates="items")
    __table_args__ = (UniqueConstraint("live_session_id", "position", deferrable=True, initially="DEFERRED"),
                      CheckConstraint("minutes BETWEEN 1 AND 600", name="minutes"))


class FlashSale(Base):
    """One opening of an offer in a show: for the chart, the report and the replay."""
    __tablename__ = "flash_sales"
    id: Mapped[uuid.UUID] = uuid_pk()
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"), index=True)
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"))
    stock_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offer_stock.id", ondelete="CASCADE"))
    price_minor: Mapped[int]
    quantity: Mapped[int] = mapped_column(Integer)
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    rehearsal: Mapped[bool] = mapped_column(Boolean, default=False)
    __table_args__ = (CheckConstraint("closes_at > opens_at", name="window"),
                      Index("uq_flash_sales_running", "stock_id", unique=True, postgresql_where="ended_at IS NULL"))


class ControlAction(Base):
    """What was done on the control page, by whom, and how to take it back within 5 s."""
    __tablename__ = "control_actions"
    id: Mapped[uuid.UUID] = uuid_pk()
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"), index=True)
    by_member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)  # the page's; the same key is the same action
    body: Mapped[dict]
    subject: Mapped[str] = mapped_column(Text, default="")  # what it was done to, for its sentence
    before: Mapped[dict | None]  # what undo restores; null if it cannot be undone
    after: Mapped[dict | None]  # what it made of that; undo refuses if it is different by now
    rehearsal: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = created_column()
    undone_at: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("live_session_id", "by_member_id", "key"),)


class Reminder(Base):
    """A member wants to be told when a show starts."""
    __tablename__ = "reminders"
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"),
                                                       primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = created_column()
    soon_at: Mapped[datetime | None]  # when the letter "in 10 minutes" was written
    sent_at: Mapped[datetime | None]  # when the letter "it starts" was


class ViewerMinute(Base):
    """Viewers at each minute of a show, for its report."""
    __tablename__ = "viewer_minutes"
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"),
                                                       primary_key=True)
    minute: Mapped[datetime] = mapped_column(primary_key=True)
    viewers: Mapped[int] = mapped_column(Integer)


class ShowStaff(Base):
    """Who stands beside the host in a show; rights come from roles, this says who is on the plan."""
    __tablename__ = "show_staff"
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"),
                                                       primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), primary_key=True)
    created_at: Mapped[datetime] = created_column()
