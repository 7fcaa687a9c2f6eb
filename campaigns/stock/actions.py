"""What changes an offer's numbers besides a claim. Every function locks the stock row first, then holds, then the line.

A hold ends once, by a conditional change of state; whoever loses that race does nothing.
"""
import uuid
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, update

from campaigns.stock import line, sharing
from campaigns.stock.errors import HoldGone, NotEnough
from campaigns.stock.models import Claim, Hold, OfferMember, OfferStock
from campaigns.stock.queries import lock_stock
from campaigns.stock.tell import changed, tell_hold, tell_stock
from core.errors import NotFound
from core.ids import made_at


def _locked_hold(db, hold_id: uuid.UUID) -> tuple[Hold, OfferStock]:
    stock_id = db.scalar(select(Hold.stock_id).where(Hold.id == hold_id))
    if stock_id is None:
        raise NotFound
    stock = lock_stock(db, stock_id)
    return db.get(Hold, hold_id, populate_existing=True), stock


def _end(db, hold: Hold, state: str) -> bool:
    """held → state, once. False if it had ended already."""
    ended = db.execute(update(Hold).where(Hold.id == hold.id, Hold.state == "held")
                       .values(state=state, ended_at=func.clock_timestamp()).returning(Hold.ended_at)
                       .execution_options(synchronize_session=False)).first()
    if ended is None:
        return False
    db.refresh(hold)
    return True


def consume(db, hold_id: uuid.UUID) -> bool:
    """held → consumed: the units are sold. False if the hold has ended (then see `reclaim`)."""
    hold, stock = _locked_hold(db, hold_id)
    if not _end(db, hold, "consumed"):
        return False
    stock.held -= hold.quantity
    stock.sold += hold.quantity
    changed(db, stock)
    tell_hold(db, hold, stock.currency)
    return True


def release(db, hold_id: uuid.UUID, member_id: uuid.UUID) -> Hold:
    """The member lets go. Letting go twice is no error. Raises NotFound, or HoldGone if it was bought."""
    hold, stock = _locked_hold(db, hold_id)
    if hold.member_id != member_id:
        raise NotFound
    if hold.state == "consumed":
        raise HoldGone
    _return_hold(db, hold, stock, "released")
    return hold


def expire_due(db, stock_id: uuid.UUID) -> int:
    """End this offer's holds whose time is over; units go to the line first. How many were ended."""
    stock = lock_stock(db, stock_id)
    due = db.scalars(select(Hold).where(Hold.stock_id == stock_id, Hold.state == "held",
                                        Hold.expires_at <= func.clock_timestamp()).order_by(Hold.id)).all()
    ended = [hold for hold in due if _take_out(db, hold, stock, "expired")]
    if ended:
        put_back(db, stock)
    return len(ended)


def _return_hold(db, hold: Hold, stock: OfferStock, state: str) -> None:
    if _take_out(db, hold, stock, state):
        put_back(db, stock)


def _take_out(db, hold: Hold, stock: OfferStock, state: str) -> bool:
    """End a hold and give its units to `left`, the limit's count to the member."""
    if not _end(db, hold, state):
        return False
    stock.held -= hold.quantity
    stock.left += hold.quantity
    _uncount(db, stock.id, hold.member_id, hold.quantity)
    tell_hold(db, hold, stock.currency)
    return True


def _uncount(db, stock_id, member_id, units: int) -> None:
    db.execute(update(OfferMember).where(OfferMember.stock_id == stock_id, OfferMember.member_id == member_id)
               .values(units=OfferMember.units - units))


def put_back(db, stock: OfferStock, urgent: bool = False) -> None:
    """Units have come back to `left`: the line is served first, and what a closed offer has left waits in reserve."""
    line.serve(db, stock)
    if stock.mode == "closed":
        stock.reserve += stock.left
        stock.left = 0
    changed(db, stock, urgent)


def reclaim(db, stock_id: uuid.UUID, member_id: uuid.UUID, quantity: int, price_minor: int) -> Hold | None:
    """A payment landed after its hold had ended: take the units again, at the order's price, if there are any.

    None if there are not, or if the member has meanwhile reached the limit; then the money goes back.
    """
    stock = lock_stock(db, stock_id)
    units = db.scalar(select(OfferMember.units).where(OfferMember.stock_id == stock_id,
                                                      OfferMember.member_id == member_id)) or 0
    taken = sharing.retake(stock.left, stock.reserve, units, stock.unit_limit, quantity)
    if taken is None:
        return None
    stock.left -= taken[0]
    stock.reserve -= taken[1]
    stock.sold += quantity
    line.count_units(db, stock, member_id, quantity)
    now = db.scalar(select(func.clock_timestamp()))
    hold = Hold(stock_id=stock.id, offer_id=stock.offer_id, member_id=member_id, quantity=quantity,
                live_session_id=stock.live_session_id, price_minor=price_minor, state="consumed",
                source="late_payment", created_at=now, expires_at=now, ended_at=now)
    db.add(hold)
    changed(db, stock)
    return hold


def return_sold(db, stock_id: uuid.UUID, member_id: uuid.UUID, quantity: int) -> None:
    """Sold units come back (a cancelled or refunded line): to the line first, then on sale or into reserve."""
    stock = lock_stock(db, stock_id)
    stock.sold -= quantity
    stock.left += quantity
    _uncount(db, stock.id, member_id, quantity)
    put_back(db, stock)


# -- what the host does ------------------------------------------------------------------------------------------


