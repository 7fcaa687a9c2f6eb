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
from demo import accounts, seed
from live.show.models import LiveSession, RunItem
from members.models import Member


@pytest.fixture
def planted(db, empty):
    said = seed.plant(db)
    db.commit()
    return said


def test_the_demo_is_whole(db, planted):
    assert db.scalar(select(func.count()).select_from(Product)) == 447
    assert dict(db.execute(select(LiveSession.title, LiveSession.state)).all()) == {
        "Thursday kitchen table": "live", "Baking day": "scheduled", "Warm hands": "ended"}
    assert dict(db.execute(select(Campaign.name, Campaign.state)).all()) == {
        "Winter kitchen": "live", "Baking day": "scheduled", "Warm hands": "ended", "Spring table": "draft"}
    assert {member.email for member in db.scalars(select(Member))} == {person[0] for person in accounts.PEOPLE}
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


def test_the_draft_has_two_problems(db, planted):
    draft = db.scalars(select(Campaign).where(Campaign.state == "draft")).one()
    found = sheet.problems(db, draft, sheet.rows(db, draft))
    assert sorted(problem.code for problem in found) == ["allotment", "deal"]


def test_the_demo_is_not_planted_twice(empty, db, planted, monkeypatch):
    settings = empty.config["LIVESTALL"]
    runner = CliRunner()
    refused = runner.invoke(COMMANDS, ["seed"], obj=empty)
    assert refused.exit_code == 1 and "DEMO=1" in refused.output
    monkeypatch.setitem(empty.config, "LIVESTALL", dataclasses.replace(settings, demo=True))
    again = runner.invoke(COMMANDS, ["seed"], obj=empty)
    assert again.exit_code == 0 and "nothing was changed" in again.output
    assert db.scalar(select(func.count()).select_from(Product)) == 447


def test_the_accounts_are_printed(empty):
    text = CliRunner().invoke(COMMANDS, ["accounts"], obj=empty).output
    assert accounts.PASSWORD in text and all(person[0] in text for person in accounts.PEOPLE)
