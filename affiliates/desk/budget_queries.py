"""Campaigns as the desk of affiliates sees them: what they cost in commissions, and who brought what."""
import uuid

from sqlalchemy import func, select, text

from affiliates.commission.models import Bonus, Budget
from campaigns.terms.models import Campaign

PER_PAGE = 30
_COSTS = text("""
SELECT campaign_id, count(DISTINCT order_id) AS orders, count(DISTINCT affiliate_id) AS people,
  sum(amount_minor - reversed_minor)::bigint AS cost, count(*) FILTER (WHERE capped_by = 'budget') AS capped
FROM commissions WHERE campaign_id = ANY(:ids) GROUP BY 1""")
_TOP = text("""
SELECT c.affiliate_id, f.display_name, count(DISTINCT c.order_id) FILTER (WHERE c.level = 1) AS orders,
  coalesce(sum(c.base_minor) FILTER (WHERE c.level = 1 AND c.kind = 'sale'), 0)::bigint AS paid,
  sum(c.amount_minor - c.reversed_minor)::bigint AS earned
FROM commissions c JOIN affiliates f ON f.id = c.affiliate_id WHERE c.campaign_id = :id
GROUP BY 1, 2 ORDER BY earned DESC, 1 LIMIT 20""")


def page_of(db, merchant_id: uuid.UUID, page: int) -> tuple[list[tuple], int]:
    """([(campaign, budget or None)], how many in all), newest first."""
    found = (select(Campaign, Budget).outerjoin(Budget, Budget.campaign_id == Campaign.id)
             .where(Campaign.merchant_id == merchant_id))
    total = db.scalar(select(func.count()).select_from(Campaign).where(Campaign.merchant_id == merchant_id))
    rows = db.execute(found.order_by(Campaign.id.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [tuple(row) for row in rows], total


def costs(db, ids: list[uuid.UUID]) -> dict:
    """{campaign: row of orders, people, cost, capped}; a campaign without a commission is not in it."""
    return {row.campaign_id: row for row in db.execute(_COSTS, {"ids": ids})}


def top(db, campaign_id: uuid.UUID) -> list:
    """Who earned most in a campaign: rows of affiliate_id, display_name, orders, paid, earned."""
    return db.execute(_TOP, {"id": campaign_id}).all()


def bonuses(db, campaign_id: uuid.UUID) -> list[Bonus]:
    """What was promised for reaching a goal, in the order it was."""
    return list(db.scalars(select(Bonus).where(Bonus.campaign_id == campaign_id, Bonus.withdrawn_at.is_(None))
                           .order_by(Bonus.id)))
