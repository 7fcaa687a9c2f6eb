"""The sandbox: a bank inside the house, with its own books, for demonstrations, rehearsals and tests.

It behaves as real ones do: it can refuse, keep silent, answer late, and its webhooks come twice and out of order.
Its transactions are its own; it never touches the shop's tables, nor the shop its tables.
"""
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core import clock
from core.db import transaction
from core.ids import new_id
from orders.payments import Ask, BadSignature, DisputeFacts, NoAnswer, Notice, RefundAsk, RefundResult, Result
from orders.payments.models import SandboxCharge, SandboxNotice

SIGNATURE = "Sandbox-Signature"
STALE_SECONDS = 300
# Saved test cards: what the bank does with each. "slow" takes the money and does not answer for a while.
CARDS = {"approve": "4242", "decline": "0002", "slow": "0119", "no_refund": "5126"}
SILENT_SECONDS = 6
# "Approve late" answers this long after the shop stopped waiting; "time out" keeps silent this long.
LATE_SECONDS = 5
TIME_OUT_SECONDS = 20
STATES = {"open": "pending", "approved": "succeeded", "declined": "failed", "abandoned": "failed"}


class Sandbox:
    name = "sandbox"

    def __init__(self, secret: str):
        self._secret = secret.encode()

    def create(self, ask: Ask) -> Result:
        with transaction() as db:
            charge = _charge(db, ask)
            return _result(charge, redirect_url=f"/sandbox-bank/{charge.reference}")

    def charge_card(self, ask: Ask) -> Result:
        with transaction() as db:
            charge = _charge(db, ask)
            if charge.state == "open":
                outcome = (ask.card_ref or "").removeprefix("sandbox_")
                decide(db, charge, "declined" if outcome not in CARDS or outcome == "decline" else "approved",
                       silent_seconds=SILENT_SECONDS if outcome == "slow" else 0)
            silent, result = _is_silent(charge), _result(charge)
        if silent:
            raise NoAnswer("sandbox: silent")
        return result

    def lookup(self, ask: Ask) -> Result:
        with transaction() as db:
            charge = db.scalar(select(SandboxCharge).where(SandboxCharge.reference == ask.key))
        if charge is None:
            return Result("missing")
        if _is_silent(charge):
            raise NoAnswer("sandbox: silent")
        return _result(charge)

    def refund(self, ask: RefundAsk) -> RefundResult:
        with transaction() as db:
            charge = db.scalar(select(SandboxCharge).where(SandboxCharge.reference == ask.payment_key)
                               .with_for_update())
            if charge is None or _known_state(charge) != "approved":
                return RefundResult("failed", failure="no_such_charge")
            if ask.key in charge.refunds:
                return RefundResult("succeeded", provider_ref=f"refund_{ask.key}")
            # This card refuses the first call, as Stripe's 5126 does; a second attempt has another key.
            if charge.card_ref == "sandbox_no_refund" and ask.key.endswith(":1"):
                return RefundResult("failed", failure="card_closed")
            if sum(charge.refunds.values()) + ask.amount_minor > charge.amount_minor:
                return RefundResult("failed", failure="more_than_charged")
            charge.refunds = {**charge.refunds, ask.key: ask.amount_minor}
        return RefundResult("succeeded", provider_ref=f"refund_{ask.key}")

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        self._check(body, headers.get(SIGNATURE, ""))
        said = json.loads(body)
        if "dispute" in said:
            return Notice(said["id"], f"dispute.{said['state']}", said, payment_key=said["reference"],
                          dispute=DisputeFacts(said["dispute"], said["state"], said["amount_minor"], said["currency"],
                                               "fraudulent"))
        result = Result(STATES[said["state"]], provider_ref=said["reference"], amount_minor=said["amount_minor"],
                        currency=said["currency"], failure=_failure(said["state"]))
        return Notice(said["id"], f"charge.{said['state']}", said, payment_key=said["reference"], result=result)

    def _check(self, body: bytes, header: str) -> None:
        parts = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
        stamp = parts.get("t", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > STALE_SECONDS:
            raise BadSignature
        if not hmac.compare_digest(self._sign(stamp, body), parts.get("v1", "")):
            raise BadSignature

    def _sign(self, stamp: str, body: bytes) -> str:
        return hmac.new(self._secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    def signature(self, body: bytes, at: int | None = None) -> str:
        """The header that goes with a webhook's body."""
        stamp = str(int(time.time()) if at is None else at)
        return f"t={stamp},v1={self._sign(stamp, body)}"


def _charge(db, ask: Ask) -> SandboxCharge:
    """The charge of this key, made if it is new: the key makes it happen once."""
    db.execute(insert(SandboxCharge).values(
        id=new_id(), reference=ask.key, amount_minor=ask.amount_minor, currency=ask.currency, state="open",
        return_url=ask.return_url, description=ask.description, card_ref=ask.card_ref, expires_at=ask.expires_at,
        refunds={}).on_conflict_do_nothing(index_elements=["reference"]))
    return db.scalar(select(SandboxCharge).where(SandboxCharge.reference == ask.key).with_for_update())


def decide(db, charge: SandboxCharge, state: str, *, known_at=None, silent_seconds: float = 0) -> None:
    """Write the bank's decision and the webhooks that tell of it: twice, and what came first arrives last."""
    now = clock.now()
    charge.state, charge.known_at = state, known_at
    charge.silent_until = now + timedelta(seconds=silent_seconds) if silent_seconds else None
    told = max(known_at or now, charge.silent_until or now)
    decided, opened = new_id(), new_id()
    for event_id, said, after_seconds in ((decided, state, 1), (opened, "open", 2), (decided, state, 3)):
        db.add(SandboxNotice(charge_id=charge.id, event_id=f"evt_{event_id.hex}",
                             body=_body(charge, f"evt_{event_id.hex}", said),
                             due_at=told + timedelta(seconds=after_seconds)))
    db.flush()


def dispute(db, charge: SandboxCharge, state: str) -> None:
    """The buyer says that this was not theirs (open), or the bank has decided about it; told twice, late ones first."""
    charge.dispute = state
    told, event_id = clock.now(), f"evt_{new_id().hex}"
    for after_seconds in (1, 3):
        db.add(SandboxNotice(charge_id=charge.id, event_id=event_id, due_at=told + timedelta(seconds=after_seconds),
                             body={**_body(charge, event_id, state), "dispute": f"dp_{charge.id.hex}"}))
    db.flush()


def _body(charge: SandboxCharge, event_id: str, state: str) -> dict:
    return {"id": event_id, "state": state, "reference": charge.reference, "amount_minor": charge.amount_minor,
            "currency": charge.currency}


def _known_state(charge: SandboxCharge) -> str:
    return "open" if charge.known_at and charge.known_at > clock.now() else charge.state


def _is_silent(charge: SandboxCharge) -> bool:
    return charge.silent_until is not None and charge.silent_until > clock.now()


def _failure(state: str) -> str | None:
    return {"declined": "declined", "abandoned": "abandoned"}.get(state)


def _result(charge: SandboxCharge, redirect_url: str | None = None) -> Result:
    state = _known_state(charge)
    return Result(STATES[state], provider_ref=charge.reference, amount_minor=charge.amount_minor,
                  currency=charge.currency, failure=_failure(state), redirect_url=redirect_url)
