"""The sandbox's bank: a book of its own. What it does with a payout stands in the account's details: `outcome` is paid,
rejected, returned (paid first, back when it is asked again) or time_out (paid, and silent for a while)."""
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy.dialects.postgresql import insert

from affiliates.payouts.models import SandboxPayout
from affiliates.payouts.providers import Ask, BadSignature, NoAnswer, Notice, Result
from core.clock import now
from core.db import transaction

SIGNATURE, STALE_SECONDS, SILENT_SECONDS = "Sandbox-Signature", 300, 20


class SandboxBank:
    name = "sandbox"

    def __init__(self, secret: str):
        self._secret = secret.encode()

    def send(self, ask: Ask) -> Result:
        outcome = ask.details.get("outcome", "paid")
        with transaction() as db:
            db.execute(insert(SandboxPayout).values(
                key=ask.key, amount_minor=ask.amount_minor, currency=ask.currency,
                state="rejected" if outcome == "rejected" else "paid",
                silent_until=now() + timedelta(seconds=SILENT_SECONDS) if outcome == "time_out" else None)
                .on_conflict_do_nothing())
            row = db.get(SandboxPayout, ask.key)
        return _said(row)  # after the commit: a bank that keeps silent has paid all the same

    def lookup(self, ask: Ask) -> Result:
        with transaction() as db:
            row = db.get(SandboxPayout, ask.key)
            if row is not None and row.state == "paid" and ask.details.get("outcome") == "returned":
                row.state = "returned"
        return _said(row)

    def parse_webhook(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        parts = dict(part.split("=", 1) for part in headers.get(SIGNATURE, "").split(",") if "=" in part)
        stamp = parts.get("t", "")
        if not stamp.isdigit() or abs(time.time() - int(stamp)) > STALE_SECONDS:
            raise BadSignature
        if not hmac.compare_digest(self._sign(stamp, body), parts.get("v1", "")):
            raise BadSignature
        said = json.loads(body)
        return Notice(said["id"], said, key=said["key"], result=Result(
            said["state"], provider_ref=f"sandbox_{said['key']}", failure=said.get("failure"),
            amount_minor=said["amount_minor"], currency=said["currency"]))

    def _sign(self, stamp: str, body: bytes) -> str:
        return hmac.new(self._secret, b"payout." + stamp.encode() + b"." + body, hashlib.sha256).hexdigest()

    def signature(self, body: bytes, at: int | None = None) -> str:
        """The header that goes with a webhook's body."""
        stamp = str(int(time.time()) if at is None else at)
        return f"t={stamp},v1={self._sign(stamp, body)}"


def _said(row: SandboxPayout | None) -> Result:
    if row is None:
        return Result("missing")
    if row.silent_until and row.silent_until > now():
        raise NoAnswer("sandbox: silent")
    failure = {"rejected": "account_closed", "returned": "returned_by_bank"}.get(row.state)
    return Result(row.state, f"sandbox_{row.key}", failure, row.amount_minor, row.currency)
