"""Settlement runs, their chunks, and what each run took."""
import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table('settlement_runs',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('campaign_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('currency', sa.Text(), nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('state', sa.Enum('open', 'running', 'settled', 'audited', 'blocked', name='settlement_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('cutoff', sa.DateTime(timezone=True), nullable=False),
    sa.Column('opened_by', sa.Uuid(), nullable=True),
    sa.Column('opened_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('audited_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('result', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['campaign_id'], ['campaigns.id'], name=op.f('fk_settlement_runs_campaign_id')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_settlement_runs_merchant_id')),
    sa.ForeignKeyConstraint(['opened_by'], ['members.id'], name=op.f('fk_settlement_runs_opened_by')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_settlement_runs')),
    sa.UniqueConstraint('campaign_id', 'seq', name=op.f('uq_settlement_runs_campaign_id_seq'))
    )
    op.create_index(op.f('ix_settlement_runs_merchant_id'), 'settlement_runs', ['merchant_id'], unique=False)
    op.create_index('uq_settlement_runs_unfinished', 'settlement_runs', ['campaign_id'], unique=True, postgresql_where=sa.text("state <> 'audited'"))
    op.create_table('settlement_adjustments',
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('adjustment_id', sa.Uuid(), nullable=False),
    sa.Column('commission_id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('affiliate_id', 'adjustment_id', name=op.f('pk_settlement_adjustments'))
    )
    op.create_index('ix_settlement_adjustments_run', 'settlement_adjustments', ['run_id'], unique=False, postgresql_using='brin')
    op.create_table('settlement_items',
    sa.Column('affiliate_id', sa.Uuid(), nullable=False),
    sa.Column('commission_id', sa.Uuid(), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('affiliate_id', 'commission_id', name=op.f('pk_settlement_items'))
    )
    op.create_index('ix_settlement_items_run', 'settlement_items', ['run_id'], unique=False, postgresql_using='brin')
    op.create_table('settlement_merchants',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('merchant_id', sa.Uuid(), nullable=False),
    sa.Column('orders', sa.BigInteger(), nullable=False),
    sa.Column('sales_minor', sa.BigInteger(), nullable=False),
    sa.Column('refunds_minor', sa.BigInteger(), nullable=False),
    sa.Column('fees_minor', sa.BigInteger(), nullable=False),
    sa.Column('commissions_minor', sa.BigInteger(), nullable=False),
    sa.Column('due_minor', sa.BigInteger(), nullable=False),
    sa.Column('before_minor', sa.BigInteger(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.CheckConstraint('amount_minor = due_minor - before_minor', name=op.f('ck_settlement_merchants_amount')),
    sa.CheckConstraint('due_minor = sales_minor - refunds_minor - fees_minor - commissions_minor', name=op.f('ck_settlement_merchants_due')),
    sa.ForeignKeyConstraint(['merchant_id'], ['merchants.id'], name=op.f('fk_settlement_merchants_merchant_id')),
    sa.ForeignKeyConstraint(['run_id'], ['settlement_runs.id'], name=op.f('fk_settlement_merchants_run_id')),
    sa.PrimaryKeyConstraint('run_id', name=op.f('pk_settlement_merchants'))
    )
    op.create_index(op.f('ix_settlement_merchants_merchant_id'), 'settlement_merchants', ['merchant_id'], unique=False)
    op.create_table('settlement_chunks',
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('no', sa.Integer(), nullable=False),
    sa.Column('lo', sa.Uuid(), nullable=False),
    sa.Column('hi', sa.Uuid(), nullable=False),
    sa.Column('state', sa.Enum('todo', 'done', 'failed', name='chunk_state', native_enum=False, create_constraint=True, length=24), nullable=False),
    sa.Column('parties', sa.Integer(), nullable=False),
    sa.Column('items', sa.BigInteger(), nullable=False),
    sa.Column('adjustments', sa.BigInteger(), nullable=False),
    sa.Column('amount_minor', sa.BigInteger(), nullable=False),
    sa.Column('tries', sa.Integer(), nullable=False),
    sa.Column('error', sa.Text(), nullable=True),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('lo <= hi', name=op.f('ck_settlement_chunks_range')),
    sa.ForeignKeyConstraint(['run_id'], ['settlement_runs.id'], name=op.f('fk_settlement_chunks_run_id')),
    sa.PrimaryKeyConstraint('run_id', 'no', name=op.f('pk_settlement_chunks'))
    )
    op.create_index('ix_settlement_chunks_todo', 'settlement_chunks', ['run_id', 'no'], unique=False, postgresql_where=sa.text("state = 'todo'"))
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON settlement_items
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON settlement_adjustments
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")
    op.execute("""CREATE TRIGGER facts_only_grow BEFORE UPDATE OR DELETE ON settlement_merchants
    FOR EACH ROW EXECUTE FUNCTION facts_only_grow()""")


def downgrade():
    raise RuntimeError("money tables are not taken down: restore a backup instead")
