"""What the checkout asks of a typed code (orders/coupons.py)."""
from flask_babel import gettext as _
from sqlalchemy import func, select

from affiliates.links.codes import coupon_code
from affiliates.links.models import Coupon
from campaigns.terms.models import Campaign
from orders import coupons
from orders.errors import CouponRefused


def find(db, typed: str, campaign: Campaign, _member) -> coupons.Coupon | None:
    """The merchant's coupon of this code; None if there is none. Raises CouponRefused with the reason in words.

    The code of an affiliate who no longer earns still takes off what buyers were promised."""
    found = db.execute(select(Coupon, (Coupon.starts_at <= func.now()) & (
        Coupon.ends_at.is_(None) | (Coupon.ends_at > func.now()))).where(
        Coupon.merchant_id == campaign.merchant_id, Coupon.code == coupon_code(typed))).first()
    if found is None:
        return None
    coupon, runs = found
    if coupon.closed_at is not None or not runs:
        raise CouponRefused(_("This code is no longer valid."), code="coupon_over")
    if coupon.campaign_id not in (None, campaign.id):
        raise CouponRefused(_("This code is for another sale of the shop."), code="coupon_elsewhere")
    return coupons.Coupon(coupon.code, coupon.percent_ppm, coupon.amount_minor, coupon.currency)


def take_part() -> None:
    """Let the checkout know affiliates' codes; again changes nothing."""
    if find not in coupons.FINDERS:
        coupons.FINDERS.append(find)
