"""The demo's campaigns and shows: one on air, one tomorrow, a draft that cannot be published yet, one of last week."""
from datetime import timedelta

from flask import g
from sqlalchemy import select, text, update

from campaigns.catalogue.models import Variant
from campaigns.terms import actions as terms
from campaigns.terms import publishing
from campaigns.terms.models import Campaign, Offer
from core import clock
from core.ids import new_id
from demo import accounts
from live.chat.actions import say
from live.doors import read_facts
from live.show import actions as plan
from live.show.control import dispatch
from live.show.models import LiveSession, RunItem

# (SKU, price, full price, units, limit per member, called a deal)
WINTER_KITCHEN = (
    ("84879", 125, 169, 450, 12, True), ("85099B", 165, 195, 600, 10, True), ("22111", 395, 495, 300, 6, True),
    ("85123A", 210, 295, 400, 4, True), ("22423", 995, 1275, 240, 2, True), ("22727", 295, 375, 180, 1, True),
    ("22720", 395, 495, 320, 2, True), ("22834", 160, 210, 500, 6, False))
# Product lines of the run of show: (SKU, short title, minutes, talking points)
KITCHEN_RUN = (
    ("84879", "Bird ornament", 6, "Hand painted, each one differs. Hang three in a window."),
    ("85099B", "Jumbo bag retrospot", 6, "Carries 25 kg. Folds to the size of a hand. Wipes clean."),
    ("22111", "Scottie bottle", 6, "Knitted cover comes off for washing. Fill to two thirds."),
    ("85123A", "White hanging heart", 6, "15 cm, birch. First candle in the box. Hang it in a window."),
    ("22423", "Regency cakestand", 6, "Three tiers, comes apart. Wash the plates by hand."),
    ("22727", "Alarm clock bakelike", 5, "Loud bell, glows at night. One each, there are few."),
    ("22720", "Set of 3 cake tins", 6, "They nest. The largest takes a 23 cm cake."),
    ("22834", "Hand warmer", 5, "Click the disc, warm for an hour. Boil it to use it again."))
BAKING_DAY = (
    ("22960", 345, 425, 60, 4, True), ("22962", 65, 85, 80, 10, True), ("22966", 99, 125, 70, 6, True),
    ("22624", 695, 850, 40, 2, True), ("22839", 1195, 1495, 30, 1, True), ("21212", 45, 55, 90, 12, True))
# The clock's units are not there, and last week's price of the hand warmer was lower.
SPRING_TABLE = (
    ("22727", 295, 375, 180, 1, False), ("22834", 160, 210, 100, 6, True), ("22699", 245, 295, 40, 4, True),
    ("22697", 245, 295, 40, 4, True), ("22427", 495, 595, 24, 2, True))
LAST_WEEK = (
    ("22834", 155, 210, 50, 6, True), ("22112", 395, 495, 40, 4, True), ("22633", 149, 185, 60, 6, True),
    ("21479", 299, 375, 40, 4, True))
CHAT = ((accounts.VIEWERS[0], "Good evening from Manchester"), (accounts.HOST, "Welcome, everybody! Kettle is on."),
        (accounts.VIEWERS[1], "Is the cakestand back? I missed it last week"),
        (accounts.ASSISTANT, "It is, number six tonight"))


def stage(db, shop, people: dict) -> str:
    """All four; a few words on what is there."""
    nora, jun = people[accounts.HOST], people[accounts.ASSISTANT]
    _last_week(db, shop, nora)
    _tomorrow(db, shop, nora, jun)
    _campaign(db, shop, "Spring table", SPRING_TABLE, nora)
    show = _tonight(db, shop, nora, jun)
    _chat(db, show, people)
    g.member = nora
    return "a show on air, one tomorrow, a draft campaign, a show of last week"


def _campaign(db, shop, name: str, lines, by) -> Campaign:
    """A draft with these offers."""
    campaign = terms.create(db, shop, name, by)
    variants = dict(db.execute(select(Variant.sku, Variant.id).where(
        Variant.merchant_id == shop.id, Variant.sku.in_([line[0] for line in lines]))).all())
    offers = terms.add_offers(db, campaign, [variants[line[0]] for line in lines], by)
    for offer, (_sku, price, full, units, limit, deal) in zip(offers, lines, strict=True):
        terms.update_offer(db, campaign, offer.id, {"price_minor": price, "compare_at_minor": full, "allotment": units,
                                                    "limit_per_member": limit, "is_deal": deal}, by)
    return campaign


