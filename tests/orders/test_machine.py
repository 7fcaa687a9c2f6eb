"""Any order of buying, paying, waiting, cancelling and refunding, against a plain model; books checked each step."""
import uuid

import pytest
from hypothesis import HealthCheck, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text

import core.db
from campaigns.stock.claims import claim
from campaigns.stock.errors import OverLimit, SoldOut
from core.db import transaction
from core.errors import DomainError
from orders import actions, checkout, refunds
from orders.models import Order
from orders.payments import Result, apply, attempts
from orders.payments.models import SandboxCharge
from tests.orders.conftest import assert_books_right, key


class Till(RuleBasedStateMachine):
    """`counter` is set by the test. The model knows, of each order, what it would be worth."""
    counter = None
    orders = Bundle("orders")

    def __init__(self):
        super().__init__()
        self.model = {}
        with core.db.engine().begin() as connection:  # the same shop, a new day
            connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
            connection.execute(text("TRUNCATE ledger_accounts CASCADE"))
            connection.execute(text("TRUNCATE orders, holds, claims, offer_members, sandbox_charges CASCADE"))
            connection.execute(text('UPDATE offer_stock SET "left" = 10, held = 0, sold = 0, reserve = 0, waiting = 0'))

    @rule(target=orders, quantity=st.integers(1, 4))
    def order(self, quantity):
        try:
            hold = claim(self.counter.buyer.id, key(), self.counter.offer.id, quantity)
        except (SoldOut, OverLimit):
            return None
        with transaction() as db:
            order, payment, _new = checkout.place(db, self.counter.buyer, {
                "key": key(), "hold_id": uuid.UUID(hold["id"]), "address_id": self.counter.address.id,
                "method": "bank_page"})
        attempts.begin(payment.id)
        self.model[order.id] = {"quantity": quantity, "kept": 0, "back": 0, "state": "open", "back_units": 0}
        return order.id

    def payments(self, order_id):
        return self.counter.payments(order_id)

    @rule(order_id=orders, which=st.integers(0, 3))
    def money_comes(self, order_id, which):
        """For one of its attempts; again, if it has come before."""
        if order_id is None:
            return
        payment = self.payments(order_id)[which % len(self.payments(order_id))]
        with transaction() as db:
            db.scalar(select(SandboxCharge).where(SandboxCharge.reference == payment.key)).state = "approved"
            effect = apply.apply_result(db, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
        model = self.model[order_id]
        event(f"money: {effect} when {model['state']}")
        if effect == "paid":
            assert model["state"] in ("open", "over")
            model["state"], model["kept"] = "paid", payment.amount_minor
        elif effect != "repeat":
            assert model["state"] != "open"

    @rule(order_id=orders)
    def pay_again(self, order_id):
        if order_id is None:
            return
        try:
            with transaction() as db:
                _order, payment, _new = checkout.try_again(db, order_id, self.counter.buyer,
                                                           {"key": key(), "method": "bank_page"})
            attempts.begin(payment.id)
            assert self.model[order_id]["state"] == "open"
        except DomainError:
            assert self.model[order_id]["state"] != "open"

    @rule()
    def time_passes(self):
        self.counter.end_holds()
        with transaction() as db:
            actions.expire_orders(db)
        for model in self.model.values():
            if model["state"] == "open":
                model["state"] = "over"

    @rule(order_id=consumes(orders))
    def cancel(self, order_id):
        model = self.model.get(order_id)
        if model is None:
            return
        try:
            with transaction() as db:
                actions.cancel(db, order_id, self.counter.buyer)
        except DomainError:
            assert model["state"] in ("over", "sent")
            return
        model["back"], model["back_units"] = model["kept"], model["quantity"]
        model["state"] = "gone"

    @rule(order_id=orders)
    def send(self, order_id):
        if order_id is not None and self.model[order_id]["state"] == "paid":
            with transaction() as db:
                actions.mark_sent(db, order_id)
            self.model[order_id]["state"] = "sent"

    @rule(order_id=orders, units=st.integers(1, 4), restock=st.booleans())
    def refund(self, order_id, units, restock):
        if order_id is None:
            return
        model = self.model[order_id]
        with transaction() as db:
            line = db.get(Order, order_id).lines[0]
        try:
            with transaction() as db:
                refunds.refund_lines(db, order_id, {line.id: units}, reason="goodwill", restock=restock, key=key(),
                                     by=self.counter.host)
        except DomainError:
            assert not model["kept"] or model["back_units"] + units > model["quantity"]
            return
        assert model["back_units"] + units <= model["quantity"]
        model["back_units"] += units
        model["back"] += units * 210
        if model["back_units"] == model["quantity"] and model["state"] == "paid":
            model["state"] = "gone"

    @rule()
    def refunds_are_sent(self):
        self.counter.send_refunds()

    @invariant()
    def the_books_are_right(self):
        assert_books_right()
        with transaction() as db:
            rows = {order.id: order for order in db.scalars(select(Order))}
        for id_, model in self.model.items():
            assert rows[id_].refunded_minor == model["back"]
            assert (rows[id_].paid_at is not None) == bool(model["kept"])

    def teardown(self):
        """In the end the bank holds exactly what the orders kept and did not send back."""
        self.counter.send_refunds()
        with transaction() as db:
            charges = db.scalars(select(SandboxCharge).where(SandboxCharge.state == "approved")).all()
            at_the_bank = sum(one.amount_minor - sum(one.refunds.values()) for one in charges)
        assert at_the_bank == sum(model["kept"] - model["back"] for model in self.model.values())


def test_the_till_against_a_plain_model(counter):
    Till.counter = counter
    run_state_machine_as_test(Till, settings=settings(
        max_examples=25, stateful_step_count=18, deadline=None, suppress_health_check=list(HealthCheck)))


def test_the_checks_see_a_wrong_book(counter):
    """The control: a refund written past the code is found."""
    order_id = counter.paid(2)
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE orders SET refunded_minor = 1"))
    with pytest.raises(AssertionError, match="refunded sum"):
        assert_books_right()
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE orders SET refunded_minor = 0"))
    assert counter.order_row(order_id).refunded_minor == 0
