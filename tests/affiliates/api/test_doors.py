"""Who gets in: by a key alone, with its scopes, and never with more than its member may do now."""
import uuid

import pytest
from sqlalchemy import delete, select, update

from affiliates.people.models import Affiliate
from core import bus
from core.clock import now
from core.db import transaction
from members.keys import actions, doors, pace
from members.keys.models import SCOPES, ApiKey
from members.models import Member, Role
from tests import factories
from tests.affiliates.api.conftest import Program
from tests.factories import signed_in


@pytest.fixture(autouse=True)
def no_waits(app):
    """None from the test before."""
    found = list(bus.client().scan_iter("livestall:wait:api-key:*"))
    if found:
        bus.client().delete(*found)


def operations(document):
    """(method, address with made-up ids, scope) of every operation."""
    for path, operations_ in document["paths"].items():
        address = path
        while "{" in address:
            before, _brace, rest = address.partition("{")
            name, _brace, after = rest.partition("}")
            address = before + ("2026-11" if name == "month" else str(uuid.uuid4())) + after
        for method, operation in operations_.items():
            if method != "parameters":
                yield method.upper(), address, operation["security"][0]["key"][0]


def test_without_a_key_every_door_is_shut(told, document):
    nobody = Program(told, "", None)
    for method, path, _scope in operations(document):
        answer = nobody.open(method, path, json={})
        assert (answer.status_code, answer.json["code"]) == (401, "key_needed"), path
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.mimetype == "application/problem+json"


def test_a_key_opens_only_the_doors_of_its_scopes(desk, program, document):
    with transaction() as db:
        member = factories.member(db, "All", roles=[("operator", None)])
    right, wrong = program(member, "affiliate:read", shop=desk.counter.shop), program(member, "affiliate:read")
    for method, path, scope in operations(document):
        for client, scopes in ((right, [scope]), (wrong, [one for one in SCOPES if one != scope])):
            with transaction() as db:
                db.execute(update(ApiKey).where(ApiKey.id == client.key.id).values(
                    scopes=scopes, merchant_id=desk.counter.shop.id))
            bus.client().delete(f"livestall:pace:{client.key.id}")  # so many doors are more than a burst
        answers = right.open(method, path, json={}), wrong.open(method, path, json={})
        assert (answers[1].status_code, answers[1].json["code"]) == (403, "scope_needed"), (method, path)
        assert answers[1].json["scope"] == scope
        assert answers[0].status_code < 500 and (not answers[0].json or answers[0].json.get("code") not in (
            "scope_needed", "forbidden", "key_needed")), (method, path, answers[0].json)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer lsk_wrong", "Basic YTpi", "lsk_x", "Bearer \x7f"])
