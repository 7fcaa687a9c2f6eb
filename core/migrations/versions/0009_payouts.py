"""Payout accounts, batches, attempts, and what banks said."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('payout_notices',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('provider', sa.Text(), nullable=False),
    sa.Column('event_id', sa.Text(), nullable=False),
    sa.Column('body', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('effect', sa.Text(), nullable=True),
    sa.Column('received_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_notices')),
    sa.UniqueConstraint('provider', 'event_id', name=op.f('uq_payout_notices_provider_event_id'))
    )
    op.create_table('payout_reconciliations',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('digest', sa.Text(), nullable=False),
    sa.Column('filename', sa.Text(), nullable=False),
    sa.Column('rows', sa.Integer(), nullable=False),
    sa.Column('changed', sa.Integer(), nullable=False),
    sa.Column('total_minor', sa.BigInteger(), nullable=False),
    sa.Column('by_member_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.ForeignKeyConstraint(['by_member_id'], ['members.id'], name=op.f('fk_payout_reconciliations_by_member_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_reconciliations')),
    sa.UniqueConstraint('digest', name=op.f('uq_payout_reconciliations_digest'))
    )
    op.create_table('payout_accounts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('method', sa.Enum('bank', 'sandbox', 'stripe', name='payout_method', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('holder', sa.Text(), nullable=False),
    sa.Column('details', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('by_member_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('usable_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('verified_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('verified_by', sa.Uuid(), nullable=True),
    sa.Column('replaced_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("holder <> ''", name=op.f('ck_payout_accounts_holder')),
    sa.CheckConstraint('(verified_at IS NULL) = (verified_by IS NULL)', name=op.f('ck_payout_accounts_verified')),
    sa.ForeignKeyConstraint(['by_member_id'], ['members.id'], name=op.f('fk_payout_accounts_by_member_id')),
    sa.ForeignKeyConstraint(['verified_by'], ['members.id'], name=op.f('fk_payout_accounts_verified_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_accounts'))
    )
    op.create_index('uq_payout_accounts_current', 'payout_accounts', ['owner'], unique=True, postgresql_where=sa.text('replaced_at IS NULL'))
    op.create_table('sandbox_payouts',
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('paid', 'rejected', 'returned', name='sandbox_payout_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('silent_until', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('key', name=op.f('pk_sandbox_payouts'))
    )
    op.create_table('payout_batches',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('channel', sa.Enum('bank', 'sandbox', 'stripe', name='payout_channel', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('threshold_minor', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'approved', 'done', 'cancelled', name='batch_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('created_by', sa.Uuid(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('approved_by', sa.Uuid(), nullable=True),
    sa.Column('approved_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('exported_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(state IN ('approved', 'done')) = (approved_by IS NOT NULL)", name=op.f('ck_payout_batches_approved')),
    sa.CheckConstraint('approved_by <> created_by', name=op.f('ck_payout_batches_second_person')),
    sa.CheckConstraint('threshold_minor > 0', name=op.f('ck_payout_batches_threshold')),
    sa.ForeignKeyConstraint(['approved_by'], ['members.id'], name=op.f('fk_payout_batches_approved_by')),
    sa.ForeignKeyConstraint(['created_by'], ['members.id'], name=op.f('fk_payout_batches_created_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_batches')),
    sa.UniqueConstraint('number', name=op.f('uq_payout_batches_number'))
    )
    op.create_table('payouts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('account_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('state', sa.Enum('draft', 'reserved', 'submitted', 'unknown', 'paid', 'rejected', 'returned', 'dropped', name='payout_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('amount_minor > 0', name=op.f('ck_payouts_amount')),
    sa.ForeignKeyConstraint(['account_id'], ['payout_accounts.id'], name=op.f('fk_payouts_account_id')),
    sa.ForeignKeyConstraint(['batch_id'], ['payout_batches.id'], name=op.f('fk_payouts_batch_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payouts')),
    sa.UniqueConstraint('batch_id', 'owner', 'currency', name=op.f('uq_payouts_batch_id_owner_currency'))
    )
    op.create_index('ix_payouts_owner', 'payouts', ['owner', 'id'], unique=False)
    op.create_index('uq_payouts_open', 'payouts', ['owner', 'currency'], unique=True, postgresql_where=sa.text("state IN ('draft', 'reserved', 'submitted', 'unknown')"))
    op.create_table('payout_exclusions',
    sa.Column('batch_id', sa.Uuid(), nullable=False),
    sa.Column('owner', sa.Text(), nullable=False),
    sa.Column('balance_minor', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Enum('debt', 'below_threshold', 'frozen', 'no_account', 'unverified', 'account_new', 'other_method', 'under_way', 'balance_changed', name='exclusion_reason', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.ForeignKeyConstraint(['batch_id'], ['payout_batches.id'], name=op.f('fk_payout_exclusions_batch_id')),
    sa.PrimaryKeyConstraint('batch_id', 'owner', name=op.f('pk_payout_exclusions'))
    )
    op.create_table('payout_attempts',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('payout_id', sa.Uuid(), nullable=False),
    sa.Column('n', sa.Integer(), nullable=False),
    sa.Column('provider', sa.Enum('bank', 'sandbox', 'stripe', name='attempt_provider', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('state', sa.Enum('created', 'calling', 'sent', 'unknown', 'paid', 'rejected', 'returned', name='attempt_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('provider_ref', sa.Text(), nullable=True),
    sa.Column('failure', sa.Text(), nullable=True),
    sa.Column('checks', sa.Integer(), nullable=False),
    sa.Column('check_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['payout_id'], ['payouts.id'], name=op.f('fk_payout_attempts_payout_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_payout_attempts')),
    sa.UniqueConstraint('key', name=op.f('uq_payout_attempts_key')),
    sa.UniqueConstraint('payout_id', 'n', name=op.f('uq_payout_attempts_payout_id_n'))
    )
    op.create_index('ix_payout_attempts_due', 'payout_attempts', ['check_at'], unique=False, postgresql_where=sa.text("state IN ('created', 'calling', 'sent', 'unknown')"))
    op.execute("""CREATE OR REPLACE FUNCTION payout_moves() RETURNS trigger LANGUAGE plpgsql AS $$
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
    END $$""")
    op.execute("""CREATE TRIGGER payout_moves BEFORE UPDATE OR DELETE ON payouts
    FOR EACH ROW EXECUTE FUNCTION payout_moves()""")


def downgrade():
    raise RuntimeError("money tables are not taken down: restore a backup instead")
