"""Money that a buyer's bank takes back, and gives back when the shop wins."""
import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("provider_ref", sa.Text(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Enum("open", "won", "lost", name="dispute_state", native_enum=False,
                                   create_constraint=True, length=24), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_disputes_amount")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_disputes_order_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_disputes_payment_id"),
                                ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("provider", "provider_ref", name=op.f("uq_disputes_provider_provider_ref")))
    op.create_index(op.f("ix_disputes_order_id"), "disputes", ["order_id"])
    op.create_index(op.f("ix_disputes_payment_id"), "disputes", ["payment_id"])
    op.add_column("orders", sa.Column("disputed_minor", sa.BigInteger(), server_default="0", nullable=False))
    op.create_check_constraint(op.f("ck_orders_disputed"), "orders", "disputed_minor >= 0")
    op.add_column("sandbox_charges", sa.Column("dispute", sa.String(24), nullable=True))
    op.create_check_constraint(op.f("ck_sandbox_charges_sandbox_dispute"), "sandbox_charges",
                               "dispute IN ('open', 'won', 'lost')")
    for name, rule in (("sign", "amount_minor <= 0 OR cause_type = 'correction' OR basis_minor < 0"),
                       ("basis", "basis_minor >= 0 OR cause_type = 'dispute'")):
        op.drop_constraint(op.f(f"ck_commission_adjustments_{name}"), "commission_adjustments", type_="check")
        op.create_check_constraint(op.f(f"ck_commission_adjustments_{name}"), "commission_adjustments", rule)


def downgrade():
    raise RuntimeError("money tables are not taken down: restore a backup instead")
