"""Who may use a door. Every view and every socket event carries exactly one of these; a test fails if one lacks it.

The decorators say who may knock; `access_*` functions in queries say whose things they may see.
"""
import functools
import uuid

from flask import g

from core.errors import Forbidden, NotFound, SignInNeeded

# What each merchant role may do. An assistant can do all of a show but end it and set prices.
RIGHTS = {
    "merchant_staff": {"catalogue", "campaigns", "orders", "shows", "show.run", "show.price", "show.end",
                       "chat.moderate", "people", "affiliates"},
    "host": {"shows", "show.run", "show.price", "show.end", "chat.moderate", "campaigns", "catalogue", "orders"},
    "assistant": {"shows", "show.run", "chat.moderate"},
}


def may(member, right: str, merchant_id: uuid.UUID) -> bool:
    """Whether the member has the right at this merchant. Operators have every right everywhere."""
    if member is None or member.disabled_at is not None:
        return False
    return any(role.kind == "operator" or role.merchant_id == merchant_id and right in RIGHTS.get(role.kind, ())
               for role in member.roles)


def merchants_with(member, right: str) -> set[uuid.UUID]:
    """The merchants at which the member's own roles give the right (an operator's platform role is not counted)."""
    if member is None:
        return set()
    return {role.merchant_id for role in member.roles if role.merchant_id and right in RIGHTS.get(role.kind, ())}


def is_operator(member) -> bool:
    return member is not None and any(role.kind == "operator" for role in member.roles)


def require(right: str, merchant_id: uuid.UUID) -> None:
    """Refuse who lacks the right here. A stranger gets NotFound, so that ids cannot be probed; staff get Forbidden."""
    member = g.get("member")
    if may(member, right, merchant_id):
        return
    if member is not None and any(role.merchant_id == merchant_id for role in member.roles):
        raise Forbidden
    raise NotFound


def mark(access: str, check):
    """A decorator that calls `check` before the view and names the door."""
    def decorate(view):
        @functools.wraps(view)
        def guarded(*args, **kwargs):
            check()
            return view(*args, **kwargs)
        guarded.access = access
        return guarded
    return decorate


def public(view):
    """Anybody, signed in or not."""
    return mark("public", lambda: None)(view)


def signed_in(view):
    """Any member."""
    return mark("signed_in", _need_member)(view)


def staff(right: str):
    """A member with the right at one merchant at least; the view then calls `require` or an access door for which."""
    def check():
        _need_member()
        if not is_operator(g.member) and not merchants_with(g.member, right):
            raise Forbidden
    return mark(f"staff:{right}", check)


def operator(view):
    """The platform's own people."""
    def check():
        _need_member()
        if not is_operator(g.member):
            raise Forbidden
    return mark("operator", check)(view)


def provider(view):
    """A payment provider: not a member; the view checks a signature before anything else."""
    return mark("provider", lambda: None)(view)


def _need_member():
    if g.get("member") is None:
        raise SignInNeeded
