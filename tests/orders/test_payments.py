"""Banks that refuse, keep silent, come late or twice: each money has one effect, once (webhooks: test_webhooks.py)."""
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

from campaigns.stock.actions import release
from campaigns.stock.models import OfferStock
from core.db import transaction
from core.events import Event
from members.models import Mail
from orders import actions, checkout, queries
from orders.models import Order
from orders.payments import Result, apply, attempts, jobs
from orders.payments.models import Payment, SandboxCharge
from orders.queries import lock_order
from tests import factories
from tests.orders.conftest import key, signed_in

# -- what the bank does

def test_a_declined_card_can_be_followed_by_another(counter):
    answer, _sent = counter.order(outcome="decline")
    assert answer.json["next"] == {"state": "failed", "failure": "declined"}
    order_id = uuid.UUID(answer.json["order"]["id"])
    assert counter.order_row(order_id).state == "awaiting_payment" and counter.units()["held"] == 1
    card = counter.card("approve")
    again = counter.client.post(f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card", "card_id": card})
    assert again.json["next"]["state"] == "paid"
    assert [one.state for one in counter.payments(order_id)] == ["failed", "succeeded"]


def test_a_paid_order_cannot_be_paid_again(counter):
    order_id = counter.paid()
    answer = counter.client.post(f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card"})
    assert (answer.status_code, answer.json["code"]) == (409, "already_paid")


def test_a_card_without_an_answer_is_looked_up_and_never_charged_twice(counter):
    answer, sent = counter.order(outcome="slow")
    assert answer.json["next"]["state"] == "paying"
    order_id = uuid.UUID(answer.json["order"]["id"])
    assert counter.payments(order_id)[0].state == "unknown"
    assert counter.client.post("/api/orders", json=sent).json["next"]["state"] == "paying"
    other = counter.client.post(f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card"})
    assert (other.status_code, other.json["code"]) == (409, "payment_running")
    attempts.look_up(counter.payments(order_id)[0].id)
    assert counter.payments(order_id)[0].state == "unknown"  # still silent
    counter.bank_speaks_now()
    attempts.look_up(counter.payments(order_id)[0].id)
    assert counter.order_row(order_id).state == "paid" and len(counter.payments(order_id)) == 1


def test_the_tick_finds_what_nobody_told_us(counter):
    answer, _sent = counter.order(outcome="slow")
    counter.bank_speaks_now()
    with transaction() as db:
        db.execute(update(Payment).values(check_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 20)))
    jobs.look_up_open()
    assert counter.order_row(uuid.UUID(answer.json["order"]["id"])).state == "paid"


@pytest.mark.parametrize(("act", "state", "failure"), [
    ("approve", "paid", None), ("decline", "awaiting_payment", "declined"),
    ("abandon", "awaiting_payment", "abandoned")])
def test_coming_back_from_the_bank_asks_it(counter, act, state, failure):
    order_id, bank = counter.at_the_bank()
    assert counter.client.get(bank).status_code == 200
    assert counter.bank(bank, act).location.endswith(f"/orders/{order_id}/returned")
    counter.back(order_id)
    assert counter.order_row(order_id).state == state
    assert counter.payments(order_id)[0].failure == failure


def test_the_bank_page_repeats_nothing(counter):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "decline")
    counter.bank(bank, "approve")
    counter.back(order_id)
    assert counter.order_row(order_id).state == "awaiting_payment"
    assert "This payment is done" in counter.client.get(bank).text
    assert counter.client.get("/sandbox-bank/nothing").status_code == 404
    second = counter.at_the_bank()[1]
    assert counter.bank(second, "rob").status_code == 422


def test_a_repeat_of_the_request_finds_the_way_to_the_bank_again(counter):
    answer, sent = counter.order(method="bank_page")
    assert counter.client.post("/api/orders", json=sent).json["next"] == answer.json["next"]
    assert answer.json["next"]["redirect"].startswith("/sandbox-bank/")


def test_a_bank_that_times_out_is_asked_until_it_answers(counter):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "time_out")
    counter.back(order_id)
    assert counter.payments(order_id)[0].state == "unknown"
    counter.bank_speaks_now()
    counter.back(order_id)
    assert counter.order_row(order_id).state == "paid"


