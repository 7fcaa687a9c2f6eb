"""Who promotes: affiliates, their approval by each merchant, their teams, and what staff did about them."""
import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text

from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

AFFILIATE_STATES = ("applied", "active", "frozen", "closed")
APPROVALS = ("manual", "all", "paid_orders")
STANDARD = "standard"


class Affiliate(Base):
    """A member who promotes. `parent_id` is the leader of the team; a trigger allows two levels and no circle."""
    __tablename__ = "affiliates"
    id: Mapped[uuid.UUID] = uuid_pk()
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), unique=True)
    parent_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("affiliates.id"), index=True)
    display_name: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text, default="")  # where and how they promote, in their words
    state: Mapped[str] = mapped_column(choice(*AFFILIATE_STATES, column="affiliate_state"), default="applied")
    created_at: Mapped[datetime] = created_column()
    state_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("parent_id <> id", name="own_parent"),)


class Affiliation(Base):
    """What one merchant decided about one affiliate; `tier` is the merchant's word for how good a partner it is."""
    __tablename__ = "affiliations"
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    state: Mapped[str] = mapped_column(choice(*AFFILIATE_STATES, column="affiliation_state"), default="applied")
    tier: Mapped[str] = mapped_column(Text, default=STANDARD)
    reason: Mapped[str] = mapped_column(Text, default="")  # approved_all, approved_orders, approved_by_hand, invited …
    created_at: Mapped[datetime] = created_column()
    state_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("tier ~ '^[a-z0-9_-]{1,30}$'", name="tier"),
                      Index("ix_affiliations_merchant", "merchant_id", "state"))


class Program(Base):
    """A merchant's terms for affiliates, or (without a merchant) the platform's."""
    __tablename__ = "affiliate_programs"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("merchants.id"))
    approval: Mapped[str] = mapped_column(choice(*APPROVALS, column="affiliate_approval"), default="manual")
    min_paid_orders: Mapped[int] = mapped_column(Integer, default=1)  # for approval "paid_orders"
    notice_days: Mapped[int] = mapped_column(Integer, default=14)  # before a cut of a rate holds
    hold_days: Mapped[int] = mapped_column(Integer, default=15)  # after delivery, where no category says otherwise
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (UniqueConstraint("merchant_id", postgresql_nulls_not_distinct=True),
                      CheckConstraint("min_paid_orders BETWEEN 0 AND 1000", name="min_paid_orders"),
                      CheckConstraint("notice_days BETWEEN 0 AND 365", name="notice_days"),
                      CheckConstraint("hold_days BETWEEN 0 AND 365", name="hold_days"))


class Invitation(Base):
    """A merchant asks somebody to promote; the letter's link holds a token, this only its hash."""
    __tablename__ = "affiliate_invitations"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    email: Mapped[str] = mapped_column(Text)
    tier: Mapped[str] = mapped_column(Text, default=STANDARD)
    token_hash: Mapped[str] = mapped_column(Text, unique=True)
    by_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    affiliate_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("affiliates.id"))
    __table_args__ = (
        CheckConstraint("email = lower(email)", name="email_lower"),
        Index("uq_affiliate_invitations_open", "merchant_id", "email", unique=True,
              postgresql_where=text("accepted_at IS NULL")))


class Act(Base):
    """Who did what about affiliates, rules, holds and payouts. Rows are only added."""
    __tablename__ = "affiliate_acts"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("merchants.id"))  # None: the platform's act
    by_member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))  # None: a rule did it
    kind: Mapped[str] = mapped_column(Text)  # "affiliate.approved", "rule.published", "hold.rejected" …
    subject_id: Mapped[uuid.UUID] = mapped_column(index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict] = mapped_column(default=dict)
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (Index("ix_affiliate_acts_merchant", "merchant_id", "id"),)


def only_grows(*tables: str) -> list[str]:
    """DDL after which rows of these tables can only be added."""
    return [f"""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""" for table in tables]


EXTRA_DDL += [
    # A row that states a fact is neither changed nor taken away, whoever writes.
    """CREATE OR REPLACE FUNCTION facts_only_grow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      RAISE EXCEPTION 'rows of % are only added', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    *only_grows("affiliate_acts"),
    # Two levels, no circle. The parent's row is locked: of two changes that together would make three levels, the
    # second waits for the first and then sees it.
    """CREATE OR REPLACE FUNCTION affiliate_team() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE above uuid;
    BEGIN
      IF NEW.parent_id IS NULL THEN RETURN NEW; END IF;
      SELECT parent_id INTO above FROM affiliates WHERE id = NEW.parent_id FOR NO KEY UPDATE;
      IF NEW.parent_id = NEW.id OR above = NEW.id THEN
        RAISE EXCEPTION 'affiliate % would lead itself', NEW.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'affiliate_team_circle';
      END IF;
      IF above IS NOT NULL OR EXISTS (SELECT FROM affiliates WHERE parent_id = NEW.id) THEN
        RAISE EXCEPTION 'affiliate % would be on a third level', NEW.id
          USING ERRCODE = 'check_violation', CONSTRAINT = 'affiliate_team_levels';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER affiliate_team BEFORE INSERT OR UPDATE OF parent_id ON affiliates
    FOR EACH ROW EXECUTE FUNCTION affiliate_team()""",
]
