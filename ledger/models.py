"""Accounts and transfers. A transfer is one row with two sides, so the books balance by construction; rows are only
ever added, and the database itself refuses anything else.

A transfer's state: `posted` has moved money. `pending` has only set it aside; exactly one later row, whose `of_id` is
the pending one, posts it or is `voided` and lets go of it. A reversal is a posted row the other way round.
"""
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Text,
    UniqueConstraint,
    text,
)

from core.db import EXTRA_DDL, Base, Mapped, choice, created_column, mapped_column, uuid_pk

SIDES = ("debit", "credit")
STATES = ("posted", "pending", "voided")


class Account(Base):
    """Whose money of which kind in which currency. `side` says which side makes its balance grow."""
    __tablename__ = "ledger_accounts"
    id: Mapped[uuid.UUID] = uuid_pk()
    owner: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    currency: Mapped[str] = mapped_column(Text)
    side: Mapped[str] = mapped_column(choice(*SIDES, column="ledger_side"))
    floor: Mapped[bool] = mapped_column(Boolean)  # must not go below zero
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        UniqueConstraint("owner", "kind", "currency"), UniqueConstraint("id", "currency"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        Index("ix_ledger_accounts_kind", "kind", "currency"))


class Transfer(Base):
    """Money from one account to another: `debit_id` is debited, `credit_id` credited."""
    __tablename__ = "ledger_transfers"
    id: Mapped[uuid.UUID] = uuid_pk()
    # In the order of writing. Numbers may be missing (a refused write), and commit out of order; see balances.fold.
    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True))
    key: Mapped[str] = mapped_column(Text, unique=True)
    debit_id: Mapped[uuid.UUID]
    credit_id: Mapped[uuid.UUID]
    currency: Mapped[str] = mapped_column(Text)
    amount_minor: Mapped[int]
    code: Mapped[str] = mapped_column(Text)  # what for, in the caller's words: "payment", "refund"
    journal: Mapped[str] = mapped_column(Text, default="")  # what belongs together: "order:…"
    state: Mapped[str] = mapped_column(choice(*STATES, column="transfer_state"), default="posted")
    of_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ledger_transfers.id"), unique=True)
    reverses_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("ledger_transfers.id"))
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (
        ForeignKeyConstraint(["debit_id", "currency"], ["ledger_accounts.id", "ledger_accounts.currency"],
                             name="fk_ledger_transfers_debit"),
        ForeignKeyConstraint(["credit_id", "currency"], ["ledger_accounts.id", "ledger_accounts.currency"],
                             name="fk_ledger_transfers_credit"),
        CheckConstraint("amount_minor > 0", name="amount"), CheckConstraint("debit_id <> credit_id", name="two_sides"),
        CheckConstraint("CASE state WHEN 'pending' THEN of_id IS NULL AND reverses_id IS NULL "
                        "WHEN 'voided' THEN of_id IS NOT NULL AND reverses_id IS NULL "
                        "ELSE of_id IS NULL OR reverses_id IS NULL END", name="links"),
        # With what a balance needs, so that a sum reads the index alone.
        Index("ix_ledger_transfers_debit", "debit_id", "seq", postgresql_include=["amount_minor", "state"]),
        Index("ix_ledger_transfers_credit", "credit_id", "seq", postgresql_include=["amount_minor", "state"]),
        Index("ix_ledger_transfers_reverses", "reverses_id", postgresql_where=text("reverses_id IS NOT NULL")),
        Index("ix_ledger_transfers_journal", "journal", postgresql_where=text("journal <> ''")))


class Balance(Base):
    """The running balance of an account with a floor, kept by a trigger. Other accounts have none: one row that every
    payment updates would make all payments wait for each other."""
    __tablename__ = "ledger_balances"
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    posted_minor: Mapped[int] = mapped_column(default=0, server_default="0")
    reserved_minor: Mapped[int] = mapped_column(default=0, server_default="0")  # set aside by pending transfers
    __table_args__ = (CheckConstraint("reserved_minor >= 0 AND posted_minor >= reserved_minor", name="floor"),)


class Snapshot(Base):
    """An account's sums of all posted transfers up to a number, so that a balance adds only the later ones."""
    __tablename__ = "ledger_snapshots"
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("ledger_accounts.id"), primary_key=True)
    through_seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    debits_minor: Mapped[int]
    credits_minor: Mapped[int]
    transfers: Mapped[int]  # how many, so that a row taken away is missed
    folded_at: Mapped[datetime]


