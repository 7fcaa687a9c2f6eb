"""The demo: planted whole through the real functions, once, and nothing in it breaks a rule."""
import dataclasses

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select

from campaigns.catalogue.models import Product, StockMove, Variant
from campaigns.stock.models import OfferStock
from campaigns.terms import sheet
from campaigns.terms.models import Campaign
from core.checks import violations
from core.commands import COMMANDS
from core.db import reading
from demo import accounts, evening, seed
from live import report
from live.show.models import LiveSession, RunItem
from members.models import Member
from orders.models import Order, Refund
from tests.conftest import clear


@pytest.fixture(scope="module")
def planted(app):
    """The demo, planted once for this file; its tests only read."""
    clear()
    with app.app_context():
        return seed.plant()


@pytest.fixture
def db(app, planted):
    with app.app_context(), reading() as db:
        yield db


def test_the_demo_is_whole(db, planted):
    assert db.scalar(select(func.count()).select_from(Product)) == 447
    assert dict(db.execute(select(LiveSession.title, LiveSession.state)).all()) == {
        "Thursday kitchen table": "live", "Baking day": "scheduled", "Warm hands": "ended"}
    assert dict(db.execute(select(Campaign.name, Campaign.state)).all()) == {
        "Winter kitchen": "live", "Baking day": "scheduled", "Warm hands": "settling", "Spring table": "draft"}
    emails = {member.email for member in db.scalars(select(Member))}
    assert {person[0] for person in accounts.PEOPLE} == {email for email in emails if not email.startswith("guest")}
    assert violations(db) == []


def test_stock_is_the_sum_of_its_moves(db, planted):
    sums = (select(StockMove.variant_id, func.sum(StockMove.delta).label("units"))
            .group_by(StockMove.variant_id).subquery())
    wrong = db.execute(select(Variant.sku).outerjoin(sums, sums.c.variant_id == Variant.id)
                       .where(Variant.on_hand != func.coalesce(sums.c.units, 0))).all()
    assert wrong == []


def test_tonights_show_has_ten_items_eight_offers_and_something_to_buy(db, planted):
    show = db.scalars(select(LiveSession).where(LiveSession.state == "live")).one()
    assert db.scalar(select(func.count()).select_from(RunItem).where(RunItem.live_session_id == show.id)) == 10
    stocks = list(db.scalars(select(OfferStock).where(OfferStock.mode == "open")))
    assert sorted(stock.left for stock in stocks) == [450, 600]
    assert len(show.pins) == 2 and show.on_air_offer_id is not None


def test_last_weeks_show_sold_out_and_its_orders_went_through_every_step(db, planted):
    show = db.scalars(select(LiveSession).where(LiveSession.state == "ended")).one()
    orders = list(db.scalars(select(Order)))
    assert len(orders) > 15 and all(show.started_at < order.paid_at < show.ended_at for order in orders)
    assert {order.fulfilment for order in orders} == {"to_pack", "sent", "delivered"}
    assert {refund.state for refund in db.scalars(select(Refund))} == {"succeeded"}
    told = report.of(db, show)
    assert told["units"] == sum(line.quantity for order in orders for line in order.lines)
    assert told["sold_out"] and told["holds"]["released"]["holds"] and len(told["sales"]) == 2
    assert told["total"]["refunded"] and told["peak_viewers"] == max(row["viewers"] or 0 for row in told["minutes"])


def test_a_start_that_was_cut_off_goes_on_where_it_stopped(app, db, planted):
    with app.app_context():
        assert seed.plant() == []
        nora = db.scalars(select(Member).where(Member.email == accounts.HOST)).one()
        assert evening.play(nora) == 0


def test_the_draft_has_two_problems(db, planted):
    draft = db.scalars(select(Campaign).where(Campaign.state == "draft")).one()
    found = sheet.problems(db, draft, sheet.rows(db, draft))
    assert sorted(problem.code for problem in found) == ["allotment", "deal"]


def test_the_demo_is_not_planted_twice(app, db, planted, monkeypatch):
    settings = app.config["LIVESTALL"]
    runner = CliRunner()
    refused = runner.invoke(COMMANDS, ["seed"], obj=app)
    assert refused.exit_code == 1 and "DEMO=1" in refused.output
    monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(settings, demo=True))
    again = runner.invoke(COMMANDS, ["seed"], obj=app)
    assert again.exit_code == 0 and "nothing was changed" in again.output
    assert db.scalar(select(func.count()).select_from(Product)) == 447


def test_the_accounts_are_printed(app):
    text = CliRunner().invoke(COMMANDS, ["accounts"], obj=app).output
    assert accounts.PASSWORD in text and all(person[0] in text for person in accounts.PEOPLE)
