"""Browsers that came over a link: a random number in a signed first-party cookie, tied to members who sign in there."""
import uuid

from flask import current_app, g, has_request_context, request, session
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from affiliates.links.models import Click, VisitorMember
from core.db import transaction

COOKIE = "livestall_visitor"
LIFE_SECONDS = 90 * 86400  # the longest window a policy may state
TIED = "visitor"  # in the session: the visitor that was tied to who is signed in


def current() -> uuid.UUID | None:
    """The visitor of the request under way; None without a cookie of ours, or outside of a request."""
    if not has_request_context() or COOKIE not in request.cookies:
        return None
    try:
        return uuid.UUID(_signer().loads(request.cookies[COOKIE], max_age=LIFE_SECONDS))
    except (BadSignature, ValueError):
        return None


def keep(response, visitor: uuid.UUID):
    """Put the visitor into the answer's cookie: our site's only, unreadable for scripts."""
    response.set_cookie(COOKIE, _signer().dumps(visitor.hex), max_age=LIFE_SECONDS, httponly=True, samesite="Lax",
                        secure=current_app.config["LIVESTALL"].secure_cookies)
    return response


def tie(response):
    """After a request: this browser's visitor is the member who is signed in; its clicks are theirs."""
    member = g.get("member")
    if member is None or COOKIE not in request.cookies or session.get(TIED) == request.cookies[COOKIE][-12:]:
        return response
    if visitor := current():
        try:
            with transaction() as db:
                tie_member(db, visitor, member.id)
            session[TIED] = request.cookies[COOKIE][-12:]
        except SQLAlchemyError:
            return response  # nobody's page waits for this; the next request tries again
    return response


def tie_member(db, visitor: uuid.UUID, member_id: uuid.UUID) -> None:
    """Clicks of this browser that nobody was signed in for become the member's; doing it again changes nothing."""
    db.execute(insert(VisitorMember).values(visitor=visitor, member_id=member_id).on_conflict_do_nothing())
    db.execute(update(Click).where(Click.visitor == visitor, Click.member_id.is_(None)).values(member_id=member_id))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="visitor")
