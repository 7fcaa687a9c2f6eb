"""Payments behind one small protocol, so that a shop can change its provider and tests can use the built-in one.

A provider's functions may take up to `CALL_SECONDS`, so nobody calls them inside a database transaction, and what
they answer is applied in one place (orders/payments/apply.py). Which provider an order uses is fixed when it is made.
"""
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.errors import NotFound

CALL_SECONDS = 10


class NoAnswer(Exception):
    """The provider did not answer in time, or broke: the money may or may not have moved. Look it up, never repeat."""


class BadSignature(Exception):
    """A webhook that is unsigned, altered, or older than 5 min."""


@dataclass(frozen=True)
class Ask:
    """One attempt to take money. `key` makes it happen once at the provider."""
    key: str
    amount_minor: int
    currency: str
    description: str
    return_url: str
    email: str = ""
    card_ref: str | None = None
    expires_at: datetime | None = None  # until when the units are held
    made_at: datetime | None = None
    provider_ref: str | None = None  # once known


@dataclass(frozen=True)
class CardFacts:
    """A card that the buyer asked the provider to keep: its reference there, and how to name it.

    `fingerprint` is the same for one card in two accounts, where the provider tells (the sandbox's cards are no
    cards)."""
    ref: str
    brand: str
    last4: str
    fingerprint: str | None = None


@dataclass(frozen=True)
class Result:
    """What the provider says of a payment. state: pending | succeeded | failed | missing (it never heard of it)."""
    state: str
    provider_ref: str | None = None
    amount_minor: int | None = None
    currency: str | None = None
    failure: str | None = None
    redirect_url: str | None = None
    card: CardFacts | None = None


@dataclass(frozen=True)
class RefundAsk:
    """Money to send back. `key` makes it happen once; `again` says that an earlier call may have got through."""
    key: str
    payment_key: str
    payment_ref: str | None
    amount_minor: int
    currency: str
    provider_ref: str | None = None
    again: bool = False


@dataclass(frozen=True)
class RefundResult:
    """state: pending | succeeded | failed."""
    state: str
    provider_ref: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class DisputeFacts:
    """Money that the buyer's bank took back. `ref` is the provider's name for it.

    state: open (taken, and the shop may object) | won (given back to the shop) | lost."""
    ref: str
    state: str
    amount_minor: int
    currency: str
    reason: str = ""


@dataclass(frozen=True)
class Notice:
    """A webhook whose signature was right. Without `payment_key` it is about nothing of ours."""
    event_id: str
    kind: str
    body: dict
    payment_key: str | None = None
    result: Result | None = None  # None: worth keeping, changes no payment
    refund_key: str | None = None  # a refund moved: ask what became of it
    dispute: DisputeFacts | None = None


class Provider(Protocol):
    """Every function may raise NoAnswer."""
    name: str

    def create(self, ask: Ask) -> Result:
        """Begin a payment on the provider's own page; the result carries where to send the buyer."""

    def charge_card(self, ask: Ask) -> Result:
        """Charge a saved card, without the buyer leaving our page."""

    def lookup(self, ask: Ask) -> Result:
        """What became of a payment. Moves no money."""

    def refund(self, ask: RefundAsk) -> RefundResult:
        """Send money back, or find out what became of an earlier call with the same key."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """The notice in a webhook. Raises BadSignature; NoAnswer if the provider must be asked and is silent."""


_providers: dict[str, Provider] = {}
_default = "sandbox"


def init(settings) -> None:
    """Make this process's providers from the settings."""
    global _default
    from orders.payments.sandbox import Sandbox
    _providers["sandbox"] = Sandbox(settings.sandbox_webhook_secret)
    if settings.payment_provider == "stripe":
        from orders.payments.stripe_adapter import Stripe  # late: the library takes 0.3 s to import
        _providers["stripe"] = Stripe(settings.stripe_secret_key, settings.stripe_webhook_secret,
                                      settings.stripe_api_base)
    else:
        _providers.pop("stripe", None)
    _default = settings.payment_provider


def named(name: str) -> Provider:
    """The provider of that name. Raises NotFound if this shop does not use it."""
    if name not in _providers:
        raise NotFound
    return _providers[name]


def name_for(rehearsal: bool) -> str:
    """Which provider a new order uses: no rehearsal ever moves real money."""
    return "sandbox" if rehearsal else _default


def attempt_key(member_id: uuid.UUID, browser_key: str) -> str:
    """The payment's own key: the browser's is unique for its member only."""
    return f"{member_id.hex}-{browser_key}"
