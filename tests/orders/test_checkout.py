"""From a hold to an order: what is copied, what is refused, and keys that repeat."""
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select

from core.db import transaction
from core.events import Event
from members.models import Mail
from orders import checkout
from orders.models import Order, OrderLine
from orders.payments.models import Payment
from tests import factories
from tests.orders.conftest import key, signed_in


def count(what):
    with transaction() as db:
        return db.scalar(select(func.count()).select_from(what))


def test_a_saved_card_pays_in_one_call(counter):
    answer, _sent = counter.order(quantity=2)
    assert answer.status_code == 201
    assert answer.json["next"]["state"] == "paid"
    order = counter.order_row(uuid.UUID(answer.json["order"]["id"]))
    assert (order.state, order.fulfilment, order.total_minor, order.currency) == ("paid", "to_pack", 420, "GBP")
    assert counter.units() == {"left": 8, "held": 0, "sold": 2, "reserve": 0}
    assert [payment.state for payment in counter.payments(order.id)] == ["succeeded"]


def test_the_order_keeps_what_was_agreed(counter):
    order_id = counter.paid(2)
    with transaction() as db:
        line = db.scalar(select(OrderLine).where(OrderLine.order_id == order_id))
        order = db.get(Order, order_id)
    assert (line.title, line.unit_price_minor, line.quantity) == (counter.offer.title, 210, 2)
    assert line.terms["paid_price_minor"] == 210 and line.terms["limit"] == 6
    assert 599 <= line.show_second <= 660  # the show began ten minutes before the claim
    assert order.address["line1"] == "14 Larch Road" and order.live_session_id == counter.show.id


def test_a_changed_address_does_not_change_the_order(counter):
    order_id = counter.paid()
    with transaction() as db:
        db.merge(counter.address).line1 = "Elsewhere"
    assert counter.order_row(order_id).address["line1"] == "14 Larch Road"


def test_the_buyer_and_the_staff_hear_of_it_and_a_letter_is_written(counter):
    order_id = counter.paid()
    with transaction() as db:
        told = db.execute(select(Event.stream, Event.payload).where(Event.kind.in_(("order.changed", "order.paid")))
                          .order_by(Event.id)).all()
        mail = db.scalar(select(Mail))
    assert told[-2].stream == f"member:{counter.buyer.id}"
    assert told[-2].payload["order"] == counter.client.get(f"/api/orders/{order_id}").json["order"]
    assert told[-1].stream == f"staff:{counter.show.id}" and told[-1].payload["total_minor"] == 210
    assert str(counter.order_row(order_id).number) in mail.subject and "14 Larch Road" in mail.body


def test_the_same_key_gives_the_same_order(counter):
    first, sent = counter.order()
    again = counter.client.post("/api/orders", json=sent)
    assert (again.status_code, again.json) == (first.status_code, first.json)
    assert count(Order) == count(Payment) == 1


def test_another_body_under_the_same_key_is_refused(counter):
    _first, sent = counter.order()
    other = counter.client.post("/api/orders", json={**sent, "method": "bank_page"})
    assert (other.status_code, other.json["code"]) == (422, "key_conflict")
    assert count(Order) == 1


def test_an_order_key_used_for_a_payment_is_refused(counter):
    order_id, _bank = counter.at_the_bank()
    used = key()
    again = counter.client.post(f"/api/orders/{order_id}/pay", json={"key": used, "method": "bank_page"})
    assert again.status_code == 201
    body = counter.body(counter.hold(), "bank_page") | {"key": used}
    answer = counter.client.post("/api/orders", json=body)
    assert (answer.status_code, answer.json["code"]) == (422, "key_conflict")


def test_one_hold_makes_one_order(counter):
    hold = counter.hold()
    first, _sent = counter.order(hold=hold)
    second, _sent = counter.order(hold=hold)
    assert (second.status_code, second.json["code"]) == (409, "already_ordered")
    assert second.json["url"] == first.json["order"]["url"]


