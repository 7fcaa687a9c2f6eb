"""A forgotten password: a letter, a link that works once within an hour, and the same words for every e-mail."""
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.db import transaction
from members import actions, passwords
from members.models import Member, PasswordReset
from tests.members.conftest import PASSWORD, letters, sign_in

FRESH = {"password": "a new spoon 99"}


def link_of(db, number=-1) -> str:
    db.expire_all()
    return re.search(r"http://127\.0\.0\.1:8000(/reset/\S+)", letters(db)[number].body)[1]


@pytest.fixture
def asked(browser, person, db):
    person()
    client = browser()
    client.post("/forgot", data={"email": " ADA@example.test"})
    return client


def test_the_letter_goes_to_the_owner_with_a_link_to_our_own_address(browser, person, db):
    person()
    browser().post("/forgot", data={"email": "ada@example.test"}, headers={"Host": "evil.test"})
    letter = letters(db)[0]
    assert letter.to_email == "ada@example.test"
    assert "http://127.0.0.1:8000/reset/" in letter.body
    assert "evil.test" not in letter.body


def test_the_link_sets_the_password_once_and_signs_in_here_and_out_elsewhere(asked, browser, db):
    other = browser()
    sign_in(other)
    link = link_of(db)
    assert asked.get(link).status_code == 200
    assert asked.post(link, data=FRESH).status_code == 303
    assert asked.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert sign_in(browser()).status_code == 409
    assert sign_in(browser(), password=FRESH["password"]).status_code == 303


def test_a_used_link_is_refused(asked, browser, db):
    link = link_of(db)
    asked.post(link, data=FRESH)
    late = browser()
    assert late.get(link).status_code == 410
    assert late.post(link, data={"password": "another spoon 5"}).status_code == 410
    assert late.get("/account").status_code == 302
    assert sign_in(browser(), password=FRESH["password"]).status_code == 303


def test_a_link_ends_after_an_hour(asked, browser, db):
    link = link_of(db)
    assert db.scalar(select(PasswordReset.expires_at - PasswordReset.created_at)) == timedelta(hours=1)
    with transaction() as own:
        own.execute(update(PasswordReset).values(expires_at=func.now() - timedelta(seconds=1)))
    assert asked.post(link, data=FRESH).status_code == 410
    assert passwords.matches(db.scalar(select(Member.password_hash)), PASSWORD)


@pytest.mark.parametrize("token", ["x", "x" * 43, "%00", "..%2f..%2f"])
def test_a_made_up_link_is_refused(asked, token):
    assert asked.get(f"/reset/{token}").status_code in (404, 410)


def test_a_weak_password_is_refused_and_the_link_still_works(asked, db):
    link = link_of(db)
    assert asked.post(link, data={"password": "password123"}).status_code == 422
    assert asked.post(link, data={"password": "short"}).status_code == 422
    assert asked.post(link, data=FRESH).status_code == 303


def test_the_table_holds_a_hash_only(asked, db):
    token = link_of(db).rsplit("/", 1)[1]
    assert token not in db.scalar(select(PasswordReset.token_hash))


def test_every_email_gets_the_same_words_and_only_members_a_letter(asked, browser, person, db):
    person("gone@example.test", "Gone", disabled_at=func.now())
    person("robot@example.test", "Robot", simulated=True)
    answers = [browser().post("/forgot", data={"email": f"{who}@example.test"}).get_data(as_text=True)
               for who in ("ada", "nobody", "gone", "robot")]
    pages = [re.sub(r'\S+@example\.test|nonce\S+|value="[^"]*"|content="[^"]*"', "", answer) for answer in answers]
    assert len(set(pages)) == 1
    assert {letter.to_email for letter in letters(db)} == {"ada@example.test"}


def test_asking_again_and_again_fills_no_mailbox_and_keeps_the_first_links_working(asked, db):
    for _ in range(9):
        asked.post("/forgot", data={"email": "ada@example.test"})
    assert len(letters(db)) == actions.RESETS_PER_HOUR
    assert asked.post(link_of(db, 0), data=FRESH).status_code == 303
    assert asked.get(link_of(db, 1)).status_code == 410


def test_one_link_at_the_same_moment_works_once(asked, browser, db):
    import threading
    link, codes = link_of(db), []
    threads = [threading.Thread(target=lambda n=n: codes.append(
        browser().post(link, data={"password": f"spoon number {n}"}).status_code)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [303, 410, 410, 410]


def test_the_letter_speaks_the_readers_language(browser, person, db, monkeypatch):
    spoken = []
    real = actions.force_locale
    monkeypatch.setattr(actions, "force_locale", lambda locale: spoken.append(locale) or real(locale))
    person(language="zh")
    browser(accept_language="en").post("/forgot", data={"email": "ada@example.test"})
    assert spoken == ["zh_Hans_CN"]
