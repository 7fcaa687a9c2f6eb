"""What a page needs to begin, and how events change it: snapshot + events = snapshot, for every live action.

`snapshot` reads the last number of the stream and the state in one REPEATABLE READ transaction, so they belong
together. `apply` is pure; static/js/live/state.js does the same, and tests/contracts/*.json hold both to it.
"""
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import SimpleNamespace

from sqlalchemy import Boolean, Text, Uuid, bindparam, cast, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from campaigns.stock.queries import mine
from core import clock, events
from core.db import reading
from core.errors import NotFound
from live import presence
from live.chat.models import ChatMessage, ChatSanction
from live.show import outs
from live.show.errors import Banned
from live.show.models import Reminder
from members.access import may
from members.models import Address, Follow, Member
from orders.models import Order, OrderLine
from orders.payments import name_for
from orders.payments.models import Payment, SavedCard
from orders.queries import order_out

CHAT_LINES = 60
# A reconnect storm of thousands asks the database five times a second per process, not thousands of times.
PUBLIC_SECONDS = 0.2


@dataclass(frozen=True)
class Public:
    """The part that is the same for everybody, and what decides who may see it."""
    merchant_id: uuid.UUID
    campaign_id: uuid.UUID
    state: str  # the true one
    published: bool
    body: dict


def snapshot(db, live_id: uuid.UUID, member: Member | None) -> dict:
    """The show as this member sees it (None: nobody signed in). Raises NotFound, Banned."""
    return _whole(db, read_public(db, live_id, member), member)


def cached_snapshot(live_id: uuid.UUID, member: Member | None) -> dict:
    """The same, with the public part at most 0.2 s old and read once for all who ask in that time."""
    part = _cached(live_id, member)
    if member is None:
        return _whole(None, part, None)
    with reading() as db:
        return _whole(db, part, member)


# -- the public part -------------------------------------------------------------------------------------------------

def read_public(db, live_id: uuid.UUID, member: Member | None) -> Public:
    """3 statements."""
    row = outs.read_show(db, live_id)
    if row is None:
        raise NotFound
    show, merchant, host, campaign, items, channel, seq, now = row
    shown = outs.show_out(show, merchant, host, campaign.currency, items)
    rehearsal = show.state == "rehearsal"
    if rehearsal and not sees_all(member, show.merchant_id):
        rehearsal, shown = False, outs.as_before_rehearsal(shown, items)
    offers = {str(row.Offer.id): outs.offer_out(*row) for row in outs.read_offers(db, campaign.id, rehearsal)}
    body = {"seq": seq, "now": clock.iso(now), "show": shown, "film": channel and channel.news(), "offers": offers,
            "chat": _chat(db, live_id, rehearsal),
            "counters": {"viewers": presence.viewers(live_id),
                         "reactions": presence.reactions(live_id, show.reactions)}}
    return Public(show.merchant_id, campaign.id, show.state, campaign.state != "draft", body)


def sees_all(member, merchant_id) -> bool:
    """Whether drafts and rehearsals are this member's business."""
    return may(member, "shows", merchant_id)


def _chat(db, live_id, rehearsal: bool) -> list[dict]:
    lines = db.scalars(select(ChatMessage).where(ChatMessage.live_session_id == live_id, ChatMessage.state == "visible",
                                                 ChatMessage.rehearsal == rehearsal)
                       .order_by(ChatMessage.id.desc()).limit(CHAT_LINES)).all()
    return [outs.message_out(line) for line in reversed(lines)]


_parts: dict[tuple, tuple[float, Public]] = {}
_locks: dict[tuple, threading.Lock] = {}


def _cached(live_id, member) -> Public:
    staff = member is not None and bool(member.roles)
    part = _remembered((live_id, None), None)
    if staff and part.state == "rehearsal" and sees_all(member, part.merchant_id):
        part = _remembered((live_id, part.merchant_id), member)
    return part


def _remembered(key: tuple, member) -> Public:
    """One read at a time for each show: whoever comes meanwhile waits for it and shares it."""
    kept = _parts.get(key)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    with _locks.setdefault(key, threading.Lock()):
        kept = _parts.get(key)
        if kept and kept[0] > time.monotonic():
            return kept[1]
        _forget_old()
        with reading() as db:
            part = read_public(db, key[0], member)
        _parts[key] = (time.monotonic() + PUBLIC_SECONDS, part)
        return part


def _forget_old() -> None:
    if len(_parts) > 200:
        _parts.clear()
        _locks.clear()


def forget(live_id: uuid.UUID) -> None:
    """The show was changed by this process: do not answer with what was kept."""
    for key in [key for key in _parts if key[0] == live_id]:
        _parts.pop(key, None)


# -- the member's own part -------------------------------------------------------------------------------------------

def _whole(db, part: Public, member: Member | None) -> dict:
    if not part.published and not sees_all(member, part.merchant_id):
        raise NotFound
    if member is None:
        return {**part.body, "me": None}
    me, flagged = _me(db, part, member)
    chat = sorted([*part.body["chat"], *flagged], key=lambda line: line["id"])[-CHAT_LINES:]
    shown = part.body["show"]
    shown = {**shown, "merchant": {**shown["merchant"], "following": me["following"]}}
    return {**part.body, "show": shown, "chat": chat, "me": me}


