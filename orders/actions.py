"""What happens to an order besides its payment: cancel, send, deliver, expire."""
import uuid

from sqlalchemy import delete, func, select

from campaigns.catalogue.actions import lock_variants
from campaigns.stock import actions as stock
from campaigns.stock.models import Hold
from core.clock import now
from orders import letters, moments, news, refunds
from orders.errors import AlreadySent, NotCancellable, WrongStep
from orders.models import Order, OrderLine
from orders.payments.models import Payment, SandboxCharge
from orders.queries import access_order, lock_order


def cancel(db, order_id: uuid.UUID, member) -> Order:
    """The buyer takes the order back before it is sent: units return, money goes back whole. Twice is once.

    Raises NotFound, AlreadySent, NotCancellable (it expired).
    """
    access_order(db, order_id, member)
    order = lock_order(db, order_id)
    if order.state == "cancelled":
        return order
    if order.state == "awaiting_payment":
        _let_go(db, order)
    elif order.state != "paid":
        raise NotCancellable
    elif order.fulfilment != "to_pack":
        raise AlreadySent
    else:
        refund = refunds.refund_rest(db, order, reason="cancelled", restock=True, key=f"cancel:{order.id}")
        if refund:
            letters.refunded(db, order, refund)
    order.state, order.reason, order.cancelled_at, order.fulfilment = "cancelled", "buyer", now(), "none"
    news.changed(db, order)
    return order


def _let_go(db, order: Order) -> None:
    lock_variants(db, [line.variant_id for line in order.lines])
    for line in sorted(order.lines, key=lambda line: line.stock_id):
        stock.release(db, line.hold_id, order.member_id)
        refunds.to_the_shelf_if_over(db, order, line.stock_id)


def mark_sent(db, order_id: uuid.UUID, carrier: str = "", tracking_code: str = "") -> Order:
    """The parcel left. For one that is sent already this mends carrier and code. Raises WrongStep."""
    order = lock_order(db, order_id)
    if order.state != "paid" or order.fulfilment not in ("to_pack", "sent"):
        raise WrongStep
    first = order.fulfilment == "to_pack"
    order.carrier, order.tracking_code = carrier or order.carrier, tracking_code or order.tracking_code
    if first:
        order.fulfilment, order.sent_at = "sent", now()
        letters.order_sent(db, order)
    news.changed(db, order)
    return order


def mark_delivered(db, order_id: uuid.UUID) -> Order:
    """It arrived. Twice is once. Raises WrongStep before it was sent."""
    order = lock_order(db, order_id)
    if order.fulfilment == "delivered":
        return order
    if order.fulfilment != "sent":
        raise WrongStep
    order.fulfilment, order.delivered_at = "delivered", now()
    moments.DELIVERED.tell(db, order)
    news.changed(db, order)
    return order


def expire_orders(db, limit: int = 200) -> int:
    """Unpaid orders whose units are no longer held: expired, or cancelled if the buyer let them go. How many."""
    ended = (select(OrderLine.id).join(Hold, Hold.id == OrderLine.hold_id)
             .where(OrderLine.order_id == Order.id, Hold.state.in_(("expired", "released"))))
    due = db.scalars(select(Order).where(Order.state == "awaiting_payment", ended.exists()).order_by(Order.id)
                     .limit(limit).with_for_update(skip_locked=True, key_share=True, of=Order)).all()
    for order in due:
        released = db.scalar(select(func.bool_or(Hold.state == "released")).join(
            OrderLine, OrderLine.hold_id == Hold.id).where(OrderLine.order_id == order.id))
        order.state, order.reason = ("cancelled", "released") if released else ("expired", "hold_ended")
        order.cancelled_at = now() if released else None
        news.changed(db, order)
    return len(due)


def drop_rehearsal(db, live_session_id: uuid.UUID) -> int:
    """Rehearsal orders of a show leave no trace. Call before the rehearsal's stock is dropped. How many went."""
    orders = select(Order.id).where(Order.rehearsal, Order.live_session_id == live_session_id)
    keys = select(Payment.key).where(Payment.order_id.in_(orders))
    db.execute(delete(SandboxCharge).where(SandboxCharge.reference.in_(keys)).execution_options(
        synchronize_session=False))
    return db.execute(delete(Order).where(Order.rehearsal, Order.live_session_id == live_session_id)
                      .execution_options(synchronize_session=False)).rowcount
