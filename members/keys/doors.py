"""The door of programs: a key in the Authorization header, never a cookie."""
import functools

from flask import g, request
from flask_babel import lazy_gettext as _l

from core.db import reading, transaction
from core.errors import DomainError, Forbidden
from members import throttle
from members.access import mark
from members.keys import actions, pace, queries
from members.keys.models import SCOPES

# Wrong keys of one network within the hour before it waits: a program with an old key asks a few times.
WRONG_FREE = 60


class KeyNeeded(DomainError):
    code, status = "key_needed", 401
    message = _l("Send an API key: Authorization: Bearer lsk_… It is missing, wrong or revoked.")


class ScopeNeeded(DomainError):
    """`scope` says which one the key lacks."""
    code, status, message = "scope_needed", 403, _l("This key may not do that.")


def keyed(scope: str):
    """A key with this scope, whose member has the rights for it now; sets g.member and g.api_key."""
    if scope not in SCOPES:
        raise ValueError(scope)
    return mark(f"key:{scope}", functools.partial(_check, scope))


def _check(scope: str) -> None:
    g.member = g.api_key = None
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    with reading() as db:
        found = queries.by_secret(db, secret.strip()) if kind.lower() == "bearer" and secret.strip() else None
    if found is None:
        if secret:
            throttle.limit("api-key", throttle.network(), WRONG_FREE)
        raise KeyNeeded
    key, member = found
    pace.take(key.id)
    if scope not in key.scopes:
        raise ScopeNeeded(scope=scope)
    if not actions.may_hold(member, scope, key.merchant_id):
        raise Forbidden
    g.member, g.api_key = member, key
    if queries.use_is_due(key):
        with transaction() as db:
            actions.note_use(db, key.id)
