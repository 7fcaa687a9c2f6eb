"""The report counts what was paid, watched and said in the show, and nothing of rehearsals."""
import csv
import io
from datetime import timedelta

from campaigns.stock import actions as stock
from core import clock
from core.db import reading, transaction
from live import report
from live.show.models import LiveSession, ViewerMinute
from orders.models import Order, OrderLine
from tests import factories
from tests.live.conftest import execute


def paid(world, quantity=2, offer=0, member=None, minutes_ago=0, **more):
    """A hold that became a paid order, made without the checkout."""
    hold = world.hold(member, quantity, offer)
    with transaction() as db:
        stock.consume(db, hold["id"])
        order = Order(member_id=(member or world.viewer).id, merchant_id=world.shop.id, campaign_id=world.campaign.id,
                      live_session_id=world.show.id, state="paid", currency="GBP", address={}, key=hold["id"],
                      body_hash="", total_minor=quantity * hold["price_minor"],
                      paid_at=clock.now() - timedelta(minutes=minutes_ago), **more)
        db.add(order)
        db.flush()
        db.add(OrderLine(order_id=order.id, offer_id=world.offers[offer].id, stock_id=world.stock(offer).id,
                         variant_id=world.offers[offer].variant_id, hold_id=hold["id"], title="Heart", sku="H",
                         quantity=quantity, unit_price_minor=hold["price_minor"], terms={}))


def found(world):
    with reading() as db:
        return report.of(db, db.get(LiveSession, world.show.id))


def test_it_adds_up(world):
    world.open(0)
    world.open(1)
    paid(world, 2, minutes_ago=3)
    paid(world, 1, offer=1, member=world.other)
    hold = world.hold(world.other, 3)
    world.hold(world.helper, 1)
    with transaction() as db:
        stock.release(db, hold["id"], world.other.id)
        for minute, viewers in ((4, 10), (3, 42), (2, 7)):
            db.add(ViewerMinute(live_session_id=world.show.id, viewers=viewers,
                                minute=clock.now().replace(second=0, microsecond=0) - timedelta(minutes=minute)))
    world.say(world.viewer, "lovely")
    line = world.say(world.other, "spam")
    world.do("remove_message", message_id=line["id"])
    seen = found(world)
    assert (seen["total"], seen["units"], seen["chat"]) == (
        {"orders": 2, "buyers": 2, "minor": 630, "refunded": 0}, 3, 1)
    assert {row["title"]: (row["units"], row["minor"], row["held"]) for row in seen["products"]} == {
        "Heart": (2, 420, 3), "Bag": (1, 210, 1), "Clock": (0, 0, 0), "Tin": (0, 0, 0)}
    assert {state: row["units"] for state, row in seen["holds"].items()} == {
        "held": 1, "consumed": 3, "released": 3, "expired": 0}
    assert sum(minute["minor"] for minute in seen["minutes"]) == 630
    assert max(minute["viewers"] or 0 for minute in seen["minutes"]) == 42


def test_refusals_are_counted_apart_from_those_who_came_too_late(world):
    from core.errors import DomainError
    world.open()
    world.hold(quantity=4)
    world.hold(world.other, 4)
    for member, quantity in ((world.helper, 3), (world.viewer, 1)):
        try:
            world.hold(member, quantity)
        except DomainError as refusal:
            assert refusal.code in ("sold_out", "over_limit")
    [heart] = [row for row in found(world)["products"] if row["title"] == "Heart"]
    assert (heart["held"], heart["sold_out"], heart["refused"]) == (2, 1, 1)


def test_a_rehearsals_orders_are_not_in_it(world):
    world.open()
    paid(world, rehearsal=True)
    assert found(world)["total"]["orders"] == 0


def test_the_file_opens_safely_in_a_spreadsheet(world):
    with transaction() as db:
        what = factories.campaign(db, world.shop)
        goods = factories.variant(db, world.shop, name="=HYPERLINK(1)", sku="+1")
        factories.offer(db, what, goods)
        what.state = "live"
        db.flush()
        world.show = factories.live_session(db, what, world.host, "ended", started_at=clock.now(), ended_at=clock.now())
    answer = world.client(world.host).get(f"/studio/shows/{world.id}/report.csv")
    assert answer.mimetype == "text/csv"
    rows = list(csv.reader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert rows[1][:5] == ["'=HYPERLINK(1)", "'+1", "0", "0", "0.00"]


def test_the_page_offers_to_take_down_what_is_left_on_the_shelf(world):
    world.open()
    world.do("end", word="END", keep_shelf=True)
    page = world.client(world.host).get(f"/studio/shows/{world.id}/report")
    assert 'id="take-down"' in page.text
    execute("UPDATE offer_stock SET mode = 'closed', opens_at = NULL")
    assert 'id="take-down"' not in world.client(world.host).get(f"/studio/shows/{world.id}/report").text
