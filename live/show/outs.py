"""How a show, its offers and its chat look to pages: one place for the snapshot and for the events, so they agree."""
import hashlib
import uuid
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from campaigns.catalogue.models import Product, Variant
from campaigns.stock.models import OfferStock
from campaigns.stock.queries import stock_out
from campaigns.terms.models import Campaign, Offer
from core import clock, events
from live.show.models import LiveSession, RunItem
from live.video.models import VideoChannel
from members.models import Member, Merchant


def items_json(show_id=LiveSession.id):
    """The run of show as one JSON value, in order; a column of the show's own statement."""
    item = RunItem.__table__.alias("item")
    row = func.jsonb_build_object(
        "id", item.c.id, "position", item.c.position, "offer_id", item.c.offer_id, "title", item.c.title,
        "minutes", item.c.minutes, "started_at", item.c.started_at, "ended_at", item.c.ended_at,
        "points", item.c.points)
    return (select(func.coalesce(func.jsonb_agg(aggregate_order_by(row, item.c.position)), func.jsonb_build_array()))
            .where(item.c.live_session_id == show_id).scalar_subquery())


def read_show(db, live_id: uuid.UUID):
    """(show, merchant, host, campaign, items, video channel or None, seq, now) in one statement, or None."""
    seq = select(events.Stream.seq).where(events.Stream.name == events.live_stream(live_id)).scalar_subquery()
    return db.execute(
        select(LiveSession, Merchant, Member.name.label("host"), Campaign, items_json().label("items"),
               VideoChannel, func.coalesce(seq, 0).label("seq"), func.clock_timestamp().label("now"))
        .join(Merchant, Merchant.id == LiveSession.merchant_id).join(Member, Member.id == LiveSession.host_id)
        .join(Campaign, Campaign.id == LiveSession.campaign_id)
        .outerjoin(VideoChannel, VideoChannel.live_session_id == LiveSession.id)
        .where(LiveSession.id == live_id)).first()


def show_out(show: LiveSession, merchant: Merchant, host: str, currency: str, items: list[dict]) -> dict:
    """The show as everybody sees it; `rehearsal` marks what only staff may be told."""
    current = next((item for item in items if item["id"] == str(show.current_item_id)), None)
    return {
        "id": str(show.id), "rev": show.rev, "title": show.title, "description": show.description,
        "state": show.state, "rehearsal": show.state == "rehearsal",
        "starts_at": clock.iso(show.starts_at), "started_at": clock.iso(show.started_at),
        "ended_at": clock.iso(show.ended_at),
        "merchant": {"id": str(merchant.id), "name": merchant.name, "initials": initials(merchant.name),
                     "delivery_note": merchant.delivery_note, "returns_note": merchant.returns_note,
                     "following": False},
        "host": {"name": host}, "cover": f"/pictures/{show.cover_id}" if show.cover_id else None, "currency": currency,
        "pins": list(show.pins or []), "on_air": show.on_air_offer_id and str(show.on_air_offer_id),
        "item": _item(show, current), "next": _next(show, current, items), "notice": show.notice or None,
        "slow_seconds": show.slow_seconds, "item_count": len(items),
        "item_position": items.index(current) + 1 if current else 0}


def _item(show, current) -> dict | None:
    return current and {"id": current["id"], "title": current["title"], "position": current["position"],
                        "started_at": clock.iso(show.item_started_at)}


def _next(show, current, items) -> dict | None:
    """What comes after, and when by plan; after the show nothing does."""
    following = items.index(current) + 1 if current else 0
    if following >= len(items) or show.state in ("ended", "cancelled"):
        return None
    about = show.starts_at
    if current and show.item_started_at:
        about = show.item_started_at + timedelta(minutes=current["minutes"])
    return {"title": items[following]["title"], "offer_id": items[following]["offer_id"], "about": clock.iso(about)}


def as_before_rehearsal(show: dict, items: list[dict]) -> dict:
    """The show for those who must not see that it is being rehearsed."""
    first = items[0] if items else None
    upcoming = first and {"title": first["title"], "offer_id": first["offer_id"], "about": show["starts_at"]}
    return {**show, "state": "scheduled", "rehearsal": False, "started_at": None, "pins": [], "on_air": None,
            "item": None, "item_position": 0, "next": upcoming, "notice": None}


def read_offers(db, campaign_id: uuid.UUID, rehearsal: bool) -> list:
    """(Offer, OfferStock | None, sku, picture id, Campaign) of a campaign in the order of the counter."""
    return db.execute(
        select(Offer, OfferStock, Variant.sku, func.coalesce(Variant.picture_id, Product.picture_id), Campaign)
        .join(Campaign, Campaign.id == Offer.campaign_id).join(Variant, Variant.id == Offer.variant_id)
        .join(Product, Product.id == Variant.product_id)
        .outerjoin(OfferStock, (OfferStock.offer_id == Offer.id) & (OfferStock.rehearsal == rehearsal))
        .where(Offer.campaign_id == campaign_id).order_by(Offer.position, Offer.id)).all()


def offer_out(offer: Offer, stock: OfferStock | None, sku: str, picture_id, campaign: Campaign) -> dict:
    return {
        "id": str(offer.id), "title": offer.title, "sku": sku, "picture": picture_address(offer.variant_id, picture_id),
        "promise": offer.promise, "compare_at_minor": offer.compare_at_minor, "limit": offer.limit_per_member,
        "hold_seconds": offer.hold_seconds or campaign.hold_seconds, "lowest_30d_minor": offer.lowest_30d_minor,
        "position": offer.position, "after_sale": offer.after_sale or campaign.after_sale,
        "full_price_minor": offer.compare_at_minor or offer.price_minor,
        "stock": stock_out(stock) if stock else _no_stock(offer)}


def _no_stock(offer: Offer) -> dict:
    """Of an offer that is not published: version −1, so that the first real numbers win."""
    return {"version": -1, "mode": "closed", "left": 0, "held": 0, "sold": 0, "reserve": 0, "waiting": 0,
            "price_minor": offer.price_minor, "opens_at": None, "closes_at": None, "rehearsal": False}


def picture_address(variant_id, picture_id) -> str:
    return f"/pictures/{picture_id}" if picture_id else f"/tiles/{variant_id}.svg"


def message_out(message) -> dict:
    """A line of chat. `by` tells lines of one author apart without saying who: the same in one show, nowhere else."""
    return {"id": message.id, "name": message.name, "role": message.role, "body": message.body,
            "at": clock.iso(message.created_at), "by": author(message.live_session_id, message.member_id)}


def author(live_id, member_id) -> str:
    return hashlib.blake2s(f"{live_id}:{member_id}".encode(), digest_size=6).hexdigest()


def run_out(item: RunItem) -> dict:
    return {"id": str(item.id), "position": item.position, "offer_id": item.offer_id and str(item.offer_id),
            "title": item.title, "minutes": item.minutes, "points": item.points,
            "started_at": clock.iso(item.started_at), "ended_at": clock.iso(item.ended_at)}


def initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()] or [name]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper()[:2]
