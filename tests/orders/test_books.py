"""An order's money in the ledger: every way it comes and goes, the fee to the unit, a shop from before."""
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, text

import core.db
from core import migrations
from core.db import transaction
from core.money import share_ppm
from ledger import accounts, balances
from orders import books
from orders.models import Order
from tests.orders.conftest import key
from tests.orders.test_refunds import refund


def stands(counter) -> dict:
    """Minor units on the three accounts of this shop."""
    wanted = {"clearing": "platform", "fees": "platform", "sales": books.merchant(counter.shop.id)}
    with transaction() as db:
        ids = accounts.open_all(db, {(owner, kind, "GBP") for kind, owner in wanted.items()})
        found = balances.balances(db, ids.values())
    return {kind: found[ids[owner, kind, "GBP"]] for kind, owner in wanted.items()}


def codes(counter, order_id) -> list:
    with transaction() as db:
        return [(code, minor) for _at, code, minor in books.transfers_of(db, db.get(Order, order_id))]


@pytest.fixture
def fee(monkeypatch):
    monkeypatch.setattr(books, "_fee_ppm", 50_000)  # 5 %: 10.5 of 210, so rounding shows


def test_a_payment_is_the_merchants_less_the_fee(counter, fee):
    order_id = counter.paid(1)
    assert codes(counter, order_id) == [("payment", 210), ("fee", -11)]
    assert stands(counter) == {"clearing": 210, "sales": 199, "fees": 11}
    page = counter.desk.get(f"/studio/orders/{order_id}").text
    assert "Paid by the buyer" in page and "Fee of the platform" in page and "£1.99" in page


def test_parts_of_a_refund_take_back_the_whole_fee(counter, fee):
    order_id = counter.paid(3)
    assert stands(counter)["fees"] == 32  # 31.5
    fees = []
    for _ in range(3):
        refund(counter, order_id, 1, reason="damaged")
        fees.append(stands(counter)["fees"])
    assert fees == [21, 11, 0]
    assert stands(counter) == {"clearing": 0, "sales": 0, "fees": 0}


def test_without_a_fee_none_is_posted(counter):
    order_id = counter.paid(1)
    assert codes(counter, order_id) == [("payment", 210)]


def test_a_refused_refund_comes_back_and_is_posted_again(counter, fee):
    order_id = counter.paid(2, outcome="no_refund")
    refund(counter, order_id, 1, reason="damaged")
    counter.send_refunds()
    assert stands(counter) == {"clearing": 420, "sales": 399, "fees": 21}
    counter.desk.post(f"/studio/orders/{order_id}/refunds/{counter.refunds(order_id)[0].id}/again")
    counter.send_refunds()
    assert stands(counter) == {"clearing": 210, "sales": 199, "fees": 11}
    assert [code for code, _minor in codes(counter, order_id)] == [
        "payment", "fee", "refund", "fee_back", "refund_refused", "fee_again", "refund", "fee_back"]


def test_money_that_came_too_late_goes_in_and_out_without_a_fee(counter, fee):
    order_id, address = counter.at_the_bank(1)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    counter.bank(address, "approve")
    counter.back(order_id)
    assert codes(counter, order_id) == [("late_payment", 210), ("late_refund", -210)]
    assert stands(counter) == {"clearing": 0, "sales": 0, "fees": 0}


@given(total=st.integers(1, 10**9), ppm=st.integers(0, 10**6), parts=st.lists(st.integers(0, 10**9), max_size=6))
def test_any_parts_of_a_refund_leave_the_fee_of_what_is_left(total, ppm, parts):
    order = Order(total_minor=total, fee_ppm=ppm)
    gone, kept = 0, books.fee_of(order, 0)
    for part in parts:
        part = min(part, total - gone)
        kept -= books.fee_of(order, gone) - books.fee_of(order, gone + part)
        gone += part
    assert kept == share_ppm(total - gone, ppm) and books.fee_of(order, total) == 0


def test_the_database_computes_the_fee_that_the_ledger_holds(counter, fee):
    order_id = counter.paid(3)
    refund(counter, order_id, 2, reason="damaged")
    assert counter.order_row(order_id).fee_minor == stands(counter)["fees"] == 11


def test_posting_costs_two_statements_an_order(counter, fee):
    counter.paid(1)  # the accounts are there
    hold, said = counter.hold(1), []
    listen = lambda _c, _cur, statement, *_: said.append(statement)  # noqa: E731
    event.listen(core.db.engine(), "before_cursor_execute", listen)
    try:
        counter.order(1, hold=hold)
    finally:
        event.remove(core.db.engine(), "before_cursor_execute", listen)
    assert len([one for one in said if "ledger_" in one]) == 2


def test_a_shop_from_before_the_books_gets_them_with_the_migration(counter):
    """The orders of a kept database, taken to the schema before and brought forward again."""
    first, second = counter.paid(2), counter.paid(1)
    refund(counter, first, 1, reason="damaged")
    late, address = counter.at_the_bank(1)
    counter.client.post(f"/api/orders/{late}/cancel", json={"key": key()})
    counter.bank(address, "approve")
    counter.back(late)
    expected = [codes(counter, one) for one in (first, second, late)]
    from importlib import import_module
    step = import_module("core.migrations.versions." + next(
        file.stem for file in (migrations.HERE / "versions").glob("*_order_books.py")))
    with core.db.engine().begin() as connection:
        connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
        connection.execute(text("TRUNCATE ledger_accounts CASCADE"))
        connection.execute(text(step.ACCOUNTS))
        connection.execute(text(step.TRANSFERS))
    assert [codes(counter, one) for one in (first, second, late)] == expected
