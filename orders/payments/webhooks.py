"""Where providers tell us: signed, kept once per event, applied in the same transaction."""
import structlog
from flask import Blueprint, jsonify, request
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from core.clock import now
from core.db import transaction
from core.errors import Busy, DomainError
from core.ids import new_id
from core.web import csrf
from members.access import provider
from orders import queries
from orders.payments import BadSignature, NoAnswer, Notice, apply, disputes, jobs, named, returns
from orders.payments.models import Payment, PaymentNotice

log = structlog.get_logger("payments")
webhooks = Blueprint("webhooks", __name__, url_prefix="/webhooks")
# The largest event a provider sends us is some 10 KB.
MAX_BYTES = 256 * 1024


class Refused(DomainError):
    code, status = "bad_webhook", 400
    message = _l("The signature does not fit.")


@webhooks.post("/<name>")
@csrf.exempt
@provider
def receive(name):
    notice = signed_notice(named(name))
    with transaction() as db:
        effect, refund_id = take(db, name, notice)
    jobs.hurry(refund_id)
    return jsonify(effect=effect)


def signed_notice(adapter):
    """What a provider's adapter reads in this request, once its signature is right. Raises Refused."""
    if (request.content_length or 0) > MAX_BYTES:
        raise Refused
    try:
        return adapter.parse_webhook(request.get_data(cache=False), request.headers)
    except NoAnswer as silence:
        raise Busy from silence  # nothing was kept: the provider tells it again
    except (BadSignature, ValueError, KeyError) as error:
        log.warning("webhook refused", provider=adapter.name, error=type(error).__name__)
        raise Refused from error


def take(db, provider_name: str, notice: Notice) -> tuple[str, object]:
    """Keep a notice and do what it says, once; (its effect, a refund to send)."""
    kept = db.scalar(insert(PaymentNotice).values(
        id=new_id(), provider=provider_name, event_id=notice.event_id, kind=notice.kind, body=notice.body)
        .on_conflict_do_nothing(index_elements=["provider", "event_id"]).returning(PaymentNotice.id))
    if kept is None:
        return "repeat", None
    effect, refund_id = _do(db, provider_name, notice)
    row = db.get(PaymentNotice, kept)
    row.applied_at, row.effect = now(), effect
    return effect, refund_id


def _do(db, provider_name: str, notice: Notice) -> tuple[str, object]:
    if notice.refund_key:
        refund_id = returns.wake(db, notice.refund_key)
        return ("refund" if refund_id else "unknown_refund"), refund_id
    if notice.result is None and notice.dispute is None:
        return "none", None
    payment_id = notice.payment_key and db.scalar(select(Payment.id).where(
        Payment.key == notice.payment_key, Payment.provider == provider_name))
    if payment_id is None:
        return "unknown_payment", None
    if notice.dispute:
        return disputes.apply_dispute(db, payment_id, notice.dispute), None
    return apply.apply_result(db, payment_id, notice.result), queries.pending_refund(db, payment_id)
