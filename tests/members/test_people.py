"""A shop lets people in and out; an invitation works for one e-mail, for a week, while the one who sent it may."""
import re

import pytest
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select

from core.db import transaction
from core.events import Event
from members import invites, queries
from members.models import Member, Merchant, Role
from tests import factories
from tests.members.conftest import PASSWORD, letters, sign_in


@pytest.fixture
def boss(browser, person, shop):
    person("boss@example.test", "Nora Vale", roles=[("merchant_staff", shop)])
    client = browser()
    sign_in(client, "boss@example.test")
    return client


def roles_of(db, email):
    db.rollback()
    return sorted(db.scalars(select(Role.kind).join(Member, Member.id == Role.member_id).where(Member.email == email)))


def let_in(client, shop, email="ada@example.test", kind="host"):
    return client.post("/studio/people", data={"merchant_id": str(shop.id), "email": email, "kind": kind})


def test_a_member_is_let_in_at_once_and_told(boss, person, shop, db):
    person()
    assert let_in(boss, shop).status_code == 303
    assert let_in(boss, shop, kind="assistant").status_code == 303
    assert let_in(boss, shop).status_code == 303
    assert roles_of(db, "ada@example.test") == ["assistant", "host"]
    told = letters(db, "ada@example.test")
    assert len(told) == 2
    assert shop.name in told[0].subject
    assert "Ada Quist" in boss.get("/studio/people").get_data(as_text=True)


@pytest.mark.parametrize("kind", ["operator", "", "owner", "merchant_staff "])
def test_only_roles_of_a_shop_can_be_given(boss, person, shop, db, kind):
    person()
    assert let_in(boss, shop, kind=kind).status_code == 422
    assert roles_of(db, "ada@example.test") == []


def invite_path(db) -> str:
    return re.search(r"http://127\.0\.0\.1:8000(/sign-up\?invite=\S+)", letters(db)[-1].body)[1]


def accept(browser, db, email="ada@example.test"):
    path = invite_path(db)
    client = browser()
    page = client.get(path).get_data(as_text=True)
    token = path.split("invite=")[1]
    answer = client.post("/sign-up", data={"name": "Ada", "email": email, "password": PASSWORD, "invite": token})
    return page, answer


def test_an_unknown_email_gets_an_invitation_that_gives_the_role_at_sign_up(boss, browser, shop, db):
    let_in(boss, shop, kind="assistant")
    page, answer = accept(browser, db)
    assert shop.name.split(" &")[0] in page
    assert 'value="ada@example.test"' in page
    assert answer.status_code == 303
    assert roles_of(db, "ada@example.test") == ["assistant"]


def test_a_forwarded_invitation_gives_nothing_to_another_email(boss, browser, shop, db):
    let_in(boss, shop, kind="assistant")
    _page, answer = accept(browser, db, "eve@example.test")
    assert answer.status_code == 303
    assert roles_of(db, "eve@example.test") == []


def test_an_invitation_ends_with_the_right_of_the_one_who_sent_it(boss, browser, person, shop, db):
    let_in(boss, shop, kind="merchant_staff")
    with transaction() as own:
        for role in own.scalars(select(Role)):
            own.delete(role)
    accept(browser, db)
    assert roles_of(db, "ada@example.test") == []


def test_an_altered_or_old_or_foreign_token_is_no_invitation(app, boss, browser, shop, db):
    let_in(boss, shop, kind="assistant")
    token = invite_path(db).split("invite=")[1]
    foreign = URLSafeTimedSerializer("another key", salt="invite").dumps(["ada@example.test", "host", "x", "y"])
    with app.app_context():
        assert invites.read(token) is not None
        for wrong in ("", token[:-2], token + "A", foreign, "a.b.c"):
            assert invites.read(wrong) is None
    assert "too old" in browser().get(f"/sign-up?invite={foreign}").get_data(as_text=True)


def test_an_invitation_is_a_week_old_at_most(app, boss, shop, db, monkeypatch):
    let_in(boss, shop, kind="assistant")
    token = invite_path(db).split("invite=")[1]
    with app.app_context():
        monkeypatch.setattr(invites, "LIFE_SECONDS", 7 * 86400)
        import itsdangerous.timed
        now = itsdangerous.timed.time.time()
        monkeypatch.setattr(itsdangerous.timed.time, "time", lambda: now + 7 * 86400 + 2)
        assert invites.read(token) is None


