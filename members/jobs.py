"""Background work of members: sending letters. Safe to run twice at once: each letter's row is locked while it goes."""
import smtplib
from datetime import timedelta

import structlog
from sqlalchemy import func, select

from core.db import transaction
from members import post, queries
from members.actions import CHANGE_MAIL, INVITE_MAIL, RESET_MAIL
from members.models import Mail

log = structlog.get_logger("mails")
# Waits 1, 2, 4 … min between tries: eight tries span two hours, longer than a mail server's restart or greylisting.
MOST_TRIES = 8
FIRST_WAIT = timedelta(minutes=1)
# A round ends by then, so that other jobs get their turn; the tick starts the next.
MOST_A_ROUND = 500


def send_mails() -> int:
    """Send what is due; gives how many were sent."""
    if not post.is_set_up():
        return 0
    post.worker_came()
    postman, sent = post.Postman(), 0
    try:
        for _ in range(MOST_A_ROUND):
            went = _send_next(postman)
            if went is None:
                break
            sent += went
    finally:
        postman.close()
    return sent


def _send_next(postman: post.Postman) -> bool | None:
    """Send the letter that is due longest; None if there is none. It commits before the next, so a crash repeats at
    most one letter (with the same Message-ID)."""
    with transaction() as db:
        mail = db.scalar(select(Mail).where(queries.mail_is("waiting"), Mail.next_try_at <= func.now())
                         .order_by(Mail.next_try_at, Mail.id).limit(1).with_for_update(skip_locked=True))
        if mail is None:
            return None
        mail.tries += 1
        try:
            postman.send(mail)
        except post.Refused as error:
            _note(mail, error, for_ever=True)
            return False
        except (OSError, smtplib.SMTPException) as error:
            _note(mail, error, for_ever=mail.tries >= MOST_TRIES)
            return False
        mail.sent_at, mail.error = func.clock_timestamp(), None
        if mail.key.startswith((RESET_MAIL, INVITE_MAIL, CHANGE_MAIL)):
            mail.body = post.without_links(mail.body)
        return True


def _note(mail: Mail, error: Exception, *, for_ever: bool) -> None:
    mail.error = f"{type(error).__name__}: {error}"[:500]
    if for_ever:
        mail.failed_at = func.clock_timestamp()
    else:
        mail.next_try_at = func.clock_timestamp() + FIRST_WAIT * 2 ** (mail.tries - 1)
    log.warning("letter not sent", mail=str(mail.id), tries=mail.tries, for_ever=for_ever, error=mail.error)
