"""A new e-mail: only with the password, only when its mailbox answers, and the old one is told."""
import re

import pytest
from sqlalchemy import select

from core.db import transaction
from members import actions
from members.models import Mail, Member, PasswordReset
from tests.members.conftest import PASSWORD, letters, sign_in

NEW = "ada.quist@example.test"


@pytest.fixture
def ada(browser, person):
    person()
    client = browser()
    sign_in(client)
    return client


def ask(client, email=NEW, password=PASSWORD):
    return client.post("/account/email", data={"email": email, "current_password": password})


def link(db, email=NEW) -> str:
    """The path in the newest letter to this address."""
    return re.search(r"http://127\.0\.0\.1:8000(/account/email/\S+)", letters(db, email)[-1].body)[1]


def email_now(db):
    db.expire_all()
    return db.scalar(select(Member.email))


def test_the_new_mailbox_confirms_and_the_old_one_is_told(ada, browser, db):
    answer = ask(ada)
    assert answer.status_code == 200 and NEW in answer.get_data(as_text=True)
    assert email_now(db) == "ada@example.test" and letters(db, "ada@example.test") == []
    stranger, path = browser(), link(db)  # read on another device
    assert NEW in stranger.get(path).get_data(as_text=True)
    assert email_now(db) == "ada@example.test", "opening the link changes nothing: scanners do that"
    assert stranger.post(path).headers["Location"].endswith("/sign-in")
    assert email_now(db) == NEW
    assert NEW in letters(db, "ada@example.test")[-1].body
    assert ada.get("/account").status_code == 200
    assert sign_in(browser()).status_code == 409
    assert sign_in(browser(), email=NEW).status_code == 303


def test_a_link_works_once_and_dies_with_the_password_it_was_asked_with(ada, db):
    ask(ada)
    first = link(db)
    ada.post("/account/password", data={"current_password": PASSWORD, "password": "two spoons 1867"})
    assert ada.get(first).status_code == 410 and ada.post(first).status_code == 410
    ask(ada, password="two spoons 1867")
    second = link(db)
    assert ada.post(second).headers["Location"].endswith("/account")
    assert ada.post(second).status_code == 410
    assert ada.get("/account/email/made-up").status_code == 410


def test_reset_links_in_the_old_mailbox_open_nothing_any_more(ada, db):
    with transaction() as other:
        actions.new_reset(other, other.scalar(select(Member)))
    ask(ada)
    ada.post(link(db))
    assert db.scalar(select(PasswordReset.used_at)) is not None


@pytest.mark.parametrize(("email", "password", "field"), [
    (NEW, "not it 12", "current_password"), ("no mailbox", PASSWORD, "email"), ("ada@example.test", PASSWORD, "email"),
    ("bo@example.test", PASSWORD, "email")])
def test_it_is_not_asked_for_without_the_password_nor_for_what_is_taken(ada, person, db, email, password, field):
    person("bo@example.test", "Bo")
    answer = ask(ada, email, password)
    assert answer.status_code == 422
    assert f'id="f-{field}-hint" role="alert"' in answer.get_data(as_text=True)
    assert db.scalar(select(Mail).where(Mail.key.startswith("email:"))) is None


def test_who_signs_up_with_it_meanwhile_keeps_it(ada, person, db):
    ask(ada)
    path = link(db)
    person(NEW, "Somebody else")
    answer = ada.post(path)
    assert answer.status_code == 422 and "another account" in answer.get_data(as_text=True)
    assert db.scalar(select(Member.name).where(Member.email == NEW)) == "Somebody else"


def test_letters_about_it_are_few(ada):
    assert [ask(ada, f"ada{n}@example.test").status_code for n in range(7)].count(429) == 2


def test_nobody_changes_it_signed_out(browser):
    assert ask(browser()).status_code == 302
