"""Two hands on one key, one floor, one pending transfer. The control shows what the guard is for."""
import threading

import pytest
from sqlalchemy import text

from core.db import engine, transaction
from ledger import accounts, balances, transfers
from ledger.errors import NotOpen, Overdrawn
from ledger.models import EXTRA_DDL
from tests.ledger.conftest import CASH, broken_rules, open_book
from tests.races.test_last_unit import race


@pytest.fixture
def book(db):
    made = open_book(db)
    transfers.post(db, key="start", debit=made.cash, credit=made.purse, amount_minor=100, code="in")
    db.commit()
    return made


def test_one_key_posted_by_eight_at_once_moves_money_once(book):
    def job():
        with transaction() as db:
            return transfers.post(db, key="once", debit=book.cash, credit=book.bob, amount_minor=7, code="in")
    assert len(set(race([job] * 8))) == 1
    with transaction() as db:
        assert balances.balance(db, book.bob) == 7


def test_two_batches_with_the_same_keys_the_other_way_round_end(book):
    rows = [transfers.Posting(f"k{n}", book.cash, book.bob, 1, "in") for n in range(200)]

    def job(which):
        with transaction() as db:
            return transfers.post_all(db, which)
    first, second = race([lambda: job(rows), lambda: job(rows[::-1])])
    assert first == second[::-1]


def test_an_account_opened_by_eight_at_once_is_one(book):
    def job():
        with transaction() as db:
            return accounts.open(db, "new", CASH, "GBP")
    assert len(set(race([job] * 8))) == 1


def take(book, n):
    with transaction() as db:
        return transfers.post(db, key=f"take{n}", debit=book.purse, credit=book.cash, amount_minor=30, code="out")


def test_six_take_thirty_out_of_a_hundred_and_three_get_it(book):
    results = race([lambda n=n: take(book, n) for n in range(6)])
    assert sum(isinstance(one, Overdrawn) for one in results) == 3, results
    with transaction() as db:
        assert balances.balance(db, book.purse) == 10
    assert broken_rules() == {}


def test_a_pending_transfer_is_posted_or_voided_never_both(book):
    with transaction() as db:
        pending = transfers.pend(db, key="p", debit=book.purse, credit=book.cash, amount_minor=60, code="out")

    def job(finish, key):
        with transaction() as db:
            return finish(db, pending, key)
    results = race([lambda n=n: job(transfers.post_pending if n % 2 else transfers.void, f"end{n}") for n in range(8)])
    assert sum(isinstance(one, NotOpen) for one in results) == 7
    assert broken_rules() == {}


def test_parts_of_a_reversal_at_once_are_never_more_than_the_whole(book):
    with transaction() as db:
        whole = transfers.post(db, key="w", debit=book.cash, credit=book.bob, amount_minor=50, code="in")

    def job(n):
        with transaction() as db:
            return transfers.reverse(db, whole, f"part{n}", 20)
    results = race([lambda n=n: job(n) for n in range(6)])
    assert sum(isinstance(one, NotOpen) for one in results) == 4
    with transaction() as db:
        assert balances.balance(db, book.bob) == 10


def test_control_without_the_guard_the_same_race_overdraws(book):
    """The trigger and the rule off, and a balance that is read before it is decided: more is taken than there was."""
    gate = threading.Barrier(6, timeout=5)

    def job(n):
        with transaction() as db:
            enough = balances.balance(db, book.purse) >= 30
            gate.wait()
            if enough:
                transfers.post(db, key=f"take{n}", debit=book.purse, credit=book.cash, amount_minor=30, code="out")
    with engine().begin() as connection:
        connection.execute(text("DROP TRIGGER ledger_keep_balances ON ledger_transfers"))
    try:
        race([lambda n=n: job(n) for n in range(6)])
        with transaction() as db:
            assert balances.balance(db, book.purse) == 100 - 6 * 30
        assert any("floor" in name or "below zero" in name for name in broken_rules())
    finally:
        with engine().begin() as connection:
            connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
            connection.execute(text("TRUNCATE ledger_accounts CASCADE"))
            connection.execute(text(next(ddl for ddl in EXTRA_DDL if "CREATE TRIGGER ledger_keep_balances" in ddl)))
