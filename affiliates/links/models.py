"""How buyers come: links, coupon codes, clicks, and which browsers belong to which member."""
import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, Integer, Text, UniqueConstraint

from core.db import Base, Mapped, created_column, mapped_column, uuid_pk


class TrackingLink(Base):
    """A short address of one affiliate that leads to a campaign, a show or a product."""
    __tablename__ = "tracking_links"
    id: Mapped[uuid.UUID] = uuid_pk()
    code: Mapped[str] = mapped_column(Text, unique=True)
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    live_session_id: Mapped[uuid.UUID | None]  # no key: the show is another package's
    product_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("products.id"))
    label: Mapped[str] = mapped_column(Text, default="")  # for the affiliate: "bio", "Tuesday video"
    created_at: Mapped[datetime] = created_column()
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("code ~ '^[0-9a-zA-Z]{4,16}$'", name="code"),
        CheckConstraint("num_nonnulls(campaign_id, live_session_id, product_id) >= 1", name="target"),
        Index("ix_tracking_links_affiliate", "affiliate_id", "id"))


class Coupon(Base):
    """A code that a buyer types. It belongs to an affiliate, and may take something off the price."""
    __tablename__ = "coupons"
    id: Mapped[uuid.UUID] = uuid_pk()
    code: Mapped[str] = mapped_column(Text)  # upper case
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"), index=True)
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"))  # else all of the merchant's
    percent_ppm: Mapped[int | None] = mapped_column(Integer)
    amount_minor: Mapped[int | None]
    currency: Mapped[str | None] = mapped_column(Text)  # of amount_minor
    starts_at: Mapped[datetime] = created_column()
    ends_at: Mapped[datetime | None]
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    closed_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("merchant_id", "code"),
        CheckConstraint("code ~ '^[0-9A-Z]{3,24}$'", name="code"),
        CheckConstraint("num_nonnulls(percent_ppm, amount_minor) <= 1", name="one_discount"),
        # 90 %: an order is never free, because a payment of nothing is none.
        CheckConstraint("percent_ppm BETWEEN 1 AND 900000", name="percent"),
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(amount_minor IS NULL) = (currency IS NULL)", name="currency"))


class Click(Base):
    """A person came over a link: one top-level navigation. Kept apart from money, swept after `CLICK_DAYS`."""
    __tablename__ = "clicks"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    link_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("tracking_links.id"))
    visitor: Mapped[uuid.UUID]  # of the browser's signed cookie
    member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))  # who was signed in, or came to be
    utm: Mapped[dict] = mapped_column(default=dict)
    referrer: Mapped[str] = mapped_column(Text, default="")  # the host it came from, never the whole address
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (Index("ix_clicks_link", "link_id", "created_at"),
                      Index("ix_clicks_visitor", "visitor", "created_at"),
                      Index("ix_clicks_member", "member_id", "created_at"),
                      Index("ix_clicks_created", "created_at", postgresql_using="brin"))


class VisitorMember(Base):
    """A browser in which a member was signed in."""
    __tablename__ = "visitor_members"
    visitor: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), primary_key=True, index=True)
    created_at: Mapped[datetime] = created_column()
