"""Publishing and ending: when units leave the shelf for a campaign, and when the unsold come back."""
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from campaigns.catalogue.actions import lock_variants, move_stock
from campaigns.stock.actions import give_back
from campaigns.stock.models import OfferStock
from campaigns.terms import rules, sheet
from campaigns.terms.lifecycle import WrongState, lock, lock_draft, may_move, move
from campaigns.terms.models import Campaign, Offer
from campaigns.terms.queries import stock_of_campaign
from core import clock
from core.errors import DomainError


class NotReady(DomainError):
    """Rules stop publishing; `problems` says which and why."""

    code, message = "not_ready", _l("Something still stops publishing.")


class OnSale(DomainError):
    """Units can be claimed at this moment."""

    code, message = "on_sale", _l("Something is on sale right now. End the show or stop the sale first.")


def publish(db, campaign: Campaign, by) -> Campaign:
    """Freeze the terms and take every allotment from stock: all of it or nothing. NotReady, Frozen.

    The variants are locked before the check, so what was checked is what is taken.
    """
    campaign = lock_draft(db, campaign.id)
    _lock_variants(db, campaign)
    rows = sheet.rows(db, campaign)
    problems = sheet.problems(db, campaign, rows)
    if rules.stops(problems):
        raise NotReady(problems=[problem.out() for problem in problems])
    for row in rows:
        row.offer.lowest_30d_minor = row.low_minor
    campaign.saved_at, campaign.saved_by = clock.now(), by and by.id
    db.flush()
    campaign = move(db, campaign, "scheduled")
    for row in rows:
        _allot(db, campaign, row.offer, by)
    return campaign


def _lock_variants(db, campaign: Campaign) -> None:
    # Two campaigns with the same variants wait for each other instead of locking up (docs/architecture.md, lock order).
    lock_variants(db, select(Offer.variant_id).where(Offer.campaign_id == campaign.id))


def _allot(db, campaign: Campaign, offer: Offer, by) -> None:
    move_stock(db, offer.variant_id, -offer.allotment, "allot", f"allot:{offer.id}", offer_id=offer.id, by=by)
    db.add(OfferStock(offer_id=offer.id, allotment=offer.allotment, reserve=offer.allotment,
                      price_minor=offer.price_minor, currency=campaign.currency, unit_limit=offer.limit_per_member,
                      hold_seconds=offer.hold_seconds or campaign.hold_seconds))
    db.flush()


def end(db, campaign: Campaign, by) -> Campaign:
    """End a scheduled or live campaign: what nobody holds or bought goes back to stock. WrongState, OnSale."""
    campaign = lock(db, campaign.id)
    if not may_move(campaign.state, "ended"):
        raise WrongState(state=campaign.state)
    _lock_variants(db, campaign)
    stocks = stock_of_campaign(db, campaign.id)
    now = clock.now()
    if any(stock.mode == "open" or stock.mode == "flash" and stock.closes_at > now for stock in stocks):
        raise OnSale
    for stock in stocks:
        return_unsold(db, stock, by)
    return move(db, campaign, "ended")


def return_unsold(db, stock: OfferStock, by=None) -> int:
    """Bring an ended offer's free units back to stock, as often as some come free. How many.

    Locks the variant, then the offer's numbers. A caller with several offers, or with one locked already, has called
    lock_variants before.
    """
    variant_id = db.scalar(select(Offer.variant_id).where(Offer.id == stock.offer_id))
    lock_variants(db, [variant_id])
    units = give_back(db, stock.id)
    db.refresh(stock)
    if units:
        # The version grows with every change of the row, so each return has a key of its own.
        move_stock(db, variant_id, units, "unallot", f"unallot:{stock.id}:{stock.version}",
                   offer_id=stock.offer_id, by=by)
    return units
