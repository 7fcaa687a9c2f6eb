"""Batches: who is paid how much, who is left out and why, and the second person who says yes."""
import uuid

from flask_babel import gettext as _
from sqlalchemy import func, select, text

from affiliates.payouts import books, providers, sealing
from affiliates.payouts.errors import BatchClosed, SecondPersonNeeded
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt, PayoutBatch, PayoutExclusion
from affiliates.payouts.moves import OPEN, move
from affiliates.people import acts
from affiliates.settlement.books import PAYABLE
from core import clock
from core.errors import Invalid, NotFound
from core.ids import new_id
from ledger import accounts as ledger_accounts
from ledger import balances

LOCK = "payout batch number"
_FROZEN = text("SELECT 'affiliate:' || id FROM affiliates WHERE state = 'frozen'")


def draft(db, *, currency: str, channel: str, threshold_minor: int, by) -> PayoutBatch:
    """Everybody who is owed at least `threshold_minor` and can be paid through `channel` (bank, sandbox or stripe);
    all others who are owed or owe anything are listed with the reason. Nothing is moved yet. Raises Invalid."""
    if threshold_minor < 1:
        raise Invalid(fields={"threshold": []})
    if not providers.offered(channel):
        raise Invalid(fields={"channel": [_("This way to pay is not set up.")]})
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(LOCK, 0))))
    batch = PayoutBatch(number=(db.scalar(select(func.max(PayoutBatch.number))) or 0) + 1, currency=currency,
                        channel=channel, threshold_minor=threshold_minor, created_by=by.id)
    db.add(batch)
    db.flush()
    where = {row.owner: row for row in db.scalars(select(PayoutAccount).where(PayoutAccount.replaced_at.is_(None)))}
    frozen = set(db.scalars(_FROZEN))
    busy = set(db.scalars(select(Payout.owner).where(Payout.currency == currency, Payout.state.in_(OPEN))))
    for row in balances.of_kind(db, PAYABLE, currency):
        minor = int(row.balance_minor)
        if not minor:
            continue
        reason = _left_out(minor, batch, where.get(row.owner), row.owner in frozen, row.owner in busy)
        if reason:
            db.add(PayoutExclusion(batch_id=batch.id, owner=row.owner, balance_minor=minor, reason=reason))
        else:
            db.add(Payout(batch_id=batch.id, owner=row.owner, account_id=where[row.owner].id, currency=currency,
                          amount_minor=minor))
    db.flush()
    acts.note(db, "payout_batch.made", batch.id, by=by, number=batch.number)
    return batch


def _left_out(minor: int, batch: PayoutBatch, account: PayoutAccount | None, frozen: bool, busy: bool) -> str | None:
    """Why a party is not in a batch; None if it is. The first that applies, the gravest first."""
    if minor < 0:
        return "debt"
    if frozen:
        return "frozen"
    if busy:
        return "under_way"
    if minor < batch.threshold_minor:
        return "below_threshold"
    if account is None:
        return "no_account"
    if account.verified_at is None:
        return "unverified"
    if account.usable_from > clock.now():
        return "account_new"
    return "other_method" if account.method != batch.channel else None


def approve(db, batch_id: uuid.UUID, by) -> PayoutBatch:
    """Somebody else says yes: the money is set aside, and attempts stand ready. Everything is looked at again; who can
    no longer be paid that much falls out with the reason. Raises SecondPersonNeeded, BatchClosed, Unreadable,
    NotFound."""
    batch = lock(db, batch_id)
    if batch.created_by == by.id:
        raise SecondPersonNeeded
    if batch.state != "draft":
        raise BatchClosed
    batch.state, batch.approved_by, batch.approved_at = "approved", by.id, clock.now()
    db.flush()
    kept = _look_again(db, batch)
    for payout in kept:
        move(payout, "reserved")
        add_attempt(db, payout, batch.channel)
    if kept:
        books.reserve(db, kept)
    close_if_done(db, batch)
    acts.note(db, "payout_batch.approved", batch.id, by=by, number=batch.number, payouts=len(kept))
    return batch


def _look_again(db, batch: PayoutBatch) -> list[Payout]:
    """Payouts that still hold; the others are dropped. Their ledger accounts are locked: nobody else reserves."""
    payouts = list(db.scalars(select(Payout).where(Payout.batch_id == batch.id, Payout.state == "draft")
                              .order_by(Payout.owner).with_for_update()))
    ids = ledger_accounts.open_all(db, [(one.owner, PAYABLE, one.currency) for one in payouts])
    ledger_accounts.lock(db, ids.values())
    owed = balances.balances(db, ids.values())
    where = {row.id: row for row in db.scalars(select(PayoutAccount).where(
        PayoutAccount.id.in_([one.account_id for one in payouts])))}
    frozen, kept = set(db.scalars(_FROZEN)), []
    for one in payouts:
        account, minor = where[one.account_id], owed[ids[one.owner, PAYABLE, one.currency]]
        reason = _left_out(minor, batch, account if account.replaced_at is None else None, one.owner in frozen, False)
        if reason is None and minor < one.amount_minor:
            reason = "balance_changed"
        if reason is None:
            sealing.unseal(account.sealed, account.owner)  # nothing is approved that could not be sent
            kept.append(one)
            continue
        move(one, "dropped")
        one.failure, one.ended_at = reason, clock.now()
        db.add(PayoutExclusion(batch_id=batch.id, owner=one.owner, balance_minor=minor, reason=reason))
    db.flush()
    return kept


def add_attempt(db, payout: Payout, channel: str) -> PayoutAttempt:
    """Written before anybody is called. A file's attempts wait for the export, a provider's are due at once."""
    row = PayoutAttempt(id=new_id(), payout_id=payout.id, n=payout.attempt, provider=channel,
                        key=f"{payout.id.hex}-{payout.attempt}", check_at=None if channel == "bank" else clock.now())
    db.add(row)
    db.flush()
    return row


def cancel(db, batch_id: uuid.UUID, by) -> PayoutBatch:
    """Give up a batch that nobody approved. Raises BatchClosed, NotFound."""
    batch = lock(db, batch_id)
    if batch.state != "draft":
        raise BatchClosed
    batch.state = "cancelled"
    for payout in db.scalars(select(Payout).where(Payout.batch_id == batch.id).with_for_update()):
        move(payout, "dropped")
        payout.ended_at = clock.now()
    acts.note(db, "payout_batch.cancelled", batch.id, by=by, number=batch.number)
    db.flush()
    return batch


def close_if_done(db, batch: PayoutBatch) -> None:
    """An approved batch is done when none of its payouts is open."""
    db.flush()
    if batch.state == "approved" and db.scalar(select(func.count()).select_from(Payout).where(
            Payout.batch_id == batch.id, Payout.state.in_(OPEN))) == 0:
        batch.state = "done"
        db.flush()


def lock(db, batch_id: uuid.UUID) -> PayoutBatch:
    batch = db.scalar(select(PayoutBatch).where(PayoutBatch.id == batch_id).with_for_update()
                      .execution_options(populate_existing=True))
    if batch is None:
        raise NotFound
    return batch
