"""Last week's show of the demo: sold, paid, sent and refunded through the doors that buyers and staff use.

It is played now and then moved back by a week, which only a demo may do. Keys are fixed, so a start that was cut off
goes on where it stopped.
"""
import random
from datetime import timedelta

from flask import g
from sqlalchemy import delete, func, select, text, update

from campaigns.stock.actions import release
from campaigns.stock.claims import claim
from campaigns.stock.errors import OverLimit, SoldOut
from campaigns.stock.models import OfferStock
from campaigns.terms import publishing
from campaigns.terms.models import Campaign
from core import clock
from core.db import transaction
from demo import accounts, crowd, shows
from live.chat.actions import say
from live.doors import read_facts
from live.show.models import FlashSale, LiveSession, RunItem
from members.models import Mail, Member
from members.queries import default_address
from orders import actions, checkout, refunds
from orders.models import Order
from orders.payments import attempts, returns

TITLE = "Warm hands"
# (SKU, price, full price, units, limit per member, called a deal)
OFFERS = (("22834", 155, 210, 14, 6, True), ("22112", 395, 495, 40, 4, True), ("22633", 149, 185, 9, 6, True),
          ("21479", 299, 375, 40, 4, True))
# By place in the run: opened as a flash sale, or put on the shelf; how many tap.
OPENINGS = (("flash", 11), ("shelf", 4), ("flash", 7), ("shelf", 4))
SECONDS_EACH = 12 * 60
GUESTS = 14
LETS_GO = 8  # of 100
CHAT = ((40, accounts.HOST, "Good evening! Cold outside, warm in here"), (95, accounts.VIEWERS[0], "Hello Nora"),
        (160, "guest0004", "does the warmer work twice?"), (215, accounts.HOST, "As often as you boil it"),
        (250, "guest0011", "mine still does after a year"), (700, "guest0012", "晚上好"),
        (1490, accounts.VIEWERS[1], "Is that the small one?"), (1560, accounts.HOST, "The small one, 33 cm"),
        (2300, "guest0007", "got two, thank you!"), (3480, accounts.HOST, "Good night, and dress warmly"))


def open_show(db, shop, nora) -> None:
    """The campaign on sale and the show on air."""
    campaign = publishing.publish(db, shows.make_draft(db, shop, TITLE, OFFERS, nora), nora)
    show = shows.make_show(db, shop, campaign, nora, TITLE, "Everything for the first frost.", clock.now())
    shows.press(db, show, "go_live")


def play(nora: Member) -> int:
    """Sell, close and deliver, in transactions as they happen; how many orders. Does nothing if it was done."""
    g.member = nora
    with transaction() as db:
        show = db.scalars(select(LiveSession).where(LiveSession.title == TITLE)).one()
        if show.state == "ended":
            return 0
        campaign = db.get(Campaign, show.campaign_id)
        buyers = [*crowd.guests(db, GUESTS), *db.scalars(select(Member).where(Member.email.in_(accounts.VIEWERS)))]
        offers = shows.offer_ids(db, campaign)
    dice, taps, bought = random.Random(20101201), [], []
    for place, (line, (how, count)) in enumerate(zip(OFFERS, OPENINGS, strict=True)):
        _open(show, offers[line[0]], how, line[3])
        for tap in _taps(place, count, buyers, dice, offers[line[0]]):
            taps.append(tap)
            bought += _tap(*tap)
        if how == "flash":
            with transaction() as db:
                shows.press(db, show, "stop_sale", offer_id=str(offers[line[0]]))
    _talk(show)
    with transaction() as db:
        shows.press(db, show, "end", word="END")
        publishing.end(db, db.get(Campaign, campaign.id), nora)
    _deliver(bought)
    with transaction() as db:
        _move_back(db, show, [tap[:3] for tap in taps], timedelta(days=7))
    return len(bought)


def _open(show, offer_id, how: str, units: int) -> None:
    with transaction() as db:
        shows.press(db, show, "next_item")
        if how == "shelf":
            shows.press(db, show, "open_shelf", offer_id=str(offer_id))
            return
        shows.press(db, show, "start_sale", offer_id=str(offer_id), countdown_seconds=10, duration_seconds=600,
                 quantity=units)
        # Nobody waits through the demo's countdown.
        for table in (OfferStock, FlashSale):
            db.execute(update(table).where(table.offer_id == offer_id, table.closes_at.is_not(None))
                       .values(opens_at=func.clock_timestamp() - timedelta(seconds=1)))


