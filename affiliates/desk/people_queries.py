"""A shop's affiliates as its desk shows them: pages of a list, what each brought and earned, links and codes."""
import uuid
from collections import defaultdict

from sqlalchemy import func, or_, select, text

from affiliates.commission.models import CommissionRule
from affiliates.links.models import Coupon
from affiliates.people.models import AFFILIATE_STATES, Affiliate, Affiliation
from campaigns.terms.models import Campaign
from members.models import Member
from members.queries import escape_like

PER_PAGE = 50
_BROUGHT = text("""
SELECT affiliate_id, currency, count(DISTINCT order_id) FILTER (WHERE level = 1) AS orders,
  coalesce(sum(base_minor) FILTER (WHERE level = 1 AND kind = 'sale'), 0)::bigint AS paid,
  sum(amount_minor - reversed_minor)::bigint AS earned,
  coalesce(sum(amount_minor - reversed_minor) FILTER (WHERE held), 0)::bigint AS held
FROM commissions WHERE merchant_id = :merchant AND affiliate_id = ANY(:ids) GROUP BY 1, 2 ORDER BY 1, 5 DESC""")
_LINKS = text("""
SELECT l.id, l.code, l.label, l.closed_at, coalesce(c.name, '') AS campaign, coalesce(p.name, '') AS product,
  (SELECT count(*) FROM clicks k WHERE k.link_id = l.id) AS visits
FROM tracking_links l LEFT JOIN campaigns c ON c.id = l.campaign_id LEFT JOIN products p ON p.id = l.product_id
WHERE l.affiliate_id = :affiliate AND l.merchant_id = :merchant ORDER BY l.id DESC LIMIT 50""")
_BY_WAY = text("""
SELECT coalesce(a.coupon_id, a.link_id) AS way, c.currency, count(DISTINCT c.order_id) AS orders,
  sum(c.amount_minor - c.reversed_minor)::bigint AS earned
FROM attributions a JOIN commissions c ON c.order_id = a.order_id AND c.affiliate_id = a.affiliate_id AND c.level = 1
WHERE a.affiliate_id = :affiliate AND a.merchant_id = :merchant AND num_nonnulls(a.link_id, a.coupon_id) > 0
GROUP BY 1, 2 ORDER BY 1, 2""")


def counts(db, merchant_id: uuid.UUID) -> dict[str, int]:
    """How many affiliates stand in each state at the shop, and all of them."""
    found = dict(db.execute(select(Affiliation.state, func.count()).where(Affiliation.merchant_id == merchant_id)
                            .group_by(Affiliation.state)).all())
    return {"all": sum(found.values()), **{state: found.get(state, 0) for state in AFFILIATE_STATES}}


def page_of(db, merchant_id: uuid.UUID, state: str, words: str, page: int) -> tuple[list[tuple], int]:
    """([(affiliation, affiliate)], how many in all): who asks first, then by name. `words` are in name or about."""
    found = (select(Affiliation, Affiliate).join(Affiliate, Affiliate.id == Affiliation.affiliate_id)
             .where(Affiliation.merchant_id == merchant_id))
    if state != "all":
        found = found.where(Affiliation.state == state)
    found = found.where(*_has(words, Affiliate.display_name, Affiliate.about))
    total = db.scalar(select(func.count()).select_from(found.subquery()))
    rows = db.execute(found.order_by(Affiliation.state != "applied", func.lower(Affiliate.display_name), Affiliate.id)
                      .limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [tuple(row) for row in rows], total


def _has(words: str, *columns) -> list:
    part = f"%{escape_like(words)}%"
    return [or_(*(column.ilike(part, escape="\\") for column in columns))] if words else []


def brought(db, merchant_id: uuid.UUID, ids: list[uuid.UUID]) -> dict[uuid.UUID, list]:
    """{affiliate: rows of currency, orders, paid, earned, held} at this shop; amounts in minor units."""
    found = defaultdict(list)
    for row in db.execute(_BROUGHT, {"merchant": merchant_id, "ids": ids}):
        found[row.affiliate_id].append(row)
    return found


def links_and_codes(db, merchant_id: uuid.UUID, affiliate_id: uuid.UUID) -> tuple[list, list[Coupon], dict]:
    """(the newest links with their visits, the codes, {link or code: what came of it}) of one affiliate here."""
    whose = {"affiliate": affiliate_id, "merchant": merchant_id}
    ways = defaultdict(list)
    for row in db.execute(_BY_WAY, whose):
        ways[row.way].append(row)
    codes = list(db.scalars(select(Coupon).where(Coupon.merchant_id == merchant_id, Coupon.affiliate_id == affiliate_id)
                            .order_by(Coupon.closed_at.is_not(None), Coupon.id.desc())))
    return db.execute(_LINKS, whose).all(), codes, ways


def open_campaigns(db, merchant_id: uuid.UUID) -> list[Campaign]:
    """The shop's campaigns that are not over, newest first."""
    return list(db.scalars(select(Campaign).where(
        Campaign.merchant_id == merchant_id, Campaign.state.in_(("draft", "scheduled", "live")))
        .order_by(Campaign.id.desc()).limit(100)))


def tiers_at(db, merchant_id: uuid.UUID) -> list[str]:
    """The levels that the shop's affiliates have and its rules name."""
    of_people = select(Affiliation.tier).where(Affiliation.merchant_id == merchant_id)
    of_rules = select(CommissionRule.tier).where(CommissionRule.merchant_id == merchant_id,
                                                 CommissionRule.tier.is_not(None))
    return sorted(set(db.scalars(of_people.union(of_rules))))


# -- The platform's

def platform_counts(db) -> dict[str, int]:
    """How many affiliates of the platform stand in each state, and all of them."""
    found = dict(db.execute(select(Affiliate.state, func.count()).group_by(Affiliate.state)).all())
    return {"all": sum(found.values()), **{state: found.get(state, 0) for state in AFFILIATE_STATES}}


def platform_page(db, state: str, words: str, page: int) -> tuple[list[tuple], int]:
    """([(affiliate, member, at how many shops)], how many in all), who asks first, then the newest."""
    shops = (select(func.count()).select_from(Affiliation).where(
        Affiliation.affiliate_id == Affiliate.id, Affiliation.state == "active").correlate(Affiliate).scalar_subquery())
    found = select(Affiliate, Member, shops).join(Member, Member.id == Affiliate.member_id)
    if state != "all":
        found = found.where(Affiliate.state == state)
    found = found.where(*_has(words, Affiliate.display_name, Member.name, Member.email))
    total = db.scalar(select(func.count()).select_from(found.subquery()))
    rows = db.execute(found.order_by(Affiliate.state != "applied", Affiliate.id.desc())
                      .limit(PER_PAGE).offset((page - 1) * PER_PAGE))
    return [tuple(row) for row in rows], total