def test_a_wrong_header_opens_nothing(desk, told, header):
    answer = Program(told, "", None).get("/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json["code"]) == (401, "key_needed")


def test_a_browser_that_is_signed_in_is_nobody_here(desk, app):
    browser = signed_in(app, desk.member)
    assert browser.get("/api/affiliate").status_code == 200
    answer = browser.get("/api/v1/me")
    assert (answer.status_code, answer.json["code"]) == (401, "key_needed")
    assert browser.post("/api/v1/links", json={}).status_code == 401


def test_a_key_needs_no_csrf_token_where_pages_do(desk, aiko, app):
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        answer = aiko.post("/links", json={"campaign_id": str(desk.counter.show.campaign_id)})
        assert answer.status_code == 201
        assert signed_in(app, desk.member).post("/affiliate/apply", data={}).status_code == 400
    finally:
        app.config["WTF_CSRF_ENABLED"] = False


def test_a_revoked_key_and_the_key_of_a_shut_account_open_nothing(desk, aiko, staff):
    assert aiko.get("/me").status_code == staff.get("/shop").status_code == 200
    with transaction() as db:
        actions.revoke(db, db.get(ApiKey, aiko.key.id))
        db.execute(update(Member).where(Member.id == desk.staff.id).values(disabled_at=now()))
    assert aiko.get("/me").status_code == staff.get("/shop").status_code == 401


def test_a_key_has_never_more_rights_than_its_member_has_now(desk, staff, operator):
    assert staff.get("/shop/rules").status_code == 200
    assert operator.get("/platform/payout-batches").status_code == 200
    with transaction() as db:
        db.execute(delete(Role))
    for client, path in ((staff, "/shop/rules"), (operator, "/platform/payout-batches")):
        answer = client.get(path)
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_a_role_that_knows_nothing_of_affiliates_gives_no_key_for_them(desk, program):
    with transaction() as db:
        helper = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    client = program(helper, "affiliate:read")
    with transaction() as db:  # as if it had been staff when the key was made
        db.execute(update(ApiKey).where(ApiKey.id == client.key.id).values(
            scopes=["shop:read"], merchant_id=desk.counter.shop.id))
    assert client.get("/shop/rules").json["code"] == "forbidden"


def test_who_is_no_affiliate_is_told_so(desk, program):
    answer = program(desk.counter.buyer, "affiliate:read").get("/me")
    assert (answer.status_code, answer.json["code"]) == (403, "no_affiliate")


def test_a_key_that_asks_too_fast_waits(desk, aiko, monkeypatch):
    monkeypatch.setattr(pace, "BURST", 3)
    monkeypatch.setattr(pace, "EVERY_MS", 60_000)  # however slow this machine is now
    answers = [aiko.get("/me") for _ in range(5)]
    assert [one.status_code for one in answers[:3]] == [200] * 3
    last = answers[-1]
    assert (last.status_code, last.json["code"]) == (429, "too_many")
    assert int(last.headers["Retry-After"]) >= 1 and last.json["retry_ms"] > 0


def test_without_redis_each_process_counts_for_itself():
    name = f"test:{uuid.uuid4()}"
    waits = [pace.local_wait_ms(name, 1000.0) for _ in range(pace.BURST + 2)]
    assert waits[:pace.BURST] == [0] * pace.BURST and waits[-1] > 0
    assert pace.local_wait_ms(name, 1000.0 + 2 * pace.EVERY_MS) == 0


def test_a_network_that_tries_keys_waits_and_right_keys_do_not(desk, aiko, monkeypatch):
    monkeypatch.setattr(doors, "WRONG_FREE", 3)
    guesser = Program(aiko.told, "lsk_wrong", None)
    for client in (guesser, aiko):
        client.client.environ_base["REMOTE_ADDR"] = "203.0.113.5"
    assert [guesser.get("/me").status_code for _ in range(3)] == [401] * 3
    assert guesser.get("/me").status_code == 429
    assert aiko.get("/me").status_code == 200


def test_the_key_remembers_when_it_was_used(desk, aiko):
    aiko.get("/me")
    with transaction() as db:
        first = db.scalar(select(ApiKey.last_used_at).where(ApiKey.id == aiko.key.id))
    aiko.get("/me")
    with transaction() as db:
        assert db.scalar(select(ApiKey.last_used_at).where(ApiKey.id == aiko.key.id)) == first is not None


def test_bad_input_is_a_problem_that_names_its_fields(desk, aiko):
    wrong = aiko.get("/commissions?limit=0&state=lost&since=yesterday&colour=red")
    assert (wrong.status_code, wrong.json["code"]) == (422, "invalid")
    assert set(wrong.json["fields"]) == {"limit", "state", "since", "colour"}
    assert wrong.json["instance"] == "/api/v1/commissions" and wrong.json["status"] == 422
    assert wrong.json["type"].startswith("http") and wrong.json["detail"]
    for body, kind in (("{", "application/json"), ("a=b", "application/x-www-form-urlencoded"),
                       ('{"label": "\\u0000", "campaign_id": null}', "application/json"),
                       ("[" * 100_000, "application/json")):
        answer = aiko.post("/links", data=body, content_type=kind)
        assert (answer.status_code, answer.json["code"]) == (400, "unreadable"), body[:20]
    assert aiko.post("/links", json=[1]).status_code == 422
    assert aiko.post("/links", json={"campaign_id": "x", "colour": 1}).json["fields"].keys() == {
        "campaign_id", "colour"}
    assert aiko.post("/links", json={}).json["fields"].keys() == {"campaign_id"}


def test_unknown_addresses_and_methods_are_problems_too(aiko):
    for method, path, status in (("GET", "/nothing", 404), ("PUT", "/me", 405), ("GET", "/links/no-id", 404)):
        answer = aiko.open(method, path)
        assert (answer.status_code, answer.mimetype) == (status, "application/problem+json")
    assert "PATCH" in aiko.put("/me").headers["Allow"]


def test_problems_speak_the_members_language(desk, aiko):
    with transaction() as db:
        db.execute(update(Member).where(Member.id == desk.member.id).values(language="zh"))
    assert aiko.get("/commissions?state=lost").json["title"] != "Please check what you entered."
    with transaction() as db:
        db.execute(update(Affiliate).values(display_name="爱子"))
    assert aiko.get("/me").json["display_name"] == "爱子"
