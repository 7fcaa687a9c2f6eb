"""Who is asking: a random token in the browser's signed cookie, its hash in sign_ins, looked up afresh each time."""
import hashlib
import secrets
from datetime import timedelta

from flask import g, request, session
from sqlalchemy import func, update

from core import events
from members import lookup
from members.access import RIGHTS, is_operator
from members.models import Member, SignIn

REMEMBERED = timedelta(days=30)
# A browser that shall not remember is asked again the next morning, even if it is never closed.
NOT_REMEMBERED = timedelta(hours=12)
COOKIE_KEY = "sign_in"  # core.web keeps pages out of shared caches by it
# Endpoints at which nobody is asked who they are: files, each a second to thousands. Rooms above add theirs.
WITHOUT_MEMBER = {"static"}


def hash_token(token: str) -> str:
    """What the database keeps of a token: 256 random bits need no salt and no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    return secrets.token_urlsafe(32)


def load_member() -> None:
    """Set g.member, g.sign_in_id: from the database at every request and every socket event, never remembered."""
    g.member = g.sign_in_id = None
    token = session.get(COOKIE_KEY) if request.endpoint not in WITHOUT_MEMBER else None
    if isinstance(token, str):
        g.member, g.sign_in_id = find_member(token)


def find_member(token: str):
    """(member with roles, id of the sign-in), or (None, None) for a token that is made up, ended, expired or shut."""
    return lookup.find(hash_token(token))


def begin_sign_in(db, member: Member, *, remember: bool = True) -> str:
    """Start a new sign-in of this browser, end the one it had, and give the token for `keep_token`."""
    if g.get("sign_in_id"):
        db.execute(update(SignIn).where(SignIn.id == g.sign_in_id, SignIn.ended_at.is_(None))
                   .values(ended_at=func.now()))
    token = new_token()
    db.add(SignIn(member_id=member.id, token_hash=hash_token(token), user_agent=request.user_agent.string[:300],
                  expires_at=func.now() + (REMEMBERED if remember else NOT_REMEMBERED)))
    db.flush()
    return token


def keep_token(token: str, *, remember: bool = True) -> None:
    """Put the token into a cookie made anew, after the commit: nothing that stood in it before survives a sign-in."""
    session.clear()
    session[COOKIE_KEY] = token
    session.permanent = remember


def end_sign_ins(db, member_id, *, only=None, but=None) -> int:
    """End the member's sign-ins (all, `only` one, or all `but` one) and have their sockets dropped. How many."""
    ending = update(SignIn).where(SignIn.member_id == member_id, SignIn.ended_at.is_(None))
    if only is not None:
        ending = ending.where(SignIn.id == only)
    if but is not None:
        ending = ending.where(SignIn.id != but)
    ended = db.scalars(ending.values(ended_at=func.now()).returning(SignIn.id)).all()
    if ended:
        events.append(db, events.member_stream(member_id), "signed_out", {"sign_ins": [str(one) for one in ended]},
                      urgent=True)
    return len(ended)


def init_app(app) -> None:
    app.config.update(PERMANENT_SESSION_LIFETIME=REMEMBERED, SESSION_REFRESH_EACH_REQUEST=False)
    app.before_request(load_member)
    app.context_processor(lambda: {"current_member": Face.of(g.get("member")) if g.get("member") else None})


class Face:
    """What templates may know of the member who looks: no query, no secrets."""

    def __init__(self, member: Member, rights: set[str], is_operator: bool):
        self.id, self.name, self.initials, self.email = member.id, member.name, member.initials, member.email
        self.rights, self.is_operator = rights, is_operator
        self.is_staff = bool(rights)

    @classmethod
    def of(cls, member: Member) -> "Face":
        if is_operator(member):
            return cls(member, set().union(*RIGHTS.values()), True)
        return cls(member, set().union(*(RIGHTS.get(role.kind, set()) for role in member.roles)), False)

    def can(self, right: str) -> bool:
        return right in self.rights