def _show(db, shop, campaign, by, title: str, description: str, starts_at, assistants=()) -> LiveSession:
    show = plan.schedule(db, shop, {"campaign_id": campaign.id, "title": title, "description": description,
                                    "starts_at": starts_at}, by)
    plan.set_assistants(db, show, [one.id for one in assistants])
    return show


def _do(db, show, action: str, **body) -> None:
    """A press on the control page, by the host."""
    dispatch(db, show.id, {"action": action, "key": str(new_id()), **body}, g.member)


def _offers(db, campaign) -> dict:
    """{SKU: offer id}"""
    return dict(db.execute(select(Variant.sku, Offer.id).join(Offer, Offer.variant_id == Variant.id)
                           .where(Offer.campaign_id == campaign.id)).all())


def _tonight(db, shop, nora, jun) -> LiveSession:
    """On air, with two products on the shelf, so that the first visitor can buy before the first flash sale."""
    campaign = publishing.publish(db, _campaign(db, shop, "Winter kitchen", WINTER_KITCHEN, nora), nora)
    offers = _offers(db, campaign)
    show = _show(db, shop, campaign, nora, "Thursday kitchen table",
                 "Nora lays the winter table: things to hang, to bake with and to keep warm.", clock.now(), [jun])
    lines = [(None, "Welcome", 3, "Who we are, how buying works: pick, you have five minutes to pay.")]
    lines += [(offers[sku], title, minutes, points) for sku, title, minutes, points in KITCHEN_RUN]
    lines.append((None, "Thanks and goodbye", 2, "Tomorrow: baking day. Press Remind me."))
    plan.save_run(db, show, [{"id": None, "offer_id": offer, "title": title, "minutes": minutes, "points": points}
                             for offer, title, minutes, points in lines])
    for action in ("go_live", "next_item", "next_item"):
        _do(db, show, action)
    for sku in ("84879", "85099B"):
        _do(db, show, "open_shelf", offer_id=str(offers[sku]))
        _do(db, show, "pin", offer_id=str(offers[sku]))
    _do(db, show, "notice", text="Free delivery tonight")
    return show


def _tomorrow(db, shop, nora, jun) -> None:
    campaign = publishing.publish(db, _campaign(db, shop, "Baking day", BAKING_DAY, nora), nora)
    at = (clock.now() + timedelta(days=1)).replace(hour=19, minute=0, second=0, microsecond=0)
    _show(db, shop, campaign, nora, "Baking day",
          "Jam, gingerbread and the tins to keep it all in. With a recipe to write down.", at, [jun])


def _last_week(db, shop, nora) -> None:
    """A show that is over: played now, then its times are moved back by a week, which only a demo may do."""
    campaign = publishing.publish(db, _campaign(db, shop, "Warm hands", LAST_WEEK, nora), nora)
    show = _show(db, shop, campaign, nora, "Warm hands", "Everything for the first frost.", clock.now())
    _do(db, show, "go_live")
    for offer_id in _offers(db, campaign).values():
        _do(db, show, "next_item")
        _do(db, show, "open_shelf", offer_id=str(offer_id))
    _do(db, show, "end", word="END")
    publishing.end(db, campaign, nora)
    _move_back(db, campaign, show, timedelta(days=7))


def _move_back(db, campaign, show, by: timedelta) -> None:
    hour, start = timedelta(hours=1), clock.now() - by
    db.flush()
    db.execute(update(LiveSession).where(LiveSession.id == show.id).values(
        starts_at=start, started_at=start, ended_at=start + hour, created_at=start - hour))
    for item in db.scalars(select(RunItem).where(RunItem.live_session_id == show.id)):
        item.started_at = start + timedelta(minutes=12) * (item.position - 1)
        item.ended_at = item.started_at + timedelta(minutes=12)
    db.flush()
    db.execute(update(Campaign).where(Campaign.id == campaign.id).values(
        created_at=start - hour, published_at=start - hour, ended_at=start + hour))
    db.execute(text("UPDATE price_records SET from_at = :start, to_at = :stop WHERE source = 'offer' AND variant_id IN "
                    "(SELECT variant_id FROM offers WHERE campaign_id = :campaign)"),
               {"start": start, "stop": start + hour, "campaign": campaign.id})
    # The list prices were asked long before.
    db.execute(text("UPDATE price_records SET from_at = :long_ago WHERE source = 'list'"),
               {"long_ago": start - timedelta(days=60)})
    db.expire_all()


def _chat(db, show, people: dict) -> None:
    facts = read_facts(db, show.id)
    for place, (email, line) in enumerate(CHAT):
        say(db, facts, people[email], f"demo-{place}", line)
