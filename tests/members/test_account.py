"""The account page: each form says what was wrong, removals can be undone, and nobody reaches another's things."""
import uuid

import pytest
from sqlalchemy import func, select

from core.db import transaction
from core.events import Event
from members import actions, passwords, queries
from members.models import Address, Follow, Member, SignIn
from tests import factories
from tests.members.conftest import PASSWORD, letters, sign_in

HOME = {"name": "Ada Quist", "line1": "14 Larch Road", "city": "Leeds", "postcode": "LS1 4AB", "country": "GB"}


@pytest.fixture
def ada(browser, person):
    person()
    client = browser()
    sign_in(client)
    return client


def addresses(db):
    db.expire_all()
    return {row.city: row for row in db.scalars(select(Address))}


def test_a_name_changes_and_a_bad_one_is_refused_at_its_field(ada, db):
    assert ada.post("/account/name", data={"name": " Ada  B. "}).status_code == 303
    assert db.scalar(select(Member.name)) == "Ada B."
    answer = ada.post("/account/name", data={"name": ""})
    assert answer.status_code == 422
    assert answer.get_data(as_text=True).count('role="alert"') == 1


def test_a_new_password_ends_other_sign_ins_and_keeps_this_one(ada, browser, db):
    other = browser()
    sign_in(other)
    answer = ada.post("/account/password", data={"current_password": PASSWORD, "password": "two spoons 1867"})
    assert answer.status_code == 303
    assert ada.get("/account").status_code == 200
    assert other.get("/account").status_code == 302
    assert sign_in(browser()).status_code == 409
    assert sign_in(browser(), password="two spoons 1867").status_code == 303
    assert "changed" in letters(db)[0].subject
    assert db.scalar(select(Event.kind)) == "signed_out"


@pytest.mark.parametrize(("current", "fresh", "field"), [
    ("not it 12", "two spoons 1867", "current_password"), (PASSWORD, "short", "password"),
    (PASSWORD, "ada@example.test", "password"), ("", "two spoons 1867", "current_password")])
def test_a_password_changes_only_with_the_old_one_and_to_a_good_one(ada, db, current, fresh, field):
    answer = ada.post("/account/password", data={"current_password": current, "password": fresh})
    assert answer.status_code == 422
    assert f'id="f-{field}-hint" role="alert"' in answer.get_data(as_text=True)
    assert passwords.matches(db.scalar(select(Member.password_hash)), PASSWORD)


def test_guessing_the_old_password_on_a_borrowed_browser_gets_slow(ada):
    codes = [ada.post("/account/password", data={"current_password": f"guess {n} x", "password": "two spoons 1867"}
                      ).status_code for n in range(7)]
    assert codes == [422] * 5 + [429] * 2


def test_the_first_address_is_used_for_orders_and_the_next_when_asked(ada, db):
    ada.post("/account/addresses/new", data=HOME)
    ada.post("/account/addresses/new", data={**HOME, "city": "York"})
    assert {city: row.is_default for city, row in addresses(db).items()} == {"Leeds": True, "York": False}
    ada.post(f"/account/addresses/{addresses(db)['York'].id}/default")
    assert {city: row.is_default for city, row in addresses(db).items()} == {"Leeds": False, "York": True}
    ada.post(f"/account/addresses/{addresses(db)['Leeds'].id}", data={**HOME, "line1": "15 Larch Road",
                                                                      "is_default": "1"})
    assert {city: (row.is_default, row.line1) for city, row in addresses(db).items()} == {
        "Leeds": (True, "15 Larch Road"), "York": (False, "14 Larch Road")}


def test_removing_an_address_can_be_undone_and_the_default_moves_and_comes_back(ada, db):
    ada.post("/account/addresses/new", data=HOME)
    ada.post("/account/addresses/new", data={**HOME, "city": "York"})
    leeds = addresses(db)["Leeds"].id
    after = ada.post(f"/account/addresses/{leeds}/remove")
    assert addresses(db)["York"].is_default
    page = ada.get(after.location.split("#")[0]).get_data(as_text=True)
    assert f"/account/addresses/{leeds}/restore" in page
    ada.post(f"/account/addresses/{leeds}/restore", data={"as_default": "1"})
    assert {city: (row.is_default, row.removed_at) for city, row in addresses(db).items()} == {
        "Leeds": (True, None), "York": (False, None)}
    assert ada.post(f"/account/addresses/{leeds}/restore").status_code == 404


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("line1", " "), ("city", "x" * 81), ("postcode", ""), ("country", "ZZ"), ("country", "gb"),
    ("country", ""), ("phone", "call me"), ("phone", "1" * 31)])
def test_an_address_is_checked_field_by_field(ada, db, field, value):
    page = ada.post("/account/addresses/new", data={**HOME, field: value})
    answer = ada.post("/api/addresses", json={**HOME, field: value})
    assert (page.status_code, answer.status_code) == (422, 422)
    assert list(answer.json["fields"]) == [field]
    assert not addresses(db)


