"""The sandbox bank: its page for the buyer, and the clerk who delivers its webhooks."""
import json
import urllib.error
import urllib.request
from datetime import timedelta

import structlog
from flask import Blueprint, current_app, redirect, render_template, request, url_for
from sqlalchemy import select

from core.clock import now
from core.db import reading, transaction
from core.errors import Invalid, NotFound
from core.ticks import every
from members.access import public
from orders.payments import named
from orders.payments.models import SandboxCharge, SandboxNotice
from orders.payments.sandbox import LATE_SECONDS, SIGNATURE, TIME_OUT_SECONDS, decide, dispute

log = structlog.get_logger("sandbox")
bank = Blueprint("sandbox_bank", __name__, url_prefix="/sandbox-bank")
# One tick's deliveries: 40 posts to ourselves take about 0.4 s.
PER_TICK, MOST_TRIES = 40, 20
# What the bank can say next of a dispute.
NEXT_SAID = {None: ("open",), "open": ("won", "lost")}


@bank.get("/<reference>")
@public
def page(reference):
    with reading() as db:
        charge = _charge(db, reference)
    return render_template("orders/bank.html", charge=charge)


@bank.post("/<reference>")
@public
def answer(reference):
    with transaction() as db:
        charge = _charge(db, reference, lock=True)
        if charge.state == "open":
            _act(db, charge, request.form.get("act", ""))
        return redirect(charge.return_url)


@bank.get("/<reference>/dispute")
@public
def complaint(reference):
    with reading() as db:
        charge = _charge(db, reference, any_card=True)
    return render_template("orders/bank_dispute.html", charge=charge)


@bank.post("/<reference>/dispute", endpoint="complain")
@public
def complain(reference):
    """The buyer says that this payment was not theirs; then the bank decides for the shop (won) or against it."""
    with transaction() as db:
        charge = _charge(db, reference, lock=True, any_card=True)
        said = request.form.get("act", "")
        if said not in NEXT_SAID.get(charge.dispute, ()) or charge.state != "approved":
            raise Invalid
        dispute(db, charge, said)
    return redirect(url_for(".complaint", reference=reference))


def _charge(db, reference: str, lock: bool = False, any_card: bool = False) -> SandboxCharge:
    found = select(SandboxCharge).where(SandboxCharge.reference == reference)
    if not any_card:  # a saved card is charged without its owner: there is nothing to confirm
        found = found.where(SandboxCharge.card_ref.is_(None))
    charge = db.scalar(found.with_for_update() if lock else found)
    if charge is None:
        raise NotFound
    return charge


def _act(db, charge: SandboxCharge, act: str) -> None:
    match act:
        case "approve":
            decide(db, charge, "approved")
        case "decline":
            decide(db, charge, "declined")
        case "abandon":
            decide(db, charge, "abandoned")
        case "late":
            decide(db, charge, "approved", known_at=max(now(), charge.expires_at or now())
                   + timedelta(seconds=LATE_SECONDS))
        case "time_out":
            decide(db, charge, "approved", silent_seconds=TIME_OUT_SECONDS)
        case _:
            raise Invalid


@every(1)
def deliver_notices() -> None:
    """Post what is due to our own webhook address, as a bank's servers would."""
    with transaction() as db:
        due = db.scalars(select(SandboxNotice).where(
            SandboxNotice.delivered_at.is_(None), SandboxNotice.due_at <= now(), SandboxNotice.tries < MOST_TRIES)
            .order_by(SandboxNotice.due_at).limit(PER_TICK).with_for_update(skip_locked=True)).all()
        for notice in due:
            notice.tries += 1
            # Tried again later if this one fails or the process dies: 2 s doubled, at most 5 min.
            notice.due_at = now() + timedelta(seconds=min(2 ** notice.tries, 300))
    delivered = [notice.id for notice in due if _post(notice.body)]
    if delivered:
        with transaction() as db:
            for id_ in delivered:
                db.get(SandboxNotice, id_).delivered_at = now()


def _post(said: dict) -> bool:
    body = json.dumps(said).encode()
    url = current_app.config["LIVESTALL"].base_url + "/webhooks/sandbox"
    headers = {"Content-Type": "application/json", SIGNATURE: named("sandbox").signature(body)}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=5):  # noqa: S310 - our own address
            return True
    except (urllib.error.URLError, OSError) as error:
        log.warning("notice not delivered", error=str(error))
        return False
