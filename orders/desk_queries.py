"""What the desk lists: a merchant's orders by what has to be done with them."""
import uuid
from dataclasses import dataclass

from sqlalchemy import String, and_, cast, func, or_, select
from sqlalchemy.orm import selectinload

from members.models import Member
from members.queries import escape_like
from orders.models import Order, OrderLine, Refund
from orders.payments.models import Dispute, Payment

PER_PAGE = 50
# More would not be packed by hand; the export has no such end.
MOST_PACKED = 200

_TROUBLED_REFUND = select(Refund.id).where(Refund.order_id == Order.id, Refund.state == "failed").exists()
# An attempt that is open although nobody will ask again: another amount, or three days without an answer.
_TROUBLED_PAYMENT = select(Payment.id).where(
    Payment.order_id == Order.id, Payment.state.in_(("created", "pending", "unknown")),
    Payment.check_at.is_(None)).exists()
_OPEN_DISPUTE = select(Dispute.id).where(Dispute.order_id == Order.id, Dispute.state == "open").exists()

SHOWN = {
    "all": Order.paid_at.is_not(None) | _TROUBLED_PAYMENT,
    "to_pack": and_(Order.state == "paid", Order.fulfilment == "to_pack"),
    "sent": and_(Order.state == "paid", Order.fulfilment == "sent"),
    "delivered": and_(Order.state == "paid", Order.fulfilment == "delivered"),
    "refunded": Order.refunded_minor > 0,
    "trouble": _TROUBLED_REFUND | _TROUBLED_PAYMENT | _OPEN_DISPUTE,
    "unpaid": Order.paid_at.is_(None),
}


@dataclass(frozen=True)
class Filter:
    """What the list shows: a step, and a number or name searched for."""
    show: str = "all"
    q: str = ""


def _wanted(merchant_id: uuid.UUID, what: Filter, *columns):
    found = select(*columns or (Order,)).where(Order.merchant_id == merchant_id, ~Order.rehearsal, SHOWN[what.show])
    word = what.q.strip().lstrip("#")
    if word:
        like = f"%{escape_like(word)}%"
        names = select(Member.id).where(Member.name.ilike(like, escape="\\"))
        found = found.where(or_(cast(Order.number, String) == word, Order.member_id.in_(names),
                                Order.address["name"].astext.ilike(like, escape="\\"),
                                Order.tracking_code == word))
    return found


def orders(db, merchant_id: uuid.UUID, what: Filter, page: int = 1) -> tuple[list[Order], int]:
    """A page of orders, newest first (what is to be packed: oldest first), and how many there are in all."""
    total = db.scalar(_wanted(merchant_id, what, func.count()))
    order = (Order.paid_at, Order.id) if what.show == "to_pack" else (Order.created_at.desc(), Order.id.desc())
    rows = db.scalars(_wanted(merchant_id, what).options(selectinload(Order.lines)).order_by(*order)
                      .limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return list(rows), total


def counts(db, merchant_id: uuid.UUID) -> dict[str, int]:
    """How many orders each step has."""
    columns = [func.count().filter(condition).label(name) for name, condition in SHOWN.items()]
    row = db.execute(select(*columns).where(Order.merchant_id == merchant_id, ~Order.rehearsal)).one()
    return dict(row._mapping)


def names_of(db, orders: list[Order]) -> dict[uuid.UUID, str]:
    """Buyers' names by member id."""
    ids = {order.member_id for order in orders}
    return {id_: name for id_, name in db.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))}


def to_pack(db, merchant_id: uuid.UUID, ids: list[uuid.UUID] | None = None) -> list[Order]:
    """Orders that are packed next, oldest first; only those of `ids` if given."""
    found = _wanted(merchant_id, Filter("to_pack")).options(selectinload(Order.lines))
    if ids:
        found = found.where(Order.id.in_(ids))
    return list(db.scalars(found.order_by(Order.paid_at, Order.id).limit(MOST_PACKED)))


def export_rows(db, merchant_id: uuid.UUID, what: Filter):
    """(order, line, buyer's name) for every line, read in chunks of 500."""
    found = _wanted(merchant_id, what, Order, OrderLine, Member.name).join(OrderLine, OrderLine.order_id == Order.id)
    return db.execute(found.join(Member, Member.id == Order.member_id)
                      .order_by(Order.number, OrderLine.position).execution_options(yield_per=500))


def names_by(db, refunds: list[Refund]) -> dict[uuid.UUID, str]:
    """Names of the staff who sent money back."""
    ids = {refund.by_member_id for refund in refunds if refund.by_member_id}
    return {id_: name for id_, name in db.execute(select(Member.id, Member.name).where(Member.id.in_(ids)))}
