"""The Stripe adapter against an HTTP double made from Stripe's documentation."""
import dataclasses
import json
import time
import uuid

import pytest
import stripe
from sqlalchemy import func, select, update

from core.db import transaction
from orders import payments
from orders.cards import keep
from orders.payments import Ask, CardFacts, NoAnswer, attempts, returns
from orders.payments.models import Payment, PaymentNotice, SavedCard
from orders.payments.stripe_adapter import Stripe
from tests.orders.conftest import key
from tests.orders.stripe_double import SECRET_KEY, WEBHOOK_SECRET, StripeDouble


@pytest.fixture
def double(app, counter):
    """Stripe is the shop's provider, and its API is the double."""
    double = StripeDouble()
    payments.init(dataclasses.replace(app.config["LIVESTALL"], payment_provider="stripe", stripe_secret_key=SECRET_KEY,
                                      stripe_webhook_secret=WEBHOOK_SECRET, stripe_api_base=double.url))
    yield double
    payments.init(app.config["LIVESTALL"])
    double.close()


def say(counter, kind, thing, *, event_id=None, secret=WEBHOOK_SECRET, at=None):
    """A webhook as Stripe signs it."""
    body = json.dumps({"id": event_id or f"evt_{uuid.uuid4().hex}", "object": "event", "api_version": "2026-10-28",
                       "created": int(time.time()), "type": kind, "livemode": False, "pending_webhooks": 1,
                       "request": None, "data": {"object": thing}})
    header = stripe.WebhookSignature.generate_signature_header(body, secret, at)
    return counter.app.test_client().post("/webhooks/stripe", data=body, content_type="application/json",
                                          headers={"Stripe-Signature": header})


def stripe_card(counter):
    with transaction() as db:
        return keep(db, counter.buyer.id, "stripe", CardFacts("cus_9:pm_9", "Visa", "4242"))


def by_card(counter):
    card = stripe_card(counter)
    answer = counter.client.post("/api/orders", json=counter.body(counter.hold(2), card_id=str(card.id)))
    assert answer.status_code == 201, answer.json
    return uuid.UUID(answer.json["order"]["id"]), answer.json["next"]


def test_the_page_of_stripe(counter, double):
    answer, sent = counter.order(2, "bank_page")
    session = double.of("checkout.session")[0]
    assert answer.json["next"] == {"redirect": session["url"]}
    assert (session["amount_total"], session["currency"]) == (420, "gbp")
    assert counter.client.post("/api/orders", json=sent).json["next"] == {"redirect": session["url"]}
    order_id = uuid.UUID(answer.json["order"]["id"])
    counter.back(order_id)
    assert counter.order_row(order_id).state == "awaiting_payment"
    double.pay_session(session, save_card=True)
    counter.back(order_id)
    assert counter.order_row(order_id).state == "paid"
    with transaction() as db:
        card = db.scalar(select(SavedCard).where(SavedCard.provider == "stripe"))
    assert (card.brand, card.last4, card.provider_ref.split(":")[0][:4]) == ("Visa", "4242", "cus_")
    assert len(double.of("checkout.session")) == 1


def test_a_card_is_kept_only_if_the_buyer_ticked_it(counter, double):
    answer, _sent = counter.order(method="bank_page")
    double.pay_session(double.of("checkout.session")[0])
    counter.back(uuid.UUID(answer.json["order"]["id"]))
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(SavedCard)) == 0
    assert counter.client.post("/api/cards", json={"outcome": "approve"}).json["code"] == "cards_elsewhere"


def test_a_saved_card_is_charged_once(counter, double):
    order_id, step = by_card(counter)
    assert step["state"] == "paid" and counter.order_row(order_id).state == "paid"
    _method, _path, params = double.calls[0]
    assert (params["amount"], params["currency"], params["customer"], params["payment_method"]) == (
        "420", "gbp", "cus_9", "pm_9")
    assert double.charged == 420


def test_a_declined_card(counter, double):
    double.faults.append("decline")
    order_id, step = by_card(counter)
    assert step == {"state": "failed", "failure": "insufficient_funds"}
    assert counter.payments(order_id)[0].provider_ref == double.of("payment_intent")[0]["id"]


def test_a_card_that_wants_its_owner_leads_to_the_bank(counter, double):
    double.faults.append("action")
    order_id, step = by_card(counter)
    assert step == {"redirect": "https://hooks.stripe.test/3ds"}
    double.of("payment_intent")[0].update(status="succeeded", amount_received=420)
    counter.back(order_id)
    assert counter.order_row(order_id).state == "paid"


