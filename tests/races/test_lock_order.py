"""Variants before offers, each in id order: campaigns that share goods wait for each other and never lock up."""
import threading
import uuid

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from campaigns.catalogue.actions import move_stock
from campaigns.stock import actions as stock
from campaigns.stock import claims
from campaigns.stock.models import OfferStock
from campaigns.terms import publishing
from campaigns.terms.models import Campaign
from core.db import engine, transaction
from tests import factories

UNITS = 5


def at_once(*jobs):
    """Run each in a thread; their errors."""
    errors = [None] * len(jobs)

    def run(n, job):
        try:
            job()
        except Exception as error:
            errors[n] = error
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    return errors


@pytest.fixture
def pair(db):
    """Two campaigns that sell the same two variants; their offers' rows stand in opposite order."""
    shop = factories.merchant(db)
    goods = [factories.variant(db, shop, on_hand=50) for _ in range(2)]
    found = []
    for order in (goods, goods[::-1]):
        campaign = factories.campaign(db, shop)
        offers = [factories.offer(db, campaign, thing, allotment=UNITS, limit_per_member=2) for thing in order]
        campaign.state = "live"
        db.flush()
        found.append((campaign, [factories.stock(db, offer, left=0, mode="closed") for offer in offers]))
    db.commit()
    return goods, found


def end(campaign):
    with transaction() as db:
        publishing.end(db, db.get(Campaign, campaign.id), None)


def on_hand(goods):
    with engine().connect() as connection:
        return sorted(connection.execute(text("SELECT on_hand FROM variants WHERE id = ANY(:ids)"),
                                         {"ids": [one.id for one in goods]}).scalars())


@pytest.fixture
def meeting(monkeypatch):
    """Both have moved their first variant before either moves the second, if nothing keeps them apart."""
    gate, met = threading.Barrier(2), []

    def slow_move(*args, **more):
        result = move_stock(*args, **more)
        try:
            gate.wait(0.5)
            met.append(True)
        except threading.BrokenBarrierError:
            pass
        return result
    monkeypatch.setattr(publishing, "move_stock", slow_move)
    return met


def test_two_campaigns_end_at_once(pair, meeting):
    goods, ((first, _), (second, _)) = pair
    assert at_once(lambda: end(first), lambda: end(second)) == [None, None]
    assert not meeting
    assert on_hand(goods) == [50, 50]


def test_control_without_the_order_they_lock_up(pair, meeting, monkeypatch):
    monkeypatch.setattr(publishing, "lock_variants", lambda *_: None)
    _, ((first, _), (second, _)) = pair
    errors = at_once(lambda: end(first), lambda: end(second))
    assert meeting
    assert [type(error) for error in errors if error] == [OperationalError]
    assert "deadlock" in str(next(filter(None, errors)))


def test_a_restock_while_units_come_back(pair, monkeypatch):
    """The restock has its variant and waits for the offer; the end waits for the variant before it takes the offer."""
    goods, ((campaign, shelves), _) = pair
    taken, go = threading.Event(), threading.Event()

    def restock():
        with transaction() as db:
            move_stock(db, goods[0].id, -3, "allot", "restock:1", offer_id=shelves[0].offer_id)
            taken.set()
            go.wait(5)
            stock.add_units(db, shelves[0].id, 3)

    def end_then():
        taken.wait(5)
        threading.Timer(0.2, go.set).start()
        end(campaign)
    assert at_once(restock, end_then) == [None, None]
    assert on_hand(goods) == [45, 45]
    with engine().connect() as connection:
        assert connection.execute(text("SELECT allotment FROM offer_stock WHERE offer_id = :id"),
                                  {"id": shelves[0].offer_id}).scalar() == 0


def test_batches_of_several_offers_lock_them_in_one_order(db):
    """Many batches that name the same offers in every order, from four processes: no deadlock, all sold."""
    shop = factories.merchant(db)
    campaign = factories.campaign(db, shop)
    offers = [factories.offer(db, campaign, factories.variant(db, shop), allotment=30, limit_per_member=100)
              for _ in range(3)]
    buyers = [factories.member(db, f"Buyer {n}") for n in range(4)]
    campaign.state = "live"
    db.flush()
    shelves = [factories.stock(db, offer) for offer in offers]
    db.commit()
    failed = []

    def buy(n):
        for turn in range(10):
            names = offers[n % 3:] + offers[:n % 3] if turn % 2 else (offers[n % 3:] + offers[:n % 3])[::-1]
            batch = [(buyers[n].id, uuid.uuid4().hex, offer.id, 1, False) for offer in names]
            failed.extend(answer for answer in claims.run_batch(batch) if not isinstance(answer, dict))
    # 4 × 10 claims for each offer of 30 units.
    assert at_once(*[lambda n=n: buy(n) for n in range(4)]) == [None] * 4
    db.expire_all()
    assert [(row.left, row.held) for row in (db.get(OfferStock, shelf.id) for shelf in shelves)] == [(0, 30)] * 3
    assert {type(answer).__name__ for answer in failed} == {"SoldOut"}
    assert len(failed) == 30
