"""To whom an order is owed, by which stated policy, and who else was considered."""
import uuid
from datetime import datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text

from affiliates.people.models import only_grows
from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

SOURCES = ("coupon", "room", "click", "bound")


class AttributionPolicy(Base):
    """Who wins, for one campaign or (without one) for all of a merchant's. The newest version holds."""
    __tablename__ = "attribution_policies"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"))
    version: Mapped[int] = mapped_column(Integer)
    sources: Mapped[list[str]] = mapped_column(ARRAY(Text))  # the strongest first
    window_days: Mapped[int] = mapped_column(Integer, default=7)  # how long a click counts
    bind_days: Mapped[int] = mapped_column(Integer, default=180)  # how long a buyer stays bound
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        UniqueConstraint("merchant_id", "campaign_id", "version", postgresql_nulls_not_distinct=True),
        CheckConstraint("sources <@ ARRAY['coupon', 'room', 'click', 'bound'] AND cardinality(sources) >= 1",
                        name="sources"),
        CheckConstraint("window_days BETWEEN 1 AND 90", name="window_days"),
        CheckConstraint("bind_days BETWEEN 0 AND 3650", name="bind_days"))


class Attribution(Base):
    """Decided when the order was made, never changed. `rules` fixes each line's rule: the rate of the order."""
    __tablename__ = "attributions"
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"))
    affiliate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("affiliates.id"))  # None: all fell out
    leader_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("affiliates.id"))  # of the team, as it was then
    tier: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str | None] = mapped_column(choice(*SOURCES, column="attribution_source"))
    link_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("tracking_links.id"))
    coupon_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("coupons.id"))
    visitor: Mapped[uuid.UUID | None]  # the buyer's browser
    policy_version: Mapped[int] = mapped_column(Integer)  # 0: the built-in policy
    policy: Mapped[dict]  # {"sources", "window_days", "bind_days"} as applied
    candidates: Mapped[list]  # [{"source", "affiliate_id", "at", "link_id" | "coupon_id", "outcome"}], best first
    rules: Mapped[list]  # [{"line_id", "rule_id", "hold_days"}]; a line without a rule is not in it
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        CheckConstraint("(affiliate_id IS NULL) = (source IS NULL)", name="winner"),
        CheckConstraint("leader_id IS NULL OR affiliate_id IS NOT NULL", name="leader"),
        Index("ix_attributions_affiliate", "affiliate_id", "order_id"),
        Index("ix_attributions_campaign", "campaign_id", "affiliate_id"))


class Binding(Base):
    """A buyer belongs to the affiliate who first brought a paid order to this merchant, for a while."""
    __tablename__ = "affiliate_bindings"
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), primary_key=True)
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"), index=True)
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), index=True)  # the one that bound them
    bound_at: Mapped[datetime] = mapped_column(server_default=text("now()"))


EXTRA_DDL += only_grows("attributions", "attribution_policies")
