"""Control actions that move the show: on air, pause, end, the next item, the order of the run, rehearsal."""
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate
from sqlalchemy import func, select, update

from campaigns.stock.actions import adopt, close_sale
from campaigns.stock.models import OfferStock
from campaigns.terms.lifecycle import move as move_campaign
from campaigns.terms.models import Offer
from core.errors import DomainError, Invalid
from core.web import In
from live import rehearsal
from live.schemas import Flag
from live.show.control import OPEN, Change, Desk, action, keep, put_back
from live.show.lifecycle import ON_AIR, move
from live.show.models import FlashSale, LiveSession, RunItem


class CampaignNotReady(DomainError):
    code = "campaign_not_ready"
    message = _l("Publish the campaign first: its terms and stock must stand before the show.")


class OtherOnAir(DomainError):
    code, message = "other_on_air", _l("Another show of this campaign is on air.")


class LastItem(DomainError):
    code, message = "last_item", _l("That was the last item of the run of show.")


def ready(desk: Desk) -> None:
    """A show needs a published campaign that is not over. Raises CampaignNotReady."""
    if desk.campaign.state not in ("scheduled", "live"):
        raise CampaignNotReady(state=desk.campaign.state)


@action("rehearse", states={"scheduled"})
def rehearse(desk: Desk, _data) -> Change:
    ready(desk)
    move(desk.show, "rehearsal")
    desk.show.started_at = desk.now
    return Change(after={"restore": rehearsal.start(desk.db, desk.show)}, show=True, run=True, desk=True)


@action("end_rehearsal", states={"rehearsal"})
def end_rehearsal(desk: Desk, _data) -> Change:
    move(desk.show, "scheduled")
    rehearsal.finish(desk.db, desk.show)
    return Change(show=True, run=True, desk=True)


@action("go_live", states={"scheduled"})
def go_live(desk: Desk, _data) -> Change:
    """On air; the campaign goes live with its first show. Offers stay closed until the host opens them."""
    ready(desk)
    _alone(desk)
    move(desk.show, "live")
    desk.show.started_at = desk.now
    if desk.campaign.state == "scheduled":
        move_campaign(desk.db, desk.campaign, "live")
    return Change(show=True)


def _alone(desk: Desk) -> None:
    """An offer's numbers are told to one show, so one show of a campaign is on air at a time and takes them over."""
    other = select(LiveSession.id).where(LiveSession.campaign_id == desk.show.campaign_id,
                                         LiveSession.id != desk.show.id, LiveSession.state.in_(ON_AIR))
    if desk.db.scalar(other) is not None:
        raise OtherOnAir
    shelves = select(OfferStock.id).join(Offer, Offer.id == OfferStock.offer_id).where(
        Offer.campaign_id == desk.show.campaign_id, ~OfferStock.rehearsal).order_by(OfferStock.id)
    for stock_id in desk.db.scalars(shelves).all():
        adopt(desk.db, stock_id, desk.show.id)


@action("pause", states={"live"})
def pause(desk: Desk, _data) -> Change:
    move(desk.show, "paused")
    desk.show.paused_at = desk.now
    return Change(show=True)


@action("resume", states={"paused"})
def resume(desk: Desk, _data) -> Change:
    move(desk.show, "live")
    desk.show.paused_at = None
    return Change(show=True)


class EndIn(In):
    word = fields.String(required=True)
    keep_shelf = Flag(load_default=False)


@action("end", right="show.end", schema=EndIn, states=ON_AIR)
def end(desk: Desk, data) -> Change:
    """The show is over: flash sales end, and what is on sale is taken down unless it shall stay on the shelf.

    The campaign goes on for other shows.
    """
    if data["word"].strip().upper() not in {"END", _("END").upper()}:
        raise Invalid(fields={"word": [_("Type %(word)s to confirm", word=_("END"))]})
    move(desk.show, "ended")
    desk.show.ended_at = desk.now
    _finish_item(desk)
    close_all(desk, keep_shelf=data["keep_shelf"])
    return Change(show=True, run=True, desk=True)


