"""The ledger: accounts, transfers, balances with a floor, snapshots."""
import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('ledger_accounts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('side', sa.Enum('debit', 'credit', name='ledger_side', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('floor', sa.Boolean(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f('ck_ledger_accounts_currency')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_accounts')),
    sa.UniqueConstraint('id', 'currency', name=op.f('uq_ledger_accounts_id_currency')),
    sa.UniqueConstraint('owner', 'kind', 'currency', name=op.f('uq_ledger_accounts_owner_kind_currency'))
    )
    op.create_index('ix_ledger_accounts_kind', 'ledger_accounts', ['kind', 'currency'], unique=False)
    op.create_table('ledger_transfers',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('seq', sa.BigInteger(), sa.Identity(always=True), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('debit_id', sa.Uuid(), nullable=False),
    sa.Column('credit_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('journal', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('posted', 'pending', 'voided', name='transfer_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('of_id', sa.Uuid(), nullable=True),
    sa.Column('reverses_id', sa.Uuid(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("CASE state WHEN 'pending' THEN of_id IS NULL AND reverses_id IS NULL WHEN 'voided' THEN of_id IS NOT NULL AND reverses_id IS NULL ELSE of_id IS NULL OR reverses_id IS NULL END", name=op.f('ck_ledger_transfers_links')),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_ledger_transfers_amount')),
    sa.CheckConstraint('debit_id <> credit_id', name=op.f('ck_ledger_transfers_two_sides')),
    sa.ForeignKeyConstraint(['credit_id', 'currency'], ['ledger_accounts.id', 'ledger_accounts.currency'], name='fk_ledger_transfers_credit'),
    sa.ForeignKeyConstraint(['debit_id', 'currency'], ['ledger_accounts.id', 'ledger_accounts.currency'], name='fk_ledger_transfers_debit'),
    sa.ForeignKeyConstraint(['of_id'], ['ledger_transfers.id'], name=op.f('fk_ledger_transfers_of_id')),
    sa.ForeignKeyConstraint(['reverses_id'], ['ledger_transfers.id'], name=op.f('fk_ledger_transfers_reverses_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_ledger_transfers')),
    sa.UniqueConstraint('key', name=op.f('uq_ledger_transfers_key')),
    sa.UniqueConstraint('of_id', name=op.f('uq_ledger_transfers_of_id'))
    )
    op.create_index('ix_ledger_transfers_credit', 'ledger_transfers', ['credit_id', 'seq'], unique=False, postgresql_include=['amount_minor', 'state'])
    op.create_index('ix_ledger_transfers_debit', 'ledger_transfers', ['debit_id', 'seq'], unique=False, postgresql_include=['amount_minor', 'state'])
    op.create_index('ix_ledger_transfers_journal', 'ledger_transfers', ['journal'], unique=False, postgresql_where=sa.text("journal <> ''"))
    op.create_index('ix_ledger_transfers_reverses', 'ledger_transfers', ['reverses_id'], unique=False, postgresql_where=sa.text('reverses_id IS NOT NULL'))
    op.create_table('ledger_balances',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('posted_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('reserved_minor', sa.BigInteger(), server_default='0', nullable=False),
    sa.CheckConstraint('reserved_minor >= 0 AND posted_minor >= reserved_minor', name=op.f('ck_ledger_balances_floor')),
    sa.ForeignKeyConstraint(['account_id'], ['ledger_accounts.id'], name=op.f('fk_ledger_balances_account_id')),
    sa.PrimaryKeyConstraint('account_id', name=op.f('pk_ledger_balances'))
    )
    op.create_table('ledger_snapshots',
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('through_seq', sa.BigInteger(), nullable=False),
    sa.Column('debits_minor', sa.BigInteger(), nullable=False),
    sa.Column('credits_minor', sa.BigInteger(), nullable=False),
    sa.Column('transfers', sa.BigInteger(), nullable=False),
    sa.Column('folded_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['ledger_accounts.id'], name=op.f('fk_ledger_snapshots_account_id')),
    sa.PrimaryKeyConstraint('account_id', 'through_seq', name=op.f('pk_ledger_snapshots'))
    )
    op.execute("""CREATE OR REPLACE FUNCTION ledger_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'TRUNCATE' AND current_setting('ledger.may_truncate', true) = 'yes' THEN
        RETURN NULL;
      END IF;
      RAISE EXCEPTION 'the ledger only grows: % on %', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
    END $$""")
    op.execute("""CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON ledger_accounts
    FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON ledger_transfers
    FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE TRIGGER ledger_only_grows BEFORE UPDATE OR DELETE ON ledger_snapshots
    FOR EACH ROW EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_transfers
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE TRIGGER ledger_no_truncate BEFORE TRUNCATE ON ledger_snapshots
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_only_grows()""")
    op.execute("""CREATE OR REPLACE FUNCTION ledger_open_balance() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO ledger_balances (account_id) VALUES (NEW.id);
      RETURN NULL;
    END $$""")
    op.execute("""CREATE TRIGGER ledger_open_balance AFTER INSERT ON ledger_accounts
    FOR EACH ROW WHEN (NEW.floor) EXECUTE FUNCTION ledger_open_balance()""")
    op.execute("""CREATE OR REPLACE FUNCTION ledger_links_fit() RETURNS trigger LANGUAGE plpgsql AS $$
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
    END $$""")
    op.execute("""CREATE TRIGGER ledger_links_fit BEFORE INSERT ON ledger_transfers
    FOR EACH ROW WHEN (NEW.of_id IS NOT NULL OR NEW.reverses_id IS NOT NULL) EXECUTE FUNCTION ledger_links_fit()""")
    op.execute("""CREATE OR REPLACE FUNCTION ledger_keep_balances() RETURNS trigger LANGUAGE plpgsql AS $$
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
    END $$""")
    op.execute("""CREATE TRIGGER ledger_keep_balances AFTER INSERT ON ledger_transfers REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_keep_balances()""")


def downgrade():
    raise RuntimeError("money tables are not taken down: restore a backup instead")
