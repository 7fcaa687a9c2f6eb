"""Small things that pages promise: language, demo accounts, devices in words, what a visitor's page may carry."""
import dataclasses

import pytest
from sqlalchemy import select

from members import devices
from members.models import Member
from tests.members.conftest import PASSWORD, sign_in


def test_a_visitor_chooses_a_language_and_a_member_keeps_it(browser, person, db):
    client = browser(accept_language="en")
    assert '<html lang="en"' in client.get("/sign-in").get_data(as_text=True)
    assert client.post("/language", data={"language": "zh", "next": "/sign-in?next=/x"}).location == "/sign-in?next=/x"
    assert '<html lang="zh-CN"' in client.get("/sign-in").get_data(as_text=True)
    person()
    sign_in(client)
    client.post("/language", data={"language": "zh"})
    assert db.scalar(select(Member.language)) == "zh"
    other = browser(accept_language="en")
    sign_in(other)
    assert '<html lang="zh-CN"' in other.get("/account").get_data(as_text=True)


@pytest.mark.parametrize("language", ["", "fr", "../etc", "zh-TW"])
def test_a_language_we_do_not_speak_is_refused(browser, language):
    assert browser().post("/language", data={"language": language}).status_code == 422


def test_demo_accounts_are_offered_in_the_demo_only(app, browser, person, monkeypatch):
    person()
    monkeypatch.setitem(app.config, "DEMO_ACCOUNTS", [("Host", "ada@example.test", PASSWORD)])
    client = browser()
    assert PASSWORD not in client.get("/sign-in").get_data(as_text=True)
    monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(app.config["LIVESTALL"], demo=True))
    page = client.get("/sign-in").get_data(as_text=True)
    assert "Demo accounts" in page
    assert f'value="{PASSWORD}"' in page


def test_a_signed_in_person_needs_no_sign_in_page(browser, person):
    person()
    client = browser()
    sign_in(client)
    assert client.get("/sign-in?next=/live/x").location == "/live/x"
    assert client.get("/sign-up").location == "/"


def test_pages_of_a_member_are_kept_by_no_cache(browser, person):
    person()
    client = browser()
    sign_in(client)
    assert client.get("/account").headers["Cache-Control"] == "no-store"
    assert client.post("/sign-out").headers["Clear-Site-Data"] == '"cache"'


def test_names_are_text_on_every_page(browser, person):
    person(name="<img src=x onerror=alert(1)>")
    client = browser()
    sign_in(client)
    page = client.get("/account").get_data(as_text=True)
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


@pytest.mark.parametrize(("agent", "words"), [
    ("Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19.0 Mobile Safari/604", "Safari on iPhone"),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
    ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/130 Mobile MicroMessenger/8.0", "WeChat on Android"),
    ("curl/8", "A browser we do not know"), ("", "A browser we do not know")])
def test_browsers_have_names_that_people_know(app, agent, words):
    with app.test_request_context():
        assert devices.device_name(agent) == words


def test_a_device_cookie_remembers_five_accounts_and_tells_no_email(browser, person):
    client = browser()
    for number in range(7):
        person(f"p{number}@example.test", "P")
        sign_in(client, f"p{number}@example.test")
        client.post("/sign-out")
    value = client.get_cookie("livestall_device").value
    assert "example" not in value
    assert len(value) < 500
