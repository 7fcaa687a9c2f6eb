"""News of a show: what changed, whole, to those who may know."""
from sqlalchemy import func, select

from campaigns.terms.models import Offer
from core import clock, events
from live.chat.queries import sanctions
from live.show import outs
from live.show.models import FlashSale, LiveSession, RunItem
from members.models import Member, Merchant


def change(db, show: LiveSession, done, campaign) -> None:
    """Tell what a control action changed."""
    if done.run:
        run_changed(db, show)
    if done.show or done.run:
        show_changed(db, show, campaign.currency)
    if done.desk:
        desk_changed(db, show)


def show_changed(db, show: LiveSession, currency: str) -> None:
    """Count the change and tell all that may change of a show. Once an action, after everything else."""
    show.rev += 1
    db.flush()
    db.refresh(show)
    merchant, host = db.get(Merchant, show.merchant_id), db.get(Member, show.host_id)
    items = db.scalar(select(outs.items_json(show.id)))
    value = outs.show_out(show, merchant, host.name, currency, items)
    value.pop("merchant")  # does not change in a show; the page adds what the member thinks of it
    events.append(db, events.live_stream(show.id), "show.changed", value, urgent=True)


def run_changed(db, show: LiveSession) -> None:
    db.flush()
    events.append(db, events.staff_stream(show.id), "run.changed",
                  {"run": run_of(db, show), "rehearsal": show.state == "rehearsal"}, urgent=True)


def run_of(db, show: LiveSession) -> list[dict]:
    rows = db.scalars(select(RunItem).where(RunItem.live_session_id == show.id).order_by(RunItem.position))
    return [outs.run_out(item) for item in rows]


def desk_changed(db, show: LiveSession) -> None:
    """What only control pages show: sales, blocked words, who may not speak."""
    db.flush()
    events.append(db, events.staff_stream(show.id), "desk.changed", desk_of(db, show), urgent=True)


def desk_of(db, show: LiveSession) -> dict:
    rehearsal = show.state == "rehearsal"
    return {"rehearsal": rehearsal, "blocked_words": list(show.blocked_words or ()),
            "sales": sales_of(db, show, rehearsal), "sanctions": sanctions(db, show)}


def sales_of(db, show: LiveSession, rehearsal: bool) -> list[dict]:
    rows = db.execute(select(FlashSale, Offer.title).join(Offer, Offer.id == FlashSale.offer_id)
                      .where(FlashSale.live_session_id == show.id, FlashSale.rehearsal == rehearsal)
                      .order_by(FlashSale.opens_at)).all()
    return [{"offer_id": str(sale.offer_id), "title": title, "quantity": sale.quantity, "price_minor": sale.price_minor,
             "opens_at": clock.iso(sale.opens_at), "closes_at": clock.iso(sale.closes_at),
             "ended_at": clock.iso(sale.ended_at)} for sale, title in rows]


def database_now(db):
    return db.scalar(select(func.clock_timestamp()))
