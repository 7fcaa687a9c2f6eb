"""What the portal's pages show, in few statements: the snapshot of the home page, campaigns, links, lines, team."""
import uuid
from collections import defaultdict

from sqlalchemy import func, select, text

from affiliates.commission.models import Commission, CommissionRule
from affiliates.commission.publishing import rules_at
from affiliates.commission.queries import commissions_of
from affiliates.commission.rules import SCOPES, rank
from affiliates.commission.tell import commission_out, stream
from affiliates.people.models import Affiliate
from affiliates.portal.words import rates_text
from affiliates.settlement.queries import settled_ids
from campaigns.catalogue.models import Product
from campaigns.catalogue.queries import picture_urls
from core.clock import now
from core.events import Stream
from orders.models import Order, OrderLine

LINES = 20  # on the home page
DAYS = 30  # in the chart

_HOURS = text("""
SELECT date_trunc('hour', created_at) AS hour,
  coalesce(sum(amount_minor - reversed_minor) FILTER (WHERE NOT held AND matures_at <= now()), 0)::bigint AS done,
  coalesce(sum(amount_minor - reversed_minor) FILTER (WHERE held OR matures_at IS NULL OR matures_at > now()), 0)
    ::bigint AS hold
FROM commissions WHERE affiliate_id = :id AND currency = :currency
  AND created_at > now() - make_interval(days => :days) GROUP BY 1 ORDER BY 1""")
# Plain SQL: affiliates may not import the show.
_CAMPAIGNS = text("""
SELECT c.id, c.name, c.currency, c.merchant_id, m.name AS shop, a.state AS approval, a.tier, s.id AS live_id, s.title,
  s.state, s.starts_at, coalesce(e.earned, 0)::bigint AS earned, coalesce(e.orders, 0) AS orders,
  (SELECT count(*) FROM clicks k JOIN tracking_links l ON l.id = k.link_id
   WHERE l.affiliate_id = :id AND l.campaign_id = c.id) AS visits,
  (SELECT o.variant_id FROM offers o WHERE o.campaign_id = c.id ORDER BY o.position LIMIT 1) AS variant_id,
  (SELECT l.id FROM tracking_links l WHERE l.affiliate_id = :id AND l.campaign_id = c.id AND l.closed_at IS NULL
   AND l.product_id IS NULL ORDER BY l.id DESC LIMIT 1) AS link_id
FROM campaigns c JOIN merchants m ON m.id = c.merchant_id
LEFT JOIN affiliations a ON a.merchant_id = c.merchant_id AND a.affiliate_id = :id
LEFT JOIN LATERAL (SELECT id, title, state, starts_at FROM live_sessions s WHERE s.campaign_id = c.id
  AND s.state IN ('live', 'paused', 'scheduled', 'rehearsal') ORDER BY s.state IN ('live', 'paused') DESC, s.starts_at
  LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT sum(amount_minor - reversed_minor) AS earned, count(DISTINCT order_id) AS orders
  FROM commissions x WHERE x.campaign_id = c.id AND x.affiliate_id = :id) e ON true
WHERE c.state IN ('scheduled', 'live') AND (NOT :running OR s.state IN ('live', 'paused') AND a.state = 'active')
ORDER BY s.state IN ('live', 'paused') DESC NULLS LAST, s.starts_at NULLS LAST, c.id""")
_FUNNEL = text("""
SELECT a.link_id, a.coupon_id, c.currency, count(DISTINCT c.order_id) AS orders,
  sum(c.amount_minor - c.reversed_minor)::bigint AS earned
FROM attributions a JOIN commissions c ON c.order_id = a.order_id AND c.affiliate_id = a.affiliate_id AND c.level = 1
WHERE a.affiliate_id = :id AND num_nonnulls(a.link_id, a.coupon_id) > 0 GROUP BY 1, 2, 3""")
_TEAM = text("""
SELECT f.id, f.display_name, f.state, f.created_at, c.currency, count(DISTINCT c.order_id) AS orders,
  coalesce(sum(c.base_minor), 0)::bigint AS base, coalesce(sum(c.amount_minor - c.reversed_minor), 0)::bigint AS earned
FROM affiliates f LEFT JOIN attributions a ON a.affiliate_id = f.id AND a.leader_id = :id
LEFT JOIN commissions c ON c.order_id = a.order_id AND c.level = 2 AND c.affiliate_id = :id
WHERE f.parent_id = :id OR a.order_id IS NOT NULL
GROUP BY f.id, c.currency ORDER BY earned DESC, f.display_name""")


def seq_of(db, affiliate_id: uuid.UUID) -> int:
    """The last number of the affiliate's stream of events."""
    return db.scalar(select(Stream.seq).where(Stream.name == stream(affiliate_id))) or 0


def snapshot(db, affiliate: Affiliate, totals: list[dict], currency: str) -> dict:
    """Everything the home page draws, as of now or a moment later. The number is read first, so that events which
    come after it are at worst applied twice; they carry values."""
    seq = seq_of(db, affiliate.id)
    hours = db.execute(_HOURS, {"id": affiliate.id, "currency": currency, "days": DAYS})
    return {"affiliate_id": str(affiliate.id), "seq": seq, "currency": currency, "totals": totals,
            "hours": [[row.hour.timestamp(), row.done, row.hold] for row in hours],
            "shows": [_show_out(row) for row in _with_pictures(db, campaigns(db, affiliate.id, running=True))],
            "lines": lines_out(db, affiliate.id, commissions_of(db, affiliate.id, limit=LINES))}


