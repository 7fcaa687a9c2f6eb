"""A show's video."""
import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "video_channels",
        sa.Column("live_session_id", sa.Uuid(), nullable=False),
        sa.Column("external_url", sa.Text(), nullable=False),
        sa.Column("key_nonce", sa.Text(), nullable=False),
        sa.Column("key_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("public_dir", sa.Text(), nullable=False),
        sa.Column("private_dir", sa.Text(), nullable=False),
        sa.Column("status", sa.Enum("off", "on", "lost", "over", name="status", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("recording", sa.Enum("on", "stopped", "deleted", name="recording", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("recording_stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("trim_start_ms", sa.Integer(), nullable=False),
        sa.Column("trim_end_ms", sa.Integer(), nullable=True),
        sa.CheckConstraint("trim_start_ms >= 0 AND (trim_end_ms IS NULL OR trim_end_ms > trim_start_ms)", name=op.f("ck_video_channels_trim")),
        sa.ForeignKeyConstraint(["live_session_id"], ["live_sessions.id"], name=op.f("fk_video_channels_live_session_id_live_sessions"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("live_session_id", name=op.f("pk_video_channels")),
    )


def downgrade():
    op.drop_table("video_channels")
