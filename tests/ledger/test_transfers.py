"""Money moves once for a key, between accounts of one currency, never below a floor, and never unhappens."""
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core.clock import now
from core.db import engine
from core.errors import KeyConflict, NotFound
from core.ids import new_id
from ledger import accounts, balances, transfers
from ledger.errors import Mismatch, NotOpen, Overdrawn
from ledger.transfers import Posting
from tests.ledger.conftest import CASH, OWED, PURSE, broken_rules


def pay(db, book, key, amount_minor, to=None):
    return transfers.post(db, key=key, debit=book.cash, credit=to or book.purse, amount_minor=amount_minor, code="in")


def test_both_sides_grow_in_their_own_direction(db, book):
    pay(db, book, "a", 500)
    assert balances.balance(db, book.cash) == balances.balance(db, book.purse) == 500
    transfers.post(db, key="b", debit=book.purse, credit=book.cash, amount_minor=120, code="out")
    assert balances.balances(db, [book.cash, book.purse, book.bob]) == {book.cash: 380, book.purse: 380, book.bob: 0}
    db.commit()


def test_an_account_is_opened_once_whoever_asks(db, book):
    assert accounts.open(db, "house", CASH, "GBP") == book.cash
    both = accounts.open_all(db, [("house", CASH, "GBP"), ("zoe", OWED, "GBP"), ("zoe", OWED, "GBP")])
    assert both["house", CASH, "GBP"] == book.cash and len(both) == 2
    db.commit()
    with pytest.raises(KeyError):
        accounts.open(db, "ann", "no such kind", "GBP")
    with pytest.raises(ValueError, match="already"):
        accounts.kind(PURSE, side="debit")


def test_the_same_key_and_content_is_the_same_transfer(db, book):
    first = pay(db, book, "a", 500)
    assert pay(db, book, "a", 500) == first
    db.commit()
    assert pay(db, book, "a", 500) == first
    assert balances.balance(db, book.purse) == 500


@pytest.mark.parametrize("change", [{"amount_minor": 501}, {"code": "other"}, {"journal": "j"}, {"credit": "bob"}])
def test_the_same_key_with_another_content_is_a_conflict(db, book, change):
    pay(db, book, "a", 500)
    db.commit()
    wanted = {"key": "a", "debit": book.cash, "credit": book.purse, "amount_minor": 500, "code": "in", **change}
    if wanted["credit"] == "bob":
        wanted["credit"] = book.bob
    with pytest.raises(KeyConflict):
        transfers.post(db, **wanted)
    assert balances.balance(db, book.purse) == 500


def test_many_are_posted_together_or_not_at_all(db, book):
    rows = [Posting(f"k{n}", book.cash, book.purse, 10 + n, "in") for n in (2, 0, 1)]
    ids = transfers.post_all(db, rows)
    db.commit()
    assert transfers.post_all(db, [*rows, Posting("k3", book.cash, book.purse, 1, "in")])[:3] == ids
    db.rollback()
    with pytest.raises(Overdrawn):
        transfers.post_all(db, [Posting("k4", book.cash, book.bob, 5, "in"),
                                Posting("k5", book.purse, book.cash, 34, "out")])
    db.rollback()
    assert balances.balances(db, [book.purse, book.bob]) == {book.purse: 33, book.bob: 0}
    assert transfers.post_all(db, []) == []


def test_one_statement_may_fill_and_empty_an_account_with_a_floor(db, book):
    transfers.post_all(db, [Posting("out", book.purse, book.cash, 40, "out"),
                            Posting("in", book.cash, book.purse, 40, "in")])
    db.commit()
    assert balances.balance(db, book.purse) == 0


def test_a_floor_holds_and_other_accounts_may_go_below(db, book):
    pay(db, book, "a", 100)
    db.commit()
    with pytest.raises(Overdrawn):
        transfers.post(db, key="b", debit=book.purse, credit=book.cash, amount_minor=101, code="out")
    db.rollback()
    transfers.post(db, key="c", debit=book.bob, credit=book.cash, amount_minor=101, code="clawback")
    db.commit()
    assert balances.balance(db, book.bob) == -101


def test_currencies_do_not_mix_and_money_needs_two_accounts(db, book):
    for debit, credit in ((book.cash, book.other), (book.cash, book.cash), (new_id(), book.cash),
                          (book.cash, new_id())):
        with pytest.raises(Mismatch):
            transfers.post(db, key="x", debit=debit, credit=credit, amount_minor=1, code="in")
        db.rollback()
    for amount in (0, -5):
        with pytest.raises(ValueError, match="above 0"):
            transfers.post(db, key="x", debit=book.cash, credit=book.ann, amount_minor=amount, code="in")
    with pytest.raises(NotFound):
        balances.balance(db, new_id())


def test_pending_money_is_set_aside_then_moved_or_let_go(db, book):
    pay(db, book, "a", 100)
    first = transfers.pend(db, key="p1", debit=book.purse, credit=book.cash, amount_minor=70, code="out")
    db.commit()
    assert balances.balance(db, book.purse) == 100
    with pytest.raises(Overdrawn):
        transfers.post(db, key="b", debit=book.purse, credit=book.cash, amount_minor=31, code="out")
    db.rollback()
    assert transfers.post_pending(db, first, "p1:post") == transfers.post_pending(db, first, "p1:post")
    db.commit()
    assert balances.balance(db, book.purse) == 30
    second = transfers.pend(db, key="p2", debit=book.purse, credit=book.cash, amount_minor=30, code="out")
    transfers.void(db, second, "p2:void")
    db.commit()
    assert broken_rules() == {}
    transfers.post(db, key="c", debit=book.purse, credit=book.cash, amount_minor=30, code="out")
    db.commit()
    assert balances.balance(db, book.purse) == 0


