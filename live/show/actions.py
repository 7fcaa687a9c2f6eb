"""Writes of the plan: scheduling a show, its run, its people, reminders. The running show is in steps and selling."""
import uuid

from flask_babel import gettext as _
from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from campaigns.terms.models import Campaign, Offer
from core.errors import Invalid, NotFound
from live.show import tell
from live.show.lifecycle import OVER, move, need
from live.show.models import LiveSession, Reminder, RunItem, ShowStaff
from members.access import may
from members.models import Member

MOST_ITEMS = 100


def schedule(db, merchant, data: dict, by) -> LiveSession:
    """A new show of one of the merchant's campaigns. Its run of show begins with the campaign's offers, in order."""
    campaign = _campaign(db, merchant.id, data["campaign_id"])
    show = LiveSession(merchant_id=merchant.id, campaign_id=campaign.id, title=data["title"], host_id=by.id,
                       description=data.get("description") or "", starts_at=data["starts_at"])
    show.host_id = _host(db, merchant.id, data.get("host_id") or by.id).id
    db.add(show)
    db.flush()
    offers = db.scalars(select(Offer).where(Offer.campaign_id == campaign.id).order_by(Offer.position, Offer.id)).all()
    for position, offer in enumerate(offers, 1):
        db.add(RunItem(live_session_id=show.id, position=position, offer_id=offer.id, title=offer.title))
    db.flush()
    return show


def _campaign(db, merchant_id, campaign_id) -> Campaign:
    campaign = db.get(Campaign, campaign_id)
    if campaign is None or campaign.merchant_id != merchant_id:
        raise NotFound
    if campaign.state not in ("draft", "scheduled", "live"):
        raise Invalid(fields={"campaign_id": [_("This campaign is over.")]})
    return campaign


def _host(db, merchant_id, member_id) -> Member:
    """Somebody who may run and end the merchant's shows."""
    host = db.get(Member, member_id)
    if host is None or not may(host, "show.end", merchant_id):
        raise Invalid(fields={"host_id": [_("Choose somebody who may host this shop's shows.")]})
    return host


def edit(db, show: LiveSession, data: dict) -> None:
    """Change title, description, start and host. The start is fixed once the show has begun."""
    need(show, {"scheduled", "rehearsal", "live", "paused"})
    if data["starts_at"] != show.starts_at.replace(second=0, microsecond=0):  # the page knows minutes
        need(show, {"scheduled"})
        show.starts_at = data["starts_at"]
        db.execute(Reminder.__table__.update().where(Reminder.live_session_id == show.id).values(soon_at=None))
    show.title, show.description = data["title"], data.get("description") or ""
    if data.get("host_id") and data["host_id"] != show.host_id:
        show.host_id = _host(db, show.merchant_id, data["host_id"]).id
    tell.show_changed(db, show, db.get(Campaign, show.campaign_id).currency)


def set_cover(db, show: LiveSession, picture_id: uuid.UUID | None) -> None:
    show.cover_id = picture_id
    tell.show_changed(db, show, db.get(Campaign, show.campaign_id).currency)


def set_assistants(db, show: LiveSession, member_ids: list[uuid.UUID]) -> None:
    """Who stands beside the host; only people who may run the merchant's shows."""
    for member in db.scalars(select(Member).where(Member.id.in_(member_ids))):
        if not may(member, "show.run", show.merchant_id):
            raise Invalid(fields={"assistants": [_("%(name)s may not run shows of this shop.", name=member.name)]})
    db.execute(delete(ShowStaff).where(ShowStaff.live_session_id == show.id))
    for member_id in set(member_ids):
        db.add(ShowStaff(live_session_id=show.id, member_id=member_id))
    db.flush()


def cancel(db, show: LiveSession) -> None:
    """Call a show off before it begins."""
    move(show, "cancelled")
    tell.show_changed(db, show, db.get(Campaign, show.campaign_id).currency)


# -- run of show -----------------------------------------------------------------------------------------------------

def save_run(db, show: LiveSession, lines: list[dict]) -> None:
    """Make the run of show exactly these lines, in this order. Lines that were on air stay, whatever is sent.

    A line: {id or null, offer_id or null, title, minutes, points}. Raises Invalid, NotFound.
    """
    need(show, {"scheduled", "rehearsal", "live", "paused"})
    old = {item.id: item for item in db.scalars(select(RunItem).where(RunItem.live_session_id == show.id)
                                                .with_for_update())}
    keep = [line["id"] for line in lines if line["id"]]
    if any(one not in old for one in keep) or len(set(keep)) != len(keep):
        raise NotFound
    _check_begun(old, keep)
    offers = dict(db.execute(select(Offer.id, Offer.title).where(Offer.campaign_id == show.campaign_id)).all())
    for item_id in old.keys() - set(keep):
        db.delete(old[item_id])
    db.flush()
    for position, line in enumerate(lines, 1):
        _save_line(db, show, old.get(line["id"]), position, line, offers)
    tell.run_changed(db, show)
    tell.show_changed(db, show, db.get(Campaign, show.campaign_id).currency)


def _check_begun(old: dict, keep: list) -> None:
    if any(item.started_at and item.id not in keep for item in old.values()):
        raise Invalid(_("What has been on air stays in the run of show."), fields={"items": [_("A line is missing.")]})


def _save_line(db, show, item: RunItem | None, position: int, line: dict, offers: dict) -> None:
    if line["offer_id"] and line["offer_id"] not in offers:
        raise Invalid(fields={f"items.{position - 1}.offer_id": [_("That offer is not in the campaign.")]})
    title = line["title"] or offers.get(line["offer_id"], "")
    if not title:
        raise Invalid(fields={f"items.{position - 1}.title": [_("Give the line a title or a product.")]})
    if item is None:
        item = RunItem(live_session_id=show.id, position=position, title=title)
        db.add(item)
    item.position, item.title, item.offer_id = position, title, line["offer_id"]
    item.minutes, item.points = line["minutes"], line["points"]
    db.flush()


# -- reminders -------------------------------------------------------------------------------------------------------

def remind(db, live_id: uuid.UUID, member: Member, on: bool) -> int:
    """Set or take back the member's reminder; how many people are to be reminded now."""
    show = db.get(LiveSession, live_id)
    if show is None:
        raise NotFound
    if on:
        if show.state in OVER:
            need(show, {"scheduled"})
        db.execute(insert(Reminder).values(live_session_id=live_id, member_id=member.id).on_conflict_do_nothing())
    else:
        db.execute(delete(Reminder).where(Reminder.live_session_id == live_id, Reminder.member_id == member.id))
    return db.scalar(select(func.count()).select_from(Reminder).where(Reminder.live_session_id == live_id))


