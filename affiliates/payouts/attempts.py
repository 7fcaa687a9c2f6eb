"""Calling a provider for one attempt. It was committed before; no transaction is open during the call."""
import uuid
from datetime import timedelta

import structlog
from sqlalchemy import select, update

from affiliates.payouts import apply
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt
from affiliates.payouts.providers import Ask, NoAnswer, named
from core.clock import now
from core.db import transaction

log = structlog.get_logger("payouts")
# A call takes at most 10 s. Who was to call and has not come back after this may have called: it is asked about.
IN_FLIGHT = timedelta(seconds=30)


def due(db, limit: int = 100) -> list[uuid.UUID]:
    """Attempts to send or to ask about now."""
    return list(db.scalars(select(PayoutAttempt.id).where(
        PayoutAttempt.check_at <= now(), PayoutAttempt.state.in_(("created", "calling", "sent", "unknown")))
        .order_by(PayoutAttempt.check_at).limit(limit)))


def go_on(attempt_id: uuid.UUID) -> None:
    """Send a new attempt, once; ask about any other. Does nothing if it is not due or somebody else is at it."""
    with transaction() as db:
        row = db.execute(update(PayoutAttempt).where(
            PayoutAttempt.id == attempt_id, PayoutAttempt.check_at <= now(),
            PayoutAttempt.state.in_(("created", "calling", "sent", "unknown")))
            .values(check_at=now() + IN_FLIGHT, checks=PayoutAttempt.checks + 1)
            .returning(PayoutAttempt.state)).first()
        if row is None:
            return
        first = row.state == "created"
        if first:  # from here on it counts as called, whatever becomes of this process
            db.execute(update(PayoutAttempt).where(PayoutAttempt.id == attempt_id)
                       .values(state="calling", sent_at=now()))
        attempt = db.get(PayoutAttempt, attempt_id)
        ask, provider = _ask(db, attempt), named(attempt.provider)  # what fails here was never called
    try:
        result = provider.send(ask) if first else provider.lookup(ask)
    except NoAnswer as silence:
        log.warning("no answer about a payout", attempt=attempt.key, error=str(silence))
        with transaction() as db:
            apply.no_answer(db, attempt_id)
        return
    with transaction() as db:
        if row.state == "calling":
            apply.no_answer(db, attempt_id)  # a process died in the call
        apply.apply_result(db, attempt_id, result)


def _ask(db, attempt: PayoutAttempt) -> Ask:
    payout = db.get(Payout, attempt.payout_id)
    account = db.get(PayoutAccount, payout.account_id)
    return Ask(key=attempt.key, amount_minor=payout.amount_minor, currency=payout.currency, holder=account.holder,
               details=account.details, description=f"Payout {payout.id.hex[:12]}", made_at=attempt.created_at,
               provider_ref=attempt.provider_ref)


