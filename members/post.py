"""The post: how letters of the outbox leave (SMTP), and when a worker is asked to take them."""
import re
import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from urllib.parse import unquote, urlsplit

from redis.exceptions import RedisError

from core import bus, clock, jobs
from core.db import reading

# A mail server that has not answered by then will not; the worker has other work.
TIMEOUT_SECONDS = 15
_ASKED = "livestall:mails-asked"
# If the asked worker dies, another is asked after this long.
ASK_AGAIN_SECONDS = 30
_LOCAL = ("localhost", "127.0.0.1", "::1")
_settings = None


def init_app(app) -> None:
    global _settings
    _settings = app.config["LIVESTALL"]


def is_set_up() -> bool:
    """Whether there is a mail server; without one letters wait in the outbox, for the operator to read."""
    return bool(_settings and _settings.smtp_url)


def ask_worker() -> None:
    """Have a worker send what is due, unless one was asked a moment ago. Without Redis the next tick asks again."""
    if not is_set_up():
        return
    try:
        asked = bus.client().set(_ASKED, "1", nx=True, ex=ASK_AGAIN_SECONDS)
    except RedisError:
        return
    if asked:
        jobs.enqueue("members.jobs.send_mails")


def worker_came() -> None:
    """From now on a new letter asks anew: this worker may already have looked past it."""
    try:
        bus.client().delete(_ASKED)
    except RedisError:
        return


def ask_if_due() -> None:
    from members.queries import due_mails
    if not is_set_up():
        return
    with reading() as db:
        due = due_mails(db)
    if due:
        ask_worker()


class Postman:
    """One connection to the mail server for a round of letters, made at the first one.

    send() raises Refused for what will never go, OSError or SMTPException for what may go later.
    """

    def __init__(self):
        self._smtp = None

    def send(self, mail) -> None:
        try:
            letter = compose(mail)
        except (ValueError, UnicodeError) as error:
            raise Refused(str(error)) from error
        try:
            self._open().send_message(letter)
        except smtplib.SMTPRecipientsRefused as error:
            raise _graver(error, next(iter(error.recipients.values()))[0]) from error
        except smtplib.SMTPNotSupportedError as error:
            raise Refused(str(error)) from error
        except smtplib.SMTPResponseException as error:
            self.close()
            raise _graver(error, error.smtp_code) from error
        except (OSError, smtplib.SMTPException):
            self.close()
            raise

    def _open(self):
        if self._smtp is None:
            self._smtp = _connect(urlsplit(_settings.smtp_url))
        return self._smtp

    def close(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
        self._smtp = None


class Refused(Exception):
    """The mail server will never take this letter."""


def _graver(error: Exception, code: int) -> Exception:
    # 5xx is for ever, except that 535 and its like are about our own password, which somebody can mend.
    forever = 500 <= code < 600 and not isinstance(error, smtplib.SMTPAuthenticationError)
    return Refused(str(error)) if forever else error


def _connect(url):
    """A connection, encrypted if the server can; a password goes over an encrypted one only (or to this machine)."""
    context = ssl.create_default_context()
    if url.scheme == "smtps":
        smtp = smtplib.SMTP_SSL(url.hostname, url.port or 465, timeout=TIMEOUT_SECONDS, context=context)
    else:
        smtp = smtplib.SMTP(url.hostname, url.port or 587, timeout=TIMEOUT_SECONDS)
        smtp.ehlo()
        if smtp.has_extn("starttls"):
            smtp.starttls(context=context)
            smtp.ehlo()
        elif url.username and url.hostname not in _LOCAL:
            smtp.close()
            raise smtplib.SMTPException("the mail server offers no encryption: the password was not sent")
    if url.username:
        smtp.login(unquote(url.username), unquote(url.password or ""))
    return smtp


def compose(mail) -> EmailMessage:
    """The letter as it travels. Its Message-ID comes from its row, so one sent twice is recognised as one."""
    name, sender = parseaddr(_settings.mail_from)
    letter = EmailMessage(policy=SMTP)
    letter["From"] = Address(name, addr_spec=sender)
    letter["To"] = Address(addr_spec=mail.to_email)
    letter["Subject"] = mail.subject
    letter["Date"] = format_datetime(clock.now())
    letter["Message-ID"] = f"<{mail.id}@{sender.rpartition('@')[2] or 'localhost'}>"
    letter["Auto-Submitted"] = "auto-generated"
    letter.set_content(mail.body)
    return letter


def without_links(body: str) -> str:
    """The text with what opens an account taken out."""
    return re.sub(r"(/reset/|/account/email/|[?&]invite=)[\w.~-]+", r"\1…", body)
