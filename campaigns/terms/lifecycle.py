"""Where a campaign stands, and the only way to move it on.

Publishing is final: a scheduled campaign never becomes a draft again, because its terms may have been seen and
reminders set on them. Who finds a mistake ends it (every unsold unit goes back) and duplicates it.
"""
from flask_babel import lazy_gettext as _l
from sqlalchemy import select

from campaigns.terms import prices
from campaigns.terms.models import Campaign
from core import clock, events
from core.errors import DomainError

MOVES = {
    "draft": {"scheduled"},
    "scheduled": {"live", "ended"},  # ended without a show: called off
    "live": {"ended"},
    "ended": {"settling"},
    "settling": {"settled"},
    "settled": set(),
}


class WrongState(DomainError):
    """The campaign does not move from where it is to there."""

    code, message = "wrong_state", _l("The campaign is not in a state in which that is possible.")


class Frozen(DomainError):
    """Its terms were published."""

    code = "frozen"
    message = _l("The terms were frozen when the campaign was published. Duplicate it to sell on others.")


def may_move(state: str, to: str) -> bool:
    return to in MOVES[state]


def lock(db, campaign_id) -> Campaign:
    """The campaign as it is now, held until the transaction ends, so that edits and moves follow one another."""
    return db.scalars(select(Campaign).where(Campaign.id == campaign_id).with_for_update()
                      .execution_options(populate_existing=True)).one()


def lock_draft(db, campaign_id) -> Campaign:
    """As lock; Frozen if it is no draft any more."""
    campaign = lock(db, campaign_id)
    if campaign.state != "draft":
        raise Frozen
    return campaign


def move(db, campaign: Campaign, to: str) -> Campaign:
    """Move the campaign to another state and say so. WrongState if MOVES does not allow it."""
    campaign = lock(db, campaign.id)
    if not may_move(campaign.state, to):
        raise WrongState(state=campaign.state)
    campaign.state = to
    if to == "scheduled":
        campaign.published_at = clock.now()
    if to == "live":
        prices.open_prices(db, campaign)
    if to == "ended":
        campaign.ended_at = clock.now()
        prices.close_prices(db, campaign)
    db.flush()
    events.append(db, f"campaign:{campaign.id}", "campaign.changed",
                  {"id": str(campaign.id), "name": campaign.name, "state": to}, urgent=True)
    return campaign
