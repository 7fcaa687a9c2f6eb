"""What the world hears of stock and holds."""
from campaigns.stock.models import Hold, OfferStock
from campaigns.stock.queries import hold_out, stock_out
from core import events


def changed(db, stock: OfferStock, urgent: bool = False) -> None:
    """Count the change and tell the show. Call once, after everything else."""
    stock.version += 1
    db.flush()
    if stock.live_session_id:
        tell_stock(db, stock, stock.live_session_id, urgent)


def tell_stock(db, stock: OfferStock, live_session_id, urgent: bool = False) -> None:
    """Tell a show the numbers as they are."""
    events.append(db, events.live_stream(live_session_id), "offer.stock",
                  {"offer_id": str(stock.offer_id), **stock_out(stock)}, urgent=urgent, merge_key=str(stock.offer_id))


def tell_hold(db, hold: Hold, currency: str) -> None:
    events.append(db, events.member_stream(hold.member_id), "hold.changed", {"hold": hold_out(hold, currency)},
                  urgent=True)
