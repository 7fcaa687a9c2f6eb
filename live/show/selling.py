"""Control actions on offers: what is on air, pins, flash sales, the shelf, prices, restocking."""
import uuid
from datetime import timedelta

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from marshmallow import fields, validate
from sqlalchemy import select

from campaigns.catalogue.actions import move_stock
from campaigns.stock import actions as stock
from campaigns.stock.errors import UnknownOffer
from campaigns.stock.models import OfferStock
from campaigns.stock.queries import lock_stock, stock_of
from campaigns.terms import prices
from campaigns.terms.models import Offer
from core.errors import DomainError, Invalid
from core.web import In
from live.schemas import Strict
from live.show.control import OPEN, Change, Desk, action, keep, undo_show
from live.show.errors import UndoGone
from live.show.lifecycle import OVER
from live.show.models import FlashSale

MOST_PINS = 3


class PinsFull(DomainError):
    code, message = "pins_full", _l("Three products are pinned already. Unpin one first.")


class SaleRunning(DomainError):
    code, message = "sale_running", _l("A flash sale of this product is running.")


class NoSale(DomainError):
    code, message = "no_sale", _l("No flash sale of this product is running.")


class OfferIn(In):
    offer_id = fields.UUID(required=True)


def offer_of(desk: Desk, offer_id: uuid.UUID) -> Offer:
    """An offer of this show's campaign. Raises UnknownOffer."""
    offer = desk.db.get(Offer, offer_id)
    if offer is None or offer.campaign_id != desk.show.campaign_id:
        raise UnknownOffer
    return offer


def shelf_of(desk: Desk, offer: Offer) -> OfferStock:
    """The numbers that this show works with: the real ones, or the rehearsal's; locked."""
    return lock_stock(desk.db, stock_of(desk.db, offer.id, desk.rehearsal).id)


# -- what viewers see first ------------------------------------------------------------------------------------------

class OnAirIn(In):
    offer_id = fields.UUID(required=True, allow_none=True)


@action("put_on_air", schema=OnAirIn, undo=undo_show)
def put_on_air(desk: Desk, data) -> Change:
    before = keep(desk.show, ["on_air_offer_id"])
    offer = offer_of(desk, data["offer_id"]) if data["offer_id"] else None
    desk.show.on_air_offer_id = offer and offer.id
    return Change(offer.title if offer else "–", before, keep(desk.show, ["on_air_offer_id"]), show=True)


@action("pin", schema=OfferIn, states=OPEN, undo=undo_show)
def pin(desk: Desk, data) -> Change:
    offer = offer_of(desk, data["offer_id"])
    pins = [one for one in desk.show.pins if one != str(offer.id)]
    if len(pins) >= MOST_PINS:
        raise PinsFull
    return _set_pins(desk, offer, [*pins, str(offer.id)])


@action("unpin", schema=OfferIn, states=OPEN, undo=undo_show)
def unpin(desk: Desk, data) -> Change:
    offer = offer_of(desk, data["offer_id"])
    return _set_pins(desk, offer, [one for one in desk.show.pins if one != str(offer.id)])


def _set_pins(desk: Desk, offer: Offer, pins: list[str]) -> Change:
    before = keep(desk.show, ["pins"])
    desk.show.pins = pins
    return Change(offer.title, before, {"pins": pins}, show=True)


# -- flash sales -----------------------------------------------------------------------------------------------------

class StartIn(OfferIn):
    countdown_seconds = Strict(load_default=30, validate=validate.Range(min=10, max=300))
    duration_seconds = Strict(load_default=300, validate=validate.Range(min=60, max=1200))
    quantity = Strict(required=True, validate=validate.Range(min=1, max=1_000_000))
    price_minor = Strict(load_default=None, allow_none=True, validate=validate.Range(min=1, max=10**12))


@action("start_sale", schema=StartIn)
def start_sale(desk: Desk, data) -> Change:
    """Announce a flash sale: it opens after the countdown and closes by the server's clock."""
    offer = offer_of(desk, data["offer_id"])
    shelf = shelf_of(desk, offer)
    if running(desk.db, shelf.id):
        raise SaleRunning
    # Without a price the sale asks the offer's own, even if the shelf asked the full one in between.
    price = data["price_minor"] or offer.price_minor
    _check_price(offer, price)
    opens_at = desk.now + timedelta(seconds=data["countdown_seconds"])
    closes_at = opens_at + timedelta(seconds=data["duration_seconds"])
    stock.open_sale(desk.db, shelf.id, quantity=data["quantity"], price_minor=price, opens_at=opens_at,
                    closes_at=closes_at, live_session_id=desk.show.id)
    _asked(desk, offer, price)
    desk.db.add(FlashSale(live_session_id=desk.show.id, offer_id=offer.id, stock_id=shelf.id, price_minor=price,
                          quantity=data["quantity"], opens_at=opens_at, closes_at=closes_at, rehearsal=desk.rehearsal))
    desk.show.on_air_offer_id = offer.id
    return Change(offer.title, show=True, desk=True)


@action("stop_sale", schema=OfferIn)
def stop_sale(desk: Desk, data) -> Change:
    offer = offer_of(desk, data["offer_id"])
    sale = _running(desk, shelf_of(desk, offer))
    end_sale(desk.db, sale, offer, desk.campaign)
    return Change(offer.title, desk=True)


class ExtendIn(OfferIn):
    seconds = Strict(load_default=60, validate=validate.Range(min=10, max=1200))


