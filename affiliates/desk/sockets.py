"""A line for the shop's pages: a campaign's budget as it is used up."""
from flask import g
from flask_socketio import join_room
from marshmallow import fields

from affiliates.commission import burn
from campaigns.terms.models import Campaign
from core.db import reading
from core.errors import NotFound, SignInNeeded
from core.sockets import event
from core.web import In
from members.access import require


class CampaignIn(In):
    campaign_id = fields.UUID(required=True)


@event("join_budget", CampaignIn, access="signed_in")
def join_budget(data):
    """Hear how the budget of one of the shop's campaigns moves; how it is now is the answer."""
    if g.get("member") is None:
        raise SignInNeeded
    with reading() as db:
        campaign = db.get(Campaign, data["campaign_id"])
    if campaign is None:
        raise NotFound
    require("affiliates", campaign.merchant_id)
    join_room(burn.stream(campaign.id))
    with reading() as db:  # after the room was joined: what came before is in it, the rest is sent
        return burn.snapshot(db, campaign)