def test_an_attempt_that_died_before_its_call_is_given_up_and_can_be_repeated(counter):
    with transaction() as db:
        order, payment, _new = checkout.place(db, counter.buyer, {
            "key": key(), "hold_id": uuid.UUID(counter.hold()["id"]), "address_id": counter.address.id,
            "method": "bank_page"})
    attempts.look_up(payment.id)
    assert counter.payments(order.id)[0].state == "created"  # its call may still be on the way
    with transaction() as db:
        db.execute(update(Payment).values(created_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 13)))
    attempts.look_up(payment.id)
    assert [(one.state, one.failure) for one in counter.payments(order.id)] == [("failed", "never_sent")]


# -- late

def late(counter):
    """An order whose buyer approved at the bank, and whose hold then ended before the money came."""
    order_id, bank = counter.at_the_bank(2)
    counter.bank(bank, "late")
    counter.back(order_id)
    assert counter.payments(order_id)[0].state == "pending"
    counter.end_holds()
    with transaction() as db:
        actions.expire_orders(db)
    assert counter.order_row(order_id).state == "expired"
    return order_id


def test_a_late_payment_takes_the_units_again_at_the_orders_price(counter):
    order_id = late(counter)
    with transaction() as db:
        db.execute(update(OfferStock).values(price_minor=999))
    counter.bank_speaks_now()
    attempts.look_up(counter.payments(order_id)[0].id)
    order = counter.order_row(order_id)
    assert (order.state, order.reason, order.total_minor) == ("paid", None, 420)
    assert counter.units() == {"left": 8, "held": 0, "sold": 2, "reserve": 0}


def test_a_late_payment_without_stock_goes_back_and_the_buyer_is_told(counter, db):
    order_id = late(counter)
    with transaction() as other:
        other.execute(update(OfferStock).values(left=1, reserve=0, allotment=1))
    counter.bank_speaks_now()
    attempts.look_up(counter.payments(order_id)[0].id)
    counter.send_refunds()
    order, payment, refund = counter.order_row(order_id), counter.payments(order_id)[0], counter.refunds(order_id)[0]
    assert (order.state, order.reason, order.refunded_minor) == ("expired", "late_payment", 0)
    assert (payment.state, payment.refunded_minor) == ("returned", 420)
    assert (refund.reason, refund.state, refund.amount_minor) == ("late_payment", "succeeded", 420)
    assert counter.units()["sold"] == 0
    with transaction() as other:
        told = other.scalars(select(Event.payload).where(Event.kind == "order.changed").order_by(Event.id)).all()
        letters = other.scalars(select(Mail.key)).all()
        assert sum(other.scalar(select(SandboxCharge)).refunds.values()) == 420
    assert told[-1]["order"]["state"] == "expired" and told[-1]["order"]["reason"] == "late_payment"
    assert letters == [f"refund:{refund.id}"]
    assert "came too late" in counter.client.get(f"/orders/{order_id}").text


def test_money_for_an_order_that_was_let_go_comes_back(counter):
    order_id, bank = counter.at_the_bank()
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    assert counter.units() == {"left": 10, "held": 0, "sold": 0, "reserve": 0}
    counter.bank(bank, "approve")
    counter.back(order_id)
    counter.send_refunds()
    assert counter.order_row(order_id).state == "cancelled"
    assert [(one.reason, one.state) for one in counter.refunds(order_id)] == [("cancelled", "succeeded")]


def test_a_hold_let_go_cancels_its_order_and_an_ended_one_expires_it(counter):
    released, _bank = counter.at_the_bank()
    with transaction() as db:
        hold_id = db.merge(counter.order_row(released)).lines[0].hold_id
        release(db, hold_id, counter.buyer.id)
    expired, _bank = counter.at_the_bank()
    counter.end_holds()
    jobs.expire_unpaid()
    jobs.expire_unpaid()
    assert (counter.order_row(released).state, counter.order_row(released).reason) == ("cancelled", "released")
    assert (counter.order_row(expired).state, counter.order_row(expired).reason) == ("expired", "hold_ended")
    refused = counter.client.post(f"/api/orders/{expired}/pay", json={"key": key(), "method": "bank_page"})
    assert (refused.status_code, refused.json["code"]) == (409, "not_payable")


