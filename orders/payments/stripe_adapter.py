"""Stripe, through its official library: Checkout for its own page, PaymentIntents for saved cards, Refunds, webhooks.

Our payment's key is Stripe's idempotency key and stands in the metadata, so a call that broke off is found again by
listing; nothing is repeated blindly. Stripe's own retries are off: whoever calls decides.
"""
import calendar
import time
from collections.abc import Mapping
from datetime import timedelta

import stripe
import structlog

from orders.payments import Ask, CardFacts, DisputeFacts, NoAnswer, Notice, RefundAsk, RefundResult, Result
from orders.payments.stripe_shared import client, from_stripe, marks, signed_event, to_stripe

log = structlog.get_logger("payments")
# A Checkout Session lives at least 30 min; our hold is usually shorter, and a late payment has its own path.
SESSION_SECONDS = 31 * 60
# How far to look for a payment whose reference we never learned.
MOST_LISTED = 1000
KEY, VIA = "livestall_payment", "livestall_via"
REFUND_KEY = "livestall_refund"


class Stripe:
    name = "stripe"

    def __init__(self, secret_key: str, webhook_secret: str, api_base: str = ""):
        self._webhook_secret = webhook_secret
        self._client = client(secret_key, api_base)
        self._v1 = self._client.v1

    # -- taking money

    def create(self, ask: Ask) -> Result:
        labels = {KEY: ask.key, VIA: "checkout"}
        return self._call(lambda: _session_result(self._v1.checkout.sessions.create({
            "mode": "payment", "client_reference_id": ask.key, "metadata": labels,
            "line_items": [{"quantity": 1, "price_data": {
                "currency": ask.currency.lower(), "unit_amount": to_stripe(ask.amount_minor, ask.currency),
                "product_data": {"name": ask.description}}}],
            "payment_intent_data": {"metadata": labels, "description": ask.description},
            # What was agreed is what is charged: no other currency, no card kept without the buyer's tick.
            "adaptive_pricing": {"enabled": False}, "customer_creation": "always", "customer_email": ask.email,
            "saved_payment_method_options": {"payment_method_save": "enabled"},
            "success_url": ask.return_url, "cancel_url": ask.return_url,
            "expires_at": int(time.time()) + SESSION_SECONDS}, {"idempotency_key": ask.key})))

    def charge_card(self, ask: Ask) -> Result:
        customer, method = ask.card_ref.split(":", 1)
        return self._call(lambda: _intent_result(self._v1.payment_intents.create({
            "amount": to_stripe(ask.amount_minor, ask.currency), "currency": ask.currency.lower(), "customer": customer,
            "payment_method": method, "payment_method_types": ["card"], "confirm": True,
            "return_url": ask.return_url, "description": ask.description, "metadata": {KEY: ask.key}},
            {"idempotency_key": ask.key})))

    def lookup(self, ask: Ask) -> Result:
        return self._call(lambda: _asked(lambda: self._find_intent(ask) if ask.card_ref else self._find_session(ask)))

    def _find_intent(self, ask: Ask) -> Result:
        if ask.provider_ref:
            return _intent_result(self._v1.payment_intents.retrieve(ask.provider_ref))
        listed = self._v1.payment_intents.list({"customer": ask.card_ref.split(":", 1)[0], "limit": 100,
                                                "created": _around(ask)})
        return next((_intent_result(one) for one in _some(listed) if marks(one).get(KEY) == ask.key),
                    Result("missing"))

    def _find_session(self, ask: Ask) -> Result:
        expand = {"expand": ["payment_intent.payment_method"]}
        if ask.provider_ref:
            return _session_result(self._v1.checkout.sessions.retrieve(ask.provider_ref, expand))
        listed = self._v1.checkout.sessions.list({"limit": 100, "created": _around(ask)})
        return next((_session_result(one) for one in _some(listed) if one.client_reference_id == ask.key),
                    Result("missing"))

    def _call(self, call) -> Result:
        """A call's result; what surely moved no money is failed, what may have is NoAnswer."""
        try:
            return call()
        except stripe.CardError as error:
            intent = (error.json_body or {}).get("error", {}).get("payment_intent") or {}
            return Result("failed", provider_ref=intent.get("id"), failure=_why(error))
        except stripe.InvalidRequestError as error:
            if error.http_status == 404:
                return Result("missing")
            log.error("stripe refused a request", code=error.code, param=error.param)
            return Result("failed", failure=error.code or "invalid_request")
        except stripe.StripeError as error:
            raise NoAnswer(f"{type(error).__name__} {error.code or ''}") from error

    # -- sending it back

    def refund(self, ask: RefundAsk) -> RefundResult:
        try:
            return _refund_result(self._refund(ask))
        except stripe.InvalidRequestError as error:
            return RefundResult("failed", failure=error.code or "invalid_request")
        except stripe.StripeError as error:
            raise NoAnswer(f"{type(error).__name__} {error.code or ''}") from error

    def _refund(self, ask: RefundAsk):
        if ask.provider_ref:
            return _asked(lambda: self._v1.refunds.retrieve(ask.provider_ref))
        intent = ask.payment_ref
        if intent and intent.startswith("cs_"):
            intent = _asked(lambda: _id(self._v1.checkout.sessions.retrieve(intent).payment_intent))
        if ask.again and (known := _asked(lambda: self._find_refund(intent, ask.key))):
            return known
        return self._v1.refunds.create({"payment_intent": intent, "amount": to_stripe(ask.amount_minor, ask.currency),
                                        "metadata": {REFUND_KEY: ask.key}}, {"idempotency_key": ask.key})

    def _find_refund(self, intent: str, key: str):
        listed = self._v1.refunds.list({"payment_intent": intent, "limit": 100})
        return next((one for one in _some(listed) if marks(one).get(REFUND_KEY) == key), None)

    # -- being told

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        event = signed_event(self._client, body, headers, self._webhook_secret)
        if event.type.startswith("charge.dispute."):
            return self._dispute(event.id, event.type, event.data.object)
        return _notice(event.id, event.type, event.data.object)

    def _dispute(self, event_id: str, kind: str, thing) -> Notice:
        """A dispute carries no marks of ours; its payment does. An inquiry ("warning_…") has taken no money."""
        state = {"won": "won", "lost": "lost"}.get(thing.status, "open")
        body = {"type": kind, "object": _id(thing), "status": thing.status}
        if thing.status.startswith("warning_") or not thing.payment_intent:
            return Notice(event_id, kind, body)
        facts = DisputeFacts(thing.id, state, from_stripe(thing.amount, thing.currency), thing.currency.upper(),
                             thing.reason or "")
        try:
            intent = self._v1.payment_intents.retrieve(_id(thing.payment_intent))
        except stripe.InvalidRequestError:
            return Notice(event_id, kind, body)
        except stripe.StripeError as error:
            raise NoAnswer(f"{type(error).__name__} {error.code or ''}") from error
        return Notice(event_id, kind, body, payment_key=marks(intent).get(KEY), dispute=facts)


