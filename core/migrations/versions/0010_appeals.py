"""Affiliates appeal a line."""
import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "commission_appeals",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("commission_id", sa.Uuid(), nullable=False),
        sa.Column("affiliate_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.CheckConstraint("body <> ''", name=op.f("ck_commission_appeals_body")),
        sa.CheckConstraint("num_nonnulls(answered_at, answered_by) IN (0, 2) AND (answered_at IS NULL) = "
                           "(answer = '')", name=op.f("ck_commission_appeals_answered")),
        sa.ForeignKeyConstraint(["commission_id"], ["commissions.id"],
                                name=op.f("fk_commission_appeals_commission_id")),
        sa.ForeignKeyConstraint(["affiliate_id"], ["affiliates.id"],
                                name=op.f("fk_commission_appeals_affiliate_id")),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"],
                                name=op.f("fk_commission_appeals_merchant_id")),
        sa.ForeignKeyConstraint(["answered_by"], ["members.id"],
                                name=op.f("fk_commission_appeals_answered_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commission_appeals")))
    op.create_index(op.f("ix_commission_appeals_commission_id"), "commission_appeals", ["commission_id"])
    op.create_index(op.f("ix_commission_appeals_affiliate_id"), "commission_appeals", ["affiliate_id"])
    op.create_index("ix_commission_appeals_merchant", "commission_appeals", ["merchant_id", "id"])
    op.create_index("uq_commission_appeals_open", "commission_appeals", ["commission_id"], unique=True,
                    postgresql_where=sa.text("answered_at IS NULL"))


def downgrade():
    op.drop_table("commission_appeals")
