"""Who sends payouts, behind one small protocol. Nobody calls a provider inside a database transaction, and what it
answers is applied in one place (affiliates/payouts/apply.py)."""
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.errors import NotFound
from orders.payments import CALL_SECONDS, BadSignature, NoAnswer

__all__ = ["CALL_SECONDS", "Ask", "BadSignature", "NoAnswer", "Notice", "Provider", "Result", "init", "known",
           "named", "offered"]


@dataclass(frozen=True)
class Ask:
    """One attempt. `key` makes it happen once at the provider; `details` are the account's."""
    key: str
    amount_minor: int
    currency: str
    holder: str
    details: dict
    description: str
    made_at: datetime | None = None
    provider_ref: str | None = None


@dataclass(frozen=True)
class Result:
    """What the provider says. state: pending | paid | rejected | returned | missing (it never heard of it)."""
    state: str
    provider_ref: str | None = None
    failure: str | None = None
    amount_minor: int | None = None
    currency: str | None = None


@dataclass(frozen=True)
class Notice:
    """A webhook whose signature was right. Without `key` it is about nothing of ours."""
    event_id: str
    body: dict
    key: str | None = None
    result: Result | None = None


class Provider(Protocol):
    """`send` and `lookup` may raise NoAnswer."""
    name: str

    def send(self, ask: Ask) -> Result:
        """Pay. The same key again pays nothing more."""

    def lookup(self, ask: Ask) -> Result:
        """What became of an attempt. Moves no money."""

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """The notice in a webhook. Raises BadSignature."""


_providers: dict[str, Provider] = {}
_pretend = False  # whether payments in this shop are the sandbox's too


def init(settings) -> None:
    """Make this process's providers from the settings."""
    global _pretend
    from affiliates.payouts.providers.sandbox import SandboxBank
    _pretend = settings.demo or settings.payment_provider == "sandbox"
    _providers["sandbox"] = SandboxBank(settings.sandbox_webhook_secret)
    if settings.payment_provider == "stripe":
        from affiliates.payouts.providers.stripe_connect import StripeConnect  # late: 0.3 s to import
        _providers["stripe"] = StripeConnect(settings.stripe_secret_key, settings.stripe_payout_webhook_secret,
                                             settings.stripe_api_base)
    else:
        _providers.pop("stripe", None)


def named(name: str) -> Provider:
    """Raises NotFound if this shop does not use it."""
    if name not in _providers:
        raise NotFound
    return _providers[name]


def known(name: str) -> bool:
    """Whether this shop uses it."""
    return name in _providers


def offered(channel: str) -> bool:
    """Whether a batch may go out this way. The sandbox pays nothing real: only where payments do neither."""
    return channel in ("bank", *(("sandbox",) if _pretend else ()), *(("stripe",) if known("stripe") else ()))