def _taps(place: int, count: int, buyers: list[Member], dice: random.Random, offer_id) -> list[tuple]:
    """(second of the show, who, key, offer, quantity, whether they let go), in the order of time: most at once."""
    who = dice.sample(buyers[:-2], count - 2) + buyers[-2:]
    seconds = sorted(min(12 + dice.expovariate(1 / 110), SECONDS_EACH - 30) for _ in who)
    dice.shuffle(who)
    return [(round(place * SECONDS_EACH + second), member, f"evening-{place}-{n}", offer_id,
             dice.choice((1, 1, 2, 2, 3)), dice.randrange(100) < LETS_GO)
            for n, (second, member) in enumerate(zip(seconds, who, strict=True))]


def _tap(_second, member: Member, key: str, offer_id, quantity: int, lets_go: bool) -> list:
    """Claim and pay as the page does; the order's id, or nothing."""
    try:
        hold = claim(member.id, key, offer_id, quantity)
    except (SoldOut, OverLimit):
        return []
    with transaction() as db:
        if lets_go:
            release(db, hold["id"], member.id)
            return []
        order, payment, _fresh = checkout.place(db, member, {
            "key": key, "hold_id": hold["id"], "address_id": default_address(db, member.id).id, "method": "card"})
    attempts.begin(payment.id)
    return [order.id]


def _talk(show) -> None:
    for place, (_second, who, line) in enumerate(CHAT):
        with transaction() as db:
            member = db.scalars(select(Member).where(Member.email == _email(who))).one()
            # Slow mode is for people: the demo says at once what took an hour.
            db.execute(text("UPDATE chat_messages SET created_at = created_at - interval '1 hour' "
                            "WHERE live_session_id = :live"), {"live": show.id})
            say(db, read_facts(db, show.id), member, f"evening-{place}", line)


def _email(who: str) -> str:
    return who if "@" in who else f"{who}@{accounts.DOMAIN}"


def _deliver(bought: list) -> None:
    """A week's work at the desk: nearly all arrived, some are on their way, some wait to be packed, two came back."""
    with transaction() as db:
        ana = db.scalars(select(Member).where(Member.email == accounts.STAFF)).one()
        for place, order_id in enumerate(bought[:-3]):
            actions.mark_sent(db, order_id, "Lark Post", f"LP{7300400 + place * 37}GB")
            if place < len(bought) - 6:
                actions.mark_delivered(db, order_id)
        back = [refunds.refund_lines(db, bought[3], {_line(db, bought[3]): 1}, reason="damaged", restock=False,
                                     key="evening-damaged", by=ana, note="Cracked in the post").id,
                refunds.refund_lines(db, bought[8], None, reason="returned", restock=True, key="evening-returned",
                                     by=ana).id]
    for refund_id in back:
        returns.send(refund_id)


def _line(db, order_id):
    return db.get(Order, order_id).lines[0].id


def _move_back(db, show: LiveSession, taps: list[tuple], by: timedelta) -> None:
    start, hour = clock.now() - by, timedelta(hours=1)
    about = {"live": show.id, "campaign": show.campaign_id, "start": start, "stop": start + hour}
    db.execute(update(LiveSession).where(LiveSession.id == show.id).values(
        starts_at=start, started_at=start, ended_at=start + hour, created_at=start - hour, reactions=1284,
        peak_viewers=max(_viewers(minute) for minute in range(60))))
    for item in db.scalars(select(RunItem).where(RunItem.live_session_id == show.id)):
        item.started_at = start + timedelta(seconds=SECONDS_EACH) * (item.position - 1)
        item.ended_at = item.started_at + timedelta(seconds=SECONDS_EACH)
    db.execute(update(Campaign).where(Campaign.id == show.campaign_id).values(
        created_at=start - hour, published_at=start - hour, ended_at=start + hour))
    for statement in PRICES:
        db.execute(text(statement), about)
    _move_sales(db, about, taps)
    for minute in range(60):
        db.execute(text("INSERT INTO viewer_minutes VALUES (:live, date_trunc('minute', CAST(:at AS timestamptz)), :n) "
                        "ON CONFLICT DO NOTHING"),
                   {"live": show.id, "at": start + timedelta(minutes=minute), "n": _viewers(minute)})
    guests = select(Member.id).where(Member.email.like(f"guest%@{accounts.DOMAIN}"))
    db.execute(delete(Mail).where(Mail.member_id.in_(guests)))  # their letters went out a week ago
    db.expire_all()


