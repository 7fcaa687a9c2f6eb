"""Publishing takes all or nothing, once, and freezes the terms; ending gives the unsold back."""
import threading

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from campaigns.catalogue.actions import NotEnoughStock, move_stock, set_count
from campaigns.catalogue.models import StockMove, Variant
from campaigns.stock import actions as stock_actions
from campaigns.stock.models import OfferStock
from campaigns.terms import actions, lifecycle, publishing, sheet, ticks
from campaigns.terms.models import Campaign, Offer
from core import checks
from core.db import engine, transaction
from tests import factories as make


def in_threads(*acts):
    """Run each in a thread of its own, all at once; what each gave or raised, in order."""
    gate = threading.Barrier(len(acts))
    results = [None] * len(acts)

    def run(place, act):
        gate.wait(10)
        try:
            with transaction() as db:
                results[place] = act(db)
        except Exception as error:
            results[place] = error
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


def publish(campaign):
    return lambda db: publishing.publish(db, db.get(Campaign, campaign.id), None)


def states(db):
    return sorted(db.scalars(select(Campaign.state)))


def sound(db):
    assert checks.violations(db) == []


def test_publishing_takes_the_units_and_opens_the_numbers(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()
    stock = db.scalars(select(OfferStock).where(OfferStock.offer_id == offers[0].id)).one()
    assert (stock.allotment, stock.reserve, stock.left, stock.mode) == (10, 10, 0, "closed")
    assert (stock.price_minor, stock.currency, stock.unit_limit, stock.hold_seconds) == (210, "GBP", 4, 300)
    assert db.scalars(select(Variant.on_hand)).all() == [40, 40]
    assert db.scalar(select(StockMove.delta).where(StockMove.key == f"allot:{offers[0].id}")) == -10
    assert campaign.state == "scheduled"
    sound(db)


def test_publishing_fixes_the_lowest_price_of_30_days(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()
    db.execute(update(Variant).values(price_minor=100))
    assert {offer.lowest_30d_minor for offer in db.scalars(select(Offer))} == {295}
    assert {row.low_minor for row in sheet.rows(db, campaign)} == {295}


def test_an_offers_own_hold_time_goes_before_the_campaigns(db, draft):
    campaign, offers = draft
    offers[0].hold_seconds = 120
    db.flush()
    publishing.publish(db, campaign, None)
    assert {stock.offer_id: stock.hold_seconds for stock in db.scalars(select(OfferStock))} == {
        offers[0].id: 120, offers[1].id: 300}


def test_what_stops_is_told_and_nothing_is_taken(db, draft):
    campaign, offers = draft
    offers[1].allotment = 51
    db.commit()
    with pytest.raises(publishing.NotReady) as refusal:
        publishing.publish(db, campaign, None)
    db.rollback()
    assert [problem["code"] for problem in refusal.value.body()["problems"]] == ["allotment"]
    assert db.scalars(select(Variant.on_hand)).all() == [50, 50]
    assert db.scalar(select(OfferStock.id)) is None
    assert states(db) == ["draft"]


def test_a_warning_stops_nothing(db, draft):
    campaign, offers = draft
    db.execute(update(Variant).values(cost_minor=500))
    assert publishing.publish(db, campaign, None).state == "scheduled"


def test_stock_that_went_away_since_the_page_was_loaded_stops_publishing(db, draft):
    campaign, offers = draft
    assert sheet.problems(db, campaign, sheet.rows(db, campaign)) == []
    db.commit()
    with transaction() as other:
        set_count(other, other.get(Variant, offers[0].variant_id), 9, "counted", None)
    (answer,) = in_threads(publish(campaign))
    assert isinstance(answer, publishing.NotReady)
    assert answer.extra["problems"][0]["title"] == "Bird: 10 offered, 9 in stock."
    assert states(db) == ["draft"]
    sound(db)


def test_stock_cannot_go_away_between_the_check_and_the_taking(db, draft, monkeypatch):
    campaign, offers = draft
    checked, blocked = threading.Event(), []
    real = publishing.sheet.problems

    def slow(*args):
        found = real(*args)
        checked.set()
        # The other one must still be waiting for our lock when we go on.
        counter.join(0.3)
        blocked.append(counter.is_alive())
        return found
    monkeypatch.setattr(publishing.sheet, "problems", slow)

    def count_down():
        checked.wait(10)
        with transaction() as other:
            set_count(other, other.get(Variant, offers[0].variant_id), 5, "counted", None)
    counter = threading.Thread(target=count_down)
    counter.start()
    (answer,) = in_threads(publish(campaign))
    counter.join(10)
    assert blocked == [True]
    assert answer.state == "scheduled"
    sound(db)


def test_of_two_publishing_at_once_one_does_and_stock_leaves_once(db, draft):
    campaign, offers = draft
    answers = in_threads(publish(campaign), publish(campaign))
    assert sorted(type(answer).__name__ for answer in answers) == ["Campaign", "Frozen"]
    assert db.scalars(select(Variant.on_hand)).all() == [40, 40]
    assert len(db.scalars(select(OfferStock)).all()) == 2
    sound(db)


def test_two_campaigns_cannot_take_the_same_units(db, shop, make_draft):
    goods = [make.variant(db, shop, on_hand=15, name=name) for name in ("Bird", "Clock", "Jar")]
    first, _offers = make_draft(goods)
    second, _offers = make_draft(list(reversed(goods)))
    answers = in_threads(publish(first), publish(second))
    assert sorted(type(answer).__name__ for answer in answers) == ["Campaign", "NotReady"]
    assert db.scalars(select(Variant.on_hand)).all() == [5, 5, 5]
    assert states(db) == ["draft", "scheduled"]
    sound(db)


def test_an_edit_and_a_publishing_follow_one_another(db, draft):
    campaign, offers = draft

    def cheaper(db):
        return actions.update_offer(db, db.get(Campaign, campaign.id), offers[0].id, {"price_minor": 150}, None)
    published, edited = in_threads(publish(campaign), cheaper)
    assert published.state == "scheduled"
    price = db.scalar(select(OfferStock.price_minor).where(OfferStock.offer_id == offers[0].id))
    assert price == (210 if isinstance(edited, lifecycle.Frozen) else 150)
    assert price == db.scalar(select(Offer.price_minor).where(Offer.id == offers[0].id))


def test_a_failure_in_the_middle_leaves_nothing_behind(db, draft, monkeypatch):
    campaign, offers = draft
    moved = []

    def fail_second(session, variant_id, *args, **options):
        if moved:
            raise NotEnoughStock
        moved.append(variant_id)
        return move_stock(session, variant_id, *args, **options)
    monkeypatch.setattr(publishing, "move_stock", fail_second)
    (answer,) = in_threads(publish(campaign))
    assert isinstance(answer, NotEnoughStock)
    assert db.scalars(select(Variant.on_hand)).all() == [50, 50]
    assert states(db) == ["draft"]
    assert db.scalar(select(OfferStock.id)) is None


# -- Frozen ----------------------------------------------------------------------------------------------------------

FROZEN = {
    "a price": lambda offers: update(Offer).values(price_minor=1),
    "a limit": lambda offers: update(Offer).values(limit_per_member=99),
    "a promise": lambda offers: update(Offer).values(promise="free"),
    "a removal": lambda offers: delete(Offer),
    "the currency": lambda offers: update(Campaign).values(currency="EUR"),
    "the hold time": lambda offers: update(Campaign).values(hold_seconds=30),
    "what comes afterwards": lambda offers: update(Campaign).values(after_sale="take_down"),
    "going back to a draft": lambda offers: update(Campaign).values(state="draft"),
    "a new offer": lambda offers: text(
        "INSERT INTO offers (id, campaign_id, merchant_id, variant_id, title, position, price_minor, is_deal,"
        " allotment, limit_per_member, promise) SELECT gen_random_uuid(), campaign_id, merchant_id, variant_id, title,"
        " 9, 1, false, 1, 1, '' FROM offers LIMIT 1"),
}


@pytest.mark.parametrize("change", FROZEN)
def test_the_database_itself_refuses_to_change_published_terms(db, draft, change):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()
    with Session(engine()) as raw, pytest.raises(IntegrityError, match="frozen"):
        raw.execute(FROZEN[change](offers))


def test_an_offer_cannot_be_moved_into_a_published_campaign(db, draft, make_draft):
    campaign, offers = draft
    other, others = make_draft()
    publishing.publish(db, campaign, None)
    db.commit()
    with Session(engine()) as raw, pytest.raises(IntegrityError, match="frozen"):
        raw.execute(update(Offer).where(Offer.id == others[0].id).values(campaign_id=campaign.id))


def test_actions_say_frozen_in_words(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    for act in (lambda: actions.update_terms(db, campaign, {"name": "X"}, None),
                lambda: actions.update_offer(db, campaign, offers[0].id, {"price_minor": 1}, None),
                lambda: actions.remove_offer(db, campaign, offers[0].id, None),
                lambda: actions.reorder(db, campaign, [offer.id for offer in offers], None),
                lambda: actions.add_offers(db, campaign, [offers[0].variant_id], None),
                lambda: actions.discard(db, campaign)):
        with pytest.raises(lifecycle.Frozen):
            act()


# -- Ending ----------------------------------------------------------------------------------------------------------

def test_ending_gives_the_unsold_back(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    publishing.end(db, campaign, None)
    db.commit()
    assert db.scalars(select(Variant.on_hand)).all() == [50, 50]
    assert {stock.allotment for stock in db.scalars(select(OfferStock))} == {0}
    assert states(db) == ["ended"]
    sound(db)


def sell(db, offer, units, state):
    """Put some units of an offer into a basket, or sell them, behind everybody's back but soundly."""
    stock = db.scalars(select(OfferStock).where(OfferStock.offer_id == offer.id)).one()
    stock.reserve -= units
    setattr(stock, state, getattr(stock, state) + units)
    db.flush()
    return stock


def test_held_and_sold_units_stay_out_when_the_campaign_ends(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    sell(db, offers[0], 3, "held")
    sell(db, offers[0], 2, "sold")
    publishing.end(db, campaign, None)
    stock = db.scalars(select(OfferStock).where(OfferStock.offer_id == offers[0].id)).one()
    assert (stock.allotment, stock.held, stock.sold, stock.reserve, stock.left) == (5, 3, 2, 0, 0)
    assert db.scalar(select(Variant.on_hand).where(Variant.id == offers[0].variant_id)) == 45


def test_units_that_come_free_after_the_end_go_back_too_and_once(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    stock = sell(db, offers[0], 3, "held")
    publishing.end(db, campaign, None)
    stock.held -= 3
    stock.left += 3
    stock_actions.put_back(db, stock)
    db.commit()
    ticks.return_late_units()
    ticks.return_late_units()
    db.expire_all()
    assert db.scalar(select(Variant.on_hand).where(Variant.id == offers[0].variant_id)) == 50
    assert db.scalars(select(StockMove.delta).order_by(StockMove.id).where(
        StockMove.reason == "unallot", StockMove.offer_id == offers[0].id)).all() == [7, 3]
    sound(db)


def test_a_campaign_does_not_end_under_a_running_sale(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    stock = db.scalars(select(OfferStock)).first()
    host = make.member(db)
    show = make.live_session(db, campaign, host)
    stock_actions.open_shelf(db, stock.id, live_session_id=show.id)
    with pytest.raises(publishing.OnSale):
        publishing.end(db, campaign, None)
    stock_actions.close_sale(db, stock.id)
    assert publishing.end(db, campaign, None).state == "ended"


def test_a_draft_or_an_ended_campaign_does_not_end(db, draft):
    campaign, offers = draft
    with pytest.raises(lifecycle.WrongState):
        publishing.end(db, campaign, None)
    publishing.publish(db, campaign, None)
    publishing.end(db, campaign, None)
    with pytest.raises(lifecycle.WrongState):
        publishing.end(db, campaign, None)


def test_of_two_ending_at_once_one_does_and_stock_returns_once(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()

    def end(db):
        return publishing.end(db, db.get(Campaign, campaign.id), None)
    answers = in_threads(end, end)
    assert sorted(type(answer).__name__ for answer in answers) == ["Campaign", "WrongState"]
    db.expire_all()
    assert db.scalars(select(Variant.on_hand)).all() == [50, 50]
    sound(db)
