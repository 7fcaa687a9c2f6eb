"""The pages: who sees what, in each state, and what a form does."""
import csv
import io
import uuid

import pytest

from core.db import transaction
from members.models import Address, Member
from orders.models import OrderLine
from tests import factories
from tests.orders.conftest import key, signed_in


def test_no_order_yet(counter):
    page = counter.client.get("/orders")
    assert page.status_code == 200 and "Nothing ordered yet" in page.text


def test_the_list_leads_to_the_order_and_its_receipt(counter):
    order_id = counter.paid(2)
    assert f"/orders/{order_id}" in counter.client.get("/orders").text
    page = counter.client.get(f"/orders/{order_id}").text
    assert "It is yours" in page and "£4.20" in page and "of the show" in page and "Cancel this order" in page
    receipt = counter.client.get(f"/orders/{order_id}/receipt").text
    assert counter.offer.title in receipt and "14 Larch Road" in receipt


def test_a_page_for_each_state(counter):
    order_id, bank = counter.at_the_bank()
    assert "not finished yet" in counter.client.get(f"/orders/{order_id}").text
    counter.bank(bank, "decline")
    counter.back(order_id)
    assert "The bank said no" in counter.client.get(f"/orders/{order_id}").text
    counter.client.post(f"/orders/{order_id}/cancel")
    assert "This order is cancelled" in counter.client.get(f"/orders/{order_id}").text


def test_another_member_finds_no_page(counter, db):
    order_id = counter.paid()
    ravi = factories.member(db, "Ravi")
    db.commit()
    other = signed_in(counter.app, ravi)
    for path in ("", "/receipt", "/returned"):
        assert other.get(f"/orders/{order_id}{path}").status_code == 404


def test_paying_again_by_form(counter):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "decline")
    counter.back(order_id)
    answer = counter.client.post(f"/orders/{order_id}/pay", data={"key": key(), "method": "bank_page"})
    assert answer.status_code == 302 and "/sandbox-bank/" in answer.location
    counter.bank(answer.location, "approve")
    counter.back(order_id)
    assert counter.order_row(order_id).state == "paid"


def test_markup_in_names_is_text(counter):
    with transaction() as db:
        db.get(Address, counter.address.id).name = "<img src=x onerror=alert(1)>"
    order_id = counter.paid()
    page = counter.client.get(f"/orders/{order_id}").text
    assert "<img src=x" not in page and "&lt;img src=x" in page


# -- the desk

def test_only_staff_of_the_shop_see_the_desk(counter, db):
    order_id = counter.paid()
    assert counter.client.get("/studio/orders").status_code == 403
    other_shop = factories.merchant(db)
    stranger = factories.member(db, "Ann", roles=[("merchant_staff", other_shop)])
    assistant = factories.member(db, "Bo", roles=[("assistant", counter.shop)])
    db.commit()
    assert signed_in(counter.app, stranger).get(f"/studio/orders/{order_id}").status_code == 404
    assert signed_in(counter.app, assistant).get(f"/studio/orders/{order_id}").status_code == 403
    assert counter.desk.get(f"/studio/orders/{order_id}").status_code == 200


@pytest.mark.parametrize(("query", "found"), [("", True), ("show=to_pack", True), ("show=sent", False),
                                              ("q=20001", True), ("q=2000", False), ("q=mei", True), ("q=%25", False),
                                              ("show=nonsense", True), ("page=x", True)])
def test_the_desk_filters_and_searches(counter, query, found):
    order_id = counter.paid()
    page = counter.desk.get(f"/studio/orders?{query}")
    assert page.status_code == 200
    assert (f"/studio/orders/{order_id}" in page.text) is found


def test_pack_send_deliver(counter):
    order_id = counter.paid()
    url = f"/studio/orders/{order_id}"
    assert "20001" in counter.desk.get("/studio/orders/packing").text
    assert "not at that step" in counter.desk.post(f"{url}/delivered", follow_redirects=True).text
    counter.desk.post(f"{url}/sent", data={"carrier": "Harbour Post", "tracking_code": "HP 42"})
    counter.desk.post(f"{url}/sent", data={"carrier": "", "tracking_code": "HP 43"})
    order = counter.order_row(order_id)
    assert (order.fulfilment, order.carrier, order.tracking_code) == ("sent", "Harbour Post", "HP 43")
    assert "HP 43" in counter.client.get(f"/orders/{order_id}").text
    refused = counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    assert (refused.status_code, refused.json["code"]) == (409, "already_sent")
    counter.desk.post(f"{url}/delivered")
    assert counter.order_row(order_id).fulfilment == "delivered"


def test_many_are_marked_as_sent_at_once(counter):
    ids = [counter.paid() for _ in range(3)]
    page = counter.desk.post("/studio/orders/sent", data={"id": [str(id_) for id_ in ids]}, follow_redirects=True)
    assert "3 orders are marked as sent." in page.text
    assert {counter.order_row(id_).fulfilment for id_ in ids} == {"sent"}
    again = counter.desk.post("/studio/orders/sent", data={"id": [str(ids[0])]}, follow_redirects=True)
    assert "0 orders are marked as sent." in again.text
    assert counter.desk.post("/studio/orders/sent", data={"id": [str(uuid.uuid4())]}).status_code == 404
    assert counter.desk.post("/studio/orders/sent", data={"id": ["x"]}).status_code == 422


def test_the_export_is_safe_to_open(counter):
    order_id = counter.paid(2)
    with transaction() as db:
        db.get(Member, counter.buyer.id).name = "=HYPERLINK(\"http://x\")"
        line = db.get(OrderLine, db.merge(counter.order_row(order_id)).lines[0].id)
        line.title = "\t@SUM(1)"
    counter.desk.post(f"/studio/orders/{order_id}/refund", data={
        "key": key(), "reason": "damaged", f"line-{line.id}": "1"})
    answer = counter.desk.get("/studio/orders/export.csv")
    assert answer.mimetype == "text/csv" and "attachment" in answer.headers["Content-Disposition"]
    row = next(csv.DictReader(io.StringIO(answer.text.lstrip("\ufeff"))))
    assert row["buyer"] == "'=HYPERLINK(\"http://x\")" and row["product"] == "'\t@SUM(1)"
    assert (row["unit_price"], row["line_total"], row["order_refunded"]) == ("2.10", "4.20", "-2.10")
