"""What orders tell: events for the buyer's pages and the show's staff. A rehearsal tells its own pages the same."""
from core import events
from orders.models import Order
from orders.queries import last_payment, order_out


def changed(db, order: Order) -> None:
    """The buyer's other windows and the order's own page hear of it at once."""
    db.flush()
    events.append(db, events.member_stream(order.member_id), "order.changed",
                  {"order": order_out(order, last_payment(db, order.id))}, urgent=True)


def paid(db, order: Order) -> None:
    changed(db, order)
    if order.live_session_id:
        events.append(db, events.staff_stream(order.live_session_id), "order.paid",
                      {"number": order.number, "total_minor": order.total_minor, "currency": order.currency,
                       "units": sum(line.quantity for line in order.lines), "rehearsal": order.rehearsal}, urgent=True)
