"""What a campaign asks for a variant is part of the variant's price history, from which "lowest of 30 days" comes."""
from sqlalchemy import func, select

from campaigns.catalogue.actions import record_price
from campaigns.terms.models import Campaign, Offer


def open_prices(db, campaign: Campaign) -> None:
    """The show has begun: from now on its offers' prices are asked."""
    for offer in db.scalars(select(Offer).where(Offer.campaign_id == campaign.id).order_by(Offer.variant_id)):
        record_price(db, offer.variant_id, offer.price_minor, "offer")


def close_prices(db, campaign: Campaign) -> None:
    """The campaign is over: its prices are not asked any more, unless another live campaign asks one."""
    variants = select(Offer.variant_id).where(Offer.campaign_id == campaign.id)
    others = dict(db.execute(
        select(Offer.variant_id, func.min(Offer.price_minor)).join(Campaign)
        .where(Campaign.state == "live", Campaign.id != campaign.id, Offer.variant_id.in_(variants))
        .group_by(Offer.variant_id)).all())
    for variant_id in db.scalars(variants.order_by(Offer.variant_id)).all():
        record_price(db, variant_id, others.get(variant_id), "offer")


def asked(db, offer: Offer, price_minor: int) -> None:
    """The host asks another price from now on."""
    record_price(db, offer.variant_id, price_minor, "offer")
