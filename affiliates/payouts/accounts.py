"""Where parties want their money. A change needs the password again and is used a day later."""
import uuid
from datetime import timedelta

import structlog
from flask_babel import gettext as _
from sqlalchemy import func, select, update

from affiliates.payouts import bank_details, letters, sealing
from affiliates.payouts.errors import SecondPersonNeeded
from affiliates.payouts.models import METHODS, PayoutAccount
from affiliates.people import acts
from core import clock
from core.errors import Invalid, NotFound

log = structlog.get_logger("payouts")
# Long enough that the letter about the change is read before any money goes there.
HOLD = timedelta(hours=24)


def current(db, owner: str) -> PayoutAccount | None:
    """Where this party's money goes, verified or not, usable or not yet."""
    return db.scalar(select(PayoutAccount).where(PayoutAccount.owner == owner, PayoutAccount.replaced_at.is_(None)))


def set_account(db, owner: str, member, *, method: str, holder: str, details: dict) -> PayoutAccount:
    """Say where the money goes; `member` acts for `owner` and gave the password (the caller's door checked both).

    A first account is usable when it is verified; a changed one a day later at the earliest, and not before it is
    verified anew. Raises Invalid.
    """
    if method not in METHODS or not holder.strip() or len(holder) > 70:
        raise Invalid
    details = bank_details.clean(method, details)
    before = db.execute(update(PayoutAccount).where(
        PayoutAccount.owner == owner, PayoutAccount.replaced_at.is_(None)).values(replaced_at=func.now())
        .returning(PayoutAccount.id)).first()
    row = PayoutAccount(owner=owner, method=method, holder=holder.strip(), details=details, by_member_id=member.id,
                        usable_from=clock.now() + (HOLD if before else timedelta()))
    db.add(row)
    db.flush()
    acts.note(db, "payout_account.set", row.id, by=member, owner=owner, method=method,
              account=bank_details.masked(method, details))
    letters.account_set(db, member, row)
    return row


def reseal(db, limit: int = 500) -> int:
    """Seal anew what lies open or under an older key; how many. What cannot be opened stays as it is."""
    rows = db.scalars(select(PayoutAccount).where(
        func.coalesce(PayoutAccount.sealed["key"].astext, "") != sealing.current())
        .order_by(PayoutAccount.id).limit(limit).with_for_update(skip_locked=True)).all()
    done = 0
    for row in rows:
        try:
            row.details = row.details
            done += 1
        except sealing.Unreadable:
            log.error("payout account cannot be opened", account=str(row.id), key=row.sealed.get("key"))
    db.flush()
    return done


def verify(db, account_id: uuid.UUID, by) -> PayoutAccount:
    """Staff have seen that holder and account belong together. Raises NotFound for a replaced one, SecondPersonNeeded
    for one's own."""
    row = db.scalar(select(PayoutAccount).where(PayoutAccount.id == account_id, PayoutAccount.replaced_at.is_(None))
                    .with_for_update())
    if row is None:
        raise NotFound
    if row.by_member_id == by.id:
        raise SecondPersonNeeded(_("Somebody else has to verify an account that you gave."))
    if row.verified_at is None:
        row.verified_at, row.verified_by = clock.now(), by.id
        acts.note(db, "payout_account.verified", row.id, by=by, owner=row.owner)
    db.flush()
    return row
