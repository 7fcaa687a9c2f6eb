"""Stripe Connect through its official library: a transfer to the party's connected account. Our key is Stripe's
idempotency key and the transfer's group, so one that broke off is found again by listing."""
from collections.abc import Mapping

import stripe

from affiliates.payouts.providers import CALL_SECONDS, Ask, BadSignature, NoAnswer, Notice, Result

KEY = "livestall_payout"


class StripeConnect:
    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, api_base: str = ""):
        self._webhook_secret = webhook_secret
        self._client = stripe.StripeClient(
            secret_key, max_network_retries=0, http_client=stripe.RequestsClient(timeout=CALL_SECONDS),
            base_addresses={"api": api_base} if api_base else {})

    def send(self, ask: Ask) -> Result:
        return _call(lambda: _result(self._client.v1.transfers.create({
            "amount": ask.amount_minor, "currency": ask.currency.lower(), "destination": ask.details["account"],
            "transfer_group": ask.key, "description": ask.description, "metadata": {KEY: ask.key}},
            {"idempotency_key": ask.key})))

    def lookup(self, ask: Ask) -> Result:
        return _call(lambda: self._find(ask))

    def _find(self, ask: Ask) -> Result:
        if ask.provider_ref:
            return _result(self._client.v1.transfers.retrieve(ask.provider_ref))
        listed = self._client.v1.transfers.list({"transfer_group": ask.key, "limit": 10}).data
        return _result(listed[0]) if listed else Result("missing")

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        try:
            event = self._client.construct_event(body, headers.get("Stripe-Signature"), self._webhook_secret)
        except stripe.SignatureVerificationError as error:
            raise BadSignature from error
        thing = event.data.object
        about = {"type": event.type, "object": thing.id}
        if not event.type.startswith("transfer."):
            return Notice(event.id, about)
        marks = thing.metadata.to_dict() if thing.metadata else {}
        return Notice(event.id, about, key=marks.get(KEY), result=_result(thing))


def _result(transfer) -> Result:
    """A transfer is done when it exists; taken back in part is for a person to look at."""
    money = (transfer.amount, transfer.currency.upper())
    if transfer.reversed:
        return Result("returned", transfer.id, "reversed", *money)
    return Result("paid", transfer.id, None, *money)


def _call(work):
    """Refusals are answers; everything else may have moved money."""
    try:
        return work()
    except (stripe.InvalidRequestError, stripe.PermissionError) as error:
        return Result("rejected", failure=error.code or "invalid_request")
    except stripe.StripeError as error:
        raise NoAnswer(f"{type(error).__name__} {error.code or ''}") from error
