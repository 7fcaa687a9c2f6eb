"""A program settles a campaign, looks on, and gets the same figures as the pages."""
import pytest
from sqlalchemy import select

from affiliates.settlement import jobs
from core.db import transaction
from members.models import Merchant
from tests import factories
from tests.affiliates.api.conftest import all_of


@pytest.fixture
def books(ended, program):
    """(the campaign that has ended, its shop's program)."""
    with transaction() as db:
        shop = db.scalar(select(Merchant))
        staff = factories.member(db, "Ana", roles=[("merchant_staff", shop)])
    return ended, program(staff, shop=shop)


def test_the_preview_is_what_the_run_posts(books):
    ended, staff = books
    to = f"/shop/campaigns/{ended.campaign_id}"
    first = staff.get(f"{to}/settlement-preview?limit=7").json
    rows, cursor = first["data"], first["next_cursor"]
    while cursor:
        more = staff.get(f"{to}/settlement-preview", query_string={
            "limit": 7, "cursor": cursor, "cutoff": first["cutoff"]}).json
        assert more["cutoff"] == first["cutoff"] and more["merchant"] == first["merchant"]
        rows, cursor = rows + more["data"], more["next_cursor"]
    assert len(rows) == first["parties"] == len({row["affiliate_id"] for row in rows})
    assert sum(row["amount_minor"] for row in rows) == first["commissions_minor"] > 0
    assert ended.balances() == {}

    opened = staff.post(f"{to}/settlement-runs")
    assert (opened.status_code, opened.json["state"]) == (201, "open")
    again = staff.post(f"{to}/settlement-runs")
    assert (again.status_code, again.json["id"]) == (200, opened.json["id"])
    jobs.settle(opened.json["id"])
    run = staff.get(f"/shop/settlement-runs/{opened.json['id']}").json
    assert run["state"] == "audited" and run["result"]["problems"] == [] and run["failed_chunks"] == []
    assert run["merchant"] == first["merchant"] and run["progress"]["amount_minor"] == first["commissions_minor"]
    parties = all_of(staff, f"/shop/settlement-runs/{run['id']}/parties", 7)
    assert {row["affiliate_id"]: row["amount_minor"] for row in parties} == {
        row["affiliate_id"]: row["amount_minor"] for row in rows}
    assert staff.get(f"{to}/settlement-runs").json["data"] == staff.get("/shop/settlement-runs").json["data"]


def test_settled_again_takes_nothing_and_says_so(books):
    ended, staff = books
    ended.settle()
    again = staff.post(f"/shop/campaigns/{ended.campaign_id}/settlement-runs").json
    jobs.settle(again["id"])
    result = staff.get(f"/shop/settlement-runs/{again['id']}").json["result"]
    assert (result["items"], result["adjustments"], result["merchant_minor"]) == (0, 0, 0)


def test_failed_parts_are_seen_and_done_again(books):
    ended, staff = books
    run_id = ended.open()
    ended.write("UPDATE settlement_chunks SET state = 'failed', tries = 3, error = 'disk full' WHERE no = 1")
    told = staff.get(f"/shop/settlement-runs/{run_id}").json
    assert told["failed_chunks"] == [{"no": 1, "state": "failed", "tries": 3, "error": "disk full"}]
    assert told["progress"]["failed"] == 1
    assert staff.post(f"/shop/settlement-runs/{run_id}/retry").json["progress"]["failed"] == 0
    jobs.settle(str(run_id))
    asked = staff.post(f"/shop/settlement-runs/{run_id}/audit")
    assert (asked.status_code, asked.json["state"]) == (202, "audited")


def test_a_campaign_that_runs_is_not_settled(desk, staff):
    answer = staff.post(f"/shop/campaigns/{desk.counter.show.campaign_id}/settlement-runs")
    assert (answer.status_code, answer.json["code"]) == (409, "not_ended")


def test_anothers_runs_are_not_found_and_operators_see_all(books, program):
    ended, _staff = books
    with transaction() as db:
        shop = factories.merchant(db)
        eli = factories.member(db, "Eli", roles=[("merchant_staff", shop)])
        boss = factories.member(db, "Op", roles=[("operator", None)])
    elsewhere, operator = program(eli, shop=shop), program(boss)
    run_id = ended.open()
    for path in ("", "/parties"):
        assert elsewhere.get(f"/shop/settlement-runs/{run_id}{path}").status_code == 404
    for act in ("retry", "audit"):
        assert elsewhere.post(f"/shop/settlement-runs/{run_id}/{act}").status_code == 404
    assert operator.get(f"/platform/settlement-runs/{run_id}").json["state"] == "open"
    assert [row["id"] for row in operator.get("/platform/settlement-runs?state=open").json["data"]] == [str(run_id)]
    assert operator.get("/platform/settlement-runs?state=audited").json["data"] == []
    ended.settle()
