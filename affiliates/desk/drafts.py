"""A rule as somebody types it, and what would happen if it were published now. Nothing here writes."""
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import select, text

from affiliates.commission.models import CommissionRule
from affiliates.commission.publishing import check, holds_from, running
from affiliates.commission.rules import Draft
from affiliates.commission.simulate import Replay, replay
from affiliates.desk.inputs import Choice, Percent, Whole, minor, tier_of
from affiliates.people.queries import terms_of
from campaigns.catalogue.models import Product, Variant
from campaigns.terms.models import Campaign
from core.clock import now
from core.errors import Invalid
from core.web import In
from members.models import Merchant

_TRIED_ON = text("""
SELECT c.id, c.name FROM campaigns c WHERE c.merchant_id = :merchant AND c.state <> 'draft'
  AND EXISTS (SELECT FROM attributions a WHERE a.campaign_id = c.id AND a.affiliate_id IS NOT NULL)
ORDER BY c.id DESC LIMIT 50""")
MOST_PRODUCTS = 300  # offered while one types; any other SKU is found as well


class DraftIn(In):
    """The terms and the scope; `past`: the campaign on which they are tried, all without."""
    rate = Percent(load_default=None)
    flat = fields.String(load_default="")
    level2 = Percent(load_default=None)
    cap = fields.String(load_default="")
    hold_days = Whole(0, 365, load_default=None)
    sku = fields.String(load_default="", validate=validate.Length(max=80))
    category = fields.String(load_default="", validate=validate.Length(max=120))
    campaign_id = Choice(load_default=None)
    tier = fields.String(load_default="", validate=validate.Length(max=40))
    past = Choice(load_default=None)


class PublishIn(DraftIn):
    """`announced`: what the page said, "now" or "later", so that nobody cuts what they thought they raised."""
    note = fields.String(load_default="", validate=validate.Length(max=500))
    announced = fields.String(required=True, validate=validate.OneOf(("now", "later")))


def draft_of(db, shop: Merchant, given: dict) -> Draft:
    """The draft that was typed, checked. Raises Invalid, NotFound."""
    flat, cap = minor(given["flat"], shop.currency, "flat"), minor(given["cap"], shop.currency, "cap")
    draft = Draft(rate_ppm=given["rate"], flat_minor=flat, level2_ppm=given["level2"] or 0, cap_minor=cap,
                  hold_days=given["hold_days"], product_id=_product(db, shop.id, given["sku"].strip()),
                  category=given["category"].strip() or None, campaign_id=given["campaign_id"],
                  tier=tier_of(given["tier"]) if given["tier"].strip() else None,
                  currency=shop.currency if (flat or cap) is not None else None)
    check(db, shop, draft)
    return draft


def _product(db, merchant_id: uuid.UUID, sku: str) -> uuid.UUID | None:
    found = db.scalar(select(Variant.product_id).where(Variant.merchant_id == merchant_id, Variant.sku == sku)) \
        if sku else None
    if sku and found is None:
        raise Invalid(fields={"sku": [_("No product of yours has this SKU.")]})
    return found


@dataclass(frozen=True)
class Preview:
    """What publishing would do. `in_the_way`: an announced change that has to hold first."""
    draft: Draft
    starts_at: datetime
    cut_of: CommissionRule | None
    replaces: CommissionRule | None
    in_the_way: CommissionRule | None
    promised: bool  # its campaign, if it has one, is published
    notice_days: int
    result: Replay


def preview(db, shop: Merchant, given: dict) -> Preview:
    """When a draft would hold, and what it would have done in past sales. Raises Invalid, NotFound."""
    draft, at = draft_of(db, shop, given), now()
    campaign = db.get(Campaign, draft.campaign_id) if draft.campaign_id else None
    starts_at, cut_of = holds_from(db, shop, draft, at)
    mine = running(db, shop.id, draft, at)
    past = [given["past"]] if given["past"] else None
    return Preview(
        draft, starts_at, cut_of, replaces=next((rule for rule in mine if rule.valid.lower <= at), None),
        in_the_way=next((rule for rule in mine if rule.valid.lower >= starts_at), None),
        promised=campaign is None or campaign.state != "draft",
        notice_days=-((at - starts_at) // timedelta(days=1)) if cut_of else terms_of(db, shop.id).notice_days,
        result=replay(db, shop.id, draft, past, anywhere=draft.campaign_id not in (None, given["past"])))


# -- What the form offers

def tried_on(db, merchant_id: uuid.UUID) -> list[tuple]:
    """[(id, name)] of campaigns in which affiliates brought orders, newest first."""
    return [tuple(row) for row in db.execute(_TRIED_ON, {"merchant": merchant_id})]


def categories(db, merchant_id: uuid.UUID) -> list[str]:
    """The categories of the shop's products, and those that its rules name."""
    of_products = select(Product.category).where(Product.merchant_id == merchant_id)
    of_rules = select(CommissionRule.category).where(CommissionRule.merchant_id == merchant_id)
    return sorted({name for name in db.scalars(of_products.union(of_rules)) if name})


def products(db, merchant_id: uuid.UUID) -> list[tuple]:
    """[(SKU, name)] to choose from while one types."""
    return [tuple(row) for row in db.execute(
        select(Variant.sku, Product.name).join(Product, Product.id == Variant.product_id)
        .where(Variant.merchant_id == merchant_id, Variant.archived_at.is_(None), Variant.on_hand > 0)
        .order_by(Variant.on_hand.desc(), Variant.sku).limit(MOST_PRODUCTS))]
