"""Reading appeals: of a line, of a shop; and the door to one."""
import uuid

from sqlalchemy import select

from affiliates.appeals.models import Appeal
from affiliates.commission.models import Commission
from affiliates.people.models import Affiliate
from core.errors import NotFound
from orders.models import Order, OrderLine


def appeals_of(db, commission_id: uuid.UUID) -> list[Appeal]:
    """Of one line, the oldest first."""
    return list(db.scalars(select(Appeal).where(Appeal.commission_id == commission_id).order_by(Appeal.id)))


def appeals_at(db, merchant_id: uuid.UUID, limit: int = 100) -> list[tuple]:
    """[(appeal, commission, affiliate's name, order number, title)] of a shop: open ones first, then the newest."""
    found = (select(Appeal, Commission, Affiliate.display_name, Order.number, OrderLine.title)
             .join(Commission, Commission.id == Appeal.commission_id)
             .join(Affiliate, Affiliate.id == Appeal.affiliate_id).join(Order, Order.id == Commission.order_id)
             .join(OrderLine, OrderLine.id == Commission.order_line_id).where(Appeal.merchant_id == merchant_id)
             .order_by(Appeal.answered_at.is_not(None), Appeal.id.desc()).limit(limit))
    return [tuple(row) for row in db.execute(found)]


def access_appeal(db, appeal_id: uuid.UUID, merchant_id: uuid.UUID) -> Appeal:
    """A shop's own. Raises NotFound for another's."""
    found = db.get(Appeal, appeal_id)
    if found is None or found.merchant_id != merchant_id:
        raise NotFound
    return found
