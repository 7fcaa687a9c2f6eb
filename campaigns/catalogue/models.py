"""Products and variants, where their stock came from, and what they cost when."""
import uuid
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import relationship

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk


class Product(Base):
    __tablename__ = "products"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    name: Mapped[str] = mapped_column(Text)
    description: Mapped[str] = mapped_column(Text, default="")
    category: Mapped[str] = mapped_column(Text, default="")
    picture_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pictures.id"))
    created_at: Mapped[datetime] = created_column()
    archived_at: Mapped[datetime | None]
    variants: Mapped[list["Variant"]] = relationship(back_populates="product", order_by="Variant.position")


class Variant(Base):
    """What has stock; its code is a SKU. `on_hand` are units that no campaign has taken."""
    __tablename__ = "variants"
    id: Mapped[uuid.UUID] = uuid_pk()
    product_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("products.id"), index=True)
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"))
    sku: Mapped[str] = mapped_column(Text)
    option: Mapped[str] = mapped_column(Text, default="")  # "Red, large"; empty if there is one variant
    currency: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int]
    cost_minor: Mapped[int | None]
    on_hand: Mapped[int] = mapped_column(Integer, default=0)
    picture_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pictures.id"))
    position: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = created_column()
    archived_at: Mapped[datetime | None]
    product: Mapped[Product] = relationship(back_populates="variants")
    __table_args__ = (
        UniqueConstraint("merchant_id", "sku"),
        CheckConstraint("on_hand >= 0", name="on_hand"),
        CheckConstraint("price_minor > 0", name="price"), CheckConstraint("cost_minor >= 0", name="cost"))


class Picture(Base):
    """An uploaded picture, re-encoded and named by its content."""
    __tablename__ = "pictures"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    sha256: Mapped[str] = mapped_column(Text)
    media_type: Mapped[str] = mapped_column(Text)
    data: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (UniqueConstraint("merchant_id", "sha256"),)


class StockMove(Base):
    """Every change of a variant's on_hand, by whom and why; on_hand is always the sum of its moves."""
    __tablename__ = "stock_moves"
    id: Mapped[uuid.UUID] = uuid_pk()
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"), index=True)
    delta: Mapped[int] = mapped_column(Integer)
    reason: Mapped[str] = mapped_column(choice("count", "import", "allot", "unallot", "return", column="move_reason"))
    offer_id: Mapped[uuid.UUID | None] = mapped_column(index=True)  # of allot, unallot and return
    key: Mapped[str] = mapped_column(Text, unique=True)
    by_member_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("members.id"))
    note: Mapped[str] = mapped_column(Text, default="", server_default="")  # why, in the person's words
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("delta <> 0", name="delta"),)


class PriceRecord(Base):
    """A price that was asked for a variant, while it was: for "lowest of the last 30 days"
    (Directive 98/6/EC article 6a)."""
    __tablename__ = "price_records"
    id: Mapped[uuid.UUID] = uuid_pk()
    variant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("variants.id"))
    price_minor: Mapped[int]
    source: Mapped[str] = mapped_column(choice("list", "offer", column="price_source"))
    from_at: Mapped[datetime] = created_column()
    to_at: Mapped[datetime | None]
    __table_args__ = (Index("ix_price_records_variant", "variant_id", "to_at"),
                      Index("uq_price_records_open", "variant_id", "source", unique=True,
                            postgresql_where="to_at IS NULL"),
                      CheckConstraint("to_at IS NULL OR to_at >= from_at", name="span"))


class Import(Base):
    """A CSV import: the file, its preview, and how far the job is."""
    __tablename__ = "imports"
    id: Mapped[uuid.UUID] = uuid_pk()
    merchant_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("merchants.id"), index=True)
    by_member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"))
    filename: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(choice("catalogue", "invoice_lines", column="import_format"))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)  # up to 16 MB: read by the job alone
    state: Mapped[str] = mapped_column(
        choice("reading", "preview", "applying", "done", "failed", "dropped", column="import_state"), default="reading")
    progress: Mapped[int] = mapped_column(Integer, default=0)  # rows done
    total: Mapped[int] = mapped_column(Integer, default=0)  # rows in all
    options: Mapped[dict] = mapped_column(default=dict)  # start_stock, only_new
    preview: Mapped[dict | None] = mapped_column(deferred=True)  # counts, samples, rejected lines with reasons
    tries: Mapped[int] = mapped_column(Integer, default=0)  # of the step it is in; a file that kills jobs is given up
    step_at: Mapped[datetime] = created_column()  # when the step it is in was asked for
    error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    ended_at: Mapped[datetime | None]