def _me(db, part: Public, member: Member) -> tuple[dict, list]:
    """5 statements: what the member has here, and the member's own lines that only staff see."""
    live_id = uuid.UUID(part.body["show"]["id"])
    rehearsal = part.body["show"]["rehearsal"]
    row = _own_row(db, live_id, part.merchant_id, member.id, rehearsal)
    kinds = set(row.sanctions or ())
    if "ban" in kinds:
        raise Banned
    has = mine(db, member.id, [uuid.UUID(offer) for offer in part.body["offers"]], rehearsal)
    me = {"id": str(member.id), "name": member.name, "by": outs.author(live_id, member.id), "seq": row.seq, **has,
          "orders": _orders(db, part.campaign_id, member.id, rehearsal), "muted": "mute" in kinds,
          "default_address": row.address, "cards": row.cards, "reminder": row.reminder, "following": row.following,
          "can": {word: may(member, right, part.merchant_id) for word, right in RIGHTS.items()}}
    me["waits"].sort(key=lambda wait: wait["offer_id"])
    return me, _flagged(row.flagged)


RIGHTS = {"run": "show.run", "price": "show.price", "end": "show.end", "moderate": "chat.moderate"}


def _own_row(db, live_id, merchant_id, member_id, rehearsal):
    return db.execute(_own_statement(), {
        "live": live_id, "merchant": merchant_id, "member": member_id, "rehearsal": rehearsal,
        "stream": events.member_stream(member_id), "provider": name_for(rehearsal)}).one()


@cache  # building it anew costs more than running it (0.9 ms of 1.5 in a profile of 100 viewers coming in)
def _own_statement():
    """Everything small about the member in one statement."""
    live_id, merchant_id, member_id = (bindparam(name, type_=Uuid) for name in ("live", "merchant", "member"))
    rehearsal = bindparam("rehearsal", type_=Boolean)
    address, card, line = Address.__table__, SavedCard.__table__, ChatMessage.__table__
    seq = select(events.Stream.seq).where(events.Stream.name == bindparam("stream")).scalar_subquery()
    sanctions = select(func.array_agg(cast(ChatSanction.kind, Text))).where(
        ChatSanction.member_id == member_id, ChatSanction.merchant_id == merchant_id, ChatSanction.lifted_at.is_(None),
        or_(ChatSanction.live_session_id.is_(None), ChatSanction.live_session_id == live_id)).scalar_subquery()
    lines = "id name line1 line2 city postcode country phone is_default"
    where_to = (select(func.jsonb_build_object(*_pairs(address, lines)))
                .where(address.c.member_id == member_id, address.c.removed_at.is_(None))
                .order_by(address.c.is_default.desc(), address.c.created_at.desc()).limit(1).scalar_subquery())
    cards = _agg(func.jsonb_build_object(*_pairs(card, "id brand last4 is_default")),
                 (card.c.is_default.desc(), card.c.id),
                 card.c.member_id == member_id, card.c.removed_at.is_(None), card.c.provider == bindparam("provider"))
    said = "id name role body created_at live_session_id member_id"
    flagged = _agg(func.jsonb_build_object(*_pairs(line, said)), line.c.id,
                   line.c.live_session_id == live_id, line.c.member_id == member_id, line.c.state == "flagged",
                   line.c.rehearsal == rehearsal)
    return select(
        func.coalesce(seq, 0).label("seq"), sanctions.label("sanctions"), where_to.label("address"),
        cards.label("cards"),
        _exists(Reminder, member_id, live_session_id=live_id).label("reminder"),
        _exists(Follow, member_id, merchant_id=merchant_id).label("following"), flagged.label("flagged"))


def _exists(table, member_id, **where):
    return select(table).filter_by(member_id=member_id, **where).exists()


def _flagged(rows: list[dict]) -> list[dict]:
    return [outs.message_out(SimpleNamespace(**{**row, "created_at": datetime.fromisoformat(row["created_at"])}))
            for row in rows]


def _pairs(table, names: str) -> list:
    return [part for name in names.split() for part in (name, table.c[name])]


def _agg(row, order, *where):
    order = order if isinstance(order, tuple) else (order,)
    return select(func.coalesce(func.jsonb_agg(aggregate_order_by(row, *order)), func.jsonb_build_array())
                  ).where(*where).scalar_subquery()


def _orders(db, campaign_id, member_id, rehearsal) -> list[dict]:
    rows = db.execute(_orders_statement(), {"campaign": campaign_id, "member": member_id, "rehearsal": rehearsal})
    return [_order_out(row) for row in rows]


@cache
def _orders_statement():
    """Orders with their lines and the last attempt to pay, in one statement; as orders tell them in events."""
    line, payment = OrderLine.__table__, Payment.__table__
    lines = _agg(func.jsonb_build_object(*_pairs(line, "offer_id hold_id quantity")), line.c.position,
                 line.c.order_id == Order.id)
    last = (select(func.jsonb_build_object(*_pairs(payment, "state method failure")))
            .where(payment.c.order_id == Order.id).order_by(payment.c.id.desc()).limit(1).scalar_subquery())
    return select(Order, lines.label("parts"), last.label("payment")).where(
        Order.member_id == bindparam("member"), Order.campaign_id == bindparam("campaign"),
        Order.rehearsal == bindparam("rehearsal")).order_by(Order.number)


