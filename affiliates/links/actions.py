"""Writes: links, coupon codes, and clicks."""
import uuid
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, select, text
from sqlalchemy.dialects.postgresql import insert

from affiliates.links.codes import coupon_code, new_code
from affiliates.links.errors import CodeTaken, NotApproved
from affiliates.links.models import Click, Coupon, TrackingLink
from affiliates.people import acts
from affiliates.people.models import Affiliate
from affiliates.people.queries import standings
from campaigns.catalogue.models import Product
from campaigns.terms.models import Campaign
from core.clock import now
from core.errors import Invalid, NotFound
from core.events import dumps
from core.ids import new_id
from members.models import Member

CLICK_DAYS = 400  # a season can be compared with the same one a year before
# A reload or a double tap is the same coming.
SAME_CLICK_SECONDS = 30

_CLICK = text("""INSERT INTO clicks (link_id, visitor, member_id, utm, referrer)
SELECT :link_id, :visitor, :member_id, cast(:utm AS jsonb), :referrer WHERE NOT EXISTS (
  SELECT FROM clicks WHERE visitor = :visitor AND link_id = :link_id
  AND created_at > now() - make_interval(secs => :seconds)) RETURNING id""")


def make_link(db, affiliate: Affiliate, *, campaign_id: uuid.UUID | None = None,
              live_session_id: uuid.UUID | None = None, product_id: uuid.UUID | None = None,
              label: str = "") -> TrackingLink:
    """A link to a campaign, one of its shows, or a product; the same wish gives the same open link.

    Raises NotFound for what is not published, NotApproved if its merchant has not approved the affiliate."""
    merchant_id, campaign_id = _merchant_of(db, campaign_id, live_session_id, product_id)
    if not standings(db, merchant_id, [affiliate.id])[affiliate.id].earns:
        raise NotApproved
    what = {"campaign_id": campaign_id, "live_session_id": live_session_id, "product_id": product_id}
    known = db.scalar(select(TrackingLink).where(
        TrackingLink.affiliate_id == affiliate.id, TrackingLink.label == label, TrackingLink.closed_at.is_(None),
        *(getattr(TrackingLink, name).is_not_distinct_from(value) for name, value in what.items())))
    if known:
        return known
    for _try in range(5):
        id_ = db.scalar(insert(TrackingLink).values(
            id=new_id(), code=new_code(), affiliate_id=affiliate.id, merchant_id=merchant_id, label=label, **what,
        ).on_conflict_do_nothing(index_elements=[TrackingLink.code]).returning(TrackingLink.id))
        if id_:
            return db.get(TrackingLink, id_)
    raise CodeTaken


def _merchant_of(db, campaign_id, live_session_id, product_id) -> tuple[uuid.UUID, uuid.UUID | None]:
    """(merchant, campaign) of what a link shall lead to. A show brings its campaign."""
    if live_session_id:
        campaign_id = db.scalar(text("SELECT campaign_id FROM live_sessions WHERE id = :id"), {"id": live_session_id})
    campaign = db.get(Campaign, campaign_id) if campaign_id else None
    product = db.get(Product, product_id) if product_id else None
    found = {row.merchant_id for row in (campaign, product) if row is not None}
    if len(found) != 1 or campaign is not None and campaign.state == "draft" or (product_id and product is None) \
            or (live_session_id and campaign is None):
        raise NotFound
    return found.pop(), campaign_id


def close_link(db, link: TrackingLink) -> None:
    """Clicks no longer count; those that came before still do."""
    link.closed_at = link.closed_at or now()
    db.flush()


def record_click(db, link: TrackingLink, visitor: uuid.UUID, *, member_id=None, utm: dict | None = None,
                 referrer: str = "") -> bool:
    """Count a coming; whether it was a new one and not the same again within 30 s."""
    return db.scalar(_CLICK, {"link_id": link.id, "visitor": visitor, "member_id": member_id,
                              "utm": dumps(utm or {}), "referrer": referrer, "seconds": SAME_CLICK_SECONDS}) is not None



def make_coupon(db, affiliate_id: uuid.UUID, merchant_id: uuid.UUID, code: str, by: Member, *, campaign_id=None,
                percent_ppm: int | None = None, amount_minor: int | None = None, currency: str | None = None,
                ends_at=None) -> Coupon:
    """A merchant gives an affiliate a code, with a discount or without. Raises Invalid, CodeTaken, NotApproved."""
    found = standings(db, merchant_id, [affiliate_id]).get(affiliate_id)
    if found is None or not found.earns:
        raise NotApproved
    code = coupon_code(code)
    if not 3 <= len(code) <= 24 or not code.isascii() or not code.isalnum():
        raise Invalid(fields={"code": [_("Use 3 to 24 letters and digits.")]})
    if campaign_id and db.scalar(select(Campaign.merchant_id).where(Campaign.id == campaign_id)) != merchant_id:
        raise NotFound
    id_ = db.scalar(insert(Coupon).values(
        id=new_id(), code=code, merchant_id=merchant_id, affiliate_id=affiliate_id, campaign_id=campaign_id,
        percent_ppm=percent_ppm, amount_minor=amount_minor, currency=currency if amount_minor else None,
        ends_at=ends_at, created_by=by.id).on_conflict_do_nothing().returning(Coupon.id))
    if id_ is None:
        raise CodeTaken(fields={"code": [CodeTaken.message]})
    acts.note(db, "coupon.made", id_, by=by, merchant_id=merchant_id, code=code, percent_ppm=percent_ppm,
              amount_minor=amount_minor)
    return db.get(Coupon, id_)


def close_coupon(db, coupon: Coupon, by: Member) -> None:
    """The code is refused from now on; orders made with it stay as they are."""
    if coupon.closed_at is None:
        coupon.closed_at = now()
        acts.note(db, "coupon.closed", coupon.id, by=by, merchant_id=coupon.merchant_id, code=coupon.code)
        db.flush()


def sweep_clicks(db, limit: int = 10_000) -> int:
    """Forget clicks older than `CLICK_DAYS`; how many went."""
    old = select(Click.id).where(Click.created_at < now() - timedelta(days=CLICK_DAYS)).limit(limit)
    return db.execute(delete(Click).where(Click.id.in_(old)).execution_options(synchronize_session=False)).rowcount
