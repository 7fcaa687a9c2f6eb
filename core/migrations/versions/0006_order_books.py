"""The platform's fee on orders, and the books of the orders that are there already."""
import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ACCOUNTS = """
INSERT INTO ledger_accounts (id, owner, kind, currency, side, floor)
SELECT gen_random_uuid(), owner, kind, currency, side, false FROM (
  SELECT DISTINCT 'platform' AS owner, 'clearing' AS kind, p.currency, 'debit' AS side
  FROM payments p JOIN orders o ON o.id = p.order_id
  WHERE p.state IN ('succeeded', 'returned') AND NOT o.rehearsal
  UNION
  SELECT DISTINCT 'merchant:' || o.merchant_id, 'sales', p.currency, 'credit'
  FROM payments p JOIN orders o ON o.id = p.order_id
  WHERE p.state IN ('succeeded', 'returned') AND NOT o.rehearsal) wanted"""
# As orders/books.py writes them; nobody paid a fee before this.
TRANSFERS = """
INSERT INTO ledger_transfers (id, key, debit_id, credit_id, currency, amount_minor, code, journal, state, created_at)
SELECT gen_random_uuid(), m.key, CASE WHEN m.comes THEN c.id ELSE s.id END, CASE WHEN m.comes THEN s.id ELSE c.id END,
       m.currency, m.amount_minor, m.code, 'order:' || m.order_id, 'posted', m.at
FROM (
  SELECT 'pay:' || p.id AS key, true AS comes, p.currency, p.amount_minor, o.merchant_id, o.id AS order_id,
         CASE p.state WHEN 'succeeded' THEN 'payment' ELSE 'late_payment' END AS code,
         coalesce(p.ended_at, p.created_at) AS at
  FROM payments p JOIN orders o ON o.id = p.order_id
  WHERE p.state IN ('succeeded', 'returned') AND NOT o.rehearsal
  UNION ALL
  SELECT 'refund:' || r.id || ':' || r.attempt, false, p.currency, r.amount_minor, o.merchant_id, o.id,
         CASE p.state WHEN 'succeeded' THEN 'refund' ELSE 'late_refund' END,
         greatest(r.created_at, p.ended_at)
  FROM refunds r JOIN payments p ON p.id = r.payment_id JOIN orders o ON o.id = r.order_id
  WHERE r.state <> 'failed' AND p.state IN ('succeeded', 'returned') AND NOT o.rehearsal) m
JOIN ledger_accounts c ON (c.owner, c.kind, c.currency) = ('platform', 'clearing', m.currency)
JOIN ledger_accounts s ON (s.owner, s.kind, s.currency) = ('merchant:' || m.merchant_id, 'sales', m.currency)
ORDER BY m.at, m.key"""


def upgrade():
    op.add_column("orders", sa.Column("fee_ppm", sa.Integer(), server_default="0", nullable=False))
    op.add_column("orders", sa.Column("fee_minor", sa.BigInteger(), sa.Computed(
        "CASE WHEN paid_at IS NULL THEN 0 "
        "ELSE div((total_minor - refunded_minor)::numeric * fee_ppm + 500000, 1000000)::bigint END",
        persisted=True), nullable=False))
    op.create_check_constraint(op.f("ck_orders_fee_ppm"), "orders", "fee_ppm BETWEEN 0 AND 1000000")
    op.execute(ACCOUNTS)
    op.execute(TRANSFERS)


def downgrade():
    raise RuntimeError("money is not taken out of a database; restore a backup instead")
