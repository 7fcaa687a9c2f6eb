"""Lines for pages: an affiliate's own (commissions as they appear), and a campaign's for the staff of its shop."""
from flask import g
from flask_socketio import join_room
from marshmallow import fields
from sqlalchemy import select

from affiliates.commission.queries import totals_of
from affiliates.commission.tell import stream
from affiliates.people.queries import access_own
from affiliates.settlement.queries import newest_run, progress
from campaigns.terms.queries import access_campaign
from core.db import reading
from core.errors import SignInNeeded
from core.events import Stream, member_stream
from core.sockets import event
from core.web import In
from members.access import require


class NothingIn(In):
    """No fields: one only ever hears of oneself."""


@event("join_affiliate", NothingIn, access="signed_in")
def join_affiliate(_data):
    """Hear of one's own commissions and sums; the sums as they are now are the answer."""
    if g.get("member") is None:
        raise SignInNeeded
    with reading() as db:
        affiliate = access_own(db, g.member)
        totals = totals_of(db, [affiliate.id])[affiliate.id]
    join_room(stream(affiliate.id))
    with reading() as db:  # after the room was joined: what came before is in it, the rest is sent
        seq = db.scalar(select(Stream.seq).where(Stream.name == stream(affiliate.id))) or 0
    return {"affiliate_id": str(affiliate.id), "totals": totals, "seq": seq}


class CampaignIn(In):
    campaign_id = fields.UUID(required=True)


@event("join_campaign", CampaignIn, access="staff:affiliates")
def join_campaign(data):
    """Hear how a campaign's settlement goes; the progress of its newest run as it is now is the answer."""
    if g.get("member") is None:
        raise SignInNeeded
    with reading() as db:
        campaign = access_campaign(db, data["campaign_id"], None)
        require("affiliates", campaign.merchant_id)
    name = f"campaign:{campaign.id}"
    join_room(name)
    join_room(member_stream(g.member.id))  # whose rights end is dropped by this one
    with reading() as db:
        run = newest_run(db, campaign.id)
        seq = db.scalar(select(Stream.seq).where(Stream.name == name)) or 0
        return {"seq": seq, "run": run and progress(db, run)}
