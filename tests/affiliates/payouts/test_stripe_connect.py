"""Transfers through Stripe's own library, against a double on 127.0.0.1 that keeps its own books."""
import json
import time

import pytest
import stripe

from affiliates.payouts import providers
from affiliates.payouts.providers import stripe_connect
from tests.orders.stripe_double import SECRET_KEY, WEBHOOK_SECRET, StripeDouble


class ConnectDouble(StripeDouble):
    """Knows transfers as the documentation describes them; everything else is the shared double's. `lost` is the status
    with which it refuses to be asked about one."""
    lost = None

    def answer(self, method, path, params, headers):
        if not path.startswith("/v1/transfers"):
            return super().answer(method, path, params, headers)
        with self.lock:
            self.calls.append((method, path))
            return self._transfers(method, path, params, headers)

    def _transfers(self, method, path, params, headers):
        if method == "GET":
            id_ = path.removeprefix("/v1/transfers").strip("/")
            if self.lost:
                return self.lost, {"error": {"type": "invalid_request_error", "code": "resource_missing",
                                             "message": "No such transfer"}}, False
            if id_:
                return 200, self.objects[id_], False
            found = [one for one in self.of("transfer") if one["transfer_group"] == params.get("transfer_group")]
            return 200, {"object": "list", "url": path, "has_more": False, "data": found}, False
        key = headers["Idempotency-Key"]
        fault = self.faults.pop(0) if self.faults else None
        if fault == "500":
            return 500, {"error": {"type": "api_error", "message": "down"}}, False
        if fault == "insufficient":
            return 400, {"error": {"type": "invalid_request_error", "code": "balance_insufficient",
                                   "message": "Insufficient funds"}}, False
        if key not in self.answers:
            self.answers[key] = self.new("transfer", "tr", {
                "amount": int(params["amount"]), "currency": params["currency"], "destination": params["destination"],
                "transfer_group": params["transfer_group"], "metadata": params["metadata"], "reversed": False,
                "amount_reversed": 0})
            self.objects[self.answers[key]["id"]] = self.answers[key]
        return 200, self.answers[key], fault == "drop"


@pytest.fixture
def connect(app, monkeypatch):
    double = ConnectDouble()
    monkeypatch.setitem(providers._providers, "stripe",
                        stripe_connect.StripeConnect(SECRET_KEY, WEBHOOK_SECRET, double.url))
    yield double
    double.close()


@pytest.fixture
def ready(desk, connect):
    desk.account("Aiko", "stripe", account="acct_1Nv0FGQ9RKHgCVdK")
    desk.earn("Aiko", 1200)
    desk.batch("stripe")
    return desk


def test_a_transfer_is_made_once_to_the_connected_account(ready, connect):
    ready.go_on()
    made = connect.of("transfer")
    assert [(one["amount"], one["currency"], one["destination"]) for one in made] == [
        (1200, "gbp", "acct_1Nv0FGQ9RKHgCVdK")]
    assert made[0]["transfer_group"] == ready.attempt("Aiko").key
    assert ready.payout("Aiko").state == "paid" and ready.stands("Aiko") == (0, 0, 0)


@pytest.mark.parametrize("fault", ["drop", "500"])
def test_a_line_that_breaks_leaves_it_unknown_and_it_is_found_by_listing(ready, connect, fault):
    connect.faults.append(fault)
    ready.go_on()
    assert ready.payout("Aiko").state == "unknown"
    ready.later()
    ready.go_on()
    # Dropped: the transfer was made, and is found. Down: nothing was made, so it stays unknown and is not sent again.
    assert ready.payout("Aiko").state == {"drop": "paid", "500": "unknown"}[fault]
    assert len(connect.of("transfer")) == {"drop": 1, "500": 0}[fault]


def test_a_refusal_gives_the_money_back(ready, connect):
    connect.faults.append("insufficient")
    ready.go_on()
    assert (ready.payout("Aiko").state, ready.payout("Aiko").failure) == ("rejected", "balance_insufficient")
    assert ready.stands("Aiko")[:2] == (1200, 0)


@pytest.mark.parametrize("status", [400, 403, 404])
def test_a_refused_question_about_a_transfer_gives_nothing_back(ready, connect, status):
    """Rejected would credit the party again and let somebody pay it twice."""
    connect.faults.append("drop")
    ready.go_on()
    connect.lost = status
    for _ in range(2):
        ready.later()
        ready.go_on()
    assert ready.payout("Aiko").state == "unknown" and ready.stands("Aiko")[:2] == (0, 1200)
    assert (ready.attempt("Aiko").failure == "missing") == (status == 404)
    connect.lost = None
    ready.later()
    ready.go_on()
    assert ready.payout("Aiko").state == "paid" and len(connect.of("transfer")) == 1


@pytest.mark.parametrize(("currency", "minor", "sent"), [("ISK", 420, 42000), ("UGX", 5, 500), ("JPY", 420, 420)])
def test_amounts_are_in_the_units_that_stripe_counts(connect, currency, minor, sent):
    ask = providers.Ask(f"key-{currency}", minor, currency, "Aiko Ltd", {"account": "acct_1Nv0FGQ9RKHgCVdK"}, "Payout")
    said = providers.named("stripe").send(ask)
    assert [one["amount"] for one in connect.of("transfer")] == [sent]
    assert (said.state, said.amount_minor, said.currency) == ("paid", minor, currency)
    assert providers.named("stripe").lookup(ask) == said


def test_a_reversed_transfer_comes_back_by_webhook(ready, connect, client):
    ready.go_on()
    transfer = connect.of("transfer")[0] | {"reversed": True, "amount_reversed": 1200}
    body = json.dumps({"id": "evt_1", "object": "event", "type": "transfer.reversed", "api_version": "2020-08-27",
                       "data": {"object": transfer}})
    stamp = int(time.time())
    signed = stripe.WebhookSignature._compute_signature(f"{stamp}.{body}", WEBHOOK_SECRET)
    headers = {"Stripe-Signature": f"t={stamp},v1={signed}"}
    assert client.post("/webhooks/payouts/stripe", data=body, headers=headers).json == {"effect": "returned"}
    assert client.post("/webhooks/payouts/stripe", data=body, headers=headers).json == {"effect": "repeat"}
    assert ready.stands("Aiko") == (1200, 0, 1200)
    wrong = {"Stripe-Signature": "t=1,v1=x"}
    assert client.post("/webhooks/payouts/stripe", data=body, headers=wrong).status_code == 400
