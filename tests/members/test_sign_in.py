"""Signing up, in and out: one token per sign-in, made anew, checked in the database each time."""
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.db import transaction
from core.events import Event
from members import passwords
from members.models import Member, SignIn
from tests.members.conftest import PASSWORD, sign_in


def who(client) -> str:
    """The account page, which shows whose it is; nothing if it asks to sign in."""
    answer = client.get("/account")
    return "" if answer.status_code == 302 else answer.get_data(as_text=True)


def test_a_visitor_signs_up_and_is_signed_in(browser, db):
    client = browser()
    given = {"name": "  Ada   Quist ", "email": " ADA@Example.test ", "password": PASSWORD}
    answer = client.post("/sign-up", data=given)
    assert (answer.status_code, answer.location) == (303, "/")
    member = db.scalar(select(Member))
    assert (member.email, member.name) == ("ada@example.test", "Ada Quist")
    assert member.password_hash.startswith("$argon2id$")
    assert "ada@example.test" in who(client)


@pytest.mark.parametrize(("field", "value"), [
    ("email", ""), ("email", "no-at-sign"), ("email", "a@b"), ("name", ""), ("name", " \u200b\u202e "),
    ("name", "x" * 61), ("password", "short"), ("password", "password123"), ("password", "aaaaaaaaaaaa"),
    ("password", "ada@example.test"), ("password", "x1y2" * 40)])
def test_what_a_sign_up_cannot_be_is_said_at_its_field_and_nothing_is_written(browser, db, field, value):
    data = {"name": "Ada", "email": "ada@example.test", "password": PASSWORD, field: value}
    answer = browser().post("/sign-up", data=data)
    assert answer.status_code == 422
    assert f'id="f-{field}-hint" role="alert"' in answer.get_data(as_text=True)
    assert db.scalar(select(func.count()).select_from(Member)) == 0


def test_unknown_fields_are_refused(browser, db):
    data = {"name": "Ada", "email": "ada@example.test", "password": PASSWORD, "role": "operator"}
    assert browser().post("/sign-up", data=data).status_code == 422
    assert db.scalar(select(func.count()).select_from(Member)) == 0


def test_a_second_account_with_one_email_is_refused(browser, person, db):
    person()
    answer = browser().post("/sign-up", data={"name": "Eve", "email": "Ada@example.test", "password": PASSWORD})
    assert answer.status_code == 422
    assert db.scalars(select(Member.name)).all() == ["Ada Quist"]


def test_a_refused_form_never_gives_the_password_back(browser, person):
    person()
    answer = sign_in(browser(), password="my real secret 77")
    assert answer.status_code == 409
    assert "my real secret 77" not in answer.get_data(as_text=True)
    assert "ada@example.test" in answer.get_data(as_text=True)


def test_a_wrong_password_and_a_wrong_email_get_the_same_answer(browser, person):
    person()
    wrong_password = sign_in(browser(), password="not this one 9")
    wrong_email = sign_in(browser(), email="bob@example.test", password="not this one 9")
    assert wrong_password.status_code == wrong_email.status_code == 409

    def words(answer):
        return answer.get_data(as_text=True).split('role="alert"')[1].split("</div>")[0]
    assert words(wrong_password) == words(wrong_email)


def test_a_wrong_email_costs_one_hash_check_as_a_wrong_password_does(browser, person, monkeypatch):
    person()
    person("gone@example.test", disabled_at=func.now())
    checked = []
    real = passwords._hasher

    class Counting:
        def verify(self, stored, password):
            checked.append(stored)
            return real.verify(stored, password)

        def __getattr__(self, name):
            return getattr(real, name)
    monkeypatch.setattr(passwords, "_hasher", Counting())
    costs = []
    for email in ("ada@example.test", "nobody@example.test", "gone@example.test"):
        checked.clear()
        sign_in(browser(), email=email, password="not this one 9")
        costs.append((len(checked), [stored.split("$")[1:4] for stored in checked]))
    assert costs[0][0] == 1
    assert costs[0] == costs[1] == costs[2]


def test_a_sign_in_makes_a_new_token_and_keeps_nothing_of_the_old_cookie(browser, person, db):
    member, client = person(), browser()
    with client.session_transaction() as before:
        before.update(sign_in="planted by somebody", merchant_id="planted", csrf_token="known")
    sign_in(client)
    assert member.email in who(client)
    with client.session_transaction() as kept:
        first = kept["sign_in"]
        assert first not in (None, "planted by somebody")
        assert "merchant_id" not in kept
        assert kept.get("csrf_token") != "known"
    sign_in(client)
    with client.session_transaction() as kept:
        assert kept["sign_in"] != first
    assert db.scalar(select(func.count()).select_from(SignIn).where(SignIn.ended_at.is_(None))) == 1
    assert first not in db.scalars(select(SignIn.token_hash)).all()


