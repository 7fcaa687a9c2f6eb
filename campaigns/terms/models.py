"""Campaigns and their offers: what is sold on which terms. Publishing freezes the terms."""
import uuid
from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Integer, Text, UniqueConstraint
from sqlalchemy.orm import relationship

from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

CAMPAIGN_STATES = ("draft", "scheduled", "live", "ended", "settling", "settled")
AFTER_SALE = ("full_price", "sale_price", "take_down")


class Campaign(Base):
    __tablename__ = "campaigns"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(choice(*CAMPAIGN_STATES, column="campaign_state"), default="draft")
    currency: Mapped[str] = mapped_column(Text)
    hold_seconds: Mapped[int] = mapped_column(Integer, default=300)
    after_sale: Mapped[str] = mapped_column(choice(*AFTER_SALE, column="after_sale"), default="full_price")
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    saved_at: Mapped[datetime] = created_column()  # of the last change of its terms or offers, by whom
    saved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    published_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    offers: Mapped[list["Offer"]] = relationship(back_populates="campaign", order_by="Offer.position")
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("hold_seconds BETWEEN 30 AND 3600", name="hold_seconds"))


class Offer(Base):
    """A variant on sale in a campaign at a price. The running numbers are in OfferStock (campaigns/stock)."""
    __tablename__ = "offers"
    id: Mapped[uuid.UUID] = uuid_pk()
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"), index=True)
    title: Mapped[str] = mapped_column(Text)  # as shown; copied, so that a later rename changes no order
    position: Mapped[int] = mapped_column(Integer, default=0)
    price_minor: Mapped[int]
    compare_at_minor: Mapped[int | None]  # the price struck through, and the full price afterwards
    is_deal: Mapped[bool] = mapped_column(Boolean, default=False)  # called a deal: must beat the 30-day low
    allotment: Mapped[int] = mapped_column(Integer)  # as published; OfferStock.allotment follows restocks
    limit_per_member: Mapped[int] = mapped_column(Integer, default=1)
    hold_seconds: Mapped[int | None] = mapped_column(Integer)  # else the campaign's
    after_sale: Mapped[str | None] = mapped_column(choice(*AFTER_SALE, column="offer_after_sale"))  # else campaign's
    promise: Mapped[str] = mapped_column(Text, default="")  # what the host promises with it; orders keep it
    lowest_30d_minor: Mapped[int | None]  # fixed when published
    created_at: Mapped[datetime] = created_column()
    campaign: Mapped[Campaign] = relationship(back_populates="offers")
    __table_args__ = (
        UniqueConstraint("campaign_id", "variant_id"),  # no two offers of one variant in a campaign
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("compare_at_minor > price_minor", name="compare_at"),
        CheckConstraint("allotment BETWEEN 0 AND 1000000", name="allotment"),
        CheckConstraint("limit_per_member BETWEEN 1 AND 1000", name="limit_per_member"),
        CheckConstraint("hold_seconds BETWEEN 30 AND 3600", name="hold_seconds"))


EXTRA_DDL += [
    # An offer is neither added to, changed in nor taken from a published campaign, whoever writes.
    """CREATE OR REPLACE FUNCTION offer_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP <> 'INSERT' AND (SELECT state FROM campaigns WHERE id = OLD.campaign_id) <> 'draft' THEN
        RAISE EXCEPTION 'offer % is published: its terms are frozen', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      IF TG_OP <> 'DELETE' AND (SELECT state FROM campaigns WHERE id = NEW.campaign_id) <> 'draft' THEN
        RAISE EXCEPTION 'campaign % is published: its offers are frozen', NEW.campaign_id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END $$""",
    """CREATE TRIGGER offer_frozen BEFORE INSERT OR UPDATE OR DELETE ON offers
    FOR EACH ROW EXECUTE FUNCTION offer_frozen()""",
    """CREATE OR REPLACE FUNCTION campaign_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF OLD.state <> 'draft' AND (NEW.state = 'draft'
          OR (NEW.merchant_id, NEW.name, NEW.currency, NEW.hold_seconds, NEW.after_sale)
          IS DISTINCT FROM (OLD.merchant_id, OLD.name, OLD.currency, OLD.hold_seconds, OLD.after_sale)) THEN
        RAISE EXCEPTION 'campaign % is published: its terms are frozen', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER campaign_frozen BEFORE UPDATE ON campaigns FOR EACH ROW EXECUTE FUNCTION campaign_frozen()""",
]