def _order_out(row) -> dict:
    fields = ("id", "number", "state", "fulfilment", "total_minor", "discount_minor", "coupon_code", "refunded_minor",
              "currency", "reason")
    order = SimpleNamespace(**{name: getattr(row.Order, name) for name in fields},
                            lines=[SimpleNamespace(**part) for part in row.parts])
    return order_out(order, row.payment and SimpleNamespace(**row.payment))


# -- events ----------------------------------------------------------------------------------------------------------

def apply(state: dict, event: dict) -> dict:
    """The snapshot after one event ({stream, seq, kind, payload}); the given one is not changed.

    What is older than known is ignored. A caller that sees a gap in `seq` fetches a snapshot instead.
    """
    stream = event["stream"]
    if stream == events.live_stream(state["show"]["id"]):
        if event["seq"] <= state["seq"]:
            return state
        state = {**state, "seq": event["seq"]}
    elif state["me"] and stream == events.member_stream(state["me"]["id"]):
        if event["seq"] <= state["me"]["seq"]:
            return state
        state = {**state, "me": {**state["me"], "seq": event["seq"]}}
    else:
        return state
    change = KINDS.get(event["kind"])
    return change(state, event["payload"]) if change else state


def _show_changed(state, show):
    if show["rev"] <= state["show"]["rev"]:
        return state
    return {**state, "show": {**state["show"], **show}}


def _video_changed(state, film):
    if state["film"] and film["rev"] <= state["film"]["rev"]:
        return state
    return {**state, "film": film}


def _offer_stock(state, payload):
    offer = state["offers"].get(payload["offer_id"])
    if offer is None or payload["version"] <= offer["stock"]["version"]:
        return state
    stock = {name: payload[name] for name in payload if name != "offer_id"}
    return {**state, "offers": {**state["offers"], offer["id"]: {**offer, "stock": stock}}}


def _chat_said(state, payload):
    if payload.get("live_id", state["show"]["id"]) != state["show"]["id"]:
        return state  # the member's own stream tells of other shows too
    message = payload["message"]
    lines = [line for line in state["chat"] if line["id"] != message["id"]] + [message]
    return {**state, "chat": sorted(lines, key=lambda line: line["id"])[-CHAT_LINES:]}


def _chat_removed(state, payload):
    return {**state, "chat": [line for line in state["chat"] if line["id"] != payload["id"]]}


def _hold_changed(state, payload):
    """Values, and the count against the limit follows from what was known: a hold counts until it is given back."""
    hold, me = payload["hold"], state["me"]
    if hold["offer_id"] not in state["offers"]:
        return state
    known = any(old["id"] == hold["id"] for old in me["holds"])
    rest = [old for old in me["holds"] if old["id"] != hold["id"]]
    units = dict(me["units"])
    if hold["state"] == "held":
        rest = sorted([*rest, hold], key=lambda one: one["created_at"])
        if not known:
            units[hold["offer_id"]] = units.get(hold["offer_id"], 0) + hold["quantity"]
    elif known and hold["state"] != "consumed":
        units[hold["offer_id"]] = max(0, units.get(hold["offer_id"], 0) - hold["quantity"])
    return {**state, "me": {**me, "holds": rest, "units": units}}


def _wait_changed(state, payload):
    if payload["offer_id"] not in state["offers"]:
        return state
    me = state["me"]
    waits = [wait for wait in me["waits"] if wait["offer_id"] != payload["offer_id"]]
    if payload["state"] == "waiting":
        waits.append({name: payload[name] for name in ("offer_id", "quantity", "place")})
        waits.sort(key=lambda wait: wait["offer_id"])
    state = {**state, "me": {**me, "waits": waits}}
    return _hold_changed(state, payload) if payload.get("hold") else state


def _order_changed(state, payload):
    order, me = payload["order"], state["me"]
    known = any(old["id"] == order["id"] for old in me["orders"])
    if not known and not any(offer in state["offers"] for offer in order["offer_ids"]):
        return state
    orders = [old for old in me["orders"] if old["id"] != order["id"]]
    return {**state, "me": {**me, "orders": sorted([*orders, order], key=lambda one: one["number"])}}


def _muted(state, payload):
    if payload["live_id"] != state["show"]["id"]:
        return state
    return {**state, "me": {**state["me"], "muted": payload["muted"]}}


KINDS = {"show.changed": _show_changed, "video.changed": _video_changed, "offer.stock": _offer_stock,
         "chat.said": _chat_said, "chat.restored": _chat_said, "chat.removed": _chat_removed,
         "hold.changed": _hold_changed, "wait.changed": _wait_changed, "order.changed": _order_changed, "muted": _muted}

__all__ = ["Public", "apply", "cached_snapshot", "forget", "read_public", "sees_all", "snapshot"]
