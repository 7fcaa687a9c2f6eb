"""Many buyers, few units. The control shows that the apparatus can oversell when the guard is off."""
import threading
import uuid

import pytest
from sqlalchemy import text

from campaigns.stock import batches, books, claims
from campaigns.stock.errors import OverLimit, SoldOut
from core.db import engine
from core.errors import DomainError
from tests.factories import member, open_show

BUYERS = 40


def race(jobs):
    """Run all at once; each gives its result or its refusal."""
    barrier, results = threading.Barrier(len(jobs)), [None] * len(jobs)

    def run(i, job):
        barrier.wait()
        try:
            results[i] = job()
        except DomainError as refusal:
            results[i] = refusal
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def crowd(db):
    _, _, _, offer, stock = open_show(db, units=7, limit=2)
    buyers = [member(db, f"Buyer {n}") for n in range(BUYERS)]
    db.commit()
    return offer, stock, buyers


def sold(stock):
    with engine().connect() as connection:
        return connection.execute(text('SELECT "left", held, (SELECT coalesce(sum(quantity), 0) FROM holds) '
                                       'FROM offer_stock WHERE id = :id'), {"id": stock.id}).one()


def test_forty_buyers_and_seven_units(crowd):
    offer, stock, buyers = crowd
    results = race([lambda b=b: claims.claim(b.id, "k", offer.id, 1) for b in buyers])
    assert sum(isinstance(r, dict) for r in results) == 7
    assert all(isinstance(r, SoldOut) for r in results if not isinstance(r, dict))
    assert sold(stock) == (0, 7, 7)


def test_several_processes_share_the_units(crowd):
    """Each batcher stands for a web process: they meet only in the database."""
    offer, stock, buyers = crowd
    doors = [batches.Batcher(claims.run_batch) for _ in range(4)]
    results = race([lambda b=b, d=doors[n % 4]: d.call((b.id, "k", offer.id, 1, False)) for n, b in enumerate(buyers)])
    assert sum(isinstance(r, dict) for r in results) == 7
    assert sold(stock) == (0, 7, 7)


def test_one_member_on_ten_devices_keeps_to_the_limit(crowd):
    offer, stock, buyers = crowd
    doors = [batches.Batcher(claims.run_batch) for _ in range(4)]
    results = race([lambda n=n: doors[n % 4].call((buyers[0].id, f"k{n}", offer.id, 1, False)) for n in range(10)])
    assert sum(isinstance(r, dict) for r in results) == 2
    assert sum(isinstance(r, OverLimit) for r in results) == 8
    assert sold(stock) == (5, 2, 2)


def test_one_key_tapped_ten_times_is_one_hold(crowd):
    offer, stock, buyers = crowd
    doors = [batches.Batcher(claims.run_batch) for _ in range(4)]
    results = race([lambda n=n: doors[n % 4].call((buyers[0].id, "k", offer.id, 1, False)) for n in range(10)])
    assert {r["id"] for r in results} == {results[0]["id"]}
    assert sold(stock) == (6, 1, 1)


def test_control_without_the_lock_the_same_race_oversells(crowd, monkeypatch):
    """Locks off and the constraint off: more holds than units. So the tests above test something."""
    offer, stock, buyers = crowd
    gate = threading.Barrier(4, timeout=5)
    read = books.lock_and_read

    def slow_read(*args):
        result = read(*args)
        gate.wait()
        return result
    monkeypatch.setattr(books, "LOCK", books.LOCK.replace("FOR NO KEY UPDATE OF s", ""))
    monkeypatch.setattr(books, "lock_and_read", slow_read)
    with engine().begin() as connection:
        connection.execute(text("ALTER TABLE offer_stock DROP CONSTRAINT ck_offer_stock_signs"))
    try:
        doors = [batches.Batcher(claims.run_batch) for _ in range(4)]
        race([lambda b=b, d=d: d.call((b.id, uuid.uuid4().hex, offer.id, 2, False))
              for b, d in zip(buyers, doors, strict=False)])
        left, _, held = sold(stock)
        assert held == 8 > 7
        assert left == -1
    finally:
        with engine().begin() as connection:
            connection.execute(text("TRUNCATE offer_stock, holds, claims, offer_members CASCADE"))
            connection.execute(text(
                'ALTER TABLE offer_stock ADD CONSTRAINT ck_offer_stock_signs '
                'CHECK (reserve >= 0 AND "left" >= 0 AND held >= 0 AND sold >= 0 AND waiting >= 0)'))