def campaigns(db, affiliate_id: uuid.UUID, running: bool = False) -> list:
    """Open campaigns, what is on air first; with `running` only those on air that one is approved for."""
    return db.execute(_CAMPAIGNS, {"id": affiliate_id, "running": running}).mappings().all()


def _with_pictures(db, rows) -> list[dict]:
    pictures = picture_urls(db, [row["variant_id"] for row in rows if row["variant_id"]])
    rates = rates_of(db, rows)
    return [{**row, "picture": pictures.get(row["variant_id"], ""), **rates[row["id"]]} for row in rows]


def open_campaigns(db, affiliate_id: uuid.UUID) -> list[dict]:
    """As `campaigns`, with a picture and the rates of each."""
    return _with_pictures(db, campaigns(db, affiliate_id))


def _show_out(row: dict) -> dict:
    return {"campaign_id": str(row["id"]), "live_id": str(row["live_id"]), "title": row["title"], "shop": row["shop"],
            "currency": row["currency"], "earned_minor": row["earned"], "orders": row["orders"],
            "visits": row["visits"], "picture": row["picture"], "rates": rates_text(row["rates"], row["currency"])}


def rates_of(db, rows) -> dict[uuid.UUID, dict]:
    """{campaign: its rules for this affiliate: `rates` that hold now, the widest first, and `changes` that were
    announced, the next first}, for rows of `campaigns`."""
    at = now()
    by_shop = {shop: rules_at(db, shop, at) for shop in {row["merchant_id"] for row in rows}}
    products = {rule.product_id for rules in by_shop.values() for rule in rules if rule.product_id}
    names = dict(db.execute(select(Product.id, Product.name).where(Product.id.in_(products))).all()) if products else {}
    found = {}
    for row in rows:
        mine = [rule for rule in by_shop[row["merchant_id"]] if _applies(rule, row)]
        found[row["id"]] = {"rates": [_rate_out(rule, names) for rule in mine if rule.valid.lower <= at],
                            "changes": [{**_rate_out(rule, names), "begins": rule.valid.lower > at}
                                        for rule in _changes(mine, at)]}
    return found


def _changes(rules: list[CommissionRule], at) -> list[CommissionRule]:
    """Rules that will begin, and those that will end without another in their place, by when that is."""
    coming = [rule for rule in rules if rule.valid.lower > at]
    followed = {(_scope(rule), rule.valid.lower) for rule in coming}
    ending = [rule for rule in rules if rule.valid.lower <= at and rule.valid.upper
              and (_scope(rule), rule.valid.upper) not in followed]
    return sorted(coming + ending, key=lambda rule: rule.valid.lower if rule.valid.lower > at else rule.valid.upper)


def _scope(rule: CommissionRule) -> tuple:
    return tuple(getattr(rule, name) for name in SCOPES)


def _applies(rule: CommissionRule, row) -> bool:
    return rule.campaign_id in (None, row["id"]) and rule.tier in (None, row["tier"]) and \
        rule.currency in (None, row["currency"])


def _rate_out(rule: CommissionRule, names: dict) -> dict:
    return {"rate_ppm": rule.rate_ppm, "flat_minor": rule.flat_minor, "cap_minor": rule.cap_minor,
            "what": names.get(rule.product_id) or rule.category or "", "rank": rank(rule),
            "since": rule.valid.lower, "until": rule.valid.upper}


def lines_out(db, affiliate_id: uuid.UUID, rows) -> list[dict]:
    """Commissions as events carry them, with the picture of the product and whether they are settled."""
    settled = settled_ids(db, affiliate_id, [one.id for one, _number, _title in rows]) if rows else set()
    variants = dict(db.execute(select(OrderLine.id, OrderLine.variant_id).where(
        OrderLine.id.in_([one.order_line_id for one, _number, _title in rows]))).all()) if rows else {}
    pictures = picture_urls(db, variants.values())
    return [{**commission_out(one, number, title, settled=one.id in settled),
             "picture": pictures.get(variants.get(one.order_line_id), "")} for one, number, title in rows]


def funnels(db, affiliate_id: uuid.UUID) -> dict[uuid.UUID, list]:
    """{link or coupon: [rows with currency, orders and earned]} of what it brought."""
    found = defaultdict(list)
    for row in db.execute(_FUNNEL, {"id": affiliate_id}):
        found[row.coupon_id or row.link_id].append(row)
    return found


def team(db, leader_id: uuid.UUID) -> list[dict]:
    """Everybody who is led or was when an order came: with what they brought and what the leader earned of it."""
    people: dict = {}
    for row in db.execute(_TEAM, {"id": leader_id}).mappings():
        one = people.setdefault(row["id"], {"name": row["display_name"], "state": row["state"],
                                            "since": row["created_at"], "sums": []})
        if row["currency"]:
            one["sums"].append({name: row[name] for name in ("currency", "orders", "base", "earned")})
    return list(people.values())


def page_of_lines(db, affiliate_id: uuid.UUID, offset: int, limit: int) -> list:
    """[(commission, order number, title)] of one page, newest first."""
    return db.execute(
        select(Commission, Order.number, OrderLine.title).join(Order, Order.id == Commission.order_id)
        .join(OrderLine, OrderLine.id == Commission.order_line_id).where(Commission.affiliate_id == affiliate_id)
        .order_by(Commission.id.desc()).offset(offset).limit(limit)).all()


def count_of(db, affiliate_id: uuid.UUID) -> int:
    """How many lines an affiliate has."""
    return db.scalar(select(func.count()).select_from(Commission).where(Commission.affiliate_id == affiliate_id))
