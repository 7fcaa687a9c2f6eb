"""Orders and their lines, refunds, and where the parcel is. An order keeps the terms it was made on."""
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import relationship

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk

# awaiting_payment → paid → cancelled, or → expired (hold ran out) → paid (late payment, stock re-claimed).
ORDER_STATES = ("awaiting_payment", "paid", "expired", "cancelled")
FULFILMENT = ("none", "to_pack", "sent", "delivered")
REFUND_REASONS = ("cancelled", "returned", "damaged", "missing", "goodwill", "late_payment", "second_payment")

# Half up, in numeric so that no product overflows; what has gone back costs no fee.
FEE = ("CASE WHEN paid_at IS NULL THEN 0 "
       "ELSE div((total_minor - refunded_minor)::numeric * fee_ppm + 500000, 1000000)::bigint END")


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[uuid.UUID] = uuid_pk()
    number: Mapped[int] = mapped_column(BigInteger, Identity(start=20001), unique=True)  # for people; URLs use id
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    live_session_id: Mapped[uuid.UUID | None] = mapped_column(index=True)
    rehearsal: Mapped[bool] = mapped_column(Boolean, default=False)
    state: Mapped[str] = mapped_column(choice(*ORDER_STATES, column="order_state"), default="awaiting_payment")
    fulfilment: Mapped[str] = mapped_column(choice(*FULFILMENT, column="fulfilment"), default="none")
    currency: Mapped[str] = mapped_column(Text)
    coupon_code: Mapped[str | None] = mapped_column(Text)  # as typed by the buyer, in upper case
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    total_minor: Mapped[int]  # what is paid: after the discount
    refunded_minor: Mapped[int] = mapped_column(default=0)
    # What the buyer's bank took back and did not give back; beside refunds, so that both may be more than was paid.
    disputed_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    fee_ppm: Mapped[int] = mapped_column(Integer, default=0, server_default="0")  # the platform's, when it was paid
    fee_minor: Mapped[int] = mapped_column(BigInteger, Computed(FEE, persisted=True))  # of what the merchant kept
    address: Mapped[dict]  # copied
    key: Mapped[str] = mapped_column(Text)  # the browser's
    body_hash: Mapped[str] = mapped_column(Text)
    # Why it is expired or cancelled: hold_ended, late_payment, released, buyer, staff.
    reason: Mapped[str | None] = mapped_column(Text)
    tracking_code: Mapped[str | None] = mapped_column(Text)
    carrier: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    paid_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    lines: Mapped[list["OrderLine"]] = relationship(back_populates="order", order_by="OrderLine.position")
    __table_args__ = (
        UniqueConstraint("member_id", "key"),
        CheckConstraint("total_minor > 0", name="total"),
        CheckConstraint("refunded_minor BETWEEN 0 AND total_minor", name="refunded"),
        CheckConstraint("disputed_minor >= 0", name="disputed"),
        CheckConstraint("fee_ppm BETWEEN 0 AND 1000000", name="fee_ppm"),
        CheckConstraint("discount_minor >= 0 AND (discount_minor = 0 OR coupon_code IS NOT NULL)", name="discount"),
        CheckConstraint("state NOT IN ('paid') OR paid_at IS NOT NULL", name="paid_at"),
        Index("ix_orders_member", "member_id", "created_at"), Index("ix_orders_desk", "merchant_id", "created_at"))


class OrderLine(Base):
    __tablename__ = "order_lines"
    id: Mapped[uuid.UUID] = uuid_pk()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"))
    stock_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offer_stock.id", ondelete="CASCADE"), index=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"), index=True)
    # The hold that this line consumes; a late payment puts the re-claimed one here. One line a hold, ever.
    hold_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("holds.id", ondelete="CASCADE"), unique=True)
    title: Mapped[str] = mapped_column(Text)
    sku: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(Integer)
    unit_price_minor: Mapped[int]
    discount_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")  # this line's share
    # What the buyer pays for the line, and the most that can go back of it.
    total_minor: Mapped[int] = mapped_column(BigInteger, Computed(
        "quantity * unit_price_minor - discount_minor", persisted=True))
    terms: Mapped[dict]  # the offer as it was: price, compare-at, limit, promise, lowest of 30 days
    show_second: Mapped[int | None] = mapped_column(Integer)  # of the show, when it was claimed
    refunded_quantity: Mapped[int] = mapped_column(Integer, default=0)  # units whose money goes back
    returned_quantity: Mapped[int] = mapped_column(Integer, default=0)  # of these, units that can be sold again
    order: Mapped[Order] = relationship(back_populates="lines")

    @property
    def gross_minor(self) -> int:
        """Before the coupon."""
        return self.quantity * self.unit_price_minor

    def paid_for(self, units: int) -> int:
        """What was paid for the first `units` of the line: sums of parts are the whole, to the minor unit."""
        return self.total_minor * units // self.quantity
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity"),
                      CheckConstraint("discount_minor BETWEEN 0 AND quantity * unit_price_minor", name="discount"),
                      CheckConstraint("returned_quantity BETWEEN 0 AND refunded_quantity", name="returned"),
                      CheckConstraint("refunded_quantity BETWEEN 0 AND quantity", name="refunded"))


class Refund(Base):
    """Money that goes back, whole or per line; its key makes it happen once."""
    __tablename__ = "refunds"
    id: Mapped[uuid.UUID] = uuid_pk()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    payment_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payments.id", ondelete="CASCADE"), index=True)
    key: Mapped[str] = mapped_column(Text, unique=True)
    amount_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(choice(*REFUND_REASONS, column="refund_reason"))
    note: Mapped[str] = mapped_column(Text, default="")
    lines: Mapped[list] = mapped_column(default=list)  # [{"line_id", "quantity", "amount_minor", "restock"}]
    state: Mapped[str] = mapped_column(choice("pending", "succeeded", "failed", column="refund_state"),
                                       default="pending")
    provider_ref: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)  # the provider's code
    attempt: Mapped[int] = mapped_column(Integer, default=1)  # in the provider's key; grows when staff try again
    tries: Mapped[int] = mapped_column(Integer, default=0)  # calls made in this attempt
    next_at: Mapped[datetime | None]  # when a pending refund is due at the provider
    by_member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    ended_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("amount_minor > 0", name="amount"),
                      Index("ix_refunds_due", "next_at", postgresql_where=text("state = 'pending'")))
