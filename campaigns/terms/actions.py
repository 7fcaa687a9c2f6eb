"""Writing drafts: a campaign's terms and its offers. Each action locks the campaign first, so edits follow one another
and none slips in while it is published."""
import uuid

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, select, update
from sqlalchemy.exc import IntegrityError

from campaigns.catalogue.models import Product, Variant
from campaigns.terms import sheet
from campaigns.terms.lifecycle import lock, lock_draft
from campaigns.terms.models import Campaign, Offer
from campaigns.terms.queries import access_offer, offers_of, title_of
from campaigns.terms.schemas import MOST_UNITS
from core import clock
from core.errors import DomainError, Invalid
from core.money import PPM, share_ppm
from members.models import Merchant

COPIED = ("variant_id", "merchant_id", "title", "position", "price_minor", "compare_at_minor", "is_deal", "allotment",
          "limit_per_member", "hold_seconds", "after_sale", "promise")


class ListChanged(DomainError):
    """The offers are not those that the page has seen."""

    code, message = "list_changed", _l("The offers changed meanwhile. Here they are as they are now.")


class InUse(DomainError):
    """A show stands on it."""

    code, message = "in_use", _l("A show already has this in its plan. Take it out there first.")


def create(db, merchant: Merchant, name: str, by, currency: str | None = None) -> Campaign:
    """A new draft in the shop's currency. Invalid if another currency is asked for."""
    _same_currency(merchant, currency or merchant.currency)
    campaign = Campaign(merchant_id=merchant.id, name=name.strip(), currency=merchant.currency, created_by=by and by.id,
                        saved_by=by and by.id)
    db.add(campaign)
    db.flush()
    return campaign


def update_terms(db, campaign: Campaign, values: dict, by) -> Campaign:
    """Change name, currency, hold_seconds or after_sale of a draft."""
    campaign = lock_draft(db, campaign.id)
    if "currency" in values:
        _same_currency(db.get(Merchant, campaign.merchant_id), values["currency"])
    for name, value in values.items():
        setattr(campaign, name, value.strip() if name == "name" else value)
    return _saved(db, campaign, by)


def _same_currency(merchant: Merchant, currency: str) -> None:
    if currency != merchant.currency:
        raise Invalid(fields={"currency": [_("This shop sells in %(currency)s.", currency=merchant.currency)]})


def _saved(db, campaign: Campaign, by) -> Campaign:
    campaign.saved_at, campaign.saved_by = clock.now(), by and by.id
    db.flush()
    return campaign


# -- Offers ----------------------------------------------------------------------------------------------------------

