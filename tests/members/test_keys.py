"""API keys on the account's page: made with the password, shown once, for no more than one may do, and revoked."""
import hashlib
import re

import pytest
from sqlalchemy import select

from core.db import transaction
from core.errors import Invalid
from members.keys import actions, queries
from members.keys.models import ApiKey
from tests import factories
from tests.members.conftest import PASSWORD, letters, sign_in

MAKE = {"name": "My sheet", "affiliate_read": "1", "current_password": PASSWORD}


@pytest.fixture
def ada(browser, person):
    person()
    client = browser()
    sign_in(client)
    return client


def rows():
    with transaction() as db:
        return list(db.scalars(select(ApiKey).order_by(ApiKey.id)))


def secret_of(page):
    return re.search(r"lsk_[\w-]{43}", page.text)[0]


def test_a_key_is_shown_once_and_kept_as_a_hash(ada, db):
    assert "No key yet" in ada.get("/account/keys").text
    made = ada.post("/account/keys", data=MAKE)
    secret = secret_of(made)
    assert made.status_code == 201 and made.headers["Cache-Control"] == "no-store"
    row, = rows()
    assert row.token_hash == hashlib.sha256(secret.encode()).hexdigest() and row.scopes == ["affiliate:read"]
    assert secret.startswith(row.prefix) and len(row.prefix) == 10
    page = ada.get("/account/keys").text
    assert row.prefix in page and secret not in page and "My sheet" in page
    assert [letter.subject for letter in letters(db) if letter.key.startswith("api-key:")] == ["A new API key"]
    assert secret not in letters(db)[-1].body


@pytest.mark.parametrize(("change", "status", "field"), [
    ({"current_password": "wrong"}, 422, "not your password"), ({"affiliate_read": "0"}, 422, "Choose what the key"),
    ({"name": "  "}, 422, "Please fill this in"), ({"platform_read": "1"}, 422, "Choose what the key"),
    ({"shop_read": "1"}, 422, "Choose what the key"), ({"name": "x" * 61}, 422, "60")])
def test_what_is_wrong_makes_no_key(ada, change, status, field):
    answer = ada.post("/account/keys", data={**MAKE, **change})
    assert answer.status_code == status and field in answer.text
    assert rows() == [] and "lsk_" not in answer.text and PASSWORD not in answer.text


def test_staff_make_keys_for_their_own_shop_only(browser, person, shop):
    with transaction() as db:
        other = factories.merchant(db)
    person(roles=[("merchant_staff", shop)])
    client = browser()
    sign_in(client)
    page = client.get("/account/keys").text
    assert "Lantern &amp; Larch" in page and "platform_read" not in page and "shop_write" in page
    wanted = {**MAKE, "shop_read": "1"}
    assert client.post("/account/keys", data={**wanted, "merchant_id": str(other.id)}).status_code == 422
    assert client.post("/account/keys", data={**wanted, "merchant_id": str(shop.id)}).status_code == 201
    row, = rows()
    assert (row.merchant_id, row.scopes) == (shop.id, ["affiliate:read", "shop:read"])


def test_operators_may_choose_everything(browser, person, shop):
    person(roles=[("operator", None)])
    client = browser()
    sign_in(client)
    assert client.post("/account/keys", data={**MAKE, "payouts_write": "1"}).status_code == 201
    assert rows()[0].scopes == ["affiliate:read", "payouts:write"]


def test_a_revoked_key_is_gone_and_nobody_revokes_anothers(ada, browser, person):
    secret = secret_of(ada.post("/account/keys", data=MAKE))
    row, = rows()
    person("bob@example.test", "Bob")
    bob = browser()
    sign_in(bob, "bob@example.test")
    assert bob.post(f"/account/keys/{row.id}/revoke").status_code == 404
    with transaction() as db:
        assert queries.by_secret(db, secret)[0].id == row.id
    for _ in range(2):
        assert ada.post(f"/account/keys/{row.id}/revoke").status_code == 303
    with transaction() as db:
        assert queries.by_secret(db, secret) is None
    assert "No key yet" in ada.get("/account/keys").text


def test_guessing_the_password_here_gets_slow_too(ada):
    statuses = [ada.post("/account/keys", data={**MAKE, "current_password": "no"}).status_code for _ in range(7)]
    assert statuses[:5] == [422] * 5 and statuses[5] == 429  # the last may come after its two seconds


def test_nobody_has_keys_without_end(empty, person):
    member = person()
    with empty.test_request_context(), transaction() as db, pytest.raises(Invalid):
        actions.make(db, member, name="One more", scopes=["affiliate:read"], known=actions.MOST_KEYS)


def test_visitors_are_asked_to_sign_in(browser, empty):
    assert browser().get("/account/keys").status_code == 302
    assert browser().post("/account/keys", data=MAKE).status_code == 302
