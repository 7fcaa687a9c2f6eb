"""Coupon codes at the checkout. Whose they are is known above; a package registers who can find one.

What a code takes off is computed here alone: a share of the price (half up) or a sum, never the whole, because a
payment of nothing is none. Over several lines it is shared by largest remainder.
"""
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import select

from campaigns.terms.models import Campaign, Offer
from core import money
from orders.errors import CouponRefused


@dataclass(frozen=True)
class Coupon:
    """A code that holds now. Without percent_ppm and amount_minor it takes nothing off; it says who sent the buyer."""
    code: str
    percent_ppm: int | None = None
    amount_minor: int | None = None
    currency: str | None = None


# find(db, code as typed, campaign, member) → Coupon, or None if it is not known there; raises CouponRefused.
FINDERS: list[Callable] = []


def find(db, typed: str, campaign: Campaign, member) -> Coupon:
    """The coupon of a code, for an order of this campaign. Raises CouponRefused."""
    for finder in FINDERS:
        found = finder(db, typed, campaign, member)
        if found is None:
            continue
        if found.amount_minor is not None and found.currency != campaign.currency:
            raise CouponRefused(_("This code is for another currency."), code="coupon_elsewhere")
        return found
    raise CouponRefused


def check(db, typed: str, offer_id: uuid.UUID, member) -> Coupon:
    """As find, for whoever looks at an offer. Raises CouponRefused also where there is no such offer."""
    campaign = db.scalar(select(Campaign).join(Offer, Offer.campaign_id == Campaign.id).where(Offer.id == offer_id))
    if campaign is None:
        raise CouponRefused
    return find(db, typed, campaign, member)


def discount(coupon: Coupon, gross_minor: int) -> int:
    """What the coupon takes off. Raises CouponRefused where nothing would be left to pay."""
    if coupon.percent_ppm is not None:
        return min(money.share_ppm(gross_minor, coupon.percent_ppm), gross_minor - 1)
    if coupon.amount_minor is None:
        return 0
    if coupon.amount_minor >= gross_minor:
        raise CouponRefused(_("This code needs a larger order."), code="coupon_too_small")
    return coupon.amount_minor


def shares(discount_minor: int, line_totals: list[int]) -> list[int]:
    """The discount shared over lines by what they cost, largest remainder: exact in sum, none above its line."""
    return money.split(discount_minor, line_totals)


def coupon_out(coupon: Coupon) -> dict:
    """A coupon as the buyer's page needs it to show the price."""
    return {"code": coupon.code, "percent_ppm": coupon.percent_ppm, "amount_minor": coupon.amount_minor}