def test_a_token_is_kept_as_a_hash_only(browser, person, db):
    person()
    client = browser()
    sign_in(client)
    with client.session_transaction() as kept:
        token = kept["sign_in"]
    row = db.scalar(select(SignIn))
    assert len(token) >= 40
    assert token not in (row.token_hash, row.user_agent)


def test_a_stranger_cannot_make_up_a_token(browser, person):
    person()
    client = browser()
    for token in ("x" * 43, 7, None, ["a"], {"a": 1}):
        with client.session_transaction() as kept:
            kept["sign_in"] = token
        assert client.get("/account").status_code == 302


@pytest.mark.parametrize(("remember", "days", "lasting"), [("1", 30, True), (None, 0.5, False)])
def test_a_sign_in_lasts_thirty_days_or_half_a_day(browser, person, db, remember, days, lasting):
    person()
    answer = sign_in(browser(), **({"remember": remember} if remember else {}))
    row = db.scalar(select(SignIn))
    assert row.expires_at - row.created_at == timedelta(days=days)
    cookie = next(value for value in answer.headers.getlist("Set-Cookie") if value.startswith("livestall="))
    assert ("Expires=" in cookie) is lasting


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser, person):
    person()
    for cookie in sign_in(browser()).headers.getlist("Set-Cookie"):
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


def test_cookies_are_secure_where_the_address_is_https(settings):
    import dataclasses

    from flask import Flask

    from core import web
    app = Flask(__name__)
    app.config["LIVESTALL"] = dataclasses.replace(settings, base_url="https://shop.example")
    web.init_app(app)
    assert app.config["SESSION_COOKIE_SECURE"] is True


def test_signing_out_ends_the_sign_in_in_the_database_and_says_so(browser, person, db):
    member, client = person(), browser()
    sign_in(client)
    stolen = browser()
    with client.session_transaction() as kept, stolen.session_transaction() as copy:
        copy["sign_in"] = kept["sign_in"]
    assert stolen.get("/account").status_code == 200
    assert client.post("/sign-out").status_code == 303
    assert client.get("/account").status_code == 302
    assert stolen.get("/account").status_code == 302
    told = db.scalar(select(Event).where(Event.stream == f"member:{member.id}"))
    assert (told.kind, told.urgent) == ("signed_out", True)


def test_an_expired_or_ended_sign_in_and_a_shut_account_are_nobody(browser, person):
    member, client = person(), browser()
    for change in (update(SignIn).values(expires_at=func.now() - timedelta(seconds=1)),
                   update(SignIn).values(ended_at=func.now()),
                   update(Member).values(disabled_at=func.now())):
        sign_in(client)
        assert client.get("/account").status_code == 200
        with transaction() as db:
            db.execute(change)
        assert client.get("/account").status_code == 302
    answer = sign_in(client)
    assert answer.status_code == 409
    assert "shut" in answer.get_data(as_text=True)
    assert member.id


def test_a_rehearsal_buyer_cannot_sign_in(browser, person):
    person(simulated=True)
    assert sign_in(browser()).status_code == 409


def test_an_old_hash_is_made_anew_at_the_next_sign_in(browser, person, db, monkeypatch):
    from argon2 import PasswordHasher
    weak = passwords.hash_password(PASSWORD)
    person(password_hash=weak)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert sign_in(browser()).status_code == 303
    fresh = db.scalar(select(Member.password_hash))
    assert fresh != weak
    assert passwords.matches(fresh, PASSWORD)


def test_one_statement_finds_the_member_with_roles(browser, person, shop):
    from sqlalchemy import event

    from core.db import engine
    from members import identity
    person(roles=[("host", shop), ("assistant", shop)])
    client = browser()
    sign_in(client)
    with client.session_transaction() as kept:
        token = kept["sign_in"]
    seen = []
    event.listen(engine(), "before_cursor_execute", lambda *args: seen.append(args[2]))
    member, _sign_in_id = identity.find_member(token)
    assert sorted(role.kind for role in member.roles) == ["assistant", "host"]
    assert len(seen) == 1
