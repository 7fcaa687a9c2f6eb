"""From a hold to an order with its first payment attempt, and further attempts while the hold lives.

Everything is copied: title, price, terms, address. No row of another package is locked here, so a checkout never
waits for a claim: a hold that ends in between makes an order that expires a moment later.
"""
import hashlib
import json
import uuid
from datetime import timedelta

from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError

from campaigns.catalogue.models import Variant
from campaigns.stock.models import Hold, OfferStock
from campaigns.terms.models import Campaign, Offer
from core.clock import iso, now
from core.errors import KeyConflict, NotFound
from members.models import Member, Merchant
from members.queries import access_address
from orders import coupons, moments, queries
from orders.errors import AlreadyOrdered, AlreadyPaid, CardGone, HoldOver, NotPayable, PaymentRunning
from orders.models import Order, OrderLine
from orders.payments import attempt_key, name_for
from orders.payments.models import Payment, SavedCard

# A card's call takes at most 10 s and 2 s of our own; only then is it worth asking what became of it.
CARD_CHECK_SECONDS = 12
# A bank's page takes a person a while; its webhooks usually tell us first.
PAGE_CHECK_SECONDS = 30

# Plain SQL: orders may not import the show. When the show had not begun, there is no second.
SHOW_SECOND = text("""
SELECT floor(extract(epoch FROM h.created_at - s.started_at))::int FROM holds h
JOIN live_sessions s ON s.id = h.live_session_id WHERE h.id = :hold_id AND s.started_at <= h.created_at""")


def body_hash(body: dict) -> str:
    """A short name of a request's body, whatever the order of its fields."""
    return hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()[:32]


def place(db, member: Member, data: dict) -> tuple[Order, Payment, bool]:
    """Make the order of a hold and its first attempt; (order, attempt, whether it is new).

    The same key gives the same order. Raises NotFound, HoldOver, AlreadyOrdered, CardGone, KeyConflict.
    """
    digest = body_hash(data)
    known = _known(db, member, data["key"], digest)
    if known:
        return *known, False
    try:
        with db.begin_nested():
            order = _order(db, member, data, digest)
            payment = _attempt(db, order, data)
            moments.PLACED.tell(db, order)
    except (IntegrityError, AlreadyOrdered):
        # Another request was first: with this key (then its order is the answer) or for this hold.
        known = _known(db, member, data["key"], digest)
        if known:
            return *known, False
        raise _ordered(db, data["hold_id"]) from None
    return order, payment, True


def _known(db, member, key: str, digest: str) -> tuple[Order, Payment] | None:
    """The order and attempt that this key made. The attempt is asked for first: where it is seen, its order is too,
    for they were committed together (the other way round, a commit in between looks like a conflict)."""
    attempt = db.scalar(select(Payment).where(Payment.key == attempt_key(member.id, key)))
    if attempt is None:
        return None
    order = db.scalar(select(Order).where(Order.member_id == member.id, Order.key == key))
    if order is None or order.body_hash != digest:
        raise KeyConflict
    return order, attempt


def _ordered(db, hold_id) -> AlreadyOrdered:
    order_id = db.scalar(select(OrderLine.order_id).where(OrderLine.hold_id == hold_id))
    return AlreadyOrdered(order_id=str(order_id), url=f"/orders/{order_id}")


def _order(db, member, data: dict, digest: str) -> Order:
    hold, stock, offer, campaign, variant = _what(db, member, data["hold_id"])
    address = access_address(db, data["address_id"], member)
    gross = hold.quantity * hold.price_minor
    coupon = coupons.find(db, data["coupon"], campaign, member) if data.get("coupon") else None
    discount = coupons.discount(coupon, gross) if coupon else 0
    order = Order(member_id=member.id, merchant_id=campaign.merchant_id, campaign_id=campaign.id,
                  live_session_id=hold.live_session_id, rehearsal=stock.rehearsal, currency=campaign.currency,
                  coupon_code=coupon and coupon.code, discount_minor=discount,
                  total_minor=gross - discount, address=_address_copy(address), key=data["key"],
                  body_hash=digest)
    db.add(order)
    db.flush()
    merchant = db.get(Merchant, campaign.merchant_id)
    db.add(OrderLine(order_id=order.id, offer_id=offer.id, stock_id=stock.id, variant_id=variant.id, hold_id=hold.id,
                     title=offer.title, sku=variant.sku, quantity=hold.quantity, unit_price_minor=hold.price_minor,
                     discount_minor=coupons.shares(discount, [gross])[0],
                     terms=_terms(offer, campaign, merchant, hold),
                     show_second=db.scalar(SHOW_SECOND, {"hold_id": hold.id})))
    db.flush()
    return order


