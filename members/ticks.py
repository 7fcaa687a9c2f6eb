"""What members do by the clock."""
from datetime import timedelta

from sqlalchemy import delete, func, or_

from core.db import transaction
from core.ticks import every
from members import post
from members.models import PasswordReset, SignIn

# Long enough to answer "was that me?", no longer than needed.
KEEP_SIGN_INS, KEEP_RESETS = timedelta(days=90), timedelta(days=30)


@every(5)
def send_due_mails() -> None:
    """Letters are written inside other transactions; within 5 s a worker is asked to send them."""
    post.ask_if_due()


@every(3600)
def forget_old_sign_ins() -> None:
    with transaction() as db:
        old = func.now() - KEEP_SIGN_INS
        db.execute(delete(SignIn).where(or_(SignIn.ended_at < old, SignIn.expires_at < old)))
        db.execute(delete(PasswordReset).where(PasswordReset.expires_at < func.now() - KEEP_RESETS))
