"""The running numbers of an offer, and every claim on them. Only campaigns/stock writes these tables."""
import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)

from core.db import Base, Mapped, choice, created_column, mapped_column, uuid_pk

HOLD_STATES = ("held", "consumed", "released", "expired")


class OfferStock(Base):
    """allotment = reserve + left + held + sold, always. A rehearsal has a row of its own, thrown away afterwards.

    `reserve` waits for the next flash sale, `left` can be claimed now, `held` is in baskets, `sold` is paid.
    The row is hot: what claims need is in it, and nothing indexed changes, so updates stay on the page (HOT).
    """
    __tablename__ = "offer_stock"
    id: Mapped[uuid.UUID] = uuid_pk()
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"))
    rehearsal: Mapped[bool] = mapped_column(Boolean, default=False)
    allotment: Mapped[int] = mapped_column(Integer)
    reserve: Mapped[int] = mapped_column(Integer)
    left: Mapped[int] = mapped_column(Integer, default=0)
    held: Mapped[int] = mapped_column(Integer, default=0)
    sold: Mapped[int] = mapped_column(Integer, default=0)
    waiting: Mapped[int] = mapped_column(Integer, default=0)  # people in the waitlist
    version: Mapped[int] = mapped_column(BigInteger, default=0)  # grows with every change; pages ignore older ones
    # closed: not on sale; flash: on sale between opens_at and closes_at; open: on sale until the show ends.
    mode: Mapped[str] = mapped_column(choice("closed", "flash", "open", column="stock_mode"), default="closed")
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    live_session_id: Mapped[uuid.UUID | None] = mapped_column(index=True)  # the show that sells it now
    currency: Mapped[str] = mapped_column(Text)
    price_minor: Mapped[int]  # what holds now; claims copy it
    unit_limit: Mapped[int] = mapped_column(Integer)
    hold_seconds: Mapped[int] = mapped_column(Integer)
    __table_args__ = (
        UniqueConstraint("offer_id", "rehearsal"),
        CheckConstraint("allotment = reserve + \"left\" + held + sold", name="sum"),
        CheckConstraint("reserve >= 0 AND \"left\" >= 0 AND held >= 0 AND sold >= 0 AND waiting >= 0", name="signs"),
        CheckConstraint("price_minor > 0", name="price"),
        CheckConstraint("(mode = 'flash') = (closes_at IS NOT NULL)", name="window"),
        {"postgresql_with": {"fillfactor": 50}})


class OfferMember(Base):
    """Units of an offer that a member holds or has bought: the limit, as a row. No foreign keys: see Hold."""
    __tablename__ = "offer_members"
    stock_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    units: Mapped[int] = mapped_column(Integer)
    unit_limit: Mapped[int] = mapped_column(Integer)
    __table_args__ = (CheckConstraint("units BETWEEN 0 AND unit_limit", name="units"),)


class Claim(Base):
    """What was answered to an idempotency key. The same key gets the same answer; another body under it is refused.

    No foreign keys: see Hold. Found by its key, or by when it was made (a show's figures, what is to be forgotten).
    """
    __tablename__ = "claims"
    member_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    stock_id: Mapped[uuid.UUID]
    quantity: Mapped[int] = mapped_column(Integer)
    outcome: Mapped[str] = mapped_column(choice("held", "sold_out", "over_limit", "not_open", column="claim_outcome"))
    hold_id: Mapped[uuid.UUID | None]
    created_at: Mapped[datetime] = created_column()
    __table_args__ = (CheckConstraint("(outcome = 'held') = (hold_id IS NOT NULL)", name="hold"),
                      Index("ix_claims_created_at", "created_at", postgresql_using="brin"))


class Hold(Base):
    """A member's timed claim on units. It ends once, by state: consumed by an order, released, or expired.

    No foreign keys to stock, offer and member: seven of them were half of a claim's time in the database, and they
    cannot break. The stock row is locked when a hold is made; it goes only with a rehearsal, which takes what hangs on
    it along (actions.drop_rehearsal); members are shut, never deleted. `check` looks for what would point nowhere.
    """
    __tablename__ = "holds"
    id: Mapped[uuid.UUID] = uuid_pk()
    stock_id: Mapped[uuid.UUID]
    offer_id: Mapped[uuid.UUID]
    member_id: Mapped[uuid.UUID]
    live_session_id: Mapped[uuid.UUID | None]
    quantity: Mapped[int] = mapped_column(Integer)
    price_minor: Mapped[int]  # of one unit, at the claim
    state: Mapped[str] = mapped_column(choice(*HOLD_STATES, column="hold_state"), default="held")
    source: Mapped[str] = mapped_column(choice("claim", "waitlist", "late_payment", column="hold_source"),
                                        default="claim")
    created_at: Mapped[datetime] = created_column()
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("quantity > 0 AND price_minor > 0", name="quantity"),
        CheckConstraint("(state = 'held') = (ended_at IS NULL)", name="ended"),
        Index("ix_holds_expiry", "expires_at", postgresql_where=text("state = 'held'")),
        Index("ix_holds_member", "member_id", "state"), Index("ix_holds_stock", "stock_id", "state"))


class WaitlistEntry(Base):
    """A place in line for an offer. Its id is its place: first come, first served."""
    __tablename__ = "waitlist"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    stock_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offer_stock.id", ondelete="CASCADE"))
    offer_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("offers.id"))
    member_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("members.id"), index=True)
    quantity: Mapped[int] = mapped_column(Integer)
    price_minor: Mapped[int]  # what held when the member joined; the line keeps it
    state: Mapped[str] = mapped_column(choice("waiting", "served", "gone", column="wait_state"), default="waiting")
    hold_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("holds.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = created_column()
    ended_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("(state = 'served') = (hold_id IS NOT NULL)", name="served"),
        Index("uq_waitlist_waiting", "stock_id", "member_id", unique=True, postgresql_where=text("state = 'waiting'")),
        Index("ix_waitlist_line", "stock_id", "id", postgresql_where=text("state = 'waiting'")))
