"""The demo's campaigns and shows: one on air, one tomorrow, a draft that cannot be published yet (last week's:
evening.py)."""
from datetime import timedelta

from flask import g
from sqlalchemy import select

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
from live.show.models import LiveSession

TONIGHT = "Thursday kitchen table"
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
CHAT = ((accounts.VIEWERS[0], "Good evening from Manchester"), (accounts.HOST, "Welcome, everybody! Kettle is on."),
        (accounts.VIEWERS[1], "Is the cakestand back? I missed it last week"),
        (accounts.ASSISTANT, "It is, number six tonight"))


def stage(db, shop, people: dict) -> str:
    """What is on and what comes; a few words on what is there."""
    nora, jun = people[accounts.HOST], people[accounts.ASSISTANT]
    _tomorrow(db, shop, nora, jun)
    make_draft(db, shop, "Spring table", SPRING_TABLE, nora)
    show = _tonight(db, shop, nora, jun)
    _chat(db, show, people)
    g.member = nora
    return "a show on air, one tomorrow, a draft campaign"


def make_draft(db, shop, name: str, lines, by) -> Campaign:
    """A draft with these offers."""
    campaign = terms.create(db, shop, name, by)
    variants = dict(db.execute(select(Variant.sku, Variant.id).where(
        Variant.merchant_id == shop.id, Variant.sku.in_([line[0] for line in lines]))).all())
    offers = terms.add_offers(db, campaign, [variants[line[0]] for line in lines], by)
    for offer, (_sku, price, full, units, limit, deal) in zip(offers, lines, strict=True):
        terms.update_offer(db, campaign, offer.id, {"price_minor": price, "compare_at_minor": full, "allotment": units,
                                                    "limit_per_member": limit, "is_deal": deal}, by)
    return campaign


def make_show(db, shop, campaign, by, title: str, description: str, starts_at, assistants=()) -> LiveSession:
    show = plan.schedule(db, shop, {"campaign_id": campaign.id, "title": title, "description": description,
                                    "starts_at": starts_at}, by)
    plan.set_assistants(db, show, [one.id for one in assistants])
    return show


def press(db, show, action: str, **body) -> None:
    """A press on the control page, by the host."""
    dispatch(db, show.id, {"action": action, "key": str(new_id()), **body}, g.member)


def offer_ids(db, campaign) -> dict:
    """{SKU: offer id}"""
    return dict(db.execute(select(Variant.sku, Offer.id).join(Offer, Offer.variant_id == Variant.id)
                           .where(Offer.campaign_id == campaign.id)).all())


def _tonight(db, shop, nora, jun) -> LiveSession:
    """On air, with two products on the shelf, so that the first visitor can buy before the first flash sale."""
    campaign = publishing.publish(db, make_draft(db, shop, "Winter kitchen", WINTER_KITCHEN, nora), nora)
    offers = offer_ids(db, campaign)
    show = make_show(db, shop, campaign, nora, TONIGHT,
                 "Nora lays the winter table: things to hang, to bake with and to keep warm.", clock.now(), [jun])
    lines = [(None, "Welcome", 3, "Who we are, how buying works: pick, you have five minutes to pay.")]
    lines += [(offers[sku], title, minutes, points) for sku, title, minutes, points in KITCHEN_RUN]
    lines.append((None, "Thanks and goodbye", 2, "Tomorrow: baking day. Press Remind me."))
    plan.save_run(db, show, [{"id": None, "offer_id": offer, "title": title, "minutes": minutes, "points": points}
                             for offer, title, minutes, points in lines])
    for action in ("go_live", "next_item", "next_item"):
        press(db, show, action)
    for sku in ("84879", "85099B"):
        press(db, show, "open_shelf", offer_id=str(offers[sku]))
        press(db, show, "pin", offer_id=str(offers[sku]))
    press(db, show, "notice", text="Free delivery tonight")
    return show


def _tomorrow(db, shop, nora, jun) -> None:
    campaign = publishing.publish(db, make_draft(db, shop, "Baking day", BAKING_DAY, nora), nora)
    at = (clock.now() + timedelta(days=1)).replace(hour=19, minute=0, second=0, microsecond=0)
    make_show(db, shop, campaign, nora, "Baking day",
          "Jam, gingerbread and the tins to keep it all in. With a recipe to write down.", at, [jun])


def _chat(db, show, people: dict) -> None:
    facts = read_facts(db, show.id)
    for place, (email, line) in enumerate(CHAT):
        say(db, facts, people[email], f"demo-{place}", line)
