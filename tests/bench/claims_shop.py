"""A shop to be stormed: members who are signed in, one live show, as many hot offers as wanted."""
import secrets
from dataclasses import dataclass
from datetime import timedelta

from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from core import checks, clock
from core.db import engine
from core.ids import new_id
from members.identity import COOKIE_KEY, hash_token, new_token
from members.models import Member, SignIn
from tests.factories import campaign, live_session, merchant, offer, stock, variant
from tests.factories import member as make_member

LIMIT = 100


@dataclass
class Shop:
    live_id: object
    offers: list
    members: list


def build(members: int, units: list[int]) -> Shop:
    """One offer for each number of units, all open, at most 100 a member."""
    ids = [new_id() for _ in range(members)]
    with Session(engine(), expire_on_commit=False) as db:
        db.execute(insert(Member), [{"id": one, "name": "Buyer", "email": f"{one}@bench.test", "password_hash": "!"}
                                    for one in ids])
        shop = merchant(db)
        host, terms = make_member(db, "Host", roles=[("host", shop)]), campaign(db, shop)
        offers = [offer(db, terms, variant(db, shop, on_hand=n), allotment=n, limit_per_member=LIMIT) for n in units]
        terms.state = "live"
        db.flush()
        show = live_session(db, terms, host)
        for one in offers:
            stock(db, one, live_session_id=show.id)
        db.commit()
    return Shop(show.id, [one.id for one in offers], ids)


def sign_in(app, members: list) -> list[tuple[str, str]]:
    """(cookie, CSRF token) of a browser of each member."""
    tokens, seal = [new_token() for _ in members], app.session_interface.get_signing_serializer(app)
    with engine().begin() as connection:
        connection.execute(insert(SignIn), [
            {"member_id": member, "token_hash": hash_token(token), "expires_at": clock.now() + timedelta(hours=2)}
            for member, token in zip(members, tokens, strict=True)])
    csrf, people = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token"), []
    for token in tokens:
        raw = secrets.token_hex(20)
        people.append((seal.dumps({COOKIE_KEY: token, "csrf_token": raw}), csrf.dumps(raw)))
    return people


def oversold() -> int:
    """Units that were promised beyond the allotments, counted from the holds."""
    with engine().connect() as connection:
        return int(connection.execute(text("""
            SELECT coalesce(sum(greatest(0, h.units - s.allotment)), 0) FROM offer_stock s JOIN (
              SELECT stock_id, sum(quantity) AS units FROM holds WHERE state IN ('held', 'consumed') GROUP BY stock_id
            ) h ON h.stock_id = s.id""")).scalar())


def broken(names: tuple[str, ...]) -> list[str]:
    """Rules of `check` that do not hold, but for those named: the usual way keeps no limits and no answers."""
    with Session(engine()) as db:
        return sorted({name for name, _ in checks.violations(db) if not name.startswith(names)})


def settle() -> None:
    """Write what is waiting, so that no measurement pays for the one before."""
    with engine().connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("CHECKPOINT")
