"""Writes: to whom an order is owed, who a buyer is bound to, and the policies themselves."""
import uuid

from flask_babel import gettext as _
from sqlalchemy import text

from affiliates.attribution import queries
from affiliates.attribution.models import Attribution, AttributionPolicy
from affiliates.attribution.policy import SOURCES, Candidate, choose
from affiliates.people import acts
from affiliates.people.queries import Standing
from core.errors import Invalid
from members.models import Member
from orders.models import Order

# First come; who is bound stays bound until the days are over.
_BIND = text("""INSERT INTO affiliate_bindings (merchant_id, member_id, affiliate_id, order_id)
VALUES (:merchant_id, :member_id, :affiliate_id, :order_id)
ON CONFLICT (merchant_id, member_id) DO UPDATE
SET affiliate_id = EXCLUDED.affiliate_id, order_id = EXCLUDED.order_id, bound_at = now()
WHERE affiliate_bindings.bound_at <= now() - make_interval(days => :bind_days)""")


def attribute(db, order: Order, visitor: uuid.UUID | None, rules_for) -> Attribution | None:
    """Decide, when the order is made, to whom it is owed, and write it down with everybody who was considered.

    `rules_for(tier)` gives what each line earns. None if nobody had anything to do with it."""
    policy, found, standing = queries.candidates_of(db, order, visitor)
    if not found:
        return None
    winner, told = choose(policy, found, order.created_at)
    row = Attribution(order_id=order.id, merchant_id=order.merchant_id, campaign_id=order.campaign_id, visitor=visitor,
                      policy_version=policy.version, policy=policy.out(), candidates=told, rules=[])
    if winner:
        _owe(row, winner, standing[winner.affiliate_id], rules_for)
    db.add(row)
    db.flush()
    return row


def _owe(row: Attribution, winner: Candidate, standing: Standing, rules_for) -> None:
    row.affiliate_id, row.source, row.tier = winner.affiliate_id, winner.source, standing.tier
    row.leader_id, row.link_id, row.coupon_id = standing.leader_id, winner.link_id, winner.coupon_id
    row.rules = rules_for(standing.tier)


def bind(db, row: Attribution, member_id: uuid.UUID) -> None:
    """A buyer who paid belongs to who brought them, unless they belong to somebody already."""
    if row.policy["bind_days"] and row.source != "bound":
        db.execute(_BIND, {"merchant_id": row.merchant_id, "member_id": member_id, "affiliate_id": row.affiliate_id,
                           "order_id": row.order_id, "bind_days": row.policy["bind_days"]})


def publish_policy(db, merchant_id: uuid.UUID, by: Member, *, sources: list[str], window_days: int = 7,
                   bind_days: int = 180, campaign_id: uuid.UUID | None = None) -> AttributionPolicy:
    """A new version, for orders made from now on. Raises Invalid."""
    if not sources or set(sources) - set(SOURCES) or len(set(sources)) != len(sources):
        raise Invalid(fields={"sources": [_("Each way to come can stand in the list once.")]})
    if not 1 <= window_days <= 90:
        raise Invalid(fields={"window_days": [_("From %(low)s to %(high)s.", low=1, high=90)]})
    row = AttributionPolicy(merchant_id=merchant_id, campaign_id=campaign_id, sources=sources, created_by=by.id,
                            window_days=window_days, bind_days=bind_days,
                            version=queries.next_version(db, merchant_id, campaign_id))
    db.add(row)
    db.flush()
    acts.note(db, "policy.published", row.id, by=by, merchant_id=merchant_id, version=row.version, sources=sources,
              window_days=window_days, bind_days=bind_days)
    return row

