"""Reading shows: the doors for staff, the lists, and who may host."""
import uuid
from datetime import timedelta

from sqlalchemy import case, func, or_, select

from campaigns.catalogue.models import Product, Variant
from campaigns.stock.models import OfferStock
from campaigns.terms.models import Campaign, Offer
from core import clock
from core.errors import NotFound
from live import presence
from live.show import outs
from live.show.models import LiveSession, Reminder, RunItem, ShowStaff
from members.access import RIGHTS, require
from members.models import Member, Merchant, Role


def access_show(db, live_id: uuid.UUID, right: str = "shows") -> LiveSession:
    """A show for its staff. Raises NotFound for strangers, Forbidden for staff without the right."""
    show = db.get(LiveSession, live_id)
    if show is None:
        raise NotFound
    require(right, show.merchant_id)
    return show


def shows_of(db, merchant_id: uuid.UUID) -> list[dict]:
    """A merchant's shows, what is on first, then what comes, then what was."""
    order = case((LiveSession.state.in_(("live", "paused", "rehearsal")), 0), (LiveSession.state == "scheduled", 1),
                 else_=2)
    items = select(func.count()).where(RunItem.live_session_id == LiveSession.id).scalar_subquery()
    reminders = select(func.count()).where(Reminder.live_session_id == LiveSession.id).scalar_subquery()
    rows = db.execute(
        select(LiveSession, Campaign.name, Campaign.state, Member.name, items, reminders)
        .join(Campaign, Campaign.id == LiveSession.campaign_id).join(Member, Member.id == LiveSession.host_id)
        .where(LiveSession.merchant_id == merchant_id)
        .order_by(order, case((order == 1, LiveSession.starts_at)), LiveSession.starts_at.desc()).limit(200)).all()
    return [{"show": show, "campaign": campaign, "campaign_state": state, "host": host, "items": count,
             "reminders": asked, "viewers": presence.viewers(show.id)}
            for show, campaign, state, host, count, asked in rows]


def campaigns_for_shows(db, merchant_id: uuid.UUID) -> list[Campaign]:
    """Campaigns a show can still be planned for."""
    return list(db.scalars(select(Campaign).where(Campaign.merchant_id == merchant_id,
                                                  Campaign.state.in_(("draft", "scheduled", "live")))
                           .order_by(Campaign.id.desc())))


def coming_show(db, merchant_id: uuid.UUID, campaign_id: uuid.UUID) -> LiveSession | None:
    """The campaign's show that is on, or else its next one."""
    return db.scalar(select(LiveSession).where(
        LiveSession.merchant_id == merchant_id, LiveSession.campaign_id == campaign_id,
        LiveSession.state.in_(("live", "paused", "rehearsal", "scheduled")))
        .order_by(LiveSession.state == "scheduled", LiveSession.starts_at).limit(1))


def people_with(db, merchant_id: uuid.UUID, right: str) -> list[Member]:
    """The merchant's people who have a right, by name."""
    kinds = [kind for kind, rights in RIGHTS.items() if right in rights]
    return list(db.scalars(select(Member).join(Role, Role.member_id == Member.id).where(
        Role.merchant_id == merchant_id, Role.kind.in_(kinds), Member.disabled_at.is_(None))
        .distinct().order_by(Member.name, Member.id)))


def assistants_of(db, live_id: uuid.UUID) -> list[uuid.UUID]:
    return list(db.scalars(select(ShowStaff.member_id).where(ShowStaff.live_session_id == live_id)))


def reminder_count(db, live_id: uuid.UUID) -> int:
    return db.scalar(select(func.count()).select_from(Reminder).where(Reminder.live_session_id == live_id))


# -- the public list -------------------------------------------------------------------------------------------------

SHOWN_DAYS = 60


