"""Reading links and coupons, and the doors to them: an affiliate's own, a merchant's own."""
import uuid

from sqlalchemy import func, select, text

from affiliates.links.models import Click, Coupon, TrackingLink
from core.errors import NotFound


def link_by_code(db, code: str) -> TrackingLink | None:
    return db.scalar(select(TrackingLink).where(TrackingLink.code == code))


def access_link(db, link_id: uuid.UUID, affiliate_id: uuid.UUID) -> TrackingLink:
    """An affiliate's own link. Raises NotFound for another's."""
    found = db.get(TrackingLink, link_id)
    if found is None or found.affiliate_id != affiliate_id:
        raise NotFound
    return found


def links_of(db, affiliate_id: uuid.UUID) -> list[TrackingLink]:
    """An affiliate's links, newest first."""
    return list(db.scalars(select(TrackingLink).where(TrackingLink.affiliate_id == affiliate_id)
                           .order_by(TrackingLink.id.desc())))


def clicks_by_link(db, affiliate_id: uuid.UUID) -> dict[uuid.UUID, tuple[int, int]]:
    """{link: (clicks, different browsers)} of an affiliate's links."""
    rows = db.execute(select(Click.link_id, func.count(), func.count(func.distinct(Click.visitor)))
                      .join(TrackingLink, TrackingLink.id == Click.link_id)
                      .where(TrackingLink.affiliate_id == affiliate_id).group_by(Click.link_id))
    return {link_id: (clicks, browsers) for link_id, clicks, browsers in rows}


def coupons_of(db, affiliate_id: uuid.UUID) -> list[Coupon]:
    """An affiliate's codes, newest first."""
    return list(db.scalars(select(Coupon).where(Coupon.affiliate_id == affiliate_id).order_by(Coupon.id.desc())))


def coupons_at(db, merchant_id: uuid.UUID) -> list[Coupon]:
    """A merchant's codes, newest first."""
    return list(db.scalars(select(Coupon).where(Coupon.merchant_id == merchant_id).order_by(Coupon.id.desc())))


def access_coupon(db, coupon_id: uuid.UUID, merchant_id: uuid.UUID) -> Coupon:
    """A merchant's own code. Raises NotFound for another's."""
    found = db.get(Coupon, coupon_id)
    if found is None or found.merchant_id != merchant_id:
        raise NotFound
    return found


# Plain SQL: affiliates may not import the show. What is on air first, then what comes next, then what was last.
_SHOW = """SELECT s.id FROM live_sessions s WHERE s.state <> 'cancelled' AND {which}
ORDER BY s.state IN ('live', 'paused') DESC, (s.state IN ('scheduled', 'rehearsal')) DESC,
  CASE WHEN s.state IN ('scheduled', 'rehearsal') THEN s.starts_at END, s.starts_at DESC LIMIT 1"""
_SHOW_OF_CAMPAIGN = text(_SHOW.format(which="s.campaign_id = :id"))
_SHOW_OF_PRODUCT = text(_SHOW.format(which="""s.campaign_id IN (SELECT o.campaign_id FROM offers o
  JOIN variants v ON v.id = o.variant_id JOIN campaigns c ON c.id = o.campaign_id
  WHERE v.product_id = :id AND c.state <> 'draft')"""))
_SHOW_ITSELF = text("SELECT id FROM live_sessions WHERE id = :id")


def target_of(db, link: TrackingLink) -> str:
    """The path a link leads to: its show; else the show that sells its product or campaign now; else all sales.

    Always a path of our own: a link holds ids, never an address."""
    steps = ((_SHOW_ITSELF, link.live_session_id), (_SHOW_OF_PRODUCT, link.product_id),
             (_SHOW_OF_CAMPAIGN, link.campaign_id))
    for query, id_ in steps:
        if id_ and (show := db.scalar(query, {"id": id_})):
            return f"/live/{show}"
    return "/"
