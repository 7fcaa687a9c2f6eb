"""What every adapter of Stripe shares, whichever way the money goes: the client, its units, and signed events."""
from collections.abc import Mapping

import stripe

from orders.payments import CALL_SECONDS, BadSignature

# docs.stripe.com/currencies: no minor unit in ISO 4217 or in use, but Stripe counts hundredths.
HUNDREDTHS = frozenset({"ISK", "UGX"})


def client(secret_key: str, api_base: str = "") -> stripe.StripeClient:
    """A client without retries of its own: whoever calls decides whether a call is safe to repeat."""
    return stripe.StripeClient(
        secret_key, max_network_retries=0, http_client=stripe.RequestsClient(timeout=CALL_SECONDS),
        base_addresses={"api": api_base} if api_base else {})


def signed_event(using: stripe.StripeClient, body: bytes, headers: Mapping[str, str], secret: str) -> stripe.Event:
    """The event in a webhook. Raises BadSignature; ValueError if it cannot be read."""
    try:
        return using.construct_event(body, headers.get("Stripe-Signature"), secret)
    except stripe.SignatureVerificationError as error:
        raise BadSignature from error


def to_stripe(minor: int, currency: str) -> int:
    """Minor units as Stripe counts them."""
    return minor * 100 if currency.upper() in HUNDREDTHS else minor


def from_stripe(amount: int, currency: str) -> int:
    """Stripe's count as minor units."""
    return amount // 100 if currency.upper() in HUNDREDTHS else amount


def marks(thing) -> Mapping[str, str]:
    """What we wrote on an object at Stripe."""
    found = getattr(thing, "metadata", None)
    return found.to_dict() if found else {}
