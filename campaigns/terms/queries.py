"""Reading campaigns: the doors, the list, and what can be added."""
import uuid
from collections.abc import Iterable

from sqlalchemy import func, or_, select

from campaigns.catalogue.models import Product, Variant
from campaigns.catalogue.queries import lowest_prices, picture_urls
from campaigns.stock.models import OfferStock
from campaigns.terms.models import CAMPAIGN_STATES, Campaign, Offer
from core.errors import NotFound

PER_PAGE = 50
SEARCH_LIMIT = 50


def access_campaign(db, campaign_id: uuid.UUID, merchant_ids: Iterable[uuid.UUID] | None) -> Campaign:
    """A campaign of one of these merchants (None: of any, for operators). NotFound otherwise."""
    campaign = db.get(Campaign, campaign_id)
    if campaign is None or merchant_ids is not None and campaign.merchant_id not in merchant_ids:
        raise NotFound
    return campaign


def access_offer(db, campaign: Campaign, offer_id: uuid.UUID) -> Offer:
    """An offer of this campaign. NotFound otherwise."""
    offer = db.get(Offer, offer_id)
    if offer is None or offer.campaign_id != campaign.id:
        raise NotFound
    return offer


def offers_of(db, campaign_id: uuid.UUID) -> list[Offer]:
    """In the order of the editor."""
    return list(db.scalars(select(Offer).where(Offer.campaign_id == campaign_id).order_by(Offer.position, Offer.id)))


def stock_of_campaign(db, campaign_id: uuid.UUID) -> list[OfferStock]:
    """The real running numbers (no rehearsals), in the order in which they are to be locked."""
    return list(db.scalars(select(OfferStock).join(Offer, Offer.id == OfferStock.offer_id)
                           .where(Offer.campaign_id == campaign_id, ~OfferStock.rehearsal).order_by(OfferStock.id)))


def state_counts(db, merchant_id: uuid.UUID) -> dict[str, int]:
    """How many campaigns stand in each state."""
    counts = dict(db.execute(select(Campaign.state, func.count()).where(Campaign.merchant_id == merchant_id)
                             .group_by(Campaign.state)).all())
    return {state: counts.get(state, 0) for state in CAMPAIGN_STATES}


def campaigns(db, merchant_id: uuid.UUID, state: str | None = None, page: int = 1) -> list[dict]:
    """A page of the list, newest first, each with its units (allotted, sold) and what was taken."""
    numbers = (select(Offer.campaign_id, func.count().label("offers"), func.sum(Offer.allotment).label("planned"),
                      func.sum(OfferStock.allotment).label("allotted"), func.sum(OfferStock.sold).label("sold"),
                      func.sum(OfferStock.left + OfferStock.reserve).label("left"),
                      func.sum(OfferStock.held).label("held"))
               .outerjoin(OfferStock, (OfferStock.offer_id == Offer.id) & ~OfferStock.rehearsal)
               .where(Offer.merchant_id == merchant_id).group_by(Offer.campaign_id).subquery())
    rows = select(Campaign, numbers).outerjoin(numbers, numbers.c.campaign_id == Campaign.id).where(
        Campaign.merchant_id == merchant_id)
    if state:
        rows = rows.where(Campaign.state == state)
    rows = rows.order_by(Campaign.created_at.desc(), Campaign.id.desc()).limit(PER_PAGE).offset((page - 1) * PER_PAGE)
    return [{"campaign": row.Campaign, "offers": row.offers or 0, "planned": int(row.planned or 0),
             "allotted": row.allotted and int(row.allotted), "sold": int(row.sold or 0), "left": int(row.left or 0),
             "held": int(row.held or 0)} for row in db.execute(rows)]


def search(db, campaign: Campaign, words: str) -> list[dict]:
    """Variants of the shop that match (name, option or SKU) and can be added; those in already are marked."""
    found = (select(Variant, Product, Offer.id.label("offer_id")).join(Product)
             .outerjoin(Offer, (Offer.variant_id == Variant.id) & (Offer.campaign_id == campaign.id))
             .where(Variant.merchant_id == campaign.merchant_id, Variant.archived_at.is_(None),
                    Product.archived_at.is_(None), Variant.currency == campaign.currency))
    for word in words.split():
        found = found.where(or_(Product.name.icontains(word, autoescape=True),
                                Variant.option.icontains(word, autoescape=True),
                                Variant.sku.icontains(word, autoescape=True)))
    rows = db.execute(found.order_by((Variant.on_hand == 0), func.lower(Product.name), Variant.position, Variant.sku)
                      .limit(SEARCH_LIMIT)).all()
    ids = [row.Variant.id for row in rows]
    pictures, lows = picture_urls(db, ids), lowest_prices(db, ids)
    return [{"variant_id": str(row.Variant.id), "title": title_of(row.Product, row.Variant), "sku": row.Variant.sku,
             "picture": pictures[row.Variant.id], "list_minor": row.Variant.price_minor,
             "low_minor": lows[row.Variant.id], "on_hand": row.Variant.on_hand, "added": row.offer_id is not None}
            for row in rows]


def title_of(product: Product, variant: Variant) -> str:
    """What an offer of this variant is called at first."""
    return f"{product.name}, {variant.option}" if variant.option else product.name
