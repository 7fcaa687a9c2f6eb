"""Reading stock, holds and the line."""
import uuid
from functools import cache

from sqlalchemy import bindparam, func, select

from campaigns.stock.errors import UnknownOffer
from campaigns.stock.models import Hold, OfferMember, OfferStock, WaitlistEntry
from core.clock import iso
from core.errors import NotFound


def stock_of(db, offer_id: uuid.UUID, rehearsal: bool = False) -> OfferStock:
    """The running numbers of an offer. Raises UnknownOffer."""
    row = db.scalar(select(OfferStock).where(OfferStock.offer_id == offer_id, OfferStock.rehearsal == rehearsal))
    if row is None:
        raise UnknownOffer
    return row


def lock_stock(db, stock_id: uuid.UUID) -> OfferStock:
    """The same row, locked until the transaction ends and read anew. Lock stock before holds, always, in id order."""
    row = db.scalar(select(OfferStock).where(OfferStock.id == stock_id).with_for_update(key_share=True)
                    .execution_options(populate_existing=True))
    if row is None:
        raise UnknownOffer
    return row


def lock_all(db, offer_ids: list[uuid.UUID]) -> None:
    """Lock every row of these offers, rehearsals too, in id order as a batch of claims does."""
    db.execute(select(OfferStock.id).where(OfferStock.offer_id.in_(offer_ids)).order_by(OfferStock.id)
               .with_for_update(key_share=True))


def access_hold(db, hold_id: uuid.UUID, member_id: uuid.UUID) -> Hold:
    """A member's own hold. Raises NotFound for anybody else's."""
    hold = db.get(Hold, hold_id)
    if hold is None or hold.member_id != member_id:
        raise NotFound
    return hold


def stock_out(row) -> dict:
    """What everybody may know of an offer's numbers; values, not deltas."""
    return {"version": row.version, "mode": row.mode, "left": row.left, "held": row.held, "sold": row.sold,
            "reserve": row.reserve, "waiting": row.waiting, "price_minor": row.price_minor,
            "opens_at": iso(row.opens_at), "closes_at": iso(row.closes_at), "rehearsal": row.rehearsal}


def hold_out(hold, currency: str) -> dict:
    return {"id": str(hold.id), "offer_id": str(hold.offer_id), "quantity": hold.quantity,
            "price_minor": hold.price_minor, "currency": currency, "state": hold.state, "source": hold.source,
            "expires_at": iso(hold.expires_at), "created_at": iso(hold.created_at)}


def place(db, entry: WaitlistEntry) -> int:
    """1 is next."""
    ahead = select(func.count()).where(WaitlistEntry.stock_id == entry.stock_id, WaitlistEntry.state == "waiting",
                                       WaitlistEntry.id < entry.id)
    return db.scalar(ahead) + 1


def mine(db, member_id: uuid.UUID, offer_ids: list[uuid.UUID], rehearsal: bool = False) -> dict:
    """What a member has going on in these offers: running holds, places in line, and units against the limit."""
    given = {"member": member_id, "offers": offer_ids, "rehearsal": rehearsal}
    holds, waits, units = (db.execute(statement, given).all() for statement in _mine_statements())
    return {"holds": [hold_out(hold, hold.currency) for hold in holds],
            "waits": [{"offer_id": str(offer), "quantity": quantity, "place": number}
                      for offer, quantity, number in waits],
            "units": {str(offer): count for offer, count in units}}


@cache  # every snapshot of a signed-in viewer asks: built once
def _mine_statements():
    member = bindparam("member")
    stocks = select(OfferStock.id).where(OfferStock.offer_id.in_(bindparam("offers", expanding=True)),
                                         OfferStock.rehearsal == bindparam("rehearsal"))
    holds = (select(Hold.id, Hold.offer_id, Hold.quantity, Hold.price_minor, Hold.state, Hold.source, Hold.expires_at,
                    Hold.created_at, OfferStock.currency).join(OfferStock, OfferStock.id == Hold.stock_id)
             .where(Hold.member_id == member, Hold.state == "held", Hold.stock_id.in_(stocks))
             .order_by(Hold.created_at))
    ahead = WaitlistEntry.__table__.alias("ahead")
    in_front = (select(func.count()).where(ahead.c.stock_id == WaitlistEntry.stock_id, ahead.c.state == "waiting",
                                           ahead.c.id < WaitlistEntry.id).scalar_subquery())
    waits = (select(WaitlistEntry.offer_id, WaitlistEntry.quantity, in_front + 1)
             .where(WaitlistEntry.member_id == member, WaitlistEntry.state == "waiting",
                    WaitlistEntry.stock_id.in_(stocks)))
    units = (select(OfferStock.offer_id, OfferMember.units).join(OfferStock, OfferStock.id == OfferMember.stock_id)
             .where(OfferMember.member_id == member, OfferMember.stock_id.in_(stocks)))
    return holds, waits, units