def test_a_call_that_breaks_off_after_the_money_moved_is_found_not_repeated(counter, double):
    double.faults.append("drop")
    order_id, step = by_card(counter)
    assert step["state"] == "paying" and counter.payments(order_id)[0].state == "unknown"
    attempts.look_up(counter.payments(order_id)[0].id)
    assert counter.order_row(order_id).state == "paid"
    assert double.charged == 420 and len(double.of("payment_intent")) == 1


def test_a_look_up_that_is_refused_says_nothing_about_the_money(counter, double):
    double.faults.append("drop")
    order_id, _step = by_card(counter)
    payment_id = counter.payments(order_id)[0].id
    double.refuses_reads = True
    attempts.look_up(payment_id)
    assert counter.payments(order_id)[0].state == "unknown" and double.charged == 420
    double.refuses_reads = False
    attempts.look_up(payment_id)
    assert counter.order_row(order_id).state == "paid"


@pytest.mark.parametrize("fault", ["500", "429"])
def test_a_call_that_never_arrived_is_given_up_after_two_minutes(counter, double, fault):
    double.faults.append(fault)
    order_id, step = by_card(counter)
    assert step["state"] == "paying"
    payment_id = counter.payments(order_id)[0].id
    attempts.look_up(payment_id)
    assert counter.payments(order_id)[0].state == "unknown"
    with transaction() as db:
        db.execute(update(Payment).values(created_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 2, 1)))
    attempts.look_up(payment_id)
    assert [(one.state, one.failure) for one in counter.payments(order_id)] == [("failed", "never_sent")]
    assert double.charged == 0


def test_nobody_at_the_address_is_no_answer(double):
    alone = Stripe(SECRET_KEY, WEBHOOK_SECRET, double.url)
    double.close()
    with pytest.raises(NoAnswer):
        alone.charge_card(Ask(key="k", amount_minor=1, currency="GBP", description="", return_url="http://x",
                              card_ref="cus_9:pm_9"))


def test_a_wrong_secret_key_is_no_answer_rather_than_a_refusal(double):
    with pytest.raises(NoAnswer):
        Stripe("sk_test_wrong", WEBHOOK_SECRET, double.url).lookup(Ask(
            key="k", amount_minor=1, currency="GBP", description="", return_url="", provider_ref="cs_test_1"))


@pytest.mark.parametrize(("currency", "minor", "sent"), [
    ("JPY", 420, "420"), ("KWD", 4200, "4200"), ("EUR", 420, "420"), ("ISK", 420, "42000"), ("UGX", 5, "500")])
def test_amounts_go_out_and_come_back_in_each_currency(double, currency, minor, sent):
    result = payments.named("stripe").charge_card(Ask(
        key=key(), amount_minor=minor, currency=currency, description="x", return_url="http://x",
        card_ref="cus_9:pm_9"))
    assert double.calls[-1][2]["amount"] == sent
    assert (result.state, result.amount_minor, result.currency) == ("succeeded", minor, currency)


def test_webhooks_of_a_session_twice_and_out_of_order(counter, double):
    answer, _sent = counter.order(2, "bank_page")
    order_id = uuid.UUID(answer.json["order"]["id"])
    session = double.of("checkout.session")[0]
    refused = double.intent(420, "gbp", session["marks"], "requires_payment_method")
    assert say(counter, "payment_intent.payment_failed", refused).json["effect"] == "none"
    double.pay_session(session)
    intent = double.objects[session["payment_intent"]]
    effects = [say(counter, kind, thing, event_id=event_id).json["effect"] for kind, thing, event_id in (
        ("payment_intent.succeeded", intent, "evt_2"), ("checkout.session.completed", session, "evt_1"),
        ("payment_intent.succeeded", intent, "evt_2"), ("checkout.session.completed", session, "evt_1"),
        ("charge.succeeded", {"object": "charge", "id": "ch_1", "metadata": {}}, "evt_3"))]
    assert effects == ["paid", "repeat", "repeat", "repeat", "none"]
    assert counter.order_row(order_id).state == "paid"
    assert counter.payments(order_id)[0].provider_ref == session["id"]