def test_pending_money_is_finished_once(db, book):
    pay(db, book, "a", 100)
    posted = pay(db, book, "b", 1)
    pending = transfers.pend(db, key="p", debit=book.purse, credit=book.cash, amount_minor=70, code="out")
    transfers.void(db, pending, "p:void")
    db.commit()
    for finish, what in ((transfers.post_pending, pending), (transfers.void, pending), (transfers.void, posted)):
        with pytest.raises(NotOpen):
            finish(db, what, "again")
        db.rollback()
    with pytest.raises(NotFound):
        transfers.void(db, new_id(), "nothing")
    assert balances.balance(db, book.purse) == 101


def test_a_reversal_is_a_new_row_and_never_more_than_was_posted(db, book):
    first = pay(db, book, "a", 100)
    transfers.reverse(db, first, "a:1", 40)
    transfers.reverse(db, first, "a:1", 40)
    transfers.reverse(db, first, "a:2", 60)
    transfers.reverse(db, first, "a:2", 60)
    db.commit()
    assert balances.balance(db, book.purse) == 0
    back = db.scalar(text("SELECT id FROM ledger_transfers WHERE key = 'a:2'"))
    for what, amount in ((first, 1), (back, 60)):
        with pytest.raises(NotOpen):
            transfers.reverse(db, what, "more", amount)
        db.rollback()
    pending = transfers.pend(db, key="p", debit=book.cash, credit=book.purse, amount_minor=5, code="in")
    with pytest.raises(NotOpen):
        transfers.reverse(db, pending, "p:back")
    db.rollback()


@pytest.mark.parametrize("sql", [
    "UPDATE ledger_transfers SET amount_minor = 1", "DELETE FROM ledger_transfers", "TRUNCATE ledger_transfers CASCADE",
    "UPDATE ledger_accounts SET floor = false", "DELETE FROM ledger_accounts"])
def test_the_database_lets_the_ledger_only_grow(db, book, sql):
    pay(db, book, "a", 100)
    db.commit()
    with pytest.raises(IntegrityError, match="only grows"), engine().begin() as connection:
        connection.execute(text(sql))


def test_a_statement_runs_to_the_balance_and_stops_at_a_moment(db, book):
    pay(db, book, "a", 100, to=book.ann)
    db.commit()
    between = db.scalar(text("SELECT clock_timestamp()"))
    db.commit()
    transfers.post(db, key="b", debit=book.ann, credit=book.bob, amount_minor=30, code="gift")
    db.commit()
    lines = list(balances.statement(db, book.ann))
    assert [(line.change_minor, line.balance_minor, line.code, line.other_owner) for line in lines] == [
        (100, 100, "in", "house"), (-30, 70, "gift", "bob")]
    assert [line.key for line in balances.statement(db, book.ann, between)] == ["a"]
    assert balances.balance(db, book.ann, between) == 100 and balances.balance(db, book.ann) == 70
    assert balances.balance(db, book.ann, now() - timedelta(hours=1)) == 0


def test_folded_sums_change_no_balance_now_or_then(db, book):
    for n in range(6):
        pay(db, book, f"k{n}", 10, to=book.ann)
    db.commit()
    before = db.scalar(text("SELECT clock_timestamp()"))
    db.commit()
    assert balances.fold(db, least=7) == 0
    assert balances.fold(db, least=6) == 2  # cash and ann
    assert balances.fold(db, least=1) == 0
    for n in range(3):
        transfers.post(db, key=f"o{n}", debit=book.ann, credit=book.bob, amount_minor=7, code="gift")
    db.commit()
    after = db.scalar(text("SELECT clock_timestamp()"))
    db.commit()
    assert balances.fold(db, least=3) == 2  # ann and bob
    assert balances.balances(db, [book.cash, book.ann, book.bob]) == {book.cash: 60, book.ann: 39, book.bob: 21}
    assert [balances.balance(db, book.ann, moment) for moment in (before, after)] == [60, 39]
    assert [row.balance_minor for row in balances.of_kind(db, OWED, "GBP", "ann")] == [39]
    assert {row.kind: int(row.balance_minor) for row in balances.of_owner(db, "ann")} == {OWED: 0, PURSE: 0} | {
        OWED: next(int(row.balance_minor) for row in balances.of_owner(db, "ann")
                   if row.kind == OWED and row.currency == "JPY")}


@pytest.mark.parametrize(("harm", "rule"), [
    ("UPDATE ledger_balances SET posted_minor = posted_minor + 1", "replayed"),
    ("ALTER TABLE ledger_transfers DISABLE TRIGGER ledger_only_grows", "only grow"),
    ("UPDATE ledger_snapshots SET debits_minor = debits_minor + 1", "snapshot"),
    ("DELETE FROM ledger_transfers WHERE key = 'a'", "replayed")])
def test_the_checks_see_what_was_done_past_the_door(db, book, harm, rule):
    """The control: each rule can fail."""
    pay(db, book, "a", 100)
    db.commit()
    balances.fold(db, least=1)
    with engine().connect() as connection:
        if "DISABLE" not in harm:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(harm))
        from ledger.checks import CHECKS
        broken = [name for name, sql in CHECKS if connection.execute(text(sql)).first()]
        connection.rollback()
    assert any(rule in name for name in broken)