def _viewers(minute: int) -> int:
    """How many watched: they come in the first minutes, more for each sale, and go before the end."""
    here = 60 + min(minute, 8) * 12 + (minute % 24 < 6) * 22 - max(0, minute - 50) * 8
    return here + minute * 7 % 5


def _move_sales(db, about: dict, taps: list[tuple]) -> None:
    moved = {**about, "members": [tap[1].id for tap in taps], "keys": [tap[2] for tap in taps],
             "seconds": [tap[0] for tap in taps]}
    for statement in SALES:
        db.execute(text(statement), moved)
    for place, (how, _count) in enumerate(OPENINGS):
        if how == "flash":
            at = about["start"] + timedelta(seconds=place * SECONDS_EACH + 10)
            db.execute(text("""UPDATE flash_sales f SET opens_at = :at, closes_at = :till, ended_at = :till
                FROM offers o JOIN variants v ON v.id = o.variant_id
                WHERE o.id = f.offer_id AND f.live_session_id = :live AND v.sku = :sku"""),
                       {**about, "at": at, "till": at + timedelta(minutes=10), "sku": OFFERS[place][0]})
    for place, (second, _who, _line) in enumerate(CHAT):
        db.execute(text("UPDATE chat_messages SET created_at = :at WHERE live_session_id = :live AND key = :key"),
                   {**about, "at": about["start"] + timedelta(seconds=second), "key": f"evening-{place}"})


PRICES = (
    "UPDATE price_records SET from_at = :start, to_at = :stop WHERE source = 'offer' AND variant_id IN "
    "(SELECT variant_id FROM offers WHERE campaign_id = :campaign)",
    # The list prices were asked long before.
    "UPDATE price_records SET from_at = CAST(:start AS timestamptz) - interval '60 days' WHERE source = 'list'")

# `moved` are the claims by whose they are; all that hangs on them follows.
_MOVED = """WITH moved AS (
  SELECT c.hold_id, c.member_id, c.key, CAST(:start AS timestamptz) + m.second * interval '1 second' AS at, m.second
  FROM unnest(CAST(:members AS uuid[]), CAST(:keys AS text[]), CAST(:seconds AS int[])) AS m(member_id, key, second)
  JOIN claims c ON c.member_id = m.member_id AND c.key = m.key),
sold AS (SELECT l.order_id, l.id AS line_id, moved.at, moved.second FROM moved
         JOIN order_lines l ON l.hold_id = moved.hold_id)
"""
SALES = tuple(_MOVED + statement for statement in (
    "UPDATE claims c SET created_at = moved.at FROM moved WHERE c.member_id = moved.member_id AND c.key = moved.key",
    "UPDATE holds h SET created_at = moved.at, expires_at = moved.at + interval '5 minutes', "
    "ended_at = moved.at + interval '25 seconds' FROM moved WHERE h.id = moved.hold_id",
    "UPDATE order_lines l SET show_second = sold.second FROM sold WHERE l.id = sold.line_id",
    "UPDATE orders o SET created_at = sold.at + interval '8 seconds', paid_at = sold.at + interval '25 seconds', "
    "sent_at = o.sent_at - (clock_timestamp() - sold.at) + interval '1 day', "
    "delivered_at = o.delivered_at - (clock_timestamp() - sold.at) + interval '3 days', "
    "cancelled_at = o.cancelled_at - (clock_timestamp() - sold.at) + interval '4 days' "
    "FROM sold WHERE o.id = sold.order_id",
    "UPDATE payments p SET created_at = sold.at + interval '9 seconds', ended_at = sold.at + interval '25 seconds' "
    "FROM sold WHERE p.order_id = sold.order_id",
    "UPDATE refunds r SET created_at = sold.at + interval '4 days', ended_at = sold.at + interval '97 hours' "
    "FROM sold WHERE r.order_id = sold.order_id",
    # The bank told of them then; it need not tell again.
    "UPDATE sandbox_notices n SET delivered_at = sold.at + interval '30 seconds' FROM sold "
    "JOIN payments p ON p.order_id = sold.order_id JOIN sandbox_charges b ON b.reference = p.key "
    "WHERE n.charge_id = b.id"))