def test_a_role_is_taken_back_the_sockets_are_told_and_the_page_offers_undo_once(boss, person, shop, db):
    ada = person(roles=[("host", shop)])
    gone = {"merchant_id": str(shop.id), "member_id": str(ada.id), "kind": "host"}
    assert boss.post("/studio/people/revoke", data=gone).status_code == 303
    assert roles_of(db, "ada@example.test") == []
    assert db.scalar(select(Event.kind).where(Event.stream == f"member:{ada.id}")) == "roles.changed"
    assert "Undo" in boss.get("/studio/people").get_data(as_text=True)
    assert "Undo" not in boss.get("/studio/people").get_data(as_text=True)
    assert boss.post("/studio/people/revoke", data=gone).status_code == 404


def test_the_last_of_the_staff_cannot_leave(boss, person, shop, db):
    nora = db.scalar(select(Member).where(Member.email == "boss@example.test"))
    gone = {"merchant_id": str(shop.id), "member_id": str(nora.id), "kind": "merchant_staff"}
    answer = boss.post("/studio/people/revoke", data=gone)
    assert answer.status_code == 409
    assert "name another first" in answer.get_data(as_text=True)
    person(roles=[("merchant_staff", shop)])
    assert boss.post("/studio/people/revoke", data=gone).location == "/account"


def test_two_staff_cannot_remove_each_other_at_the_same_moment(person, shop, empty):
    import threading

    from core.errors import DomainError
    from members import actions
    both = [person(f"p{n}@example.test", f"P{n}", roles=[("merchant_staff", shop)]) for n in range(2)]
    start, out = threading.Barrier(2), []

    def remove(member):
        start.wait()
        try:
            with empty.test_request_context(), transaction() as own:
                actions.revoke(own, shop, member.id, "merchant_staff")
            out.append("gone")
        except DomainError as error:
            out.append(error.code)
    threads = [threading.Thread(target=remove, args=(member,)) for member in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(out) == ["gone", "refused"]


def test_a_shops_settings_change_and_bad_ones_are_refused(boss, shop, db):
    good = {"merchant_id": str(shop.id), "name": "Larch & Co", "contact_email": "hello@example.test",
            "delivery_note": "Sent within two days.\r\nFree from £30.", "returns_note": "30 days."}
    assert boss.post("/studio/shop", data=good).status_code == 303
    row = db.get(Merchant, shop.id)
    db.refresh(row)
    assert (row.name, row.delivery_note) == ("Larch & Co", "Sent within two days.\nFree from £30.")
    for bad in ({"name": ""}, {"contact_email": "x"}, {"delivery_note": "x" * 501}, {"currency": "EUR"}, {"slug": "x"}):
        assert boss.post("/studio/shop", data={**good, **bad}).status_code == 422


def test_the_shop_one_works_for_can_be_switched(browser, person, shop, db):
    with transaction() as own:
        other = factories.merchant(own, name="Zinc & Zest")
    person(roles=[("merchant_staff", shop), ("merchant_staff", other)])
    client = browser()
    sign_in(client)
    assert "Lantern" in client.get("/studio/people").get_data(as_text=True).split("</h1>")[1][:80]
    to = client.post("/studio/merchant", data={"merchant_id": str(other.id), "next": "/studio/people"})
    assert to.location == "/studio/people"
    assert "Zinc" in client.get("/studio/people").get_data(as_text=True).split("</h1>")[1][:80]


def test_the_current_merchant_has_the_right_that_is_asked_for(app, person, shop, db):
    from flask import g

    from core.errors import Forbidden
    with transaction() as own:
        other = factories.merchant(own, name="Aaa")
    ada = person(roles=[("assistant", other), ("host", shop)])
    with app.test_request_context():
        g.member = ada
        assert queries.current_merchant(db).name == "Aaa"
        assert queries.current_merchant(db, "show.end").id == shop.id
        with pytest.raises(Forbidden):
            queries.current_merchant(db, "people")
