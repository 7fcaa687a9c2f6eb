"""What affiliates say against a held or reversed line, and what the shop answered."""
import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Text, text

from core.db import Base, Mapped, created_column, mapped_column, uuid_pk


class Appeal(Base):
    """One wish to look again at a commission; answered once, with a note. One is open at a time."""
    __tablename__ = "commission_appeals"
    id: Mapped[uuid.UUID] = uuid_pk()
    commission_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("commissions.id"), index=True)
    affiliate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("affiliates.id"), index=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    answer: Mapped[str] = mapped_column(Text, default="")
    __table_args__ = (
        CheckConstraint("body <> ''", name="body"),
        CheckConstraint("num_nonnulls(answered_at, answered_by) IN (0, 2) AND (answered_at IS NULL) = (answer = '')",
                        name="answered"),
        Index("ix_commission_appeals_merchant", "merchant_id", "id"),
        Index("uq_commission_appeals_open", "commission_id", unique=True,
              postgresql_where=text("answered_at IS NULL")))
