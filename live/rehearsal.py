"""A rehearsal: the real paths with simulated buyers on copies of the stock, and nothing of it remains.

Everything made in it is marked (`rehearsal`, `Member.simulated`), hidden from viewers, and deleted when it ends.
"""
import math
import random
import uuid

import structlog
from flask_babel import lazy_gettext as _l
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from campaigns.stock import actions as stock
from campaigns.stock import line
from campaigns.stock.claims import claim
from campaigns.stock.models import Hold, OfferStock, WaitlistEntry
from campaigns.stock.queries import lock_all
from campaigns.terms.models import Offer
from core import clock, events
from core.db import reading, transaction
from core.errors import DomainError
from core.ids import new_id
from core.ticks import every
from live.chat.actions import tell_said
from live.chat.models import ChatMessage, ChatSanction
from live.show import clockwork
from live.show.control import keep, put_back
from live.show.models import ControlAction, LiveSession, RunItem
from members.models import Member
from orders.actions import drop_rehearsal as drop_orders
from orders.models import Order, OrderLine

log = structlog.get_logger("rehearsal")
RESTORED = ("pins", "on_air_offer_id", "current_item_id", "item_started_at", "notice", "slow_seconds", "blocked_words",
            "reactions", "peak_viewers")
BUYERS = 40
MOST_VIEWERS = 160
LINES = (_l("Hello everybody!"), _l("How big is it?"), _l("Is delivery free?"), _l("Which colours are there?"),
         _l("Can you hold it up once more?"), _l("When does the next one come?"))
THANKS = (_l("Got one, thank you!"), _l("Lovely. Ordered!"))


class AlreadyRehearsing(DomainError):
    code, message = "already_rehearsing", _l("Another show of this campaign is being rehearsed.")


def start(db, show: LiveSession) -> dict:
    """Copy the offers' numbers; what of the show is to be put back afterwards."""
    other = select(LiveSession.id).where(LiveSession.campaign_id == show.campaign_id, LiveSession.id != show.id,
                                         LiveSession.state == "rehearsal")
    if db.scalar(other) is not None:
        raise AlreadyRehearsing
    for offer_id in _offers(db, show):
        stock.start_rehearsal(db, offer_id, show.id)
    return keep(show, RESTORED)


def finish(db, show: LiveSession) -> None:
    """Throw away all that was played. What has been told already is swept a minute later (sweep)."""
    offers = _offers(db, show)
    lock_all(db, offers)
    _let_people_go(db, show)
    drop_orders(db, show.id)
    for offer_id in offers:
        stock.drop_rehearsal(db, offer_id)
    _drop_chat(db, show)
    simulated = select(Member.id).where(Member.simulated)
    db.execute(delete(ChatSanction).where(ChatSanction.merchant_id == show.merchant_id,
                                          ChatSanction.member_id.in_(simulated)))
    db.execute(update(RunItem).where(RunItem.live_session_id == show.id).values(started_at=None, ended_at=None))
    _restore(db, show)
    _drop_actions(db, show)


def _drop_actions(db, show) -> None:
    """Control pages hear that each action is gone."""
    kept = select(ControlAction.id).where(ControlAction.live_session_id == show.id, ControlAction.rehearsal,
                                          ControlAction.undone_at.is_(None), ControlAction.kind != "undo")
    events.append_all(db, [
        {"stream": events.staff_stream(show.id), "kind": "control.undone", "urgent": False, "merge_key": None,
         "payload": {"id": str(one), "rehearsal": True}}
        for one in db.scalars(kept.order_by(ControlAction.created_at.desc()).limit(20)).all()])
    db.execute(delete(ControlAction).where(ControlAction.live_session_id == show.id, ControlAction.rehearsal))


def _offers(db, show) -> list[uuid.UUID]:
    return list(db.scalars(select(OfferStock.offer_id).join(Offer, Offer.id == OfferStock.offer_id)
                           .where(Offer.campaign_id == show.campaign_id, ~OfferStock.rehearsal)
                           .order_by(OfferStock.id)))


