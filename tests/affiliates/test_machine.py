"""Any order of orders, partial refunds, disputes, deliveries, decisions and rule changes, against a plain model."""
import uuid
from fractions import Fraction
from math import floor

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import select, text

import core.db
from affiliates.commission import actions, reversal
from affiliates.commission.models import Commission
from affiliates.commission.publishing import publish
from affiliates.commission.rules import Draft
from campaigns.stock.claims import claim
from campaigns.stock.errors import OverLimit, SoldOut
from core.db import transaction
from core.errors import DomainError
from orders import checkout, moments, refunds
from orders.models import Order
from orders.payments import Result, apply
from tests.affiliates.conftest import assert_affiliates_right
from tests.orders.conftest import assert_books_right, key


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


class Promotion(RuleBasedStateMachine):
    """`desk` is set by the test. The model keeps, of each order, what was earned and what money is gone."""
    desk = None
    orders = Bundle("orders")

    def __init__(self):
        super().__init__()
        self.model = {}
        self.ppm = 100_000
        with core.db.engine().begin() as connection:  # the same shop, a new day
            connection.execute(text("SET LOCAL ledger.may_truncate = 'yes'"))
            connection.execute(text("TRUNCATE orders, holds, claims, offer_members, affiliate_bindings, "
                                    "commission_rules, affiliate_totals_due, ledger_accounts CASCADE"))
            connection.execute(text('UPDATE offer_stock SET "left" = 10, held = 0, sold = 0, reserve = 0, waiting = 0'))
        self.change_rate(100_000)

    @rule(ppm=st.sampled_from([0, 3_333, 100_000, 333_333, 1_000_000]))
    def change_rate(self, ppm):
        """As published; a cut is announced and changes nothing yet."""
        try:
            with transaction() as db:
                publish(db, self.desk.counter.shop, Draft(rate_ppm=ppm), self.desk.staff)
            self.ppm = max(self.ppm, ppm)
        except DomainError as refusal:
            assert refusal.code == "another_coming"

    @rule(target=orders, quantity=st.integers(1, 4), comes=st.booleans())
    def order(self, quantity, comes):
        counter = self.desk.counter
        try:
            hold = claim(counter.buyer.id, key(), counter.offer.id, quantity)
        except (SoldOut, OverLimit):
            return multiple()
        with transaction() as db:
            order, payment, _new = checkout.place(db, counter.buyer, {
                "key": key(), "hold_id": uuid.UUID(hold["id"]), "address_id": counter.address.id,
                "method": "bank_page"})
        self.model[order.id] = {"ppm": self.ppm, "paid": 0, "gone": 0, "units": quantity, "back": 0, "rejected": False,
                                "payment": payment, "disputed": set()}
        return order.id

    @rule(order_id=orders)
    def money_comes(self, order_id):
        """Or is reported again."""
        model = self.model[order_id]
        payment = model["payment"]
        with transaction() as db:
            apply.apply_result(db, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
        model["paid"] = payment.amount_minor

    @rule(order_id=orders, units=st.integers(1, 4), again=st.booleans())
    def refund(self, order_id, units, again):
        model, once = self.model[order_id], key()
        for _time in range(1 + again):
            try:
                with transaction() as db:
                    line = db.get(Order, order_id).lines[0]
                    refunds.refund_lines(db, order_id, {line.id: units}, reason="goodwill", restock=False, key=once,
                                         by=self.desk.staff)
            except DomainError:
                assert not model["paid"] or model["back"] + units > model["units"]
                return
        model["back"] += units
        model["gone"] += units * 210

    @rule(order_id=orders, name=st.sampled_from(["dp_1", "dp_2"]), share=st.integers(1, 100))
    def dispute(self, order_id, name, share):
        model = self.model[order_id]
        if not model["paid"]:
            return
        money = max(1, model["paid"] * share // 100)
        with transaction() as db:
            reversal.disputed(db, db.get(Order, order_id), name, money)
        if name not in model["disputed"]:
            model["disputed"].add(name)
            model["gone"] += money

    @rule(order_id=orders)
    def reject(self, order_id):
        with transaction() as db:
            found = db.scalar(select(Commission).where(Commission.order_id == order_id))
            if found is None or self.model[order_id]["rejected"]:
                return
            hold = actions.hold_by_hand(db, found, self.desk.staff, "Looked odd.")
            actions.decide(db, hold, "rejected", self.desk.staff, "It was.")
        self.model[order_id]["rejected"] = True

    @rule(order_id=orders)
    def deliver(self, order_id):
        with transaction() as db:
            order = db.get(Order, order_id)
            if order.fulfilment == "to_pack":
                self.desk.deliver(order_id)

    @rule(order_id=orders)
    def moments_are_told_again(self, order_id):
        """Each command twice: nothing is earned or taken a second time."""
        model = self.model[order_id]
        if model["paid"]:
            with transaction() as db:
                order = db.get(Order, order_id)
                moments.PAID.tell(db, order, model["payment"])
                for refund in self.desk.counter.refunds(order_id):
                    moments.REFUNDED.tell(db, order, refund)

    @invariant()
    def every_sum_is_the_models(self):
        assert_affiliates_right()
        with transaction() as db:
            found = {one.order_id: one for one in db.scalars(select(Commission))}
        assert set(found) == {id_ for id_, model in self.model.items() if model["paid"]}
        for id_, one in found.items():
            model = self.model[id_]
            earned = half_up(Fraction(model["paid"] * model["ppm"], 10**6))
            gone = Fraction(min(model["gone"], model["paid"]), model["paid"])
            assert one.amount_minor == earned
            assert one.reversed_minor == (earned if model["rejected"] else half_up(earned * gone))

    def teardown(self):
        assert_books_right()


@pytest.mark.timeout(600)
def test_commissions_against_a_plain_model(desk, db):
    desk.came()
    desk.came(30 * 60)
    Promotion.desk = desk
    run_state_machine_as_test(Promotion, settings=settings(
        max_examples=10, stateful_step_count=14, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck)))
