"""A second, smaller picture of a show."""
import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade():
    op.add_column("video_channels", sa.Column("small", sa.String(24), server_default="off", nullable=False))
    op.alter_column("video_channels", "small", server_default=None)
    op.create_check_constraint(op.f("ck_video_channels_small"), "video_channels",
                               "small IN ('off', 'on', 'behind', 'needless')")


def downgrade():
    op.drop_column("video_channels", "small")
