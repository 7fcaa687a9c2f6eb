"""A show's video: where it comes from, who may send it, how it is now, and what is kept of it."""
import uuid
from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Integer, Text

from core.db import Base, Mapped, choice, mapped_column

STATUSES = ("off", "on", "lost", "over")
RECORDINGS = ("on", "stopped", "deleted")
# The second picture: as the host switched it, or switched off by itself because the machine did not keep up, or
# because the picture that comes is small already.
SMALL = ("off", "on", "behind", "needless")


class VideoChannel(Base):
    """One row a show, made when its video is first asked for."""
    __tablename__ = "video_channels"
    live_session_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("live_sessions.id", ondelete="CASCADE"),
                                                       primary_key=True)
    external_url: Mapped[str] = mapped_column(Text, default="")  # an HLS address of the merchant's own, or nothing
    key_nonce: Mapped[str] = mapped_column(Text)  # changes with each rotation: older stream keys end
    key_until: Mapped[datetime]
    # Folders below DATA_DIR/video/<show>, named so that nobody guesses them: they are in the segments' addresses.
    public_dir: Mapped[str] = mapped_column(Text)
    private_dir: Mapped[str] = mapped_column(Text)  # rehearsal, preview before the start, and breaks: staff only
    status: Mapped[str] = mapped_column(choice(*STATUSES, column="status"), default="off")  # as viewers have it
    kind: Mapped[str] = mapped_column(Text, default="")  # rtmp or browser: each has its own skew
    rev: Mapped[int] = mapped_column(Integer, default=0)
    recording: Mapped[str] = mapped_column(choice(*RECORDINGS, column="recording"), default="on")
    recording_stopped_at: Mapped[datetime | None]
    small: Mapped[str] = mapped_column(choice(*SMALL, column="small"), default="off")
    bytes: Mapped[int] = mapped_column(default=0)
    hidden: Mapped[bool] = mapped_column(Boolean, default=False)
    trim_start_ms: Mapped[int] = mapped_column(Integer, default=0)  # from the recording's beginning
    trim_end_ms: Mapped[int | None] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("trim_start_ms >= 0 AND (trim_end_ms IS NULL OR trim_end_ms > trim_start_ms)",
                                      name="trim"),)

    @property
    def seen(self) -> str:
        """The status as viewers have it: an address of the merchant's own is taken to be on until the show is over."""
        return "on" if self.external_url and self.status != "over" else self.status

    def news(self) -> dict:
        """What a page knows of the film, from its snapshot and from `video.changed`."""
        return {"rev": self.rev, "status": self.seen, "kind": self.kind, "small": self.small == "on"}
