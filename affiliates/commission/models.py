"""Rules, what they gave, what took it back, and what is held until a person has looked. Facts are never changed.

`commissions.amount_minor` is computed by the database from base, rate and cap. `reversed_minor` follows the
adjustments by trigger and `held` follows the holds: there is no other way to write either.
"""
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import TSTZRANGE, Range

from affiliates.people.models import only_grows
from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

CAUSES = ("refund", "dispute", "rejection", "correction")
MEASURES = ("units", "orders", "revenue")
# Half up, once: for a rate (base × ppm + 500,000) div 1,000,000, in numeric so that no product overflows.
AMOUNT = ("least(CASE WHEN rate_ppm IS NULL THEN flat_minor * quantity "
          "ELSE div(base_minor::numeric * rate_ppm + 500000, 1000000)::bigint END, cap_minor)")


class CommissionRule(Base):
    """What a merchant pays for a sale, for whom and for what, while it is valid. The narrowest scope wins:
    product > category > campaign > tier > all. `version` counts within a scope."""
    __tablename__ = "commission_rules"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("campaigns.id"), index=True)
    product_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("products.id"))
    category: Mapped[str | None] = mapped_column(Text)
    tier: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    currency: Mapped[str | None] = mapped_column(Text)  # of flat_minor and cap_minor
    rate_ppm: Mapped[int | None] = mapped_column(Integer)
    flat_minor: Mapped[int | None]  # a unit
    level2_ppm: Mapped[int] = mapped_column(Integer, default=0)  # to the team's leader, of the same base
    cap_minor: Mapped[int | None]  # of one line, each level
    hold_days: Mapped[int | None] = mapped_column(Integer)  # else the category's, else the program's
    valid: Mapped[Range[datetime]] = mapped_column(TSTZRANGE)
    published_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    published_at: Mapped[datetime] = created_column()
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        CheckConstraint("num_nonnulls(rate_ppm, flat_minor) = 1", name="one_rate"),
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000 AND level2_ppm BETWEEN 0 AND 1000000 "
                        "AND coalesce(rate_ppm, 0) + level2_ppm <= 1000000", name="rate"),
        CheckConstraint("flat_minor >= 0", name="flat"), CheckConstraint("cap_minor >= 0", name="cap"),
        CheckConstraint("(coalesce(flat_minor, cap_minor) IS NULL) = (currency IS NULL)", name="currency"),
        CheckConstraint("hold_days BETWEEN 0 AND 365", name="hold_days"),
        CheckConstraint("category <> '' AND tier <> ''", name="scope"),
        CheckConstraint("NOT isempty(valid) AND NOT lower_inf(valid)", name="valid"),
        UniqueConstraint("merchant_id", "campaign_id", "product_id", "category", "tier", "version",
                         postgresql_nulls_not_distinct=True, name="uq_commission_rules_version"))


class HoldPeriod(Base):
    """Days between delivery and payable for one category of a merchant's products."""
    __tablename__ = "commission_hold_periods"
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), primary_key=True)
    category: Mapped[str] = mapped_column(Text, primary_key=True)
    days: Mapped[int] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("days BETWEEN 0 AND 365", name="days"),)


class Budget(Base):
    """What a campaign may cost in commissions; sales beyond it earn what is left. Reversals give back."""
    __tablename__ = "commission_budgets"
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    spent_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("spent_minor BETWEEN 0 AND amount_minor", name="spent"),)


class Bonus(Base):
    """A sum for every affiliate who reaches a goal in a campaign; awarded once, when the campaign is closed."""
    __tablename__ = "commission_bonuses"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"), index=True)
    measure: Mapped[str] = mapped_column(choice(*MEASURES, column="bonus_measure"))  # net of what went back
    threshold: Mapped[int]  # units, orders, or minor units of what buyers paid
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    created_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    withdrawn_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("threshold > 0 AND amount_minor > 0", name="positive"),)


