"""A member's new e-mail: asked for with the password, confirmed by a link in the new mailbox, told to the old one.

The link is signed and names both addresses and the password it was asked with: it works once, for an hour, and dies
when either changes.
"""
import hashlib

from flask import current_app
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from core.errors import Invalid, NotFound
from core.ids import new_id
from members.actions import CHANGE_MAIL, speaking_to, write_mail
from members.models import Member, PasswordReset

LIFE_SECONDS = 3600


def start(db, member: Member, new_email: str, link) -> None:
    """Write the letter that confirms `new_email`; `link(token)` makes its address. Raises Invalid if it is taken."""
    if new_email == member.email:
        raise Invalid(fields={"email": [_("That is your e-mail already.")]})
    _refuse_taken(db, new_email)
    token = _signer().dumps([str(member.id), member.email, new_email, _print_of(member)])
    with speaking_to(member):
        write_mail(db, key=f"{CHANGE_MAIL}{new_id()}", to_email=new_email, subject=_("Your new e-mail for Livestall"),
                   body=_("Hello %(name)s,\n\nyou want to sign in to Livestall with this e-mail from now on. Confirm "
                          "it here within an hour:\n\n%(link)s\n\nIf it was not you, do nothing.",
                          name=member.name, link=link(token)))


def read(db, token: str) -> tuple[Member, str]:
    """(who, the new e-mail) of a link that still works. Raises NotFound."""
    try:
        member_id, old_email, new_email, print_ = _signer().loads(token, max_age=LIFE_SECONDS)
    except (BadSignature, ValueError):
        raise NotFound from None
    member = db.scalar(select(Member).where(Member.id == member_id, Member.disabled_at.is_(None)))
    if member is None or (member.email, _print_of(member)) != (old_email, print_):
        raise NotFound
    return member, new_email


def use(db, token: str) -> Member:
    """Change the e-mail and tell the old mailbox. Raises NotFound, or Invalid if another account took it meanwhile."""
    member, new_email = read(db, token)
    old_email = member.email
    _refuse_taken(db, new_email)
    try:
        with db.begin_nested():
            changed = db.scalar(update(Member).where(Member.id == member.id, Member.email == old_email)
                                .values(email=new_email).returning(Member.id))
    except IntegrityError:  # somebody signed up with it in this instant
        raise _taken() from None
    if changed is None:
        raise NotFound
    # A letter with a reset link may still lie in the old mailbox: it opens nothing any more.
    db.execute(update(PasswordReset).where(PasswordReset.member_id == member.id, PasswordReset.used_at.is_(None))
               .values(used_at=func.now()))
    with speaking_to(member):
        write_mail(db, key=f"email-left:{new_id()}", to_email=old_email, subject=_("Your e-mail was changed"), body=_(
            "Hello %(name)s,\n\nyour Livestall account now belongs to %(email)s. This mailbox gets no more letters.\n\n"
            "If it was not you, answer a letter of the shop at once: somebody knows your password.",
            name=member.name, email=new_email))
    db.refresh(member)
    return member


def _refuse_taken(db, email: str) -> None:
    if db.scalar(select(Member.id).where(Member.email == email)):
        raise _taken()


def _taken() -> Invalid:
    return Invalid(fields={"email": [_("There is another account with this e-mail.")]})


def _print_of(member: Member) -> str:
    return hashlib.sha256(member.password_hash.encode()).hexdigest()[:16]


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="email")
