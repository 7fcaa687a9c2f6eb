"""Where payout providers tell us: signed, kept once per event, applied in the same transaction."""
from flask import Blueprint, jsonify
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from affiliates.payouts import apply
from affiliates.payouts.models import PayoutAttempt, PayoutNotice
from affiliates.payouts.providers import Notice, named
from core.db import transaction
from core.ids import new_id
from core.web import csrf
from members.access import provider
from orders.payments.webhooks import signed_notice

payout_webhooks = Blueprint("payout_webhooks", __name__, url_prefix="/webhooks/payouts")


@payout_webhooks.post("/<name>")
@csrf.exempt
@provider
def receive(name):
    notice = signed_notice(named(name))
    with transaction() as db:
        effect = take(db, name, notice)
    return jsonify(effect=effect)


def take(db, provider_name: str, notice: Notice) -> str:
    """Keep a notice and do what it says, once; its effect in a word."""
    kept = db.scalar(insert(PayoutNotice).values(
        id=new_id(), provider=provider_name, event_id=notice.event_id, body=notice.body)
        .on_conflict_do_nothing().returning(PayoutNotice.id))
    if kept is None:
        return "repeat"
    attempt_id = notice.key and db.scalar(select(PayoutAttempt.id).where(
        PayoutAttempt.key == notice.key, PayoutAttempt.provider == provider_name))
    effect = "none" if notice.result is None else "unknown_payout"
    if notice.result is not None and attempt_id:
        effect = apply.apply_result(db, attempt_id, notice.result)
    db.get(PayoutNotice, kept).effect = effect
    return effect
