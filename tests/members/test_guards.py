"""What protects a signed-in person: CSRF on every write, no way to another site, sockets that lose authority."""
import re

import pytest
from flask import g
from flask.testing import FlaskClient
from sqlalchemy import func, select

from core import sockets
from core.web import In
from members import paths
from members.models import Address, Member, SignIn
from tests.members.conftest import PASSWORD, sign_in
from tests.members.test_account import HOME

# -- CSRF

@pytest.fixture
def with_csrf(empty, browser):
    """Makes browsers of an application that checks CSRF, as the real one does."""
    empty.config["WTF_CSRF_ENABLED"] = True
    yield browser
    empty.config["WTF_CSRF_ENABLED"] = False


def token_of(client: FlaskClient, path="/sign-in") -> str:
    return re.search(r'name="csrf-token" content="([^"]+)"', client.get(path).get_data(as_text=True))[1]


def test_every_write_of_members_is_refused_without_a_token(app, with_csrf, person, db):
    person(roles=[("operator", None)])
    client = with_csrf()
    sign_in(client, csrf_token=token_of(client))
    assert db.scalar(select(func.count()).select_from(SignIn)) == 1
    nil = "00000000-0000-7000-8000-000000000000"
    refused = {}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.split(".")[0] in ("members", "operator") and "POST" in rule.methods:
            path = re.sub(r"<uuid:[^>]+>", nil, rule.rule)
            refused[rule.rule] = client.post(re.sub(r"<[^>]+>", "x", path), data={"name": "Eve"}).status_code
    assert set(refused.values()) == {400}
    assert len(refused) > 20
    assert client.get("/account").status_code == 200
    assert db.scalar(select(Member.name)) == "Ada Quist"


def test_a_token_of_the_page_lets_a_form_through(with_csrf, person, db):
    person()
    client = with_csrf()
    assert sign_in(client).status_code == 400
    assert sign_in(client, csrf_token=token_of(client)).status_code == 303
    assert client.post("/account/name", data={"name": "Ada B.", "csrf_token": token_of(client, "/account")}
                       ).status_code == 303
    assert db.scalar(select(Member.name)) == "Ada B."


def test_a_json_write_needs_the_token_in_its_header(with_csrf, person, db):
    person()
    client = with_csrf()
    sign_in(client, csrf_token=token_of(client))
    bare = client.post("/api/addresses", json=HOME)
    assert (bare.status_code, bare.json["code"]) == (400, "csrf")
    assert client.post("/api/addresses", json=HOME, headers={"X-CSRFToken": "made up"}).status_code == 400
    assert db.scalar(select(func.count()).select_from(Address)) == 0
    good = client.post("/api/addresses", json=HOME, headers={"X-CSRFToken": token_of(client, "/account")})
    assert good.status_code == 201


def test_a_token_from_before_the_sign_in_is_worth_nothing_after_it(with_csrf, person):
    person()
    client = with_csrf()
    old = token_of(client)
    sign_in(client, csrf_token=old)
    assert client.post("/account/name", data={"name": "Eve", "csrf_token": old}).status_code == 400


# -- Where `next` may lead

GOOD = ["/", "/live/0190-x?at=734.5", "/live/x?at=12#offer-3", "/orders?page=2&q=a%2Fb", "/a//b"]
BAD = ["", None, "https://evil.test", "//evil.test", "///evil.test", "/\\evil.test", "\\/evil.test", "\\\\evil.test",
       "/\t/evil.test", "/\n/evil.test", "\t//evil.test", " //evil.test", "javascript:alert(1)", "evil.test",
       "@evil.test", "/x\r\nSet-Cookie: a=b", "http:/evil.test", "/" + "x" * 3000, "/ /evil.test",
       "/\x7f/evil.test", "?next=/"]


@pytest.mark.parametrize("wished", GOOD)
def test_a_path_of_ours_is_kept_whole(wished):
    assert paths.local_path(wished) == wished


@pytest.mark.parametrize("wished", BAD)
def test_another_site_is_never_where_one_goes(wished):
    assert paths.local_path(wished) == "/"


