"""A rehearsal goes the real ways and leaves nothing behind."""
import random

from sqlalchemy import text

from campaigns.stock import checks as stock_checks
from core.db import reading, transaction
from live import figures, rehearsal, report
from live.chat import moderation
from live.show import selling, steps
from live.show.models import LiveSession
from tests.live.conftest import execute, pump, set_state

REGISTERED_BY = (moderation, selling, steps)
# What must be as before, row by row. Events and actions are compared apart: that a rehearsal was held is known.
TABLES = ("offer_stock", "offer_members", "holds", "claims", "waitlist", "orders", "order_lines", "payments", "refunds",
          "chat_messages", "chat_sanctions", "flash_sales", "run_items", "viewer_minutes", "stock_moves",
          "price_records", "variants", "mails", "campaigns")


def picture(world) -> dict:
    with reading() as db:
        tables = {name: sorted(map(str, db.execute(text(f"SELECT * FROM {name}")).all())) for name in TABLES}
        tables["offer_stock"] = sorted(map(str, db.execute(text(
            """SELECT offer_id, rehearsal, allotment, reserve, "left", held, sold, waiting, mode, price_minor
               FROM offer_stock"""))))
        show = db.get(LiveSession, world.show.id)
        kept = {name: getattr(show, name) for name in (*rehearsal.RESTORED, "state", "started_at", "ended_at", "title")}
        return {**tables, "show": kept, "report": report.of(db, show)["total"]}


def told(world) -> list:
    """The log of this show and its people, but for the sentence that the show is scheduled and what stock there is."""
    with reading() as db:
        return db.execute(text("""SELECT stream, kind FROM events WHERE kind NOT IN ('show.changed', 'offer.stock',
            'control.done', 'run.changed', 'desk.changed', 'rehearsed')
            OR (payload->>'rehearsal')::bool ORDER BY id""")).all()


def rehearse(world, seconds=12):
    """Everything a host would try, with simulated buyers meanwhile."""
    set_state(world, "scheduled")
    world.do("rehearse")
    buyers, dice = rehearsal.buyers_ready(), random.Random(3)
    world.do("next_item")
    world.do("next_item")
    world.do("start_sale", offer_id=world.offer, quantity=8, countdown_seconds=10, duration_seconds=60)
    execute("UPDATE offer_stock SET opens_at = now() - interval '5 s' WHERE rehearsal")
    world.open(1)
    world.do("set_price", offer_id=world.offer, price_minor=150)
    world.do("restock", offer_id=world.offer, quantity=4)
    world.do("notice", text="only a rehearsal")
    world.do("slow", seconds=20)
    world.say(world.host, "hello?")
    world.hold(world.helper, 2, offer=1, rehearsal=True)
    for _second in range(seconds):
        rehearsal.play_second(world.show.id, buyers, dice)
        execute("UPDATE holds SET created_at = created_at - interval '4 s' WHERE state = 'held'")


def test_simulated_buyers_claim_pay_and_write(world):
    rehearse(world)
    with reading() as db:
        staff = figures.staff_figures(db, world.show.id)
        said = db.scalar(text("SELECT count(*) FROM chat_messages WHERE rehearsal"))
    assert staff["claims"] > 5 and staff["orders"] > 2 and staff["paid"] > 2 and staff["revenue_minor"] > 0
    assert said > 1
    assert world.stock(0).sold == 0 and world.stock(0, rehearsal=True).sold > 0


def test_nothing_of_it_remains(world):
    world.do("pin", offer_id=world.offer)
    set_state(world, "scheduled")
    pump()
    before, told_before = picture(world), told(world)
    rehearse(world)
    assert picture(world) != before
    world.do("end_rehearsal")
    pump()
    rehearsal.sweep(older_seconds=0)
    after = picture(world)
    for part in before:
        assert after[part] == before[part], part
    assert told(world) == [*told_before, *[row for row in told(world) if row.stream == f"member:{world.helper.id}"]]
    with reading() as db:
        assert db.execute(text("SELECT kind FROM control_actions ORDER BY created_at")).scalars().all() == [
            "pin", "rehearse", "end_rehearsal"]
        for name, sql in stock_checks.CHECKS:
            assert db.execute(text(sql)).all() == [], name


def test_the_next_real_order_does_not_show_that_somebody_rehearsed(world):
    rehearse(world)
    with reading() as db:
        numbers = db.execute(text("SELECT number FROM orders WHERE rehearsal")).scalars().all()
        assert numbers and max(numbers) < 0
        assert db.scalar(text("SELECT last_value FROM orders_number_seq WHERE is_called")) is None


def test_a_show_that_was_rehearsed_goes_on_air_as_planned(world):
    rehearse(world, seconds=3)
    world.do("end_rehearsal")
    world.do("go_live")
    world.do("next_item")
    assert world.shown(None)["show"]["item"]["title"] == "Welcome"
    world.open()
    assert world.hold(quantity=1)["price_minor"] == 210


def test_two_shows_of_a_campaign_are_not_rehearsed_at_once(world):
    from tests import factories
    set_state(world, "scheduled")
    world.do("rehearse")
    with transaction() as db:
        world.show = factories.live_session(db, world.campaign, world.host, "scheduled")
    assert world.control("rehearse").json["code"] == "already_rehearsing"


def test_the_tick_plays_every_rehearsal_and_nothing_else(world):
    world.open()
    rehearsal.play()
    assert world.stock().left == 10
    set_state(world, "rehearsal")
    rehearsal.play()
    with reading() as db:
        assert db.scalar(text("SELECT count(*) FROM members WHERE simulated")) == rehearsal.BUYERS
    assert world.stock().left == 10


def test_viewers_come_quickly_then_slowly_and_not_without_end(world):
    from datetime import timedelta

    from core import clock
    crowd = [rehearsal.viewers(LiveSession(started_at=clock.now() - timedelta(seconds=seconds)))
             for seconds in (0, 4, 25, 100, 9999)]
    assert crowd == [0, 28, 70, 140, 160]
