"""Writes: make a key, revoke it, note that it was used."""
import secrets
import uuid
from datetime import timedelta

from flask_babel import gettext as _
from sqlalchemy import delete, func, or_, update

from core.errors import Invalid
from members import actions as members
from members.access import is_operator, may
from members.identity import hash_token
from members.keys.models import SCOPES, ApiAnswer, ApiKey
from members.models import Member

MARK = "lsk_"  # so that programs which search for leaked secrets know ours
MOST_KEYS = 50
# A key that is used all day costs one write a minute.
USED_EVERY = timedelta(minutes=1)
KEEP_ANSWERS = timedelta(days=1)


def make(db, member: Member, *, name: str, scopes: list[str], merchant_id: uuid.UUID | None = None,
         known: int = 0) -> tuple[ApiKey, str]:
    """(the key, its secret, which is kept nowhere). `known`: how many keys the member has. Raises Invalid."""
    wrong = {}
    if not name.strip():
        wrong["name"] = [_("Please fill this in.")]
    if not scopes or set(scopes) - set(SCOPES) or not all(may_hold(member, scope, merchant_id) for scope in scopes):
        wrong["scopes"] = [_("Choose what the key may do, of what you may do yourself.")]
    if known >= MOST_KEYS:
        wrong["name"] = [_("You have %(count)s keys. Revoke one first.", count=known)]
    if wrong:
        raise Invalid(fields=wrong)
    secret = MARK + secrets.token_urlsafe(32)
    needs_shop = any(scope.startswith("shop:") for scope in scopes)
    row = ApiKey(member_id=member.id, merchant_id=merchant_id if needs_shop else None, name=name.strip(),
                 prefix=secret[:len(MARK) + 6], token_hash=hash_token(secret),
                 scopes=[scope for scope in SCOPES if scope in scopes])
    db.add(row)
    db.flush()
    with members.speaking_to(member):
        members.write_mail(db, key=f"api-key:{row.id}", member=member, subject=_("A new API key"), body=_(
            "Hello %(name)s,\n\na key was made with which programs can act for you: %(key)s (%(prefix)s…).\n\nIf that "
            "was not you, revoke it on your account page and change your password.",
            name=member.name, key=row.name, prefix=row.prefix))
    return row, secret


def may_hold(member: Member, scope: str, merchant_id: uuid.UUID | None) -> bool:
    """Whether the member's own rights, as they are now, cover what the scope allows. Asked at every request too."""
    area = scope.partition(":")[0]
    if area == "shop":
        return merchant_id is not None and may(member, "affiliates", merchant_id)
    return area == "affiliate" or is_operator(member)


def revoke(db, row: ApiKey) -> None:
    """It opens nothing from now on. Twice is once."""
    db.execute(update(ApiKey).where(ApiKey.id == row.id, ApiKey.revoked_at.is_(None)).values(revoked_at=func.now()))
    db.expire(row)


def note_use(db, key_id: uuid.UUID) -> None:
    """Remember when a key was last used, to the minute."""
    db.execute(update(ApiKey).where(ApiKey.id == key_id, or_(
        ApiKey.last_used_at.is_(None), ApiKey.last_used_at < func.now() - USED_EVERY))
        .values(last_used_at=func.now()).execution_options(synchronize_session=False))


def forget_answers(db) -> int:
    """Answers to repeated writes are kept for a day; how many went."""
    return db.execute(delete(ApiAnswer).where(ApiAnswer.created_at < func.now() - KEEP_ANSWERS)).rowcount