def test_a_country_without_postcodes_needs_none(ada):
    assert ada.post("/api/addresses", json={**HOME, "postcode": "", "country": "HK"}).status_code == 201


def test_the_api_gives_and_takes_addresses_and_the_same_one_twice_is_one(ada, db):
    assert ada.get("/api/addresses").json == []
    first, again = (ada.post("/api/addresses", json=HOME) for _ in range(2))
    assert first.status_code == 201
    assert first.json == again.json
    assert first.json == {"id": first.json["id"], **HOME, "line2": "", "phone": "", "is_default": True}
    assert ada.get("/api/addresses").json == [first.json]
    assert len(addresses(db)) == 1


@pytest.mark.parametrize("body", [[], "text", 7, {"name": 5}, {**HOME, "member_id": "x"},
                                  {**HOME, "is_default": "maybe"}])
def test_a_body_that_is_not_an_address_is_refused(ada, db, body):
    assert ada.post("/api/addresses", json=body).status_code == 422
    assert not addresses(db)


def test_addresses_end_at_twenty(ada, db):
    for number in range(actions.MOST_ADDRESSES):
        assert ada.post("/api/addresses", json={**HOME, "line1": f"{number} Larch Road"}).status_code == 201
    answer = ada.post("/api/addresses", json={**HOME, "line1": "One more"})
    assert (answer.status_code, answer.json["code"]) == (409, "too_many_addresses")


def test_anothers_address_is_not_found_by_any_door(ada, browser, person, db):
    ada.post("/account/addresses/new", data=HOME)
    hers = addresses(db)["Leeds"].id
    person("bob@example.test", "Bob")
    bob = browser()
    sign_in(bob, "bob@example.test")
    codes = [bob.get(f"/account/addresses/{hers}").status_code,
             bob.post(f"/account/addresses/{hers}", data=HOME).status_code,
             *(bob.post(f"/account/addresses/{hers}/{act}").status_code for act in ("remove", "default", "restore"))]
    assert codes == [404] * 5
    assert addresses(db)["Leeds"].removed_at is None
    with pytest.raises(queries.NotFound):
        queries.access_address(db, hers, queries.member_by_email(db, "bob@example.test"))


def test_sign_ins_are_listed_by_browser_and_can_be_ended(ada, browser, db):
    phone = browser(user_agent="Mozilla/5.0 (Linux; Android 16) Chrome/140.0 Mobile Safari/537.36")
    sign_in(phone)
    page = ada.get("/account").get_data(as_text=True)
    assert "Chrome on Android" in page
    row = db.scalar(select(SignIn).where(SignIn.user_agent.contains("Android")))
    assert ada.post(f"/account/sign-ins/{row.id}/end").status_code == 303
    assert phone.get("/account").status_code == 302
    sign_in(phone)
    assert ada.post("/account/sign-ins/end-others").status_code == 303
    assert phone.get("/account").status_code == 302
    assert ada.get("/account").status_code == 200


def test_nobody_ends_anothers_sign_in(ada, browser, person, db):
    person("bob@example.test", "Bob")
    bob = browser()
    sign_in(bob, "bob@example.test")
    for row in db.scalars(select(SignIn)):
        bob.post(f"/account/sign-ins/{row.id}/end")
    assert ada.get("/account").status_code == 200


def test_following_a_merchant_is_said_once_however_often(ada, db, shop):
    url = f"/api/merchants/{shop.id}/follow"
    for on, there in ((True, 1), (True, 1), (False, 0), (False, 0)):
        assert ada.post(url, json={"on": on}).json == {"following": on}
        assert db.scalar(select(func.count()).select_from(Follow)) == there
        db.rollback()
    assert ada.post(f"/api/merchants/{uuid.uuid4()}/follow", json={"on": True}).status_code == 404
    assert ada.post(url, json={}).status_code == 422


def test_a_page_of_the_account_asks_a_visitor_to_sign_in_and_the_api_says_so(browser, db):
    client = browser()
    assert client.get("/account/addresses/new").location == "/sign-in?next=/account/addresses/new"
    assert client.get("/api/addresses").status_code == 401
    assert client.post("/api/addresses", json=HOME).json["code"] == "sign_in_needed"


def test_two_first_addresses_at_once_leave_one_default(person, empty):
    import threading
    member = person()

    def add(line):
        with empty.test_request_context(), transaction() as own:
            actions.add_address(own, member, **{**HOME, "line1": line, "line2": "", "phone": ""})
    threads = [threading.Thread(target=add, args=(f"{n} Larch Road",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(Address).where(Address.is_default)) == 1
        assert db.scalar(select(func.count()).select_from(Address)) == 4
        assert factories.member(db).initials == "ML"
