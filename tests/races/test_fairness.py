"""Who comes first is served first, within a process; and no process starves beside others."""
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from campaigns.stock import claims
from campaigns.stock.batches import Batcher
from campaigns.stock.errors import SoldOut
from core.db import engine
from core.errors import Busy
from tests.factories import member, open_show

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def hot(db):
    """An offer of 6 units and a crowd."""
    _, _, _, offer, stock = open_show(db, units=6, limit=500)
    buyers = [member(db, f"Buyer {n}") for n in range(12)]
    db.commit()
    return offer, stock, buyers


def until(true, seconds=10):
    pause, end = threading.Event(), time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true"
        pause.wait(0.005)


def test_within_a_process_the_first_six_of_twelve_get_the_six_units(hot):
    """They ask one after the other while somebody else holds the offer's row; two batches are under way at once."""
    offer, stock, buyers = hot
    batcher, found, threads = Batcher(claims.run_batch, most=4), {}, []

    def buy(n):
        try:
            found[n] = batcher.call((buyers[n].id, "k", offer.id, 1, False))
        except Busy as refusal:
            found[n] = refusal
    with engine().begin() as connection:
        connection.execute(text("SELECT 1 FROM offer_stock WHERE id = :id FOR UPDATE"), {"id": stock.id})
        for n in range(12):
            threads.append(threading.Thread(target=buy, args=(n,)))
            threads[-1].start()
            until(lambda n=n: len(batcher._asked) > n)
    for thread in threads:
        thread.join()
    assert [isinstance(found[n], dict) for n in range(12)] == [True] * 6 + [False] * 6
    assert all(isinstance(found[n], SoldOut) for n in range(6, 12))


def test_no_process_starves(db, settings):
    """Three processes, one of them with a single buyer, the others with eight each. All go on buying for two seconds:
    the lone buyer is served about as often as each batch of the others."""
    _, _, _, offer, stock = open_show(db, units=100_000, limit=1000)
    stock.unit_limit = 100_000
    buyers = [str(member(db, f"Buyer {n}").id) for n in range(17)]
    db.commit()
    parts = [buyers[:1], buyers[1:9], buyers[9:]]
    words = [sys.executable, "-m", "tests.races.claimer", settings.database_url, str(offer.id)]
    processes = [subprocess.Popen([*words, *part], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                 for part in parts]
    try:
        assert [process.stdout.readline() for process in processes] == ["ready\n"] * 3
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        found = [json.loads(process.stdout.readline()) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    assert [one["refused"] for one in found] == [0, 0, 0]
    batches = [one["batches"] for one in found]
    assert batches[0] > 0.25 * max(batches), batches
    with engine().connect() as connection:
        left, held, units = connection.execute(text(
            'SELECT "left", held, (SELECT sum(quantity) FROM holds) FROM offer_stock WHERE id = :id'),
            {"id": stock.id}).one()
    assert held == units == 100_000 - left == sum(one["won"] for one in found)


def test_a_locked_offer_makes_nobody_wait_longer_than_three_seconds(hot):
    """Somebody sits on the row: everybody hears "busy, again in n ms" in time, and the same key works afterwards."""
    offer, stock, buyers = hot
    batcher, found = Batcher(claims.run_batch), []

    def buy(who):
        asked = time.monotonic()
        try:
            answer = batcher.call((who.id, "k", offer.id, 1, False))
        except Busy as refusal:
            answer = refusal
        found.append((time.monotonic() - asked, answer.extra["retry_ms"]))
    with engine().begin() as connection:
        connection.execute(text("SELECT 1 FROM offer_stock WHERE id = :id FOR UPDATE"), {"id": stock.id})
        threads = [threading.Thread(target=buy, args=(who,)) for who in buyers[:4]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 4
    assert max(seconds for seconds, _ in found) < 4.5  # 3 s, and what a busy machine adds
    assert min(wait for _, wait in found) >= 200
    answers = [batcher.call((who.id, "k", offer.id, 1, False)) for who in buyers[:4]]
    assert len({answer["id"] for answer in answers}) == 4
