"""Reading orders, and the doors to them: a member sees their own, staff their merchants'."""
import uuid

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from campaigns.stock.models import Hold
from core.errors import NotFound
from orders.models import Order, OrderLine, Refund
from orders.payments.models import Dispute, Payment, SavedCard

PER_PAGE = 50


def access_order(db, order_id: uuid.UUID, member) -> Order:
    """A member's own order with its lines. Raises NotFound for anybody else's."""
    order = db.scalar(select(Order).options(selectinload(Order.lines))
                      .where(Order.id == order_id, Order.member_id == member.id))
    if order is None:
        raise NotFound
    return order


def access_desk_order(db, order_id: uuid.UUID, merchant_id: uuid.UUID) -> Order:
    """An order of this merchant with its lines; rehearsals are not orders. Raises NotFound."""
    order = db.scalar(select(Order).options(selectinload(Order.lines))
                      .where(Order.id == order_id, Order.merchant_id == merchant_id, ~Order.rehearsal))
    if order is None:
        raise NotFound
    return order


def lock_order(db, order_id: uuid.UUID) -> Order:
    """The order locked until the transaction ends, read anew, with its lines. Lock order, then payment, then stock."""
    order = db.scalar(select(Order).options(selectinload(Order.lines)).where(Order.id == order_id)
                      .with_for_update(key_share=True).execution_options(populate_existing=True))
    if order is None:
        raise NotFound
    return order


def hold_runs(db, order: Order) -> bool:
    """Whether every line's units are still held for the buyer, by the database's clock."""
    running = select(func.count()).select_from(OrderLine).join(Hold, Hold.id == OrderLine.hold_id).where(
        OrderLine.order_id == order.id, Hold.state == "held", Hold.expires_at > func.clock_timestamp())
    return db.scalar(running) == len(order.lines)


def held_until(db, order: Order):
    """When the order's units go back, or None if they are no longer held."""
    return db.scalar(select(func.min(Hold.expires_at)).join(OrderLine, OrderLine.hold_id == Hold.id)
                     .where(OrderLine.order_id == order.id, Hold.state == "held"))


def payments_of(db, order_id: uuid.UUID) -> list[Payment]:
    return list(db.scalars(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)))


def disputes_of(db, order_id: uuid.UUID) -> list[Dispute]:
    return list(db.scalars(select(Dispute).where(Dispute.order_id == order_id).order_by(Dispute.id)))


def refunds_of(db, order_id: uuid.UUID) -> list[Refund]:
    return list(db.scalars(select(Refund).where(Refund.order_id == order_id).order_by(Refund.id)))


def cards_of(db, member_id: uuid.UUID, provider: str) -> list[SavedCard]:
    return list(db.scalars(select(SavedCard).where(
        SavedCard.member_id == member_id, SavedCard.provider == provider, SavedCard.removed_at.is_(None))
        .order_by(SavedCard.is_default.desc(), SavedCard.id)))


def orders_of(db, member_id: uuid.UUID, page: int = 1) -> tuple[list[Order], int]:
    """A page of a member's orders, newest first, and how many there are in all."""
    mine = (Order.member_id == member_id, ~Order.rehearsal)
    total = db.scalar(select(func.count()).select_from(Order).where(*mine))
    rows = db.scalars(select(Order).options(selectinload(Order.lines)).where(*mine)
                      .order_by(Order.created_at.desc(), Order.id.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return list(rows), total


def order_out(order: Order, payment: Payment | None = None) -> dict:
    """An order as its buyer's pages and events carry it, with its last attempt to pay."""
    tried = payment and {"state": payment.state, "method": payment.method, "failure": payment.failure}
    return {"id": str(order.id), "number": order.number, "state": order.state, "fulfilment": order.fulfilment,
            "total_minor": order.total_minor, "discount_minor": order.discount_minor,
            "coupon_code": order.coupon_code, "refunded_minor": order.refunded_minor, "currency": order.currency,
            "reason": order.reason, "offer_ids": [str(line.offer_id) for line in order.lines],
            "quantities": [line.quantity for line in order.lines],
            "hold_ids": [str(line.hold_id) for line in order.lines], "url": f"/orders/{order.id}",
            "payment": tried}


def last_payment(db, order_id: uuid.UUID) -> Payment | None:
    return db.scalar(select(Payment).where(Payment.order_id == order_id).order_by(Payment.id.desc()).limit(1))


def mine_out(db, member_id: uuid.UUID, live_session_id: uuid.UUID) -> list[dict]:
    """A member's orders from one show, for the live page's snapshot."""
    rows = db.scalars(select(Order).options(selectinload(Order.lines)).where(
        Order.member_id == member_id, Order.live_session_id == live_session_id).order_by(Order.id))
    return [order_out(order) for order in rows]


def cards_out(db, member_id: uuid.UUID, provider: str) -> list[dict]:
    """Saved cards as pages name them."""
    return [card_out(card) for card in cards_of(db, member_id, provider)]


def card_out(card: SavedCard) -> dict:
    return {"id": str(card.id), "brand": card.brand, "last4": card.last4, "is_default": card.is_default}


def pending_refund(db, payment_id: uuid.UUID | None = None, order_id: uuid.UUID | None = None) -> uuid.UUID | None:
    """A refund of this payment or order that has not been sent yet."""
    of = Refund.payment_id == payment_id if payment_id else Refund.order_id == order_id
    return db.scalar(select(Refund.id).where(of, Refund.state == "pending").order_by(Refund.id).limit(1))