def _notice(event_id: str, kind: str, thing) -> Notice:
    ours = marks(thing)
    body = {"type": kind, "object": _id(thing)}
    if kind.startswith("checkout.session."):
        return Notice(event_id, kind, body, payment_key=ours.get(KEY), result=_session_result(thing))
    if kind.startswith("payment_intent."):
        result = _intent_result(thing)
        if ours.get(VIA) == "checkout":
            # On Stripe's page a refused card is not the end: the session's own events are. Money that came is.
            result = Result("succeeded", None, result.amount_minor, result.currency) if result.state == "succeeded" \
                else None
        return Notice(event_id, kind, body, payment_key=ours.get(KEY), result=result)
    if kind.startswith(("refund.", "charge.refund.")):
        return Notice(event_id, kind, body, refund_key=ours.get(REFUND_KEY))
    return Notice(event_id, kind, body)


def _session_result(session) -> Result:
    intent = session.payment_intent if hasattr(session.payment_intent, "status") else None
    money = (from_stripe(session.amount_total, session.currency), session.currency.upper())
    if session.payment_status == "paid":
        return Result("succeeded", session.id, *money, card=_card(intent))
    if session.status == "expired":
        return Result("failed", session.id, *money, failure="abandoned")
    return Result("pending", session.id, *money, redirect_url=session.url if session.status == "open" else None)


def _intent_result(intent) -> Result:
    money = (from_stripe(intent.amount, intent.currency), intent.currency.upper())
    match intent.status:
        case "succeeded":
            return Result("succeeded", intent.id, from_stripe(intent.amount_received, intent.currency), money[1])
        case "requires_action":
            action = intent.next_action
            url = action.redirect_to_url.url if action and action.type == "redirect_to_url" else None
            return Result("pending", intent.id, *money, redirect_url=url)
        case "requires_payment_method" | "canceled":
            wrong = intent.last_payment_error
            code = wrong and (getattr(wrong, "decline_code", None) or wrong.code)
            return Result("failed", intent.id, *money, failure=code or intent.status)
    return Result("pending", intent.id, *money)


def _card(intent) -> CardFacts | None:
    """A card that the buyer asked Stripe to keep."""
    method = intent and intent.payment_method
    if not hasattr(method, "card") or getattr(method, "allow_redisplay", None) != "always" or not intent.customer:
        return None
    return CardFacts(f"{_id(intent.customer)}:{method.id}", method.card.brand.title(), method.card.last4,
                     getattr(method.card, "fingerprint", None))


def _refund_result(refund) -> RefundResult:
    if refund.status in ("failed", "canceled"):
        return RefundResult("failed", refund.id, getattr(refund, "failure_reason", None) or refund.status)
    return RefundResult("succeeded" if refund.status == "succeeded" else "pending", refund.id)


def _asked(look_up):
    """What a look-up says. One that Stripe refuses says nothing about the money: asked again later, never "failed"."""
    try:
        return look_up()
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise
        log.error("stripe refused a look-up", code=error.code, param=error.param)
        raise NoAnswer(f"refused {error.code or ''}") from error


def _why(error: stripe.CardError) -> str:
    return (error.json_body or {}).get("error", {}).get("decline_code") or error.code or "declined"


def _around(ask: Ask) -> dict:
    """The hour in which a payment can have been made at Stripe; both clocks may differ by a minute."""
    begin = calendar.timegm((ask.made_at - timedelta(minutes=1)).utctimetuple())
    return {"gte": begin, "lte": begin + 3600}


def _some(listed):
    for count, one in enumerate(listed.auto_paging_iter()):
        if count >= MOST_LISTED:
            return
        yield one


def _id(thing) -> str | None:
    return getattr(thing, "id", thing)
