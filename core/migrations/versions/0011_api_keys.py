"""Keys with which programs act for members, and answers to writes that may be sent twice."""
import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("merchant_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("scopes", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("cardinality(scopes) >= 1", name=op.f("ck_api_keys_scopes")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_api_keys_name")),
        sa.CheckConstraint("NOT scopes && ARRAY['shop:read', 'shop:write'] OR merchant_id IS NOT NULL",
                           name=op.f("ck_api_keys_shop")),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_api_keys_member_id"),
                                ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["merchant_id"], ["merchants.id"], name=op.f("fk_api_keys_merchant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_keys_token_hash")))
    op.create_index(op.f("ix_api_keys_member_id"), "api_keys", ["member_id"])
    op.create_index(op.f("ix_api_keys_merchant_id"), "api_keys", ["merchant_id"])
    op.create_table(
        "api_answers",
        sa.Column("api_key_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("now()")),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_api_answers_api_key_id"),
                                ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("api_key_id", "key", name=op.f("pk_api_answers")))
    op.create_index("ix_api_answers_created", "api_answers", ["created_at"])


def downgrade():
    op.drop_table("api_answers")
    op.drop_table("api_keys")
