"""What is known of how a buyer came, and the policy that holds for an order."""
import uuid
from datetime import datetime, timedelta

from sqlalchemy import func, select, text

from affiliates.attribution.models import Attribution, AttributionPolicy, Binding
from affiliates.attribution.policy import BUILT_IN, Candidate, Policy
from affiliates.links.models import Coupon
from core.errors import NotFound
from orders.models import Order

# The latest click of each affiliate, in this room and elsewhere: at most these many, the newest first.
MOST_CLICKS = 20
_CLICKS = text("""
SELECT l.affiliate_id, coalesce(l.live_session_id = :room, false) AS in_room, max(c.created_at) AS at,
  (array_agg(l.id ORDER BY c.created_at DESC))[1] AS link_id
FROM clicks c JOIN tracking_links l ON l.id = c.link_id
WHERE l.merchant_id = :merchant AND c.created_at > :since AND c.created_at <= :at
  AND (c.visitor = :visitor OR c.member_id = :member) AND (l.closed_at IS NULL OR c.created_at < l.closed_at)
GROUP BY 1, 2 ORDER BY 3 DESC LIMIT :most""")


def policy_for(db, merchant_id: uuid.UUID, campaign_id: uuid.UUID | None) -> Policy:
    """The newest policy of the campaign, else of the merchant, else the built-in one."""
    row = db.scalar(select(AttributionPolicy).where(
        AttributionPolicy.merchant_id == merchant_id,
        (AttributionPolicy.campaign_id == campaign_id) | AttributionPolicy.campaign_id.is_(None))
        .order_by(AttributionPolicy.campaign_id.is_(None), AttributionPolicy.version.desc()).limit(1))
    if row is None:
        return BUILT_IN
    return Policy(tuple(row.sources), row.window_days, row.bind_days, row.version)


def candidates_of(db, order: Order, policy: Policy, visitor: uuid.UUID | None) -> list[Candidate]:
    """Everybody to whom the order might be owed: its coupon's, its clicks', and whom the buyer is bound to."""
    at: datetime = order.created_at
    found = [Candidate("room" if row.in_room else "click", row.affiliate_id, row.at, link_id=row.link_id)
             for row in db.execute(_CLICKS, {
                 "room": order.live_session_id, "merchant": order.merchant_id, "visitor": visitor, "at": at,
                 "since": at - timedelta(days=policy.window_days), "member": order.member_id, "most": MOST_CLICKS})]
    if order.coupon_code:
        coupon = db.scalar(select(Coupon).where(Coupon.merchant_id == order.merchant_id,
                                                Coupon.code == order.coupon_code))
        if coupon:
            found.append(Candidate("coupon", coupon.affiliate_id, at, coupon_id=coupon.id))
    bound = db.get(Binding, (order.merchant_id, order.member_id))
    if bound:
        found.append(Candidate("bound", bound.affiliate_id, bound.bound_at))
    return found


def attribution_of(db, order_id: uuid.UUID) -> Attribution | None:
    return db.get(Attribution, order_id)


def access_attribution(db, order_id: uuid.UUID, affiliate_id: uuid.UUID) -> Attribution:
    """How an order came to be owed to this affiliate or to a member of the team. Raises NotFound for others."""
    found = db.get(Attribution, order_id)
    if found is None or affiliate_id not in (found.affiliate_id, found.leader_id):
        raise NotFound
    return found


def policies_of(db, merchant_id: uuid.UUID) -> list[AttributionPolicy]:
    """All versions of a merchant's policies, newest first."""
    return list(db.scalars(select(AttributionPolicy).where(AttributionPolicy.merchant_id == merchant_id)
                           .order_by(AttributionPolicy.id.desc())))


def next_version(db, merchant_id: uuid.UUID, campaign_id: uuid.UUID | None) -> int:
    return 1 + db.scalar(select(func.coalesce(func.max(AttributionPolicy.version), 0)).where(
        AttributionPolicy.merchant_id == merchant_id,
        AttributionPolicy.campaign_id.is_not_distinct_from(campaign_id)))
