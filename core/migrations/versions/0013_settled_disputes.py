"""A merchant's settlement tells disputes from refunds."""
import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None
DUE = "ck_settlement_merchants_due"


def upgrade():
    op.add_column("settlement_merchants", sa.Column("disputes_minor", sa.BigInteger(), server_default="0",
                                                    nullable=False))
    op.alter_column("settlement_merchants", "disputes_minor", server_default=None)
    op.drop_constraint(op.f(DUE), "settlement_merchants", type_="check")
    op.create_check_constraint(
        op.f(DUE), "settlement_merchants",
        "due_minor = sales_minor - refunds_minor - disputes_minor - fees_minor - commissions_minor")


def downgrade():
    raise RuntimeError("money tables are not taken down: restore a backup instead")
