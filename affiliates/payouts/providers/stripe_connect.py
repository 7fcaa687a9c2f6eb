"""Stripe Connect through its official library: a transfer to the party's connected account. Our key is Stripe's
idempotency key and the transfer's group, so one that broke off is found again by listing."""
from collections.abc import Mapping

import stripe

from affiliates.payouts.providers import Ask, NoAnswer, Notice, Result
from orders.payments.stripe_shared import client, from_stripe, marks, signed_event, to_stripe

KEY = "livestall_payout"


class StripeConnect:
    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, api_base: str = ""):
        self._webhook_secret = webhook_secret
        self._client = client(secret_key, api_base)

    def send(self, ask: Ask) -> Result:
        """Refusals are answers; everything else may have moved money."""
        try:
            return _result(self._client.v1.transfers.create({
                "amount": to_stripe(ask.amount_minor, ask.currency), "currency": ask.currency.lower(),
                "destination": ask.details["account"], "transfer_group": ask.key, "description": ask.description,
                "metadata": {KEY: ask.key}}, {"idempotency_key": ask.key}))
        except (stripe.InvalidRequestError, stripe.PermissionError) as error:
            return Result("rejected", failure=error.code or "invalid_request")
        except stripe.StripeError as error:
            raise _silence(error) from error

    def lookup(self, ask: Ask) -> Result:
        """A refused question says nothing about the money: it is never a rejection, which would pay it again."""
        try:
            return self._find(ask)
        except stripe.StripeError as error:
            if error.http_status == 404:
                return Result("missing")
            raise _silence(error) from error

    def _find(self, ask: Ask) -> Result:
        if ask.provider_ref:
            return _result(self._client.v1.transfers.retrieve(ask.provider_ref))
        listed = self._client.v1.transfers.list({"transfer_group": ask.key, "limit": 10}).data
        return _result(listed[0]) if listed else Result("missing")

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        event = signed_event(self._client, body, headers, self._webhook_secret)
        thing = event.data.object
        about = {"type": event.type, "object": thing.id}
        if not event.type.startswith("transfer."):
            return Notice(event.id, about)
        return Notice(event.id, about, key=marks(thing).get(KEY), result=_result(thing))


def _result(transfer) -> Result:
    """A transfer is done when it exists; taken back in part is for a person to look at."""
    money = (from_stripe(transfer.amount, transfer.currency), transfer.currency.upper())
    if transfer.reversed:
        return Result("returned", transfer.id, "reversed", *money)
    return Result("paid", transfer.id, None, *money)


def _silence(error: stripe.StripeError) -> NoAnswer:
    return NoAnswer(f"{type(error).__name__} {error.code or ''}")
