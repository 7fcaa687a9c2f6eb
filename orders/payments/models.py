"""Payments, the notices that providers send about them, saved cards, and the sandbox bank's own books."""
import uuid
from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk

# created → pending → succeeded | failed; unknown: the provider did not answer, so it is looked up, never repeated.
# returned: money came that this order could not keep (too late, or the order was paid already); it goes back whole.
PAYMENT_STATES = ("created", "pending", "succeeded", "failed", "unknown", "returned")
OPEN_STATES = ("created", "pending", "unknown")


class Payment(Base):
    """One attempt to pay an order; written before the provider is called, so a crash leaves a trace to look up."""
    __tablename__ = "payments"
    id: Mapped[uuid.UUID] = uuid_pk()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str | None] = mapped_column(Text)
    method: Mapped[str] = mapped_column(choice("card", "bank_page", column="payment_method"))
    saved_card_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("saved_cards.id"))
    state: Mapped[str] = mapped_column(choice(*PAYMENT_STATES, column="payment_state"), default="created")
    failure: Mapped[str | None] = mapped_column(Text)  # the provider's code
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    refunded_minor: Mapped[int] = mapped_column(default=0)
    key: Mapped[str] = mapped_column(Text, unique=True)  # also the provider's idempotency key
    redirect_url: Mapped[str | None] = mapped_column(Text)  # the provider's page, kept so that a repeat gets it again
    created_at: Mapped[datetime] = created_column()
    check_at: Mapped[datetime | None]  # when to ask the provider what became of it
    checks: Mapped[int] = mapped_column(Integer, default=0)
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("refunded_minor BETWEEN 0 AND amount_minor", name="refunded"),
        UniqueConstraint("provider", "provider_ref"),
        Index("uq_payments_once", "order_id", unique=True, postgresql_where=text("state = 'succeeded'")),
        Index("ix_payments_check", "check_at", postgresql_where=text("state IN ('created', 'pending', 'unknown')")))


class PaymentNotice(Base):
    """A webhook, kept once per provider event; repeats and late ones have no effect."""
    __tablename__ = "payment_notices"
    id: Mapped[uuid.UUID] = uuid_pk()
    provider: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    body: Mapped[dict]
    received_at: Mapped[datetime] = created_column()
    applied_at: Mapped[datetime | None]
    effect: Mapped[str | None] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("provider", "event_id"),)


class Dispute(Base):
    """Money of a kept payment that the buyer's bank took back. `open` and `lost` are gone, `won` came back."""
    __tablename__ = "disputes"
    id: Mapped[uuid.UUID] = uuid_pk()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(Text, default="")  # the provider's word
    state: Mapped[str] = mapped_column(choice("open", "won", "lost", column="dispute_state"), default="open")
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    changed_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    __table_args__ = (UniqueConstraint("provider", "provider_ref"), CheckConstraint("amount_minor > 0", name="amount"))


class SavedCard(Base):
    """A means of payment kept by the provider; here only its reference and how to name it."""
    __tablename__ = "saved_cards"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str] = mapped_column(Text)
    provider_ref: Mapped[str] = mapped_column(Text)
    brand: Mapped[str] = mapped_column(Text)
    last4: Mapped[str] = mapped_column(Text)
    fingerprint: Mapped[str | None] = mapped_column(Text, index=True)  # the same for one card, whoever saved it
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = created_column()
    removed_at: Mapped[datetime | None]
    __table_args__ = (Index("uq_saved_cards_default", "member_id", unique=True,
                            postgresql_where=text("is_default AND removed_at IS NULL")),)


class SandboxCharge(Base):
    """The sandbox bank's own record of a payment: what a real bank would keep on its side."""
    __tablename__ = "sandbox_charges"
    id: Mapped[uuid.UUID] = uuid_pk()
    reference: Mapped[str] = mapped_column(Text, unique=True)  # our payment's key
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(choice("open", "approved", "declined", "abandoned", column="sandbox_state"),
                                       default="open")
    refunds: Mapped[dict] = mapped_column(default=dict)  # refund key → amount: the same key sends money back once
    return_url: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    card_ref: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None]  # until when the shop waits; "approve late" answers after it
    known_at: Mapped[datetime | None]  # a decision made now and in force from then
    silent_until: Mapped[datetime | None]  # questions before this get no answer
    dispute: Mapped[str | None] = mapped_column(choice("open", "won", "lost", column="sandbox_dispute"))
    created_at: Mapped[datetime] = created_column()


class SandboxNotice(Base):
    """A webhook that the sandbox bank still has to deliver: twice, and sometimes the later one first."""
    __tablename__ = "sandbox_notices"
    id: Mapped[uuid.UUID] = uuid_pk()
    charge_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("sandbox_charges.id", ondelete="CASCADE"), index=True)
    event_id: Mapped[str] = mapped_column(Text)
    body: Mapped[dict]
    due_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(Integer, default=0)
    delivered_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_sandbox_notices_due", "due_at", postgresql_where=text("delivered_at IS NULL")),)