def _gather(stock: OfferStock) -> None:
    stock.reserve += stock.left
    stock.left = 0


def open_sale(db, stock_id, *, quantity: int, price_minor: int, opens_at: datetime, closes_at: datetime,
              live_session_id: uuid.UUID) -> OfferStock:
    """Put `quantity` units on flash sale for a window of server time. Raises NotEnough."""
    stock = lock_stock(db, stock_id)
    _gather(stock)
    if not 1 <= quantity <= stock.reserve:
        raise NotEnough(fields={"quantity": [str(stock.reserve)]}, available=stock.reserve)
    stock.reserve -= quantity
    stock.left = quantity
    stock.mode, stock.opens_at, stock.closes_at = "flash", opens_at, closes_at
    stock.price_minor, stock.live_session_id = price_minor, live_session_id
    put_back(db, stock, urgent=True)
    return stock


def open_shelf(db, stock_id, *, live_session_id: uuid.UUID, price_minor: int | None = None) -> OfferStock:
    """Put everything in reserve on sale until the show ends."""
    stock = lock_stock(db, stock_id)
    stock.left += stock.reserve
    stock.reserve = 0
    stock.mode, stock.opens_at, stock.closes_at = "open", db.scalar(select(func.clock_timestamp())), None
    stock.price_minor, stock.live_session_id = price_minor or stock.price_minor, live_session_id
    put_back(db, stock, urgent=True)
    return stock


def close_sale(db, stock_id, price_minor: int | None = None) -> OfferStock:
    """Nobody can claim any more; running holds go on. What is left waits in reserve."""
    stock = lock_stock(db, stock_id)
    _gather(stock)
    stock.mode, stock.opens_at, stock.closes_at = "closed", None, None
    stock.price_minor = price_minor or stock.price_minor
    changed(db, stock, urgent=True)
    return stock


def extend_sale(db, stock_id, seconds: int) -> OfferStock:
    """Move the end of a running flash sale. Raises NotFound if none is running."""
    stock = lock_stock(db, stock_id)
    if stock.mode != "flash":
        raise NotFound
    stock.closes_at += timedelta(seconds=seconds)
    changed(db, stock, urgent=True)
    return stock


def add_units(db, stock_id, units: int) -> OfferStock:
    """More units for an offer: the line first, then on sale if it is open, else reserve. The caller moves the stock."""
    stock = lock_stock(db, stock_id)
    stock.allotment += units
    stock.left += units
    put_back(db, stock, urgent=True)
    return stock


def set_price(db, stock_id, price_minor: int) -> OfferStock:
    """What new claims will pay; holds and places in line keep theirs."""
    stock = lock_stock(db, stock_id)
    stock.price_minor = price_minor
    changed(db, stock, urgent=True)
    return stock


def give_back(db, stock_id) -> int:
    """The campaign is over: close the line, take what nobody holds or bought out of the allotment. How many units."""
    stock = lock_stock(db, stock_id)
    line.close(db, stock)
    _gather(stock)
    units, stock.reserve = stock.reserve, 0
    stock.allotment -= units
    stock.mode, stock.opens_at, stock.closes_at = "closed", None, None
    changed(db, stock, urgent=True)
    return units


def start_rehearsal(db, offer_id: uuid.UUID, live_session_id: uuid.UUID) -> OfferStock:
    """A copy of an offer's numbers to play with, everything unsold and closed."""
    real = db.scalar(select(OfferStock).where(OfferStock.offer_id == offer_id, ~OfferStock.rehearsal))
    units = real.reserve + real.left
    play = OfferStock(offer_id=offer_id, rehearsal=True, allotment=units, reserve=units, version=real.version,
                      live_session_id=live_session_id, price_minor=real.price_minor, currency=real.currency,
                      unit_limit=real.unit_limit, hold_seconds=real.hold_seconds)
    db.add(play)
    changed(db, play, urgent=True)
    return play


def drop_rehearsal(db, offer_id: uuid.UUID) -> None:
    """Throw the copy away with all that hangs on it. The real row's version goes past it, so that pages follow."""
    play = db.scalar(select(OfferStock).where(OfferStock.offer_id == offer_id, OfferStock.rehearsal))
    if play is None:
        return
    real = lock_stock(db, db.scalar(select(OfferStock.id).where(OfferStock.offer_id == offer_id,
                                                                ~OfferStock.rehearsal)))
    play = lock_stock(db, play.id)  # read anew: a last claim may just have counted its version up
    version, live_session_id = play.version, play.live_session_id
    # Answers are found by time, not by offer; clocks of two machines differ by less than an hour.
    begun = made_at(play.id) - timedelta(hours=1)
    db.execute(delete(Claim).where(Claim.stock_id == play.id, Claim.created_at > begun))
    for table in (Hold, OfferMember):
        db.execute(delete(table).where(table.stock_id == play.id))
    db.delete(play)
    real.version = max(real.version, version)
    changed(db, real, urgent=True)
    if real.live_session_id != live_session_id:
        tell_stock(db, real, live_session_id, urgent=True)


def adopt(db, stock_id, live_session_id: uuid.UUID) -> None:
    """From now on this show hears of the offer's numbers. Nothing else changes."""
    lock_stock(db, stock_id).live_session_id = live_session_id
    db.flush()


__all__ = ["add_units", "adopt", "close_sale", "consume", "drop_rehearsal", "expire_due", "extend_sale", "give_back",
           "open_sale", "open_shelf", "reclaim", "release", "return_sold", "set_price", "start_rehearsal"]
