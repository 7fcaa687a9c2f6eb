"""The editor's sheet: a campaign, its offers with what is known of their variants, and what its rules say."""
from dataclasses import dataclass

from sqlalchemy import select

from campaigns.catalogue.models import Product, Variant
from campaigns.catalogue.queries import lowest_prices, picture_urls
from campaigns.stock.queries import stock_out
from campaigns.terms import rules
from campaigns.terms.models import Campaign, Offer
from campaigns.terms.queries import offers_of, stock_of_campaign
from core.clock import iso
from core.i18n import money_text
from members.models import Member, Merchant


@dataclass(frozen=True)
class Row:
    """An offer beside its variant; `low_minor` is the lowest price of 30 days, now or as fixed at publishing."""
    offer: Offer
    variant: Variant
    archived: bool
    low_minor: int

    def line(self) -> rules.Line:
        offer, variant = self.offer, self.variant
        return rules.Line(
            offer_id=offer.id, variant_id=variant.id, title=offer.title, price_minor=offer.price_minor,
            allotment=offer.allotment, limit_per_member=offer.limit_per_member, on_hand=variant.on_hand,
            list_minor=variant.price_minor, low_minor=self.low_minor, currency=variant.currency,
            compare_at_minor=offer.compare_at_minor, cost_minor=variant.cost_minor, is_deal=offer.is_deal,
            after_sale=offer.after_sale, archived=self.archived)


def rows(db, campaign: Campaign) -> list[Row]:
    """The campaign's offers, in order, each with its variant as it is now."""
    offers = offers_of(db, campaign.id)
    ids = [offer.variant_id for offer in offers]
    found = {variant.id: (variant, product) for variant, product in db.execute(
        select(Variant, Product).join(Product).where(Variant.id.in_(ids)).execution_options(populate_existing=True))}
    lows = lowest_prices(db, ids)
    return [Row(offer, variant, bool(variant.archived_at or product.archived_at),
                offer.lowest_30d_minor or lows[variant.id])
            for offer in offers for variant, product in [found[offer.variant_id]]]


def problems(db, campaign: Campaign, of: list[Row]) -> list[rules.Problem]:
    """What the rules say of these rows now."""
    terms = rules.Terms(campaign.name, campaign.currency, db.get(Merchant, campaign.merchant_id).currency,
                        campaign.after_sale)
    return rules.check_campaign(terms, [row.line() for row in of], lambda minor: money_text(minor, campaign.currency))


def sheet(db, campaign: Campaign) -> dict:
    """All that the editor shows. A published campaign has running numbers and no problems: its terms hold."""
    of = rows(db, campaign)
    draft = campaign.state == "draft"
    stocks = {} if draft else {stock.offer_id: stock_out(stock) for stock in stock_of_campaign(db, campaign.id)}
    pictures = picture_urls(db, [row.variant.id for row in of])
    return {"campaign": campaign_out(db, campaign),
            "offers": [offer_out(row, pictures[row.variant.id], stocks.get(row.offer.id)) for row in of],
            "problems": [problem.out() for problem in problems(db, campaign, of)] if draft else []}


def campaign_out(db, campaign: Campaign) -> dict:
    saved_by = campaign.saved_by and db.get(Member, campaign.saved_by)
    return {"id": str(campaign.id), "name": campaign.name, "state": campaign.state, "currency": campaign.currency,
            "hold_seconds": campaign.hold_seconds, "after_sale": campaign.after_sale,
            "saved_at": iso(campaign.saved_at), "saved_by": saved_by.name if saved_by else None}


def offer_out(row: Row, picture: str, stock: dict | None) -> dict:
    offer, variant = row.offer, row.variant
    return {"id": str(offer.id), "variant_id": str(variant.id), "sku": variant.sku, "picture": picture, "stock": stock,
            **terms_out(offer), "list_minor": variant.price_minor, "cost_minor": variant.cost_minor,
            "on_hand": variant.on_hand, "low_minor": row.low_minor}


def terms_out(offer: Offer) -> dict:
    """What OfferIn takes back, so that a removal can be undone."""
    return {"title": offer.title, "position": offer.position, "price_minor": offer.price_minor,
            "compare_at_minor": offer.compare_at_minor, "is_deal": offer.is_deal, "allotment": offer.allotment,
            "limit_per_member": offer.limit_per_member, "hold_seconds": offer.hold_seconds,
            "after_sale": offer.after_sale, "promise": offer.promise}
