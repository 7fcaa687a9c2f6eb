"""Every door names who may use it; what each role may do stands in one table."""
import re
import uuid

import pytest

from core import sockets
from core.db import transaction
from members.access import RIGHTS, may, merchants_with
from members.keys.models import SCOPES
from tests import factories
from tests.members.conftest import sign_in

ANY_RIGHT = "|".join(re.escape(right) for right in set().union(*RIGHTS.values()))
ANY_SCOPE = "|".join(re.escape(scope) for scope in SCOPES)
KNOWN = re.compile(f"public|signed_in|operator|provider|staff:({ANY_RIGHT})|key:({ANY_SCOPE})")


def unguarded(app) -> list[str]:
    return [f"{rule.rule} ({rule.endpoint})" for rule in app.url_map.iter_rules() if rule.endpoint != "static"
            and not KNOWN.fullmatch(getattr(app.view_functions[rule.endpoint], "access", ""))]


def test_every_route_names_who_may_use_it(app):
    assert unguarded(app) == []
    assert len(list(app.url_map.iter_rules())) > 30


def test_a_route_without_a_name_would_be_found():
    from flask import Flask
    bare = Flask("bare")
    bare.add_url_rule("/open", "open", lambda: "")
    assert unguarded(bare) == ["/open (open)"]


def test_every_socket_event_names_who_may_use_it(app):
    assert {name: access for name, (access, *_rest) in sockets.EVENTS.items() if not KNOWN.fullmatch(access)} == {}
    known = {"connect", "disconnect", *sockets.EVENTS}
    assert set(sockets.socketio.server.handlers.get("/", {})) <= known


# Right × role: what an assistant may not do is end a show and set prices.
TABLE = """
                host  assistant  merchant_staff  operator  nobody
catalogue        x        -            x            x        -
campaigns        x        -            x            x        -
orders           x        -            x            x        -
shows            x        x            x            x        -
show.run         x        x            x            x        -
show.price       x        -            x            x        -
show.end         x        -            x            x        -
chat.moderate    x        x            x            x        -
people           -        -            x            x        -
affiliates       -        -            x            x        -
"""
ROLES = TABLE.split("\n")[1].split()
CELLS = [(line.split()[0], role, cell == "x") for line in TABLE.strip("\n").split("\n")[1:]
         for role, cell in zip(ROLES, line.split()[1:], strict=True)]


@pytest.mark.parametrize(("right", "role", "allowed"), CELLS)
def test_what_each_role_may_do_at_its_own_shop_and_never_at_another(db, right, role, allowed):
    shop, other = factories.merchant(db), factories.merchant(db)
    held = [] if role == "nobody" else [(role, None if role == "operator" else shop)]
    member = factories.member(db, roles=held)
    assert may(member, right, shop.id) is allowed
    assert may(member, right, other.id) is (role == "operator")
    assert (shop.id in merchants_with(member, right)) is (allowed and role != "operator")


def test_the_table_has_every_right():
    assert {right for right, _role, _allowed in CELLS} == set().union(*RIGHTS.values())


def test_a_shut_account_may_do_nothing(db):
    from core import clock
    shop = factories.merchant(db)
    assert not may(factories.member(db, roles=[("operator", None)], disabled_at=clock.now()), "shows", shop.id)


# Door × who: 200 or 303 is let in, 302 to sign-in, 403 or 404 refused.
WHO = ("visitor", "buyer", "assistant", "host", "merchant_staff", "operator")
DOORS = [
    ("GET", "/account", (302, 200, 200, 200, 200, 200)),
    ("GET", "/api/addresses", (401, 200, 200, 200, 200, 200)),
    ("GET", "/studio/people", (302, 403, 403, 403, 200, 200)),
    ("GET", "/studio/shop", (302, 403, 403, 403, 200, 200)),
    ("POST", "/studio/merchant", (302, 403, 303, 303, 303, 303)),
    *(("GET", f"/operator{part}", (302, 403, 403, 403, 403, 200))
      for part in ("", "/merchants", "/mails", "/jobs", "/members")),
]


@pytest.mark.parametrize(("method", "path", "expected"), DOORS, ids=[f"{method} {path}" for method, path, _ in DOORS])
def test_who_gets_through_which_door(browser, person, shop, method, path, expected):
    got = {}
    for who in WHO:
        client = browser()
        if who != "visitor":
            roles = {"buyer": [], "operator": [("operator", None)]}.get(who, [(who, shop)])
            person(f"{who}@example.test", who, roles=roles)
            sign_in(client, f"{who}@example.test")
        data = {"merchant_id": str(shop.id)} if method == "POST" else None
        got[who] = client.open(path, method=method, data=data).status_code
    assert got == dict(zip(WHO, expected, strict=True))


def test_staff_of_one_shop_cannot_act_for_another(browser, person, shop, db):
    with transaction() as own:
        other = factories.merchant(own)
    person(roles=[("merchant_staff", shop)])
    person("bob@example.test", "Bob", roles=[("merchant_staff", other)])
    client = browser()
    sign_in(client)
    bob = {"merchant_id": str(other.id), "email": "ada@example.test", "kind": "merchant_staff"}
    assert client.post("/studio/people", data=bob).status_code == 404
    settings = {"merchant_id": str(other.id), "name": "Mine now", "contact_email": "a@example.test"}
    assert client.post("/studio/shop", data=settings).status_code == 404
    assert client.post("/studio/merchant", data={"merchant_id": str(other.id)}).status_code == 404
    assert client.post("/studio/merchant", data={"merchant_id": str(uuid.uuid4())}).status_code == 404


def test_a_role_that_is_taken_back_is_gone_at_the_next_request(browser, person, shop):
    ada = person(roles=[("merchant_staff", shop)])
    person("bob@example.test", "Bob", roles=[("merchant_staff", shop)])
    client, boss = browser(), browser()
    sign_in(client)
    sign_in(boss, "bob@example.test")
    assert client.get("/studio/people").status_code == 200
    gone = {"merchant_id": str(shop.id), "member_id": str(ada.id), "kind": "merchant_staff"}
    assert boss.post("/studio/people/revoke", data=gone).status_code == 303
    assert client.get("/studio/people").status_code == 403