APPEND_ONLY = ("ledger_accounts", "ledger_transfers", "ledger_snapshots")
EXTRA_DDL += [
    # A guard against accidents and bugs; who owns the database can always take it off, and the check then says so.
    """CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'TRUNCATE' AND current_setting('ledger.may_truncate', true) = 'yes' THEN
        RETURN NULL;
      END IF;
      RAISE EXCEPTION 'the ledger only grows: % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    *(f"""CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()""" for table in APPEND_ONLY),
    *(f"""CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()""" for table in APPEND_ONLY),
    """CREATE OR REPLACE FUNCTION ledger_open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO ledger_balances (account_id) VALUES (NEW.id);
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER ledger_open_balance AFTER INSERT ON ledger_accounts
    FOR EACH ROW WHEN (NEW.floor) EXECUTE FUNCTION ledger_open_balance()""",
    # A row that answers an earlier one must fit it. The earlier one is locked, so that two answers follow each other.
    """CREATE OR REPLACE FUNCTION ledger_links_fit() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      was ledger_transfers;
    BEGIN
      SELECT * INTO was FROM ledger_transfers WHERE id = coalesce(NEW.of_id, NEW.reverses_id) FOR UPDATE;
      IF EXISTS (SELECT FROM ledger_transfers WHERE key = NEW.key) THEN
        RETURN NEW;  -- written before: the key's own rule answers
      END IF;
      IF NEW.of_id IS NOT NULL AND (was.state <> 'pending'
          OR (was.debit_id, was.credit_id, was.currency, was.amount_minor)
          IS DISTINCT FROM (NEW.debit_id, NEW.credit_id, NEW.currency, NEW.amount_minor)) THEN
        RAISE EXCEPTION 'transfer % does not fit the pending one', NEW.key
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_links_fit';
      END IF;
      IF NEW.reverses_id IS NOT NULL AND (was.state <> 'posted' OR was.reverses_id IS NOT NULL
          OR (was.debit_id, was.credit_id, was.currency) IS DISTINCT FROM (NEW.credit_id, NEW.debit_id, NEW.currency)
          OR was.amount_minor < NEW.amount_minor + (SELECT coalesce(sum(amount_minor), 0) FROM ledger_transfers
                                                    WHERE reverses_id = was.id)) THEN
        RAISE EXCEPTION 'transfer % reverses more or other than was posted', NEW.key
          USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_links_fit';
      END IF;
      RETURN NEW;
    END $$""",
    """CREATE TRIGGER ledger_links_fit BEFORE INSERT ON ledger_transfers
    FOR EACH ROW WHEN (NEW.of_id IS NOT NULL OR NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION ledger_links_fit()""",
    # Once a statement, not once a row. Rows are locked by id first, so that two statements never wait in a circle. The
    # ids stand in a variable: a locking query that joins the transition table finds nothing when it had to wait and
    # looks again (PostgreSQL 18.6: six takers of 30 out of 100 all got it).
    """CREATE OR REPLACE FUNCTION ledger_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
      ids uuid[] := ARRAY(SELECT debit_id FROM fresh UNION SELECT credit_id FROM fresh);
    BEGIN
      PERFORM 1 FROM ledger_balances WHERE account_id = ANY(ids) ORDER BY account_id FOR UPDATE;
      IF NOT FOUND THEN
        RETURN NULL;
      END IF;
      UPDATE ledger_balances b SET posted_minor = b.posted_minor + m.posted, reserved_minor = b.reserved_minor + m.kept
      FROM (
        SELECT a.id, sum(CASE WHEN f.state <> 'posted' THEN 0 WHEN f.grows THEN f.amount_minor
                              ELSE -f.amount_minor END) AS posted,
               sum(CASE WHEN f.grows THEN 0 WHEN f.state = 'pending' THEN f.amount_minor
                        WHEN f.of_id IS NOT NULL THEN -f.amount_minor ELSE 0 END) AS kept
        FROM ledger_accounts a JOIN LATERAL (
          SELECT state, of_id, amount_minor, a.side = 'debit' AS grows FROM fresh WHERE debit_id = a.id
          UNION ALL
          SELECT state, of_id, amount_minor, a.side = 'credit' FROM fresh WHERE credit_id = a.id) f ON true
        WHERE a.floor AND a.id = ANY(ids)
        GROUP BY a.id) m
      WHERE m.id = b.account_id;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER ledger_keep_balances AFTER INSERT ON ledger_transfers REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep_balances()""",
]
