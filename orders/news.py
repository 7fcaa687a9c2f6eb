"""What orders tell: events for the buyer's pages and the show's staff. A rehearsal tells its own pages the same."""
from core import events
from orders.models import Order
from orders.payments.models import Payment
from orders.queries import last_payment, order_out


def changed(db, order: Order, payment: Payment | None = None) -> None:
    """The buyer's other windows and the order's page hear of it at once. `payment`: its last attempt, if at hand."""
    db.flush()
    events.append_all(db, [_changed(db, order, payment)])


def paid(db, order: Order, payment: Payment) -> None:
    db.flush()
    told = [_changed(db, order, payment)]
    if order.live_session_id:
        told.append({"stream": events.staff_stream(order.live_session_id), "kind": "order.paid", "urgent": True,
                     "merge_key": None, "payload": {
                         "number": order.number, "total_minor": order.total_minor, "currency": order.currency,
                         "units": sum(line.quantity for line in order.lines), "rehearsal": order.rehearsal}})
    events.append_all(db, told)


def _changed(db, order: Order, payment: Payment | None) -> dict:
    return {"stream": events.member_stream(order.member_id), "kind": "order.changed", "urgent": True, "merge_key": None,
            "payload": {"order": order_out(order, payment or last_payment(db, order.id))}}