def _what(db, member, hold_id: uuid.UUID):
    """The hold with what it is of. Raises NotFound for another's, HoldOver, AlreadyOrdered."""
    found = db.execute(
        select(Hold, OfferStock, Offer, Campaign, Variant, Hold.expires_at > func.clock_timestamp())
        .join(OfferStock, OfferStock.id == Hold.stock_id).join(Offer, Offer.id == Hold.offer_id)
        .join(Campaign, Campaign.id == Offer.campaign_id).join(Variant, Variant.id == Offer.variant_id)
        .where(Hold.id == hold_id, Hold.member_id == member.id)).first()
    if found is None:
        raise NotFound
    hold, stock, offer, campaign, variant, runs = found
    if db.scalar(select(OrderLine.id).where(OrderLine.hold_id == hold.id)):
        raise _ordered(db, hold.id)
    if hold.state != "held" or not runs:
        raise HoldOver
    return hold, stock, offer, campaign, variant


def _address_copy(address) -> dict:
    return {name: getattr(address, name) for name in ("name", "line1", "line2", "city", "postcode", "country", "phone")}


def _terms(offer: Offer, campaign: Campaign, merchant: Merchant, hold: Hold) -> dict:
    return {"price_minor": offer.price_minor, "paid_price_minor": hold.price_minor,
            "compare_at_minor": offer.compare_at_minor, "lowest_30d_minor": offer.lowest_30d_minor,
            "is_deal": offer.is_deal, "limit": offer.limit_per_member, "promise": offer.promise,
            "hold_seconds": offer.hold_seconds or campaign.hold_seconds, "campaign": campaign.name,
            "delivery_note": merchant.delivery_note, "returns_note": merchant.returns_note,
            "claimed_at": iso(hold.created_at), "source": hold.source}


def _attempt(db, order: Order, data: dict) -> Payment:
    card = _card(db, order, data.get("card_id")) if data["method"] == "card" else None
    seconds = CARD_CHECK_SECONDS if card else PAGE_CHECK_SECONDS
    payment = Payment(order_id=order.id, provider=name_for(order.rehearsal), method=data["method"],
                      saved_card_id=card.id if card else None, amount_minor=order.total_minor, currency=order.currency,
                      key=attempt_key(order.member_id, data["key"]), check_at=now() + timedelta(seconds=seconds))
    db.add(payment)
    db.flush()
    return payment


def _card(db, order: Order, card_id) -> SavedCard:
    card = db.scalar(select(SavedCard).where(
        SavedCard.member_id == order.member_id, SavedCard.removed_at.is_(None),
        SavedCard.provider == name_for(order.rehearsal),
        SavedCard.id == card_id if card_id else SavedCard.is_default))
    if card is None:
        raise CardGone(fields={"card_id": [CardGone.message]})
    return card


def try_again(db, order_id: uuid.UUID, member: Member, data: dict) -> tuple[Order, Payment, bool]:
    """Another attempt to pay an order whose hold still lives; (order, attempt, whether it is new).

    Raises NotFound, AlreadyPaid, NotPayable, PaymentRunning (a card whose outcome is open), CardGone, KeyConflict.
    """
    queries.access_order(db, order_id, member)
    order = queries.lock_order(db, order_id)
    known = db.scalar(select(Payment).where(Payment.key == attempt_key(member.id, data["key"])))
    if known:
        if (known.order_id, known.method) != (order.id, data["method"]) or \
                data.get("card_id") not in (None, known.saved_card_id):
            raise KeyConflict
        return order, known, False
    _check_payable(db, order)
    return order, _attempt(db, order, data), True


def _check_payable(db, order: Order) -> None:
    if order.state == "paid":
        raise AlreadyPaid
    if order.state != "awaiting_payment" or not queries.hold_runs(db, order):
        raise NotPayable
    # A bank's page that was left may still be paid; a second payment then goes back by itself. A card may not race.
    running = select(Payment.id).where(Payment.order_id == order.id, Payment.method == "card",
                                       Payment.state.in_(("created", "pending", "unknown")))
    if db.scalar(running.limit(1)):
        raise PaymentRunning
