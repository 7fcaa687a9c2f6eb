"""Claims, holds and counts lose their foreign keys; answers are found by time; rows that are born published wake
nobody (docs/decisions/0020)."""
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

GONE = {"holds": ("stock_id", "offer_id", "member_id"), "offer_members": ("stock_id", "member_id"),
        "claims": ("stock_id", "member_id")}


def upgrade():
    for table, columns in GONE.items():
        for column in columns:
            op.drop_constraint(f"fk_{table}_{column}", table, type_="foreignkey")
    op.drop_index("ix_claims_stock_id", "claims")
    op.create_index("ix_claims_created_at", "claims", ["created_at"], postgresql_using="brin")
    op.execute("""CREATE OR REPLACE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('outbox', CASE WHEN bool_or(urgent) THEN 'now' ELSE '' END) FROM fresh
      WHERE published_at IS NULL HAVING count(*) > 0;
      RETURN NULL;
    END $$""")


def downgrade():
    raise RuntimeError("migrations go forward only: restore a backup")
