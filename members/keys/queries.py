"""Reading keys: by their secret, a member's own."""
import uuid
from datetime import UTC, datetime

from sqlalchemy import select

from core.errors import NotFound
from members.identity import hash_token
from members.keys.actions import USED_EVERY
from members.keys.models import ApiKey
from members.models import Member, Merchant


def by_secret(db, secret: str) -> tuple[ApiKey, Member] | None:
    """The key and its member as both are now; None for one that is made up, revoked, or of a shut account."""
    found = db.execute(select(ApiKey, Member).join(Member, Member.id == ApiKey.member_id).where(
        ApiKey.token_hash == hash_token(secret), ApiKey.revoked_at.is_(None), Member.disabled_at.is_(None))).first()
    return tuple(found) if found else None


def use_is_due(key: ApiKey) -> bool:
    """Whether `last_used_at` is to be written again."""
    return key.last_used_at is None or datetime.now(UTC) - key.last_used_at > USED_EVERY


def keys_of(db, member_id: uuid.UUID) -> list[tuple[ApiKey, Merchant | None]]:
    """A member's keys that open something, the newest first, with their shop."""
    return [tuple(row) for row in db.execute(
        select(ApiKey, Merchant).outerjoin(Merchant, Merchant.id == ApiKey.merchant_id)
        .where(ApiKey.member_id == member_id, ApiKey.revoked_at.is_(None)).order_by(ApiKey.id.desc()))]


def access_key(db, key_id: uuid.UUID, member: Member) -> ApiKey:
    """One of the member's own keys. Raises NotFound."""
    found = db.get(ApiKey, key_id)
    if found is None or found.member_id != member.id:
        raise NotFound
    return found
