"""The process dies at every single statement and on both sides of every commit, between a tap and money back.

Each time the buyer asks again under the same keys and the clock's work is done; then the books are as after a quiet
evening. This drives the real actions on a real PostgreSQL; tests/simulation plays thousands of orders of events.
"""
import os
import uuid
from contextlib import contextmanager

import pytest
from sqlalchemy import select, text

import core.db
from campaigns.stock.claims import run_batch
from core import failpoints
from core.db import transaction
from orders import actions, checkout
from orders.payments import attempts
from orders.payments.models import SandboxCharge
from tests.orders.conftest import assert_books_right

# Each life takes 0.15 s, and there are some 150 places to die: `make test` takes every sixth, `make simulate` all.
EVERY = int(os.environ.get("CRASH_EVERY", "6"))


class Died(BaseException):
    """Nothing of the product may catch it, as nothing catches kill -9."""


@contextmanager
def dying_at(moment: int):
    """Die before the statement or commit of that number, or right after that commit. Yields how many there were."""
    count = [0]

    def reached(name):
        if name in ("statement", "before_commit", "after_commit"):
            count[0] += 1
            if count[0] == moment:
                raise Died

    with failpoints.watched(reached):
        yield count


class Purchase:
    """A buyer's way through the shop with fixed keys, so that every step may be asked for again."""

    def __init__(self, counter):
        self.counter, self.keys = counter, [uuid.uuid4().hex for _ in range(2)]
        self.hold = self.order = None

    def run(self):
        buyer, counter = self.counter.buyer, self.counter
        answer = run_batch([(buyer.id, self.keys[0], counter.offer.id, 2, False)])[0]
        assert isinstance(answer, dict), answer
        assert self.hold in (None, answer["id"])
        self.hold = answer["id"]
        with transaction() as db:
            order, payment, fresh = checkout.place(db, buyer, {
                "key": self.keys[1], "hold_id": uuid.UUID(self.hold), "address_id": counter.address.id,
                "method": "card"})
            assert self.order in (None, order.id)
        self.order = order.id
        if fresh:
            attempts.begin(payment.id)

    def regret(self):
        with transaction() as db:
            actions.cancel(db, self.order, self.counter.buyer)
        self.counter.send_refunds()


def reset():
    with core.db.engine().begin() as connection:
        connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
        connection.execute(text("TRUNCATE ledger_accounts CASCADE"))
        connection.execute(text("TRUNCATE orders, holds, claims, offer_members, sandbox_charges CASCADE"))
        connection.execute(text('UPDATE offer_stock SET "left" = 10, held = 0, sold = 0, reserve = 0, waiting = 0'))


def clockwork(counter):
    """What the relay's ticks do later: open payments are looked up, refunds that were under way are sent again."""
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE payments SET created_at = created_at - interval '10 minutes'"))
        connection.execute(text("UPDATE refunds SET next_at = now() - interval '1 s' WHERE state = 'pending'"))
    with transaction() as db:
        for payment in db.execute(text("SELECT id FROM payments WHERE state IN ('created','pending','unknown')")):
            attempts.look_up(payment.id)
    counter.send_refunds()


def one_life(counter, moment: int) -> bool:
    """A purchase during which the process dies once; whether it did."""
    reset()
    purchase, died = Purchase(counter), False
    for step in (purchase.run, purchase.regret):
        try:
            with dying_at(0 if died else moment) as count:
                step()
        except Died:
            died = True
            step()
            clockwork(counter)
        moment -= count[0]
    clockwork(counter)
    assert_books_right()
    assert counter.units() == {"left": 10, "held": 0, "sold": 0, "reserve": 0}
    with transaction() as db:
        charges = db.scalars(select(SandboxCharge)).all()
    assert len(charges) <= 1  # never charged twice; if it died before the call, not at all
    assert all(sum(charge.refunds.values()) == charge.amount_minor for charge in charges)
    return died


@pytest.mark.timeout(1200)
def test_dying_at_every_statement_and_commit_loses_and_doubles_nothing(counter):
    counter.card("approve")
    moment = 1
    while one_life(counter, moment):
        moment += EVERY
    print(f"{moment - 1} statements and commits")
    assert moment > 80  # so many places to die there were
