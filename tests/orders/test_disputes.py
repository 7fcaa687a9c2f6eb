"""A buyer's bank takes money back: once, at once, in whatever order it is told, and back again when the shop wins."""
import dataclasses
import itertools
import uuid

import pytest
from sqlalchemy import select

from core.db import transaction
from orders import books, moments, payments
from orders.models import Order
from orders.payments import DisputeFacts, disputes, rules
from orders.payments.models import Dispute, PaymentNotice, SandboxCharge
from tests.factories import signed_in
from tests.orders.stripe_double import SECRET_KEY, WEBHOOK_SECRET
from tests.orders.test_stripe import by_card, double, say  # noqa: F401  (a fixture)
from tests.orders.test_webhooks import notices, post_notice


def facts(state, amount=210, currency="GBP", ref="dp_1"):
    return DisputeFacts(ref, state, amount, currency, "fraudulent")


def told(order_id, counter, *what):
    """The effect of each, each in a transaction of its own."""
    payment, effects = counter.payments(order_id)[0], []
    for one in what:
        with transaction() as db:
            effects.append(disputes.apply_dispute(db, payment.id, one))
    return effects


def left(counter, order_id):
    """What the ledger says the merchant has of the order."""
    with transaction() as db:
        return sum(minor for _at, _code, minor in books.transfers_of(db, db.get(Order, order_id)))


@pytest.fixture
def heard():
    """Every dispute that others are told of."""
    calls = []
    parts = [(moments.DISPUTED, lambda db, order, dispute: calls.append("disputed")),
             (moments.DISPUTE_WON, lambda db, order, dispute: calls.append("won"))]
    for moment, call in parts:
        moment.add(call)
    yield calls
    for moment, call in parts:
        moment.calls.remove(call)


@pytest.mark.parametrize("order", list(itertools.permutations(("open", "open", "won"))))
def test_in_whatever_order_it_is_told_money_goes_once_and_comes_back_once(counter, heard, order):
    order_id = counter.paid()
    told(order_id, counter, *map(facts, order), *map(facts, order))
    assert heard == ["disputed", "won"]
    assert counter.order_row(order_id).disputed_minor == 0 and left(counter, order_id) == 210


def test_a_lost_dispute_stays_gone_and_a_bank_may_change_its_mind(counter, heard):
    order_id = counter.paid()
    assert told(order_id, counter, facts("lost"), facts("open"), facts("lost")) == ["lost", "repeat", "repeat"]
    assert counter.order_row(order_id).disputed_minor == 210 and left(counter, order_id) == 0
    assert told(order_id, counter, facts("won"), facts("lost"), facts("won")) == ["won", "repeat", "repeat"]
    assert heard == ["disputed", "won"] and left(counter, order_id) == 210


def test_what_does_not_fit_moves_nothing(counter, heard):
    order_id = counter.paid()
    assert told(order_id, counter, facts("open", currency="EUR")) == ["dispute_mismatch"]
    assert told(order_id, counter, facts("open", 100), facts("won", 120)) == ["disputed", "dispute_mismatch"]
    assert heard == ["disputed"] and left(counter, order_id) == 110
    open_id, _bank = counter.at_the_bank()
    assert told(open_id, counter, facts("open", ref="dp_2")) == ["dispute_mismatch"]


def test_a_refund_and_a_dispute_are_both_gone_from_the_shop(counter):
    """The buyer's bank does not ask what the shop has sent back: until the dispute is won both are missing."""
    order_id = counter.paid()
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": uuid.uuid4().hex})
    told(order_id, counter, facts("open"))
    assert left(counter, order_id) == -210
    told(order_id, counter, facts("won"))
    assert left(counter, order_id) == 0


@pytest.mark.parametrize(("known", "said", "effect"), [
    ("open", "open", "repeat"), ("open", "won", "won"), ("open", "lost", "lost"), ("lost", "won", "won"),
    ("lost", "open", "repeat"), ("won", "lost", "repeat"), ("won", "open", "repeat"), ("won", "won", "repeat")])
def test_what_a_word_does(known, said, effect):
    assert rules.dispute_effect(known, said) == effect