# -- twice

def test_a_second_payment_of_a_paid_order_goes_back(counter):
    order_id, bank = counter.at_the_bank()
    counter.card()
    assert counter.client.post(f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card"}).json[
        "next"]["state"] == "paid"
    counter.bank(bank, "approve")
    counter.back(order_id)
    counter.send_refunds()
    order = counter.order_row(order_id)
    assert (order.state, order.refunded_minor, counter.units()["sold"]) == ("paid", 0, 1)
    assert sorted(one.state for one in counter.payments(order_id)) == ["returned", "succeeded"]
    assert [(one.reason, one.state) for one in counter.refunds(order_id)] == [("second_payment", "succeeded")]


def test_paying_from_many_windows_at_once_charges_once(counter):
    order_id, _bank = counter.at_the_bank()
    counter.card()
    clients = [signed_in(counter.app, counter.buyer) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda client: client.post(
            f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card"}), clients))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 5
    with transaction() as db:
        assert db.scalar(select(func.count()).where(SandboxCharge.state == "approved")) == 1
    assert counter.order_row(order_id).state == "paid"


def test_the_race_above_can_fail_without_the_lock_on_the_order(counter, monkeypatch):
    """The control: with the lock away, every window sees that no card is running, and the bank takes money twice."""
    order_id, _bank = counter.at_the_bank()
    counter.card()
    both_looked, seen = threading.Barrier(2, timeout=10), threading.local()
    real_check = checkout._check_payable

    def unlocked(db, id_):
        if getattr(seen, "once", False):  # what follows keeps its locks
            return lock_order(db, id_)
        seen.once = True
        return db.get(Order, id_)

    def check_and_wait(db, order):
        real_check(db, order)
        both_looked.wait()
    monkeypatch.setattr(queries, "lock_order", unlocked)
    monkeypatch.setattr(checkout, "_check_payable", check_and_wait)
    clients = [signed_in(counter.app, counter.buyer) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda client: client.post(
            f"/api/orders/{order_id}/pay", json={"key": key(), "method": "card"}), clients))
    with transaction() as db:
        assert db.scalar(select(func.count()).where(SandboxCharge.state == "approved")) == 2
    counter.send_refunds()  # and even then the second money goes back by itself
    assert sorted(one.state for one in counter.payments(order_id)) == ["pending", "returned", "succeeded"]


def test_two_successes_applied_at_once_keep_one(counter):
    order_id, _bank = counter.at_the_bank()
    counter.client.post(f"/api/orders/{order_id}/pay", json={"key": key(), "method": "bank_page"})
    both = counter.payments(order_id)
    for one in both:
        counter.bank(one.redirect_url, "approve")

    def succeed(payment):
        with transaction() as db, counter.app.app_context():
            return apply.apply_result(db, payment.id, Result("succeeded", payment.key, 210, "GBP"))
    with ThreadPoolExecutor(8) as pool:
        effects = list(pool.map(succeed, both * 4))
    assert sorted(effects) == ["paid"] + ["repeat"] * 6 + ["second_payment"]
    assert counter.units()["sold"] == 1
    counter.send_refunds()


# -- cards

def test_cards_are_their_owners(counter, db):
    first, second = counter.card("approve"), counter.card("decline")
    assert counter.card("approve") == first
    listed = counter.client.get("/api/cards").json["cards"]
    assert [(card["id"], card["is_default"]) for card in listed] == [(first, True), (second, False)]
    ravi = factories.member(db, "Ravi")
    db.commit()
    assert signed_in(counter.app, ravi).delete(f"/api/cards/{first}").status_code == 404
    assert counter.client.delete(f"/api/cards/{first}").status_code == 200
    listed = counter.client.get("/api/cards").json["cards"]
    assert [(card["id"], card["is_default"]) for card in listed] == [(second, True)]
    assert counter.client.post("/api/cards", json={"outcome": "steal"}).status_code == 422