def test_an_ended_session_lets_the_buyer_try_again(counter, double):
    answer, _sent = counter.order(method="bank_page")
    session = double.of("checkout.session")[0]
    assert say(counter, "checkout.session.expired", session | {"status": "expired"}).json["effect"] == "failed"
    assert counter.payments(uuid.UUID(answer.json["order"]["id"]))[0].failure == "abandoned"


def test_unsigned_altered_and_stale_webhooks_are_refused(counter, double):
    counter.order(method="bank_page")
    session = double.of("checkout.session")[0] | {"payment_status": "paid"}
    assert say(counter, "checkout.session.completed", session, secret="whsec_other").status_code == 400
    assert say(counter, "checkout.session.completed", session, at=int(time.time()) - 301).status_code == 400
    assert counter.app.test_client().post("/webhooks/stripe", data=b"{}").status_code == 400
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(PaymentNotice)) == 0


def test_another_amount_from_stripe_never_pays(counter, double):
    answer, _sent = counter.order(2, "bank_page")
    session = double.of("checkout.session")[0]
    wrong = session | {"payment_status": "paid", "amount_total": 42}
    assert say(counter, "checkout.session.completed", wrong).json["effect"] == "amount_mismatch"
    assert counter.order_row(uuid.UUID(answer.json["order"]["id"])).state == "awaiting_payment"


# -- refunds

def test_a_refund_through_stripe(counter, double):
    order_id, _step = by_card(counter)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    counter.send_refunds()
    assert [one.state for one in counter.refunds(order_id)] == ["succeeded"]
    assert double.refunded == 420


def test_a_refund_of_a_session_finds_its_intent(counter, double):
    answer, _sent = counter.order(2, "bank_page")
    order_id = uuid.UUID(answer.json["order"]["id"])
    double.pay_session(double.of("checkout.session")[0])
    counter.back(order_id)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    counter.send_refunds()
    assert double.refunded == 420 and counter.refunds(order_id)[0].state == "succeeded"


@pytest.mark.parametrize("fault", ["drop", "500"])
def test_a_refund_without_an_answer_is_not_sent_twice(counter, double, fault):
    order_id, _step = by_card(counter)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    double.faults.append(fault)
    counter.send_refunds()
    refund = counter.refunds(order_id)[0]
    assert refund.state == "pending" and refund.tries == 1
    double.answers.clear()  # Stripe forgets keys after a day; the list does not
    make_due(refund)
    counter.send_refunds()
    assert counter.refunds(order_id)[0].state == "succeeded"
    assert double.refunded == 420 and len(double.of("refund")) == 1


def test_a_refund_whose_look_up_is_refused_stays_open(counter, double):
    order_id, _step = by_card(counter)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    double.faults.append("drop")
    counter.send_refunds()
    double.refuses_reads = True
    make_due(counter.refunds(order_id)[0])
    counter.send_refunds()
    assert counter.refunds(order_id)[0].state == "pending"
    double.refuses_reads = False
    make_due(counter.refunds(order_id)[0])
    counter.send_refunds()
    assert counter.refunds(order_id)[0].state == "succeeded" and double.refunded == 420


def make_due(refund):
    with transaction() as db:
        db.execute(update(type(refund)).values(next_at=func.now()))


def test_a_refund_that_the_bank_turns_back_days_later_is_seen(counter, double):
    order_id, _step = by_card(counter)
    double.faults.append("processing")
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    counter.send_refunds()
    refund, thing = counter.refunds(order_id)[0], double.of("refund")[0]
    assert refund.state == "pending"
    thing["status"] = "succeeded"
    assert say(counter, "refund.updated", thing).json["effect"] == "refund"
    returns.send(refund.id)
    assert counter.refunds(order_id)[0].state == "succeeded"
    thing.update(status="failed", failure_reason="lost_or_stolen_card")
    say(counter, "refund.failed", thing)
    returns.send(refund.id)
    refund = counter.refunds(order_id)[0]
    assert (refund.state, refund.failure) == ("failed", "lost_or_stolen_card")
    assert counter.order_row(order_id).refunded_minor == 0
    assert "refused by the bank" in counter.desk.get(f"/studio/orders/{order_id}").text
    counter.desk.post(f"/studio/orders/{order_id}/refunds/{refund.id}/again")
    counter.send_refunds()
    assert counter.refunds(order_id)[0].state == "succeeded" and double.refunded == 420
    assert say(counter, "refund.updated", thing | {"metadata": {"livestall_refund": "x"}}).json[
        "effect"] == "unknown_refund"