class Commission(Base):
    """What one line of a paid order earns one affiliate. Settled is a row in settlement_items, not a column here."""
    __tablename__ = "commissions"
    id: Mapped[uuid.UUID] = uuid_pk()
    order_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("orders.id"), index=True)
    order_line_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("order_lines.id"))
    level: Mapped[int] = mapped_column(Integer)  # 1: who brought the buyer, 2: that person's leader
    kind: Mapped[str] = mapped_column(choice("sale", "bonus", column="commission_kind"), default="sale")
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"))
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    rule_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("commission_rules.id"))
    bonus_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("commission_bonuses.id"))
    currency: Mapped[str] = mapped_column(Text)
    quantity: Mapped[int] = mapped_column(Integer)
    base_minor: Mapped[int]  # what the buyer paid for the line, after coupons
    rate_ppm: Mapped[int | None] = mapped_column(Integer)
    flat_minor: Mapped[int | None]
    cap_minor: Mapped[int | None]  # the rule's, or what was left of the budget
    capped_by: Mapped[str | None] = mapped_column(choice("rule", "budget", column="capped_by"))
    amount_minor: Mapped[int] = mapped_column(BigInteger, Computed(AMOUNT, persisted=True))
    reversed_minor: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    hold_days: Mapped[int] = mapped_column(Integer)
    matures_at: Mapped[datetime | None]  # delivery + hold_days
    held: Mapped[bool] = mapped_column(Boolean, default=False, server_default="false")
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        UniqueConstraint("order_line_id", "level", "kind", "bonus_id", postgresql_nulls_not_distinct=True,
                         name="uq_commissions_once"),
        UniqueConstraint("bonus_id", "affiliate_id", name="uq_commissions_bonus_once"),
        CheckConstraint("level IN (1, 2)", name="level"),
        CheckConstraint("num_nonnulls(rate_ppm, flat_minor) = 1", name="one_rate"),
        CheckConstraint("rate_ppm BETWEEN 0 AND 1000000 AND flat_minor >= 0 AND cap_minor >= 0", name="rate"),
        CheckConstraint("(kind = 'sale') = (rule_id IS NOT NULL) AND (kind = 'bonus') = (bonus_id IS NOT NULL)",
                        name="reason"),
        CheckConstraint("quantity > 0 AND base_minor >= 0", name="base"),
        CheckConstraint("reversed_minor BETWEEN 0 AND amount_minor", name="reversed"),
        Index("ix_commissions_settle", "campaign_id", "affiliate_id", postgresql_include=[
            "id", "amount_minor", "reversed_minor", "matures_at", "held"]),
        Index("ix_commissions_affiliate", "affiliate_id", "id"),
        Index("ix_commissions_rule", "rule_id"))


class Adjustment(Base):
    """A change of one commission: below 0 takes back. `basis_minor` is the money of the line that the cause moved."""
    __tablename__ = "commission_adjustments"
    id: Mapped[uuid.UUID] = uuid_pk()
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commissions.id"))
    cause_type: Mapped[str] = mapped_column(choice(*CAUSES, column="adjustment_cause"))
    cause_id: Mapped[str] = mapped_column(Text)  # of the refund, the dispute, the hold; a correction's own key
    amount_minor: Mapped[int]
    basis_minor: Mapped[int] = mapped_column(BigInteger, default=0)
    note: Mapped[str] = mapped_column(Text, default="")
    by_member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        UniqueConstraint("cause_type", "cause_id", "commission_id"),
        # Only a person's correction gives, and a dispute that was won: its money came back, so its basis is below 0.
        CheckConstraint("amount_minor <= 0 OR cause_type = 'correction' OR basis_minor < 0", name="sign"),
        CheckConstraint("basis_minor >= 0 OR cause_type = 'dispute'", name="basis"),
        Index("ix_commission_adjustments_commission", "commission_id", "id"))


class CommissionHold(Base):
    """Why a commission waits for a person, with the evidence; decided once, with a note."""
    __tablename__ = "commission_holds"
    id: Mapped[uuid.UUID] = uuid_pk()
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commissions.id"), index=True)
    reason: Mapped[str] = mapped_column(Text)  # own_purchase, same_card, same_device, same_address, late_click
    evidence: Mapped[dict] = mapped_column(default=dict)
    opened_at: Mapped[datetime] = mapped_column(server_default=text("now()"))
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    decision: Mapped[str | None] = mapped_column(choice("released", "rejected", column="hold_decision"))
    note: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        UniqueConstraint("commission_id", "reason"),
        CheckConstraint("num_nonnulls(decided_at, decided_by, decision) IN (0, 3)", name="decided"),
        CheckConstraint("decision IS NULL OR note <> ''", name="note"),
        Index("ix_commission_holds_open", "opened_at", postgresql_where=text("decided_at IS NULL")))


