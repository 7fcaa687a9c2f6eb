"""Where money is paid to, batches of payouts, each attempt at the bank, and what banks said. Parties are owners of
ledger accounts: "affiliate:<id>" or "merchant:<id>"."""
import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, Text, UniqueConstraint, text

from affiliates.payouts import sealing
from affiliates.payouts.moves import ATTEMPT_STATES, BATCH_STATES, OPEN, PAYOUT_STATES
from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

METHODS = ("bank", "sandbox", "stripe")
REASONS = ("debt", "below_threshold", "frozen", "no_account", "unverified", "account_new", "other_method",
           "under_way", "balance_changed")


class PayoutAccount(Base):
    """Where a party wants its money. A change is a new row, usable a day later; the old one stays for its payouts."""
    __tablename__ = "payout_accounts"
    id: Mapped[uuid.UUID] = uuid_pk()
    owner: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(choice(*METHODS, column="payout_method"))
    holder: Mapped[str] = mapped_column(Text)
    sealed: Mapped[dict] = mapped_column("details")  # see sealing.py
    by_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    usable_from: Mapped[datetime]
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    replaced_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_payout_accounts_current", "owner", unique=True, postgresql_where=text("replaced_at IS NULL")),
        CheckConstraint("(verified_at IS NULL) = (verified_by IS NULL)", name="verified"),
        CheckConstraint("holder <> ''", name="holder"))

    @property
    def details(self) -> dict:
        """bank: iban, or number and bank_code; bic · stripe: account · sandbox: outcome. Raises Unreadable."""
        return sealing.unseal(self.sealed, self.owner)

    @details.setter
    def details(self, plain: dict) -> None:
        self.sealed = sealing.seal(plain, self.owner)


class PayoutBatch(Base):
    """Payouts that are approved together, by somebody else than who made them."""
    __tablename__ = "payout_batches"
    id: Mapped[uuid.UUID] = uuid_pk()
    number: Mapped[int] = mapped_column(Integer, unique=True)
    currency: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(choice(*METHODS, column="payout_channel"))  # bank: by file
    threshold_minor: Mapped[int]
    state: Mapped[str] = mapped_column(choice(*BATCH_STATES, column="batch_state"), default="draft")
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()
    approved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    approved_at: Mapped[datetime | None]
    exported_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("approved_by <> created_by", name="second_person"),
        CheckConstraint("(state IN ('approved', 'done')) = (approved_by IS NOT NULL)", name="approved"),
        CheckConstraint("threshold_minor > 0", name="threshold"))


class Payout(Base):
    __tablename__ = "payouts"
    id: Mapped[uuid.UUID] = uuid_pk()
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payout_batches.id"))
    owner: Mapped[str] = mapped_column(Text)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payout_accounts.id"))
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    state: Mapped[str] = mapped_column(choice(*PAYOUT_STATES, column="payout_state"), default="draft")
    attempt: Mapped[int] = mapped_column(Integer, default=1)  # the running one
    failure: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("batch_id", "owner", "currency"), CheckConstraint("amount_minor > 0", name="amount"),
        Index("ix_payouts_owner", "owner", "id"),
        Index("uq_payouts_open", "owner", "currency", unique=True,
              postgresql_where=text(f"state IN {tuple(sorted(OPEN))}")))


class PayoutExclusion(Base):
    """Who was left out of a batch, and why."""
    __tablename__ = "payout_exclusions"
    batch_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payout_batches.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(Text, primary_key=True)
    balance_minor: Mapped[int]
    reason: Mapped[str] = mapped_column(choice(*REASONS, column="exclusion_reason"))


class PayoutAttempt(Base):
    """One try to send a payout, written before anybody is called. Its key makes it happen once at the provider."""
    __tablename__ = "payout_attempts"
    id: Mapped[uuid.UUID] = uuid_pk()
    payout_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("payouts.id"))
    n: Mapped[int] = mapped_column(Integer)
    provider: Mapped[str] = mapped_column(choice(*METHODS, column="attempt_provider"))
    key: Mapped[str] = mapped_column(Text, unique=True)  # at most 35 characters, as pain.001 wants
    state: Mapped[str] = mapped_column(choice(*ATTEMPT_STATES, column="attempt_state"), default="created")
    provider_ref: Mapped[str | None] = mapped_column(Text)
    failure: Mapped[str | None] = mapped_column(Text)
    checks: Mapped[int] = mapped_column(Integer, default=0)
    check_at: Mapped[datetime | None]  # when to send it, or to ask what became of it
    created_at: Mapped[datetime] = created_column()
    sent_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        UniqueConstraint("payout_id", "n"),
        Index("ix_payout_attempts_due", "check_at", postgresql_where=text(
            "state IN ('created', 'calling', 'sent', 'unknown')")))


class Reconciliation(Base):
    """A bank's file that was applied; the same file again changes nothing."""
    __tablename__ = "payout_reconciliations"
    id: Mapped[uuid.UUID] = uuid_pk()
    digest: Mapped[str] = mapped_column(Text, unique=True)
    filename: Mapped[str] = mapped_column(Text)
    rows: Mapped[int] = mapped_column(Integer)
    changed: Mapped[int] = mapped_column(Integer)
    total_minor: Mapped[int]
    by_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    created_at: Mapped[datetime] = created_column()


class PayoutNotice(Base):
    """A webhook of a payout provider, kept once per its event."""
    __tablename__ = "payout_notices"
    id: Mapped[uuid.UUID] = uuid_pk()
    provider: Mapped[str] = mapped_column(Text)
    event_id: Mapped[str] = mapped_column(Text)
    body: Mapped[dict]
    effect: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = created_column()
    __table_args__ = (UniqueConstraint("provider", "event_id"),)


class SandboxPayout(Base):
    """The sandbox bank's own book of what it was asked to pay."""
    __tablename__ = "sandbox_payouts"
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    amount_minor: Mapped[int]
    currency: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(choice("paid", "rejected", "returned", column="sandbox_payout_state"))
    silent_until: Mapped[datetime | None]
    created_at: Mapped[datetime] = created_column()


EXTRA_DDL += [
    # Whoever writes: a payout only moves as affiliates/payouts/moves.py says, and its sum never changes.
    """CREATE OR REPLACE FUNCTION payout_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'DELETE' OR (NEW.batch_id, NEW.owner, NEW.account_id, NEW.currency, NEW.amount_minor)
          IS DISTINCT FROM (OLD.batch_id, OLD.owner, OLD.account_id, OLD.currency, OLD.amount_minor)
          OR OLD.state <> NEW.state AND NOT (OLD.state || '>' || NEW.state = ANY(ARRAY[
            'draft>reserved', 'draft>dropped', 'reserved>submitted', 'reserved>unknown', 'reserved>paid',
            'reserved>rejected', 'reserved>returned', 'submitted>paid', 'submitted>rejected', 'submitted>returned',
            'submitted>unknown', 'unknown>submitted', 'unknown>paid', 'unknown>rejected', 'unknown>returned',
            'paid>returned', 'rejected>reserved'])) THEN
        RAISE EXCEPTION 'payout % does not go from % there', OLD.id, OLD.state
          USING ERRCODE = 'integrity_constraint_violation';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER payout_moves BEFORE UPDATE OR DELETE ON payouts
    FOR EACH ROW EXECUTE FUNCTION payout_moves()""",
]
