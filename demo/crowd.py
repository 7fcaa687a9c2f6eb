"""The audience's accounts: members with an address and a sandbox card, signed in without the form.

The form is throttled on purpose, and 500 argon2 hashes are 20 s of both cores; the cookies made here are what it gives.
"""
import secrets

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.db import transaction
from core.ids import new_id
from demo.accounts import DOMAIN
from members.identity import COOKIE_KEY, REMEMBERED, hash_token
from members.models import Address, Member, SignIn
from orders.payments.models import SavedCard
from orders.payments.sandbox import CARDS


def gather(app, count: int) -> list[tuple[str, str]]:
    """(name, Cookie header) of `count` signed-in guests, made where they do not exist yet."""
    with transaction() as db:
        people = guests(db, count)
        tokens = [secrets.token_urlsafe(32) for _ in people]
        db.add_all(SignIn(member_id=who.id, token_hash=hash_token(token), user_agent="make demo",
                          expires_at=func.now() + REMEMBERED) for who, token in zip(people, tokens, strict=True))
    return [(who.name, cookie(app, token)) for who, token in zip(people, tokens, strict=True)]


def guests(db, count: int) -> list[Member]:
    """The first `count` guests, each with an address and a card."""
    emails = [f"guest{n:04}@{DOMAIN}" for n in range(1, count + 1)]
    db.execute(insert(Member).values([
        {"id": new_id(), "email": email, "name": f"Guest {n}", "password_hash": "!", "simulated": False}
        for n, email in enumerate(emails, 1)]).on_conflict_do_nothing(index_elements=["email"]))
    people = db.scalars(select(Member).where(Member.email.in_(emails)).order_by(Member.email)).all()
    _furnish(db, people)
    db.flush()
    return list(people)


def sign_in(app, email: str) -> str:
    """The Cookie header of a demo account, signed in now."""
    token = secrets.token_urlsafe(32)
    with transaction() as db:
        who = db.scalars(select(Member).where(Member.email == email)).one()
        db.add(SignIn(member_id=who.id, token_hash=hash_token(token), user_agent="make demo",
                      expires_at=func.now() + REMEMBERED))
    return cookie(app, token)


def cookie(app, token: str) -> str:
    """The session cookie that holds a token, signed as the application signs it."""
    signer = app.session_interface.get_signing_serializer(app)
    return f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps({COOKIE_KEY: token, '_permanent': True})}"


def _furnish(db, people: list[Member]) -> None:
    """An address and a card for those who have none."""
    have = set(db.scalars(select(Address.member_id).where(Address.member_id.in_([who.id for who in people]))))
    for n, who in enumerate(people):
        if who.id not in have:
            db.add(Address(member_id=who.id, name=who.name, line1=f"{n + 1} Larch Road", city="Leeds",
                           postcode="LS1 4AB", country="GB", is_default=True))
            db.add(SavedCard(member_id=who.id, provider="sandbox", provider_ref="sandbox_approve", brand="Sandbox",
                             last4=CARDS["approve"], is_default=True))