def _let_people_go(db, show) -> None:
    """Staff who bought along: their holds and places end first, so that their own pages hear of it."""
    plays = select(OfferStock.id).join(Offer, Offer.id == OfferStock.offer_id).where(
        Offer.campaign_id == show.campaign_id, OfferStock.rehearsal)
    for entry in db.scalars(select(WaitlistEntry).join(Member, Member.id == WaitlistEntry.member_id).where(
            WaitlistEntry.stock_id.in_(plays), WaitlistEntry.state == "waiting", ~Member.simulated)).all():
        line.leave(db, entry.stock_id, entry.member_id)
    for hold in db.scalars(select(Hold).join(Member, Member.id == Hold.member_id).where(
            Hold.stock_id.in_(plays), Hold.state == "held", ~Member.simulated)).all():
        stock.release(db, hold.id, hold.member_id)


def _drop_chat(db, show) -> None:
    shown = db.execute(select(ChatMessage.id, ChatMessage.state).where(
        ChatMessage.live_session_id == show.id, ChatMessage.rehearsal, ChatMessage.state != "removed")
        .order_by(ChatMessage.id.desc()).limit(120)).all()
    events.append_all(db, [
        {"stream": events.live_stream(show.id) if state == "visible" else events.staff_stream(show.id),
         "kind": "chat.removed", "urgent": False, "merge_key": None, "payload": {"id": one, "rehearsal": True}}
        for one, state in shown])
    db.execute(delete(ChatMessage).where(ChatMessage.live_session_id == show.id, ChatMessage.rehearsal))


def _restore(db, show) -> None:
    began = db.scalar(select(ControlAction).where(ControlAction.live_session_id == show.id,
                                                  ControlAction.kind == "rehearse")
                      .order_by(ControlAction.created_at.desc()).limit(1))
    put_back(show, began.after["restore"], {})
    show.started_at = None


# -- simulated buyers ------------------------------------------------------------------------------------------------

def viewers(show: LiveSession) -> int:
    """How many simulated viewers there are by now: quick at first, then slower, at most 160."""
    seconds = max(0.0, (clock.now() - show.started_at).total_seconds()) if show.started_at else 0.0
    return min(MOST_VIEWERS, int(14 * math.sqrt(seconds)))


@every(1)
def play() -> None:
    """One second of every rehearsal: buyers claim, pay, let go and write."""
    with reading() as db:
        shows = db.scalars(select(LiveSession.id).where(LiveSession.state == "rehearsal")).all()
    if not shows:
        return
    buyers = buyers_ready()
    with clockwork.app_context():
        for live_id in shows:
            play_second(live_id, buyers, random.Random())


def play_second(live_id: uuid.UUID, buyers: list[uuid.UUID], dice: random.Random) -> None:
    """`dice` decides who does what; tests give a loaded one."""
    with reading() as db:
        now = func.clock_timestamp()
        shelves = db.execute(select(OfferStock.offer_id, OfferStock.unit_limit).where(
            OfferStock.live_session_id == live_id, OfferStock.rehearsal, OfferStock.mode != "closed",
            OfferStock.left > 0, OfferStock.opens_at <= now)).all()
        held = db.scalars(select(Hold.id).join(OfferStock, OfferStock.id == Hold.stock_id)
                          .join(Member, Member.id == Hold.member_id).where(
            Hold.live_session_id == live_id, OfferStock.rehearsal, Hold.state == "held", Member.simulated,
            Hold.created_at < now - func.make_interval(0, 0, 0, 0, 0, 0, 3)).limit(20)).all()
    for offer_id, limit in shelves:
        for _n in range(dice.randint(0, 4)):
            _try_claim(dice.choice(buyers), offer_id, dice.randint(1, min(2, limit)))
    for hold_id in held:
        if dice.random() < 0.5:
            _pay_or_leave(hold_id, leaves=dice.random() < 0.08)
    if dice.random() < 0.35:
        # They thank only while something is held.
        _write_line(live_id, dice.choice(buyers), str(dice.choice(LINES + THANKS if held else LINES)))


def buyers_ready() -> list[uuid.UUID]:
    """The simulated members; made once, they cannot sign in."""
    with transaction() as db:
        ids = list(db.scalars(select(Member.id).where(Member.simulated).order_by(Member.id)))
        if len(ids) < BUYERS:
            rows = [{"id": new_id(), "email": f"buyer-{n:02}@rehearsal.invalid", "name": f"Buyer {n:02}",
                     "password_hash": "!", "simulated": True} for n in range(1, BUYERS + 1)]
            db.execute(insert(Member).values(rows).on_conflict_do_nothing(index_elements=["email"]))
            ids = list(db.scalars(select(Member.id).where(Member.simulated).order_by(Member.id)))
    return ids


