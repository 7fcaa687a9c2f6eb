"""Invitations: a signed link that gives a role to whoever signs up with the invited e-mail, within a week."""
from flask import current_app
from itsdangerous import BadSignature, URLSafeTimedSerializer

from members import actions
from members.access import may
from members.models import MERCHANT_ROLES, Member, Merchant

LIFE_SECONDS = 7 * 86400


def make(*, email: str, kind: str, merchant: Merchant, by: Member) -> str:
    """The token of the link. It names the e-mail, so a forwarded letter gives the role to nobody else."""
    return _signer().dumps([email, kind, str(merchant.id), str(by.id)])


def read(token: str) -> tuple[str, str, str, str] | None:
    """(email, kind, merchant id, inviter id), or None if it is made up, altered or too old."""
    try:
        email, kind, merchant_id, by_id = _signer().loads(token, max_age=LIFE_SECONDS)
    except (BadSignature, ValueError):
        return None
    return (email, kind, merchant_id, by_id) if kind in MERCHANT_ROLES else None


def accept(db, token: str, member: Member) -> Merchant | None:
    """Give the new member the role that was offered; None if the token is not theirs, or the one who invited may no
    longer let people in."""
    offered = read(token) if token else None
    if offered is None or offered[0] != member.email:
        return None
    _email, kind, merchant_id, by_id = offered
    merchant, by = db.get(Merchant, merchant_id), db.get(Member, by_id)
    if merchant is None or not may(by, "people", merchant.id):
        return None
    actions.grant(db, member, kind, merchant, by)
    return merchant


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="invite")