@action("extend_sale", schema=ExtendIn)
def extend_sale(desk: Desk, data) -> Change:
    offer = offer_of(desk, data["offer_id"])
    shelf = shelf_of(desk, offer)
    sale = _running(desk, shelf)
    if sale.closes_at <= desk.now:
        raise NoSale
    sale.closes_at += timedelta(seconds=data["seconds"])
    stock.extend_sale(desk.db, shelf.id, data["seconds"])
    return Change(offer.title, desk=True)


def running(db, stock_id) -> FlashSale | None:
    return db.scalar(select(FlashSale).where(FlashSale.stock_id == stock_id, FlashSale.ended_at.is_(None))
                     .with_for_update())


def _running(desk: Desk, shelf: OfferStock) -> FlashSale:
    sale = running(desk.db, shelf.id)
    if sale is None:
        raise NoSale
    return sale


def end_sale(db, sale: FlashSale, offer: Offer, campaign) -> None:
    """End a flash sale and do what the terms say comes after it: full price, sale price, or off the counter."""
    sale.ended_at = min(sale.closes_at, db.scalar(select(stock.func.clock_timestamp())))
    rule = offer.after_sale or campaign.after_sale
    full = offer.compare_at_minor or offer.price_minor
    if rule == "take_down":
        stock.close_sale(db, sale.stock_id, price_minor=offer.price_minor)
        return
    price = full if rule == "full_price" else sale.price_minor
    stock.open_shelf(db, sale.stock_id, live_session_id=sale.live_session_id, price_minor=price)
    if not sale.rehearsal:
        prices.asked(db, offer, price)


# -- the shelf -------------------------------------------------------------------------------------------------------

@action("open_shelf", schema=OfferIn)
def open_shelf(desk: Desk, data) -> Change:
    offer = offer_of(desk, data["offer_id"])
    shelf = shelf_of(desk, offer)
    if running(desk.db, shelf.id):
        raise SaleRunning
    stock.open_shelf(desk.db, shelf.id, live_session_id=desk.show.id)
    _asked(desk, offer, shelf.price_minor)
    return Change(offer.title)


@action("close_shelf", schema=OfferIn, states=OPEN | OVER)
def close_shelf(desk: Desk, data) -> Change:
    """Off the counter; also after the show, for what was left on the shelf."""
    offer = offer_of(desk, data["offer_id"])
    shelf = shelf_of(desk, offer)
    if running(desk.db, shelf.id):
        raise SaleRunning
    stock.close_sale(desk.db, shelf.id)
    return Change(offer.title)


class RestockIn(OfferIn):
    quantity = Strict(required=True, validate=validate.Range(min=1, max=100_000))


@action("restock", schema=RestockIn)
def restock(desk: Desk, data) -> Change:
    """More units from what is on hand; the line is served first, and what was closed opens again."""
    offer = offer_of(desk, data["offer_id"])
    if not desk.rehearsal:
        move_stock(desk.db, offer.variant_id, -data["quantity"], "allot", f"restock:{desk.action_id}",
                   offer_id=offer.id, by=desk.by)
    shelf = stock.add_units(desk.db, shelf_of(desk, offer).id, data["quantity"])
    sale = running(desk.db, shelf.id)
    if sale is not None:
        sale.quantity += data["quantity"]
    elif shelf.mode == "closed":
        stock.open_shelf(desk.db, shelf.id, live_session_id=desk.show.id)
    return Change(offer.title, desk=sale is not None)


# -- prices ----------------------------------------------------------------------------------------------------------

class PriceIn(OfferIn):
    price_minor = Strict(required=True, validate=validate.Range(min=1, max=10**12))


def _undo_price(desk: Desk, before: dict, after: dict) -> Change:
    offer = offer_of(desk, uuid.UUID(before["offer_id"]))
    shelf = shelf_of(desk, offer)
    if shelf.price_minor != after["price_minor"]:
        raise UndoGone
    _set_price(desk, offer, shelf, before["price_minor"])
    return Change(offer.title)


@action("set_price", right="show.price", schema=PriceIn, undo=_undo_price)
def set_price(desk: Desk, data) -> Change:
    """What new claims pay from now on; who holds units keeps the price of the claim."""
    offer = offer_of(desk, data["offer_id"])
    _check_price(offer, data["price_minor"])
    shelf = shelf_of(desk, offer)
    before = {"offer_id": str(offer.id), "price_minor": shelf.price_minor}
    _set_price(desk, offer, shelf, data["price_minor"])
    return Change(offer.title, before, {"price_minor": data["price_minor"], "currency": desk.campaign.currency})


def _set_price(desk: Desk, offer: Offer, shelf: OfferStock, price_minor: int) -> None:
    stock.set_price(desk.db, shelf.id, price_minor)
    if sale := running(desk.db, shelf.id):
        sale.price_minor = price_minor
    if shelf.mode != "closed":
        _asked(desk, offer, price_minor)


def _check_price(offer: Offer, price_minor: int) -> None:
    """What is shown beside the price must stay true: below the struck-through one, and a deal is one."""
    if offer.compare_at_minor and price_minor > offer.compare_at_minor:
        raise Invalid(fields={"price_minor": [_("Not above the full price that is struck through.")]})
    if offer.is_deal and offer.lowest_30d_minor and price_minor >= offer.lowest_30d_minor:
        raise Invalid(fields={"price_minor": [_("A deal must be below the lowest price of the last 30 days.")]})


def _asked(desk: Desk, offer: Offer, price_minor: int) -> None:
    """The history of prices from which "lowest of 30 days" comes; a rehearsal asks nothing."""
    if not desk.rehearsal:
        prices.asked(desk.db, offer, price_minor)
