"""Putting a CSV of offers into a draft: good lines are taken, the others are listed with their reason."""
from flask_babel import gettext as _
from sqlalchemy import select

from campaigns.catalogue.models import Product, Variant
from campaigns.terms import csv_offers
from campaigns.terms.actions import add_offers, update_offer
from campaigns.terms.lifecycle import lock_draft
from campaigns.terms.models import Campaign
from campaigns.terms.queries import offers_of
from core.errors import Invalid


def import_offers(db, campaign: Campaign, data: bytes, by) -> dict:
    """{"added", "changed", "rejected": [{line, reason}]}. Importing the same file again changes nothing more."""
    campaign = lock_draft(db, campaign.id)
    try:
        rows, rejected = csv_offers.read(data, campaign.currency)
    except csv_offers.Unreadable as error:
        raise Invalid(fields={"file": [str(error)]}) from error
    variants = _by_sku(db, campaign, [row.sku for row in rows])
    known = {offer.variant_id for offer in offers_of(db, campaign.id)}
    new = [variants[row.sku] for row in rows if row.sku in variants and variants[row.sku] not in known]
    if new:
        add_offers(db, campaign, new, by)
    offers = {offer.variant_id: offer for offer in offers_of(db, campaign.id)}
    done = 0
    for row in rows:
        offer = offers.get(variants.get(row.sku))
        reason = _put(db, campaign, offer, row, by)
        if reason:
            rejected.append(csv_offers.Rejected(row.line, reason))
        else:
            done += 1
    return {"added": len(new), "changed": done - len(new),
            "rejected": [each.out() for each in sorted(rejected, key=lambda each: each.line)]}


def _put(db, campaign: Campaign, offer, row: csv_offers.Row, by) -> str | None:
    """Write a line into its offer; the reason if that is refused."""
    if offer is None:
        return _("%(sku)s is not in the catalogue in %(currency)s.", sku=row.sku[:40], currency=campaign.currency)
    values = dict(row.values)
    full = values.get("compare_at_minor", offer.compare_at_minor)
    if "compare_at_minor" not in values and full is not None and full <= values["price_minor"]:
        return _("The price is not below the offer's full price. Give a full price too.")
    update_offer(db, campaign, offer.id, values, by)
    return None


def _by_sku(db, campaign: Campaign, skus: list[str]) -> dict:
    return dict(db.execute(select(Variant.sku, Variant.id).join(Product).where(
        Variant.merchant_id == campaign.merchant_id, Variant.sku.in_(skus), Variant.archived_at.is_(None),
        Product.archived_at.is_(None), Variant.currency == campaign.currency)).all())