def home(db, member, category: str = "") -> dict:
    """{on_air, coming, again}: what is on, what comes, and what is over but still on sale; 3 statements."""
    rows = _listed(db, member)
    sums = _sums(db, {row.LiveSession.campaign_id for row in rows})
    on_air = _on_air_offers(db, rows)
    shows = [_listed_out(row, sums.get(row.LiveSession.campaign_id), on_air) for row in rows]
    shows = [show for show in shows if not category or show["category"] == category]
    return {"on_air": [show for show in shows if show["state"] in ("live", "paused")],
            "coming": [show for show in shows if show["state"] == "scheduled"],
            "again": [show for show in reversed(shows) if show["state"] == "ended" and show["still_left"]][:12]}


def _listed(db, member):
    since = clock.now() - timedelta(days=SHOWN_DAYS)
    reminder = select(Reminder).where(Reminder.live_session_id == LiveSession.id,
                                      Reminder.member_id == (member and member.id)).exists()
    return db.execute(
        select(LiveSession, Merchant.name.label("merchant"), Member.name.label("host"), Campaign.currency,
               reminder.label("reminder"))
        .join(Merchant, Merchant.id == LiveSession.merchant_id).join(Member, Member.id == LiveSession.host_id)
        .join(Campaign, Campaign.id == LiveSession.campaign_id)
        .where(Campaign.state != "draft", LiveSession.state != "cancelled",
               or_(LiveSession.state != "ended", (LiveSession.ended_at > since) & (Campaign.state == "live")))
        .order_by(LiveSession.starts_at, LiveSession.id).limit(200)).all()


def _sums(db, campaign_ids) -> dict:
    """Per campaign: products, lowest price, what most products are, how many are on sale now."""
    on_sale = func.count().filter(OfferStock.mode == "open", OfferStock.left > 0)
    rows = db.execute(
        select(Offer.campaign_id, func.count().label("products"), func.min(OfferStock.price_minor).label("from_minor"),
               func.mode().within_group(Product.category).label("category"), on_sale.label("on_sale"))
        .join(OfferStock, (OfferStock.offer_id == Offer.id) & ~OfferStock.rehearsal)
        .join(Variant, Variant.id == Offer.variant_id).join(Product, Product.id == Variant.product_id)
        .where(Offer.campaign_id.in_(campaign_ids)).group_by(Offer.campaign_id)).all()
    return {row.campaign_id: row for row in rows}


def _on_air_offers(db, rows) -> dict:
    wanted = [row.LiveSession.on_air_offer_id for row in rows
              if row.LiveSession.on_air_offer_id and row.LiveSession.state in ("live", "paused")]
    if not wanted:
        return {}
    found = db.execute(
        select(Offer, OfferStock, func.coalesce(Variant.picture_id, Product.picture_id).label("picture"))
        .join(OfferStock, (OfferStock.offer_id == Offer.id) & ~OfferStock.rehearsal)
        .join(Variant, Variant.id == Offer.variant_id).join(Product, Product.id == Variant.product_id)
        .where(Offer.id.in_(wanted))).all()
    return {offer.id: {"id": str(offer.id), "title": offer.title, "left": stock.left,
                       "total": stock.left + stock.held + stock.sold,
                       "picture": outs.picture_address(offer.variant_id, picture), "price_minor": stock.price_minor,
                       "compare_at_minor": offer.compare_at_minor} for offer, stock, picture in found}


def _listed_out(row, sums, on_air: dict) -> dict:
    """A show in the list; one that is being rehearsed is still to come for everybody."""
    show = row.LiveSession
    length = int((show.ended_at - show.started_at).total_seconds()) if show.ended_at and show.started_at else None
    return {
        "id": str(show.id), "title": show.title, "description": show.description,
        "state": "scheduled" if show.state == "rehearsal" else show.state, "starts_at": clock.iso(show.starts_at),
        "merchant": {"name": row.merchant}, "host": {"name": row.host}, "currency": row.currency,
        "cover": f"/pictures/{show.cover_id}" if show.cover_id else None, "viewers": presence.viewers(show.id),
        "category": sums.category if sums else "", "product_count": sums.products if sums else 0,
        "from_minor": sums.from_minor if sums else None, "reminder": row.reminder, "seconds": length,
        "still_left": sums.on_sale if sums else 0,
        "offer": on_air.get(show.on_air_offer_id)}
