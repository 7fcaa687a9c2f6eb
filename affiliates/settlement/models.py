"""Runs that settle a campaign, their chunks, and what each run took. What was taken is never changed.

A commission is settled when it has a row in settlement_items; the key lets that happen once. Items carry the whole
amount and every adjustment has a row of its own, so a refund before, during or after a settlement ends in the same sum.
"""
import uuid
from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text

from affiliates.people.models import only_grows
from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

# open → running → settled → audited; the audit found something: blocked, until it finds nothing.
RUN_STATES = ("open", "running", "settled", "audited", "blocked")
UNFINISHED = ("open", "running", "settled", "blocked")
CHUNK_STATES = ("todo", "done", "failed")


class SettlementRun(Base):
    """One settlement of a campaign, of all that was payable at `cutoff`. One is unfinished at a time."""
    __tablename__ = "settlement_runs"
    id: Mapped[uuid.UUID] = uuid_pk()
    campaign_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("campaigns.id"))
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    currency: Mapped[str] = mapped_column(Text)
    seq: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(choice(*RUN_STATES, column="settlement_state"), default="open")
    cutoff: Mapped[datetime]
    opened_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))  # None: the clock
    opened_at: Mapped[datetime] = created_column()
    settled_at: Mapped[datetime | None]
    audited_at: Mapped[datetime | None]
    result: Mapped[dict] = mapped_column(default=dict)  # sums, and what the audit found
    __table_args__ = (
        UniqueConstraint("campaign_id", "seq"),
        Index("uq_settlement_runs_unfinished", "campaign_id", unique=True,
              postgresql_where=text("state <> 'audited'")))


class SettlementChunk(Base):
    """A range of affiliates, settled in one transaction; nobody is ever half settled."""
    __tablename__ = "settlement_chunks"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("settlement_runs.id"), primary_key=True)
    no: Mapped[int] = mapped_column(Integer, primary_key=True)
    lo: Mapped[uuid.UUID]
    hi: Mapped[uuid.UUID]
    state: Mapped[str] = mapped_column(choice(*CHUNK_STATES, column="chunk_state"), default="todo")
    parties: Mapped[int] = mapped_column(Integer, default=0)
    items: Mapped[int] = mapped_column(default=0)
    adjustments: Mapped[int] = mapped_column(default=0)
    amount_minor: Mapped[int] = mapped_column(default=0)
    tries: Mapped[int] = mapped_column(Integer, default=0)  # that failed
    error: Mapped[str | None] = mapped_column(Text)
    done_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("lo <= hi", name="range"),
                      Index("ix_settlement_chunks_todo", "run_id", "no", postgresql_where=text("state = 'todo'")))


class SettlementItem(Base):
    """This commission was settled by this run. No foreign keys: two lookups a row are a third of the time of a run of
    a million; the audit looks instead."""
    __tablename__ = "settlement_items"
    affiliate_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    commission_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    run_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int]
    # Rows of a run lie together: a BRIN index finds them and costs nothing to keep.
    __table_args__ = (Index("ix_settlement_items_run", "run_id", postgresql_using="brin"),)


class SettlementAdjustment(Base):
    """This adjustment of a settled commission was settled by this run."""
    __tablename__ = "settlement_adjustments"
    affiliate_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    adjustment_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    commission_id: Mapped[uuid.UUID]
    run_id: Mapped[uuid.UUID]
    amount_minor: Mapped[int]
    __table_args__ = (Index("ix_settlement_adjustments_run", "run_id", postgresql_using="brin"),)


class SettlementMerchant(Base):
    """The merchant's part of a run. `due_minor` is what all settled orders of the campaign are worth to the merchant
    by now: sales − refunds − disputes − fees − commissions; the run moves what was not moved before, up or down."""
    __tablename__ = "settlement_merchants"
    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("settlement_runs.id"), primary_key=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    orders: Mapped[int]
    sales_minor: Mapped[int]
    refunds_minor: Mapped[int]
    disputes_minor: Mapped[int]  # taken back by buyers' banks and not won
    fees_minor: Mapped[int]
    commissions_minor: Mapped[int]
    due_minor: Mapped[int] = mapped_column(BigInteger)
    before_minor: Mapped[int]  # by earlier runs
    amount_minor: Mapped[int]  # by this one
    __table_args__ = (
        CheckConstraint("due_minor = sales_minor - refunds_minor - disputes_minor - fees_minor - commissions_minor",
                        name="due"),
        CheckConstraint("amount_minor = due_minor - before_minor", name="amount"))


EXTRA_DDL += only_grows("settlement_items", "settlement_adjustments", "settlement_merchants")