def close_all(desk: Desk, keep_shelf: bool = False) -> None:
    """End the show's flash sales and close what it sells."""
    open_now = select(OfferStock.id).where(OfferStock.live_session_id == desk.show.id, OfferStock.mode != "closed",
                                           OfferStock.rehearsal == desk.rehearsal)
    if keep_shelf:
        open_now = open_now.where(OfferStock.mode != "open")
    for stock_id in desk.db.scalars(open_now.order_by(OfferStock.id)).all():
        close_sale(desk.db, stock_id)
    desk.db.execute(update(FlashSale).where(FlashSale.live_session_id == desk.show.id, FlashSale.ended_at.is_(None))
                    .values(ended_at=func.clock_timestamp()))


# -- run of show -----------------------------------------------------------------------------------------------------

ITEM_COLUMNS = ("current_item_id", "item_started_at", "on_air_offer_id")


def _undo_next(desk: Desk, before: dict, after: dict) -> Change:
    put_back(desk.show, {name: before[name] for name in ITEM_COLUMNS}, {name: after[name] for name in ITEM_COLUMNS})
    if before["current_item_id"]:
        desk.db.get(RunItem, desk.show.current_item_id).ended_at = None
    desk.db.execute(update(RunItem).where(RunItem.id == after["current_item_id"]).values(started_at=None))
    return Change(show=True, run=True)


@action("next_item", undo=_undo_next)
def next_item(desk: Desk, _data) -> Change:
    """The next line of the run; its offer goes on air, and is opened by hand or by a flash sale."""
    items = list(desk.db.scalars(select(RunItem).where(RunItem.live_session_id == desk.show.id)
                                 .order_by(RunItem.position)))
    at = next((i for i, item in enumerate(items) if item.id == desk.show.current_item_id), -1)
    if at + 1 >= len(items):
        raise LastItem
    before, item = keep(desk.show, ITEM_COLUMNS), items[at + 1]
    _finish_item(desk)
    item.started_at, item.ended_at = desk.now, None
    desk.show.current_item_id, desk.show.item_started_at = item.id, desk.now
    desk.show.on_air_offer_id = item.offer_id
    return Change(subject=item.title, before=before, after=keep(desk.show, ITEM_COLUMNS), show=True, run=True)


def _finish_item(desk: Desk) -> None:
    if desk.show.current_item_id:
        item = desk.db.get(RunItem, desk.show.current_item_id)
        if item is not None and item.ended_at is None:
            item.ended_at = desk.now


class ReorderIn(In):
    ids = fields.List(fields.UUID(), required=True, validate=validate.Length(min=1, max=200))


def _undo_reorder(desk: Desk, before: dict, after: dict) -> Change:
    order(desk.db, desk.show, before["ids"], expected=after["ids"])
    return Change(run=True)


@action("reorder", schema=ReorderIn, states=OPEN, undo=_undo_reorder)
def reorder(desk: Desk, data) -> Change:
    ids = [str(item) for item in data["ids"]]
    before = order(desk.db, desk.show, ids)
    return Change(before={"ids": before}, after={"ids": ids}, run=True)


def order(db, show, ids: list[str], expected: list[str] | None = None) -> list[str]:
    """Put the run of show into this order; the old one. Raises Invalid if the ids are not exactly the show's items."""
    items = {str(item.id): item for item in db.scalars(
        select(RunItem).where(RunItem.live_session_id == show.id).order_by(RunItem.position))}
    before = list(items)
    if sorted(ids) != sorted(before) or expected is not None and expected != before:
        raise Invalid(_("The run of show was changed meanwhile. Please look again."),
                      fields={"ids": [_("Not the same items.")]})
    for position, item_id in enumerate(ids, 1):
        items[item_id].position = position
    db.flush()
    return before


__all__ = ["CampaignNotReady", "LastItem", "close_all", "order"]
