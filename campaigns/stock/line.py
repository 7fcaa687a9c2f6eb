"""The waitlist: first come, first served, for exactly the units that came back. The caller locked the stock row."""
import uuid
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from campaigns.stock import sharing
from campaigns.stock.errors import OverLimit
from campaigns.stock.models import Hold, OfferMember, OfferStock, WaitlistEntry
from campaigns.stock.queries import hold_out, lock_stock, place
from campaigns.stock.rules import WAITLIST_HOLD_SECONDS
from campaigns.stock.tell import changed
from core import events
from core.errors import Invalid

# How many of those still waiting are told their new place at once; the others see it with their next snapshot.
TELL_PLACES = 100


def count_units(db, stock: OfferStock, member_id: uuid.UUID, units: int) -> None:
    """Count units against the member's limit; the row's CHECK refuses what would pass it."""
    row = insert(OfferMember).values(stock_id=stock.id, member_id=member_id, units=units, unit_limit=stock.unit_limit)
    db.execute(row.on_conflict_do_update(index_elements=["stock_id", "member_id"],
                                         set_={"units": OfferMember.units + row.excluded.units}))


def units_of(db, stock_id, member_id) -> int:
    return db.scalar(select(OfferMember.units).where(OfferMember.stock_id == stock_id,
                                                     OfferMember.member_id == member_id)) or 0


def join(db, stock_id: uuid.UUID, member_id: uuid.UUID, quantity: int) -> dict:
    """Take a place in line; joining twice keeps the first place. {offer_id, quantity, place}. Raises OverLimit.

    Units that came back after the refusal are given at once: then place is 0 and `hold` says which.
    """
    stock = lock_stock(db, stock_id)
    if quantity < 1:
        raise Invalid(fields={"quantity": ["1"]})
    units = units_of(db, stock_id, member_id)
    if units + quantity > stock.unit_limit:
        raise OverLimit(limit=stock.unit_limit, units=units)
    entry = db.scalar(_waiting(stock_id).where(WaitlistEntry.member_id == member_id))
    first = entry is None
    if first:
        entry = WaitlistEntry(stock_id=stock.id, offer_id=stock.offer_id, member_id=member_id,
                              price_minor=stock.price_minor)
        db.add(entry)
        stock.waiting += 1
    entry.quantity = quantity
    db.flush()
    serve(db, stock)
    if first:
        changed(db, stock)
    db.refresh(entry)
    return _place_taken(db, stock, entry)


def _place_taken(db, stock: OfferStock, entry: WaitlistEntry) -> dict:
    answer = {"offer_id": str(stock.offer_id), "quantity": entry.quantity, "place": 0}
    if entry.hold_id:
        return {**answer, "hold": hold_out(db.get(Hold, entry.hold_id), stock.currency)}
    answer["place"] = place(db, entry)
    events.append(db, events.member_stream(entry.member_id), "wait.changed", {**answer, "state": "waiting"},
                  urgent=True)
    return answer


def leave(db, stock_id: uuid.UUID, member_id: uuid.UUID) -> None:
    """Give up the place; leaving twice is no error."""
    stock = lock_stock(db, stock_id)
    entry = db.scalar(_waiting(stock_id).where(WaitlistEntry.member_id == member_id))
    if entry is None:
        return
    _finish(db, stock, entry, "gone")
    _tell_places(db, stock)
    changed(db, stock)


def serve(db, stock: OfferStock) -> None:
    """Give `left` to whoever waits, in order, each as much as wanted, allowed and there; 2 min to take it."""
    if not stock.left or not stock.waiting:
        return
    served = False
    waiting = db.scalars(_waiting(stock.id).order_by(WaitlistEntry.id).limit(stock.left + stock.waiting))
    for entry, quantity in sharing.serve(waiting, stock.left, stock.unit_limit,
                                         lambda member_id: units_of(db, stock.id, member_id)):
        if quantity:
            _give(db, stock, entry, quantity)
        else:
            _finish(db, stock, entry, "gone")
        served = True
    if served:
        _tell_places(db, stock)


def close(db, stock: OfferStock) -> None:
    """Nothing more will come: everybody is told and the line is empty."""
    for entry in db.scalars(_waiting(stock.id)):
        _finish(db, stock, entry, "gone")


def _give(db, stock: OfferStock, entry: WaitlistEntry, quantity: int) -> None:
    now = db.scalar(select(func.clock_timestamp()))
    hold = Hold(stock_id=stock.id, offer_id=stock.offer_id, member_id=entry.member_id, quantity=quantity,
                live_session_id=stock.live_session_id, price_minor=entry.price_minor, state="held", source="waitlist",
                created_at=now, expires_at=now + timedelta(seconds=WAITLIST_HOLD_SECONDS))
    db.add(hold)
    db.flush()
    stock.left -= quantity
    stock.held += quantity
    count_units(db, stock, entry.member_id, quantity)
    _finish(db, stock, entry, "served", hold)


def _finish(db, stock: OfferStock, entry: WaitlistEntry, state: str, hold: Hold | None = None) -> None:
    db.execute(update(WaitlistEntry).where(WaitlistEntry.id == entry.id)
               .values(state=state, hold_id=hold and hold.id, ended_at=func.clock_timestamp()))
    stock.waiting -= 1
    payload = {"offer_id": str(stock.offer_id), "state": state}
    if hold is not None:
        payload["hold"] = hold_out(hold, stock.currency)
    events.append(db, events.member_stream(entry.member_id), "wait.changed", payload, urgent=True)


def _tell_places(db, stock: OfferStock) -> None:
    waiting = db.scalars(_waiting(stock.id).order_by(WaitlistEntry.id).limit(TELL_PLACES)).all()
    events.append_all(db, [
        {"stream": events.member_stream(entry.member_id), "kind": "wait.changed", "urgent": False,
         "merge_key": f"wait:{stock.offer_id}",
         "payload": {"offer_id": str(stock.offer_id), "state": "waiting", "quantity": entry.quantity, "place": number}}
        for number, entry in enumerate(waiting, 1)])


def _waiting(stock_id):
    return select(WaitlistEntry).where(WaitlistEntry.stock_id == stock_id, WaitlistEntry.state == "waiting")