def test_the_sandbox_plays_a_dispute_and_the_staffs_page_shows_it(counter):
    order_id = counter.paid()
    payment = counter.payments(order_id)[0]
    staff = signed_in(counter.app, counter.host)
    page = staff.get(f"/studio/orders/{order_id}").text
    assert f"/sandbox-bank/{payment.key}/dispute" in page and "bank took" not in page
    bank = f"/sandbox-bank/{payment.key}/dispute"
    assert "Take the money back" in counter.client.get(bank).text
    assert counter.client.post(bank, data={"act": "won"}).status_code == 422
    counter.client.post(bank, data={"act": "open"})
    first = [body for body in notices() if "dispute" in body]
    assert len(first) == 2  # told twice, as a bank does
    assert [post_notice(counter, body).json["effect"] for body in first] == ["disputed", "repeat"]
    page = staff.get(f"/studio/orders/{order_id}").text
    assert "bank took £2.10 back" in page and "Open" in page
    assert f"{counter.order_row(order_id).number}" in staff.get("/studio/orders?show=trouble").text
    counter.client.post(bank, data={"act": "won"})
    for body in notices():
        if "dispute" in body:
            post_notice(counter, body)
    page = staff.get(f"/studio/orders/{order_id}").text
    assert "bank took" not in page and "Won" in page
    assert counter.client.post(bank, data={"act": "lost"}).status_code == 422


def test_a_payment_that_was_never_made_cannot_be_disputed(counter):
    order_id, _bank = counter.at_the_bank()
    bank = f"/sandbox-bank/{counter.payments(order_id)[0].key}/dispute"
    assert "never made" in counter.client.get(bank).text
    assert counter.client.post(bank, data={"act": "open"}).status_code == 422
    with transaction() as db:
        assert db.scalar(select(SandboxCharge.dispute)) is None


# -- Stripe

def dispute_thing(double, status, amount=420):  # noqa: F811
    intent = double.of("payment_intent")[0]
    return {"id": "dp_9", "object": "dispute", "amount": amount, "currency": "gbp", "status": status,
            "reason": "fraudulent", "charge": "ch_9", "payment_intent": intent["id"], "metadata": {}}


def by_page(counter, double):  # noqa: F811
    answer, _sent = counter.order(2, "bank_page")
    order_id = uuid.UUID(answer.json["order"]["id"])
    double.pay_session(double.of("checkout.session")[0])
    counter.back(order_id)
    return order_id


@pytest.mark.parametrize("way", ["card", "page"])
def test_a_dispute_through_stripe_finds_its_order_and_is_won(counter, double, way):  # noqa: F811
    order_id = by_card(counter)[0] if way == "card" else by_page(counter, double)
    thing = dispute_thing(double, "needs_response")
    assert say(counter, "charge.dispute.created", thing, event_id="evt_1").json["effect"] == "disputed"
    assert say(counter, "charge.dispute.created", thing, event_id="evt_1").json["effect"] == "repeat"
    assert say(counter, "charge.dispute.funds_withdrawn", thing).json["effect"] == "repeat"
    assert counter.order_row(order_id).disputed_minor == 420
    assert say(counter, "charge.dispute.closed", {**thing, "status": "won"}).json["effect"] == "won"
    assert say(counter, "charge.dispute.funds_reinstated", {**thing, "status": "won"}).json["effect"] == "repeat"
    assert counter.order_row(order_id).disputed_minor == 0


def test_an_inquiry_takes_nothing_until_it_is_a_dispute(counter, double):  # noqa: F811
    order_id, _step = by_card(counter)
    thing = dispute_thing(double, "warning_needs_response")
    assert say(counter, "charge.dispute.created", thing).json["effect"] == "none"
    assert counter.order_row(order_id).disputed_minor == 0
    assert say(counter, "charge.dispute.updated", {**thing, "status": "needs_response"}).json["effect"] == "disputed"
    assert say(counter, "charge.dispute.closed", {**thing, "status": "lost"}).json["effect"] == "lost"


def test_a_silent_stripe_is_told_to_tell_it_again(counter, double):  # noqa: F811
    order_id, _step = by_card(counter)
    thing = dispute_thing(double, "needs_response")
    stripe = payments.named("stripe")
    payments.init(dataclasses.replace(counter.app.config["LIVESTALL"], payment_provider="stripe",
                                      stripe_secret_key=SECRET_KEY, stripe_webhook_secret=WEBHOOK_SECRET,
                                      stripe_api_base="http://127.0.0.1:9"))
    assert say(counter, "charge.dispute.created", thing, event_id="evt_7").status_code == 503
    payments._providers["stripe"] = stripe
    with transaction() as db:
        assert db.scalar(select(PaymentNotice).where(PaymentNotice.event_id == "evt_7")) is None
        assert db.scalar(select(Dispute)) is None
    assert say(counter, "charge.dispute.created", thing, event_id="evt_7").json["effect"] == "disputed"
    assert counter.order_row(order_id).disputed_minor == 420


def test_a_dispute_about_nothing_of_ours_changes_nothing(counter, double):  # noqa: F811
    by_card(counter)
    thing = {**dispute_thing(double, "needs_response"), "payment_intent": "pi_unknown"}
    assert say(counter, "charge.dispute.created", thing).json["effect"] == "none"