@pytest.mark.parametrize("wished", [bad for bad in BAD if bad])
def test_no_page_redirects_to_another_site(browser, person, wished):
    person()
    client = browser()
    assert sign_in(client, next=wished).location == "/"
    assert client.get("/sign-in", query_string={"next": wished}).location == "/"
    assert client.post("/language", data={"language": "en", "next": wished}).location == "/"
    fresh = {"name": "Bo", "email": "bo@example.test", "password": PASSWORD, "next": wished}
    up = browser().post("/sign-up", data=fresh)
    assert up.location == "/"


def test_signing_in_from_a_page_returns_to_the_same_moment(browser, person):
    person()
    client = browser()
    page = client.get("/sign-in", query_string={"next": "/live/x?at=734.5#offer-3"}).get_data(as_text=True)
    assert 'name="next" value="/live/x?at=734.5#offer-3"' in page
    assert "/sign-up?next=/live/x?at%3D734.5%23offer-3" in page
    assert sign_in(client, next="/live/x?at=734.5#offer-3").location == "/live/x?at=734.5#offer-3"


def test_a_refused_sign_in_keeps_where_one_wanted_to_go(browser, person):
    person()
    page = sign_in(browser(), password="not this one 9", next="/live/x?at=12").get_data(as_text=True)
    assert 'name="next" value="/live/x?at=12"' in page


def test_after_a_refused_post_one_comes_back_to_the_page_it_stood_on(browser, db):
    client = browser()
    here = client.post("/account/name", data={"name": "x"}, headers={"Referer": "http://localhost/live/x?at=3"})
    elsewhere = client.post("/account/name", data={"name": "x"}, headers={"Referer": "http://evil.test/live"})
    assert here.location == "/sign-in?next=/live/x?at%3D3"
    assert elsewhere.location == "/sign-in"


# -- Sockets

class Nothing(In):
    """An event without fields."""


@pytest.fixture
def whoami():
    """A socket event of this test that tells who asks."""
    def answer(_data):
        from core.errors import SignInNeeded
        if g.member is None:
            raise SignInNeeded
        return {"name": g.member.name, "roles": sorted(role.kind for role in g.member.roles)}
    sockets.event("test_whoami", Nothing, access="signed_in")(answer)
    yield "test_whoami"
    del sockets.EVENTS["test_whoami"]
    del sockets.socketio.server.handlers["/"]["test_whoami"]


@pytest.fixture
def ask(app, whoami):
    def make(client):
        socket = sockets.socketio.test_client(app, flask_test_client=client)
        return lambda: socket.emit(whoami, {}, callback=True)
    return make


def test_a_socket_knows_its_member_from_the_database_at_every_event(ask, browser, person, shop):
    from core.db import transaction
    from members import actions, queries
    member, client = person(), browser()
    sign_in(client)
    asked = ask(client)
    assert asked() == {"ok": True, "name": "Ada Quist", "roles": []}
    with transaction() as db:
        actions.rename(db, member.id, "Ada B.")
        actions.grant(db, queries.member_by_email(db, member.email), "host", shop, None)
    assert asked() == {"ok": True, "name": "Ada B.", "roles": ["host"]}


@pytest.mark.parametrize("how", ["sign_out", "disable", "password", "expired"])
def test_a_socket_that_stays_open_loses_its_authority(ask, browser, person, db, how):
    from datetime import timedelta

    from sqlalchemy import update

    from core.db import transaction
    from members import actions
    member, client = person(), browser()
    boss = person("boss@example.test", "Boss")
    sign_in(client)
    asked = ask(client)
    assert asked()["ok"] is True
    with transaction() as own:
        if how == "sign_out":
            client.post("/sign-out")
        elif how == "disable":
            actions.disable(own, member, boss)
        elif how == "password":
            actions.set_password(own, member, "$argon2id$other")
        else:
            own.execute(update(SignIn).values(expires_at=func.now() - timedelta(seconds=1)))
    assert asked()["code"] == "sign_in_needed"


def test_a_visitors_socket_is_nobody(ask, browser):
    assert ask(browser())()["code"] == "sign_in_needed"