def _try_claim(buyer, offer_id, quantity) -> None:
    try:
        claim(buyer, str(new_id()), offer_id, quantity, rehearsal=True)
    except DomainError as refusal:
        log.debug("simulated claim refused", code=refusal.code)


def _pay_or_leave(hold_id, leaves: bool) -> None:
    try:
        with transaction() as db:
            hold = db.get(Hold, hold_id)
            if hold is None:
                return
            if leaves:
                stock.release(db, hold_id, hold.member_id)
            elif stock.consume(db, hold_id):
                _order(db, hold)
    except DomainError as refusal:  # the rehearsal was ended in this moment, and its stock is gone
        log.debug("simulated payment refused", code=refusal.code)


def _order(db, hold: Hold) -> None:
    """A paid order that counts nowhere but in the rehearsal's own figures."""
    offer = db.get(Offer, hold.offer_id)
    shelf = db.get(OfferStock, hold.stock_id)
    # A number of its own, below 0: the next real order shall not show that somebody rehearsed.
    order = Order(number=-random.getrandbits(50), member_id=hold.member_id, merchant_id=offer.merchant_id,
                  campaign_id=offer.campaign_id, rehearsal=True, live_session_id=hold.live_session_id,
                  state="paid", currency=shelf.currency, address={}, total_minor=hold.quantity * hold.price_minor,
                  key=str(hold.id), body_hash="", paid_at=clock.now())
    db.add(order)
    db.flush()
    db.add(OrderLine(order_id=order.id, offer_id=offer.id, stock_id=hold.stock_id, variant_id=offer.variant_id,
                     hold_id=hold.id, title=offer.title, sku="", quantity=hold.quantity,
                     unit_price_minor=hold.price_minor, terms={}))
    events.append(db, events.staff_stream(hold.live_session_id), "order.paid",
                  {"number": order.number, "total_minor": order.total_minor, "units": hold.quantity, "rehearsal": True},
                  urgent=True)


def _write_line(live_id, buyer, body: str) -> None:
    with transaction() as db:
        member = db.get(Member, buyer)
        said = ChatMessage(live_session_id=live_id, member_id=buyer, name=member.name, body=body, rehearsal=True,
                           state="visible")
        db.add(said)
        db.flush()
        db.refresh(said)
        tell_said(db, said)


# -- sweeping --------------------------------------------------------------------------------------------------------

@every(20)
def sweep(older_seconds: int = 60) -> None:
    """Empty what rehearsals told, a minute after it was published, so that slow processes still find it.

    The rows stay as blanks: the numbers of a show's stream have no gap, and `flask check` holds us to it.
    """
    told = events.Event.published_at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, older_seconds)
    marked = events.Event.payload["rehearsal"].as_boolean().is_(True)
    with transaction() as db:
        shows = select(ControlAction.live_session_id).where(ControlAction.kind == "rehearse").distinct()
        for live_id in db.scalars(shows).all():
            streams = [events.live_stream(live_id), events.staff_stream(live_id)]
            db.execute(update(events.Event).where(told, marked, events.Event.stream.in_(streams))
                       .values(kind="rehearsed", payload={}))
        _sweep_buyers(db, older_seconds)


def _sweep_buyers(db, older_seconds: int) -> None:
    """The simulated buyers' own streams, whole, when nobody rehearses and everything in them was told."""
    if db.scalar(select(LiveSession.id).where(LiveSession.state == "rehearsal").limit(1)):
        return
    names = [events.member_stream(one) for one in db.scalars(select(Member.id).where(Member.simulated))]
    young = func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, older_seconds)
    if db.scalar(select(events.Event.id).where(events.Event.stream.in_([*names, events.MEMBERS]), or_(
            events.Event.published_at.is_(None), events.Event.published_at > young)).limit(1)):
        return
    db.execute(delete(events.Event).where(events.Event.stream.in_(names)))
    db.execute(delete(events.Stream).where(events.Stream.name.in_(names)))
