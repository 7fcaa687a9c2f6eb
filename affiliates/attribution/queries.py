"""What is known of how a buyer came, and the policy that holds for an order."""
import uuid

from sqlalchemy import func, select, text

from affiliates.attribution.models import Attribution, AttributionPolicy
from affiliates.attribution.policy import BUILT_IN, Candidate, Policy
from affiliates.people.queries import STANDING, STANDS, standing_of
from core.errors import NotFound
from orders.models import Order

# The latest click of each affiliate, in this room and elsewhere: at most these many, the newest first.
MOST_CLICKS = 20
_POLICY = """SELECT version, sources, window_days, bind_days FROM attribution_policies
  WHERE merchant_id = :merchant_id AND (campaign_id = :campaign OR campaign_id IS NULL)
  ORDER BY campaign_id IS NULL, version DESC LIMIT 1"""
# All that decides to whom an order is owed, in one statement: the policy that holds (none: the built-in one), everybody
# who may have brought the buyer, and how each stands at the merchant. Without a candidate the answer is empty.
_CANDIDATES = text(f"""
WITH policy AS MATERIALIZED ({_POLICY}),
x AS (
  (SELECT CASE WHEN coalesce(l.live_session_id = :room, false) THEN 'room' ELSE 'click' END AS source, l.affiliate_id,
     max(c.created_at) AS at, (array_agg(l.id ORDER BY c.created_at DESC))[1] AS link_id,
     cast(NULL AS uuid) AS coupon_id
   FROM clicks c JOIN tracking_links l ON l.id = c.link_id
   WHERE l.merchant_id = :merchant_id AND c.created_at <= :at AND c.created_at > cast(:at AS timestamptz)
       - make_interval(days => coalesce((SELECT window_days FROM policy), :window_days))
     AND (c.visitor = :visitor OR c.member_id = :member) AND (l.closed_at IS NULL OR c.created_at < l.closed_at)
   GROUP BY 1, 2 ORDER BY 3 DESC LIMIT {MOST_CLICKS})
  UNION ALL
  SELECT 'coupon', affiliate_id, cast(:at AS timestamptz), NULL, id FROM coupons
  WHERE merchant_id = :merchant_id AND code = :code
  UNION ALL
  SELECT 'bound', affiliate_id, bound_at, NULL, NULL FROM affiliate_bindings
  WHERE merchant_id = :merchant_id AND member_id = :member)
SELECT x.source, x.at, x.link_id, x.coupon_id, p.version, p.sources, p.window_days, p.bind_days, {STANDING}
FROM x {STANDS} LEFT JOIN policy p ON true""")  # noqa: S608 - fragments of our own


def policy_for(db, merchant_id: uuid.UUID, campaign_id: uuid.UUID | None) -> Policy:
    """The newest policy of the campaign, else of the merchant, else the built-in one."""
    row = db.execute(text(_POLICY), {"merchant_id": merchant_id, "campaign": campaign_id}).first()
    return _policy(row) if row else BUILT_IN


def _policy(row) -> Policy:
    return Policy(tuple(row.sources), row.window_days, row.bind_days, row.version)


def candidates_of(db, order: Order, visitor: uuid.UUID | None) -> tuple[Policy, list[Candidate], dict]:
    """The policy that holds for an order, everybody to whom it might be owed (its coupon's, its clicks', whom the buyer
    is bound to), and how each of them stands at the merchant."""
    rows = db.execute(_CANDIDATES, {
        "merchant_id": order.merchant_id, "campaign": order.campaign_id, "room": order.live_session_id,
        "at": order.created_at, "window_days": BUILT_IN.window_days, "visitor": visitor, "member": order.member_id,
        "code": order.coupon_code}).all()
    policy = _policy(rows[0]) if rows and rows[0].version is not None else BUILT_IN
    standing = {row.id: standing_of(row) for row in rows}
    return policy, [Candidate(row.source, row.id, row.at, link_id=row.link_id, coupon_id=row.coupon_id,
                              why_not=standing[row.id].why_not) for row in rows], standing


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