def test_two_windows_order_one_hold_at_once_and_one_wins(counter):
    counter.card()
    hold = counter.hold()
    bodies = [counter.body(hold) for _ in range(4)]
    clients = [signed_in(counter.app, counter.buyer) for _ in bodies]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda client, body: client.post("/api/orders", json=body), clients, bodies))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"already_ordered"}
    assert count(Order) == count(Payment) == 1


@pytest.mark.parametrize("_again", range(3))  # the window between two reads is small
def test_one_key_sent_many_times_at_once_charges_once(counter, _again):
    counter.card()
    body = counter.body(counter.hold())
    clients = [signed_in(counter.app, counter.buyer) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda client: client.post("/api/orders", json=body), clients))
    assert [(answer.status_code, answer.json.get("code")) for answer in answers] == [(201, None)] * 8
    assert len({answer.json["order"]["id"] for answer in answers}) == 1
    assert count(Order) == count(Payment) == 1


@pytest.mark.parametrize("extra", [{"price_minor": 1}, {"total_minor": 1}, {"currency": "JPY"}, {"quantity": 2},
                                   {"rate": 1}, {"state": "paid"}, {"address_id": "x"}, {"hold_id": 5}, {"key": "a b"},
                                   {"key": "x" * 65}, {"method": "gift"}, {"card_id": "NaN"}])
def test_what_a_client_may_not_send_is_refused_and_nothing_is_written(counter, extra):
    counter.card()
    answer = counter.client.post("/api/orders", json=counter.body(counter.hold()) | extra)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")
    assert set(extra) <= set(answer.json["fields"])
    assert count(Order) == count(Payment) == 0


def test_a_card_does_not_go_with_the_banks_page(counter):
    card = counter.card()
    answer = counter.client.post("/api/orders", json=counter.body(counter.hold(), "bank_page", card_id=card))
    assert (answer.status_code, list(answer.json["fields"])) == (422, ["card_id"])


def test_anothers_hold_address_card_and_order_are_not_found(counter, db):
    other = factories.member(db, "Ravi")
    address = factories.address(db, other)
    db.commit()
    stranger = signed_in(counter.app, other)
    hold = counter.hold()
    body = counter.body(hold, "bank_page")
    assert stranger.post("/api/orders", json={**body, "address_id": str(address.id)}).status_code == 404
    assert counter.client.post("/api/orders", json={**body, "address_id": str(address.id)}).status_code == 404
    foreign = counter.card(client=stranger)
    refused = counter.client.post("/api/orders", json=counter.body(hold, card_id=foreign))
    assert (refused.status_code, refused.json["code"]) == (422, "card_gone")
    order_id = counter.paid()
    for method, path in (("get", ""), ("post", "/cancel"), ("post", "/pay")):
        answer = getattr(stranger, method)(f"/api/orders/{order_id}{path}", json={"key": key(), "method": "bank_page"}
                                           if path == "/pay" else {"key": key()})
        assert answer.status_code == 404, path


def test_without_sign_in_nothing_is_sold(app, counter):
    answer = app.test_client().post("/api/orders", json=counter.body(counter.hold()))
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_needed")


def test_a_hold_that_is_over_makes_no_order(counter):
    counter.card()
    hold = counter.hold()
    counter.end_holds()
    answer = counter.client.post("/api/orders", json=counter.body(hold))
    assert (answer.status_code, answer.json["code"]) == (409, "hold_over")
    assert count(Order) == 0


def test_a_claim_does_not_wait_for_a_checkout_that_is_being_written(counter, db):
    """An order's line points at the stock row (FOR KEY SHARE); a claim's lock must be one that lives beside that."""
    other = factories.member(db, "Ravi")
    db.commit()
    hold = counter.hold()
    with ThreadPoolExecutor(1) as pool, transaction() as open_checkout:
        checkout.place(open_checkout, counter.buyer, {
            "key": key(), "hold_id": uuid.UUID(hold["id"]), "address_id": counter.address.id, "method": "bank_page"})
        # Waiting would end in Busy after lock_timeout, 3 s.
        assert pool.submit(counter.hold, 1, other).result()["state"] == "held"