class TotalsDue(Base):
    """An affiliate whose totals changed; a tick tells them and takes the row away."""
    __tablename__ = "affiliate_totals_due"
    id: Mapped[uuid.UUID] = uuid_pk()
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"))


_NIL = "'00000000-0000-0000-0000-000000000000'::uuid"
EXTRA_DDL += [
    # Equality inside a GiST exclusion needs btree_gist, a trusted extension that comes with PostgreSQL.
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    f"""ALTER TABLE commission_rules ADD CONSTRAINT ex_commission_rules_overlap EXCLUDE USING gist (
      merchant_id WITH =, coalesce(campaign_id, {_NIL}) WITH =, coalesce(product_id, {_NIL}) WITH =,
      coalesce(category, '') WITH =, coalesce(tier, '') WITH =, valid WITH &&)""",
    # A published rule keeps its terms; only its end may be set, and never into the past.
    """CREATE OR REPLACE FUNCTION commission_rule_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE before commission_rules := OLD;
    BEGIN
      before.valid := NEW.valid;
      IF TG_OP = 'DELETE' OR before IS DISTINCT FROM NEW OR lower(NEW.valid) <> lower(OLD.valid)
          OR coalesce(upper(OLD.valid), 'infinity') <= now() OR coalesce(upper(NEW.valid), 'infinity') < now() THEN
        RAISE EXCEPTION 'rule % is published: its terms are frozen', OLD.id
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER commission_rule_frozen BEFORE UPDATE OR DELETE ON commission_rules
    FOR EACH ROW EXECUTE FUNCTION commission_rule_frozen()""",
    # Of a commission only three columns move: reversed_minor and held by the triggers below, matures_at once.
    """CREATE OR REPLACE FUNCTION commission_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE before commissions := OLD;
    BEGIN
      IF TG_OP = 'UPDATE' THEN
        before.matures_at := NEW.matures_at;
        IF pg_trigger_depth() > 1 THEN
          before.reversed_minor := NEW.reversed_minor;
          before.held := NEW.held;
        END IF;
        before.amount_minor := NEW.amount_minor;  -- computed after this trigger
        IF before IS NOT DISTINCT FROM NEW AND (OLD.matures_at IS NULL OR OLD.matures_at = NEW.matures_at) THEN
          RETURN NEW;
        END IF;
      END IF;
      RAISE EXCEPTION 'commission % is a fact: adjust it, hold it, or leave it', OLD.id
        USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    """CREATE TRIGGER commission_frozen BEFORE UPDATE OR DELETE ON commissions
    FOR EACH ROW EXECUTE FUNCTION commission_frozen()""",
    *only_grows("commission_adjustments"),
    """CREATE OR REPLACE FUNCTION commission_adjusted() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE commissions SET reversed_minor = reversed_minor - a.amount_minor
      FROM (SELECT commission_id, sum(amount_minor) AS amount_minor FROM fresh GROUP BY commission_id) a
      WHERE commissions.id = a.commission_id AND a.amount_minor <> 0;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER commission_adjusted AFTER INSERT ON commission_adjustments REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION commission_adjusted()""",
    # A hold is decided once; nothing else of it changes, and it stays.
    """CREATE OR REPLACE FUNCTION commission_hold_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' OR OLD.decided_at IS NOT NULL
          OR (NEW.id, NEW.commission_id, NEW.reason, NEW.evidence, NEW.opened_at)
          IS DISTINCT FROM (OLD.id, OLD.commission_id, OLD.reason, OLD.evidence, OLD.opened_at) THEN
        RAISE EXCEPTION 'hold % is decided once', OLD.id USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER commission_hold_frozen BEFORE UPDATE OR DELETE ON commission_holds
    FOR EACH ROW EXECUTE FUNCTION commission_hold_frozen()""",
    """CREATE OR REPLACE FUNCTION commission_hold_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      UPDATE commissions SET held = EXISTS (SELECT FROM commission_holds h
        WHERE h.commission_id = NEW.commission_id AND h.decided_at IS NULL) WHERE id = NEW.commission_id;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER commission_hold_moved AFTER INSERT OR UPDATE ON commission_holds
    FOR EACH ROW EXECUTE FUNCTION commission_hold_moved()""",
]