def add_offers(db, campaign: Campaign, variant_ids: list[uuid.UUID], by, *, off_percent: int = 0,
               share_percent: int = 0, limit_per_member: int = 1, is_deal: bool = False) -> list[Offer]:
    """Offer these variants: `off_percent` off their list price, `share_percent` of their stock.

    Those that are in already are left alone. Invalid if one is not this shop's, is archived or has another currency.
    """
    campaign = lock_draft(db, campaign.id)
    wanted = _variants(db, campaign, variant_ids)
    present = {offer.variant_id for offer in offers_of(db, campaign.id)}
    position = _next_position(db, campaign)
    added = []
    for variant, product in (wanted[each] for each in dict.fromkeys(variant_ids) if each not in present):
        price = max(1, variant.price_minor - share_ppm(variant.price_minor, off_percent * PPM // 100))
        added.append(Offer(
            campaign_id=campaign.id, merchant_id=campaign.merchant_id, variant_id=variant.id,
            title=title_of(product, variant), position=position + len(added), price_minor=price,
            compare_at_minor=variant.price_minor if price < variant.price_minor else None, is_deal=is_deal,
            allotment=min(MOST_UNITS, variant.on_hand * share_percent // 100), limit_per_member=limit_per_member))
    db.add_all(added)
    _saved(db, campaign, by)
    return added


def _variants(db, campaign: Campaign, variant_ids) -> dict:
    """{variant id: (variant, product)} of the shop's own."""
    found = {variant.id: (variant, product) for variant, product in db.execute(
        select(Variant, Product).join(Product).where(
            Variant.id.in_(variant_ids), Variant.merchant_id == campaign.merchant_id, Variant.archived_at.is_(None),
            Product.archived_at.is_(None), Variant.currency == campaign.currency))}
    if set(variant_ids) - set(found):
        raise Invalid(fields={"variant_ids": [_("Choose products of this shop's catalogue.")]})
    return found


def _next_position(db, campaign: Campaign) -> int:
    return (db.scalar(select(func.max(Offer.position)).where(Offer.campaign_id == campaign.id)) or 0) + 1


def update_offer(db, campaign: Campaign, offer_id: uuid.UUID, values: dict, by) -> Offer:
    """Change an offer of a draft. Invalid, at the field that was changed, if price and full price would cross."""
    campaign = lock_draft(db, campaign.id)
    offer = access_offer(db, campaign, offer_id)
    price = values.get("price_minor", offer.price_minor)
    full = values.get("compare_at_minor", offer.compare_at_minor)
    if full is not None and full <= price:
        raise Invalid(fields=_crossed(values))
    for name, value in values.items():
        setattr(offer, name, value)
    _saved(db, campaign, by)
    return offer


def _crossed(values: dict) -> dict:
    if "compare_at_minor" in values:
        return {"compare_at_minor": [_("The full price must be above the price.")]}
    return {"price_minor": [_("The price must be below the full price. Raise that first.")]}


def reorder(db, campaign: Campaign, ids: list[uuid.UUID], by) -> None:
    """Put the offers into this order. ListChanged if these are not exactly the campaign's offers."""
    campaign = lock_draft(db, campaign.id)
    offers = {offer.id: offer for offer in offers_of(db, campaign.id)}
    if len(ids) != len(offers) or set(ids) != set(offers):
        raise ListChanged
    for position, offer_id in enumerate(ids, 1):
        offers[offer_id].position = position
    _saved(db, campaign, by)


def remove_offer(db, campaign: Campaign, offer_id: uuid.UUID, by) -> dict:
    """Take an offer out of a draft; gives what `restore_offer` takes to undo it. InUse if a show's plan has it."""
    campaign = lock_draft(db, campaign.id)
    offer = access_offer(db, campaign, offer_id)
    gone = {"variant_id": str(offer.variant_id), **sheet.terms_out(offer)}
    _delete(db, delete(Offer).where(Offer.id == offer.id))
    db.expunge(offer)
    _saved(db, campaign, by)
    return gone


def restore_offer(db, campaign: Campaign, values: dict, by) -> Offer:
    """Put a removed offer back where it was. Nothing happens if its variant is offered again already."""
    campaign = lock_draft(db, campaign.id)
    _variants(db, campaign, [values["variant_id"]])
    full = values.get("compare_at_minor")
    if full is not None and full <= values["price_minor"]:
        raise Invalid(fields=_crossed({"compare_at_minor": full}))
    offers = offers_of(db, campaign.id)
    present = next((offer for offer in offers if offer.variant_id == values["variant_id"]), None)
    if present:
        return present
    db.execute(update(Offer).where(Offer.campaign_id == campaign.id, Offer.position >= values["position"])
               .values(position=Offer.position + 1))
    offer = Offer(campaign_id=campaign.id, merchant_id=campaign.merchant_id, **values)
    db.add(offer)
    _saved(db, campaign, by)
    return offer


def apply_fix(db, campaign: Campaign, code: str, offer_id: uuid.UUID | None, by) -> None:
    """Do what the problem suggests, worked out anew. Nothing happens if the problem is gone."""
    campaign = lock_draft(db, campaign.id)
    found = next((problem for problem in sheet.problems(db, campaign, sheet.rows(db, campaign))
                  if problem.code == code and problem.offer_id == offer_id and problem.fix), None)
    if found is None:
        return
    values = {found.fix["field"]: found.fix["value"]}
    if offer_id:
        update_offer(db, campaign, offer_id, values, by)
    else:
        update_terms(db, campaign, values, by)


# -- Whole campaigns -------------------------------------------------------------------------------------------------

def duplicate(db, campaign: Campaign, by) -> Campaign:
    """A new draft on the same terms; prices of the last 30 days and stock are looked at anew."""
    copy = create(db, db.get(Merchant, campaign.merchant_id), _("Copy of %(name)s", name=campaign.name)[:120], by)
    copy.hold_seconds, copy.after_sale = campaign.hold_seconds, campaign.after_sale
    db.add_all(Offer(campaign_id=copy.id, **{name: getattr(offer, name) for name in COPIED})
               for offer in offers_of(db, campaign.id))
    db.flush()
    return copy


def discard(db, campaign: Campaign) -> None:
    """Throw a draft away. InUse if a show is planned on it."""
    campaign = lock_draft(db, campaign.id)
    _delete(db, delete(Offer).where(Offer.campaign_id == campaign.id))
    _delete(db, delete(Campaign).where(Campaign.id == campaign.id))


def _delete(db, statement) -> None:
    """Deleting fails on a foreign key if a show, which we cannot see from here, stands on it."""
    try:
        with db.begin_nested():
            db.execute(statement.execution_options(synchronize_session=False))
    except IntegrityError as error:
        raise InUse from error


__all__ = ["InUse", "ListChanged", "add_offers", "apply_fix", "create", "discard", "duplicate", "lock", "remove_offer",
           "reorder", "restore_offer", "update_offer", "update_terms"]
