"""Two notices of one payment at the same moment earn once; and the same race without its guards."""
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text

import core.db
from affiliates.commission.models import Adjustment, Commission
from affiliates.commission.reversal import disputed
from core.db import transaction
from orders.models import Order
from orders.payments import Result, apply
from tests.affiliates.conftest import counter, desk  # noqa: F401  (fixtures)


def at_once(app, *works):
    """Run all, begun together; what each gave or raised."""
    gate = threading.Barrier(len(works))

    def run(work):
        gate.wait(5)
        try:
            with app.app_context():
                return work()
        except Exception as error:
            return error
    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def notices(desk, times=4):  # noqa: F811
    """An unpaid order with a click before it; the payment reported several times at once."""
    desk.came()
    answer, _sent = desk.counter.order(3, "bank_page")
    payment = desk.counter.payments(answer.json["order"]["id"])[0]

    def report():
        with transaction() as db:
            return apply.apply_result(db, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
    return at_once(desk.counter.app, *[report] * times)


def test_a_payment_reported_many_times_at_once_earns_once(desk):  # noqa: F811
    assert sorted(notices(desk)) == ["paid", "repeat", "repeat", "repeat"]
    one, = desk.commissions()
    assert one.amount_minor == 63


def test_a_refund_and_a_dispute_at_once_take_it_once(desk):  # noqa: F811
    desk.came()
    order_id = desk.buy(3)

    def dispute():
        with transaction() as db:
            disputed(db, db.get(Order, order_id), "dp_1", 630)
    results = at_once(desk.counter.app, dispute, lambda: desk.refund(order_id, 3), dispute)
    assert not [one for one in results if isinstance(one, Exception) and "uq_" not in str(one)]
    one, = desk.commissions()
    assert one.reversed_minor == 63
    with transaction() as db:
        assert db.scalar(select(func.sum(Adjustment.amount_minor))) == -63


def test_without_its_lock_and_its_key_the_race_earns_twice(desk, monkeypatch):  # noqa: F811
    """The control: what stands behind the first test is needed."""
    from sqlalchemy.orm import selectinload

    from affiliates.commission import accrue
    real_insert = accrue.insert

    class Careless:
        """An insert that knows no conflict."""

        def __init__(self, model):
            self.statement = real_insert(model)

        def values(self, rows):
            self.statement = self.statement.values(rows)
            return self

        def on_conflict_do_nothing(self):
            return self.statement
    monkeypatch.setattr(accrue, "insert", Careless)
    meet = threading.Barrier(2)

    def unlocked(db, payment_id):
        payment = db.get(apply.Payment, payment_id)
        order = db.scalar(select(Order).options(selectinload(Order.lines)).where(Order.id == payment.order_id))
        return order, payment
    with core.db.engine().begin() as connection:
        connection.execute(text("ALTER TABLE commissions DROP CONSTRAINT uq_commissions_once"))
    try:
        desk.came()
        answer, _sent = desk.counter.order(3, "bank_page")
        payment = desk.counter.payments(answer.json["order"]["id"])[0]

        def accrue_only():
            with transaction() as db:
                order, row = unlocked(db, payment.id)
                meet.wait(5)
                if order.state != "paid":
                    accrue.accrue(db, order, row)
        assert not [one for one in at_once(desk.counter.app, accrue_only, accrue_only) if isinstance(one, Exception)]
        with transaction() as db:
            assert db.scalar(select(func.count()).select_from(Commission)) == 2
    finally:
        with core.db.engine().begin() as connection:
            connection.execute(text("TRUNCATE commissions CASCADE"))
            connection.execute(text("ALTER TABLE commissions ADD CONSTRAINT uq_commissions_once UNIQUE NULLS NOT "
                                    "DISTINCT (order_line_id, level, kind, bonus_id)"))


@pytest.fixture(autouse=True)
def constraint_is_there(empty):
    yield
    with core.db.engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM pg_constraint WHERE conname = 'uq_commissions_once'")
                                  ).scalar() == 1
