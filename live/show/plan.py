"""What the plan page and the control page are made of besides the snapshot."""
from campaigns.terms.models import Campaign
from core import clock
from live.show import outs, queries, tell
from live.show.lifecycle import MOVES, ON_AIR, OVER
from live.show.models import LiveSession
from members.access import may
from members.models import Member, Merchant

NO_COVER = "/static/art/poster.svg"


def page(db, show: LiveSession) -> dict:
    """The plan: the show, its campaign and products, its people and its run."""
    campaign, merchant = db.get(Campaign, show.campaign_id), db.get(Merchant, show.merchant_id)
    offers = [outs.offer_out(*row) for row in outs.read_offers(db, campaign.id, False)]
    run = tell.run_of(db, show)
    hosts = queries.people_with(db, merchant.id, "show.end")
    return {"show": show, "campaign": campaign, "merchant": merchant, "offers": offers, "run": run,
            "host_choices": [(str(one.id), one.name) for one in hosts],
            "cover": f"/pictures/{show.cover_id}" if show.cover_id else offers[0]["picture"] if offers else NO_COVER,
            "helpers": [one for one in queries.people_with(db, merchant.id, "show.run")
                                        if one.id != show.host_id],
            "assistants": queries.assistants_of(db, show.id), "host": db.get(Member, show.host_id),
            "reminders": queries.reminder_count(db, show.id), "editable": show.state not in OVER,
            "may_cancel": "cancelled" in MOVES[show.state], "on_air": show.state in ON_AIR,
            "data": page_data(show, campaign, offers, run)}


def page_data(show, campaign, offers, run) -> dict:
    """For the page's script."""
    return {"id": str(show.id), "starts_at": clock.iso(show.starts_at), "state": show.state,
            "currency": campaign.currency, "run": run, "title": show.title, "description": show.description,
            "offers": [{name: offer[name] for name in ("id", "title", "picture", "sku")}
                       | {"price_minor": offer["stock"]["price_minor"]} for offer in offers],
            "host_id": str(show.host_id)}


def saved(db, show: LiveSession) -> dict:
    """The answer to a saved plan: the run with the ids that new lines got."""
    return {"run": tell.run_of(db, show), "starts_at": clock.iso(show.starts_at), "title": show.title}


def control_extra(db, show: LiveSession) -> dict:
    """What the control page shows that no event changes."""
    campaign = db.get(Campaign, show.campaign_id)
    people = [db.get(Member, one) for one in queries.assistants_of(db, show.id)]
    return {"campaign": {"id": str(campaign.id), "name": campaign.name, "state": campaign.state},
            "people": [{"name": one.name, "may_run": may(one, "show.run", show.merchant_id)} for one in people if one]}
