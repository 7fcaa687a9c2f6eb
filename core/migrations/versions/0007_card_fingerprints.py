"""One card in two accounts can be told, where the provider tells."""
import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("saved_cards", sa.Column("fingerprint", sa.Text(), nullable=True))
    op.create_index(op.f("ix_saved_cards_fingerprint"), "saved_cards", ["fingerprint"])


def downgrade():
    op.drop_index(op.f("ix_saved_cards_fingerprint"), "saved_cards")
    op.drop_column("saved_cards", "fingerprint")
