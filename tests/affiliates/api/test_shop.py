"""What a shop's program sees and does; another shop's things are not there."""
import uuid

import pytest
from sqlalchemy import select

from affiliates.commission.models import CommissionRule
from affiliates.people.models import Affiliation
from core.db import transaction
from tests import factories
from tests.affiliates.api.conftest import all_of


@pytest.fixture
def applied(desk):
    """Somebody who asked the shop for its approval."""
    with transaction() as db:
        found = factories.affiliate(db, factories.member(db, "Cleo"))
        db.add(Affiliation(affiliate_id=found.id, merchant_id=desk.counter.shop.id, state="applied", tier="standard"))
        return found


def test_the_shop_and_its_terms(desk, staff):
    assert staff.get("/shop").json["program"] == {"approval": "manual", "min_paid_orders": 1, "notice_days": 14,
                                                  "hold_days": 15}
    done = staff.put("/shop/program", json={"approval": "paid_orders", "min_paid_orders": 2, "hold_days": 30})
    assert done.json == {"approval": "paid_orders", "min_paid_orders": 2, "notice_days": 14, "hold_days": 30}
    assert staff.get("/shop").json["program"] == done.json
    assert staff.put("/shop/program", json={"approval": "never", "hold_days": 366}).json["fields"].keys() == {
        "approval", "hold_days"}


def test_people_are_approved_frozen_and_closed(desk, staff, applied, elsewhere):
    waiting, = staff.get("/shop/affiliates?state=applied").json["data"]
    assert waiting["id"] == str(applied.id)
    to = f"/shop/affiliates/{applied.id}"
    assert staff.post(f"{to}/decision", json={"to": "active", "note": "Welcome"}).json["state"] == "active"
    assert staff.put(f"{to}/tier", json={"tier": "gold"}).json["tier"] == "gold"
    assert staff.put(f"{to}/tier", json={"tier": "Gold!"}).json["fields"].keys() == {"tier"}
    assert staff.post(f"{to}/decision", json={"to": "frozen"}).json["state"] == "frozen"
    assert staff.post(f"{to}/decision", json={"to": "closed"}).json["state"] == "closed"
    assert staff.post(f"{to}/decision", json={"to": "applied"}).json["fields"].keys() == {"to"}
    assert staff.get(to).json["state"] == "closed"
    for method, path in (("GET", to), ("POST", f"{to}/decision"), ("PUT", f"{to}/tier")):
        answer = elsewhere.open(method, path, json={"to": "active"} if method == "POST" else {"tier": "x"})
        assert answer.status_code == 404, path
    kinds = [row["kind"] for row in all_of(staff, "/shop/log", 3)]
    assert kinds[:4] == ["affiliation.closed", "affiliation.frozen", "affiliation.tier", "affiliation.active"]
    assert staff.get("/shop/log?kind=affiliation.tier").json["data"][0]["by_name"] == "Ana"
    assert staff.get("/shop/log?kind=affiliat").json["data"] == elsewhere.get("/shop/log").json["data"] == []


def test_invitations_and_coupons(desk, staff, elsewhere, aiko):
    assert staff.post("/shop/invitations", json={"email": "nobody"}).json["fields"].keys() == {"email"}
    made = staff.post("/shop/invitations", json={"email": "new@example.test"}).json
    row, = staff.get("/shop/invitations").json["data"]
    assert row == made and elsewhere.get("/shop/invitations").json["data"] == []
    body = {"affiliate_id": str(desk.affiliate.id), "code": "aiko 10", "percent_ppm": 100_000}
    coupon = staff.post("/shop/coupons", json=body)
    assert (coupon.status_code, coupon.json["code"]) == (201, "AIKO10")
    assert staff.post("/shop/coupons", json=body).json["code"] == "code_taken"
    assert staff.post("/shop/coupons", json={**body, "amount_minor": 5}).json["fields"].keys() == {"amount_minor"}
    assert staff.post("/shop/coupons", json={**body, "code": "A1", "percent_ppm": 900_001}).json["fields"].keys() == {
        "percent_ppm"}
    fixed = staff.post("/shop/coupons", json={"affiliate_id": str(desk.affiliate.id), "code": "FIVE",
                                              "amount_minor": 500}).json
    assert (fixed["currency"], fixed["amount_minor"]) == ("GBP", 500)
    assert elsewhere.post(f"/shop/coupons/{fixed['id']}/close").status_code == 404
    assert staff.post(f"/shop/coupons/{fixed['id']}/close").json["closed_at"]
    assert len(all_of(staff, "/shop/coupons", 1)) == 2


def test_a_raise_holds_at_once_and_a_cut_after_its_notice(desk, staff):
    raised = staff.post("/shop/rules", json={"rate_ppm": 120_000, "note": "Summer"})
    assert raised.status_code == 201 and raised.json["version"] == 2
    cut = staff.post("/shop/rules", json={"rate_ppm": 50_000}).json
    assert cut["valid_from"] > raised.json["valid_from"] and cut["valid_from"][:10] > raised.json["valid_from"][:10]
    assert staff.post("/shop/rules", json={"rate_ppm": 130_000}).json["code"] == "another_coming"
    assert [row["version"] for row in all_of(staff, "/shop/rules", 1)] == [3, 2]
    assert [row["version"] for row in staff.get("/shop/rules?past=true").json["data"]] == [3, 2, 1]
    assert staff.post(f"/shop/rules/{cut['id']}/end", json={}).json["code"] == "invalid"
    wide = staff.post("/shop/rules", json={"flat_minor": 50, "category": "Candles", "cap_minor": 400}).json
    assert wide["currency"] == "GBP" and wide["valid_from"] > raised.json["valid_from"]  # another kind of pay: a cut
    more = staff.post("/shop/rules", json={"rate_ppm": 200_000, "category": "Mugs"}).json
    ended = staff.post(f"/shop/rules/{more['id']}/end", json={"note": "Enough"})
    assert ended.json["valid_until"] > ended.json["valid_from"]


@pytest.mark.parametrize(("body", "field"), [
    ({"rate_ppm": 1_000_001}, "rate_ppm"), ({"rate_ppm": -1}, "rate_ppm"), ({"rate_ppm": 1.5}, "rate_ppm"),
    ({"rate_ppm": "ten"}, "rate_ppm"), ({}, "rate"), ({"rate_ppm": 1, "flat_minor": 1}, "rate"),
    ({"rate_ppm": 900_000, "level2_ppm": 200_000}, "level2"), ({"rate_ppm": 1, "hold_days": 400}, "hold_days"),
    ({"flat_minor": 2**60}, "flat_minor"), ({"rate_ppm": 1, "category": ""}, "category"),
    ({"rate_ppm": 1, "valid_from": "2020-01-01T00:00:00Z"}, "valid_from")])
def test_a_rule_out_of_bounds_is_refused(desk, staff, body, field):
    answer = staff.post("/shop/rules", json=body)
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])
    with transaction() as db:
        assert len(db.scalars(select(CommissionRule)).all()) == 1


def test_anothers_rules_campaigns_and_products_are_not_found(desk, staff, elsewhere):
    campaign = str(desk.counter.show.campaign_id)
    for method, path, body in (
            ("POST", f"/shop/rules/{desk.rule.id}/end", {}), ("GET", f"/shop/campaigns/{campaign}/budget", None),
            ("PUT", f"/shop/campaigns/{campaign}/budget", {"amount_minor": 1}),
            ("GET", f"/shop/campaigns/{campaign}/bonuses", None),
            ("POST", "/shop/rules", {"rate_ppm": 1, "campaign_id": campaign}),
            ("POST", "/shop/rules/simulate", {"rate_ppm": 1, "campaign_ids": [campaign]}),
            ("POST", "/shop/policies", {"sources": ["click"], "campaign_id": campaign}),
            ("GET", f"/shop/campaigns/{campaign}/settlement-preview", None),
            ("POST", f"/shop/campaigns/{campaign}/settlement-runs", None)):
        answer = elsewhere.open(method, path, **({"json": body} if body is not None else {}))
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
    assert elsewhere.get("/shop/rules?past=1").json["data"] == elsewhere.get("/shop/campaigns").json["data"] == []
    assert staff.get("/shop/campaigns?state=live").json["data"][0]["id"] == campaign


def test_a_draft_is_tried_on_past_sales_and_nothing_is_written(desk, staff):
    desk.came()
    desk.buy(quantity=3)
    found = staff.post("/shop/rules/simulate", json={"rate_ppm": 200_000}).json
    assert found["totals"] == [{"currency": "GBP", "lines": 1, "before_minor": 63, "after_minor": 126,
                                "change_minor": 63}]
    assert found["winners"][0]["name"] == "Aiko" and found["losers"] == []
    assert len(staff.get("/shop/rules?past=true").json["data"]) == 1


def test_policies_have_versions(desk, staff):
    assert staff.get("/shop/policies").json["data"] == []
    made = staff.post("/shop/policies", json={"sources": ["click", "coupon"], "window_days": 3})
    assert (made.status_code, made.json["version"], made.json["bind_days"]) == (201, 1, 180)
    assert staff.post("/shop/policies", json={"sources": ["click", "click"]}).json["fields"].keys() == {"sources"}
    assert staff.post("/shop/policies", json={"sources": ["bus"]}).status_code == 422
    assert staff.get("/shop/policies").json["data"] == [made.json]


def test_budgets_and_bonuses(desk, staff):
    to = f"/shop/campaigns/{desk.counter.show.campaign_id}"
    assert staff.get(f"{to}/budget").status_code == 404
    desk.came()
    desk.buy(quantity=3)
    assert staff.put(f"{to}/budget", json={"amount_minor": 62}).json["fields"].keys() == {"amount"}
    assert staff.put(f"{to}/budget", json={"amount_minor": 5000}).json["spent_minor"] == 63
    assert staff.get(f"{to}/budget").json["amount_minor"] == 5000
    bonus = staff.post(f"{to}/bonuses", json={"measure": "revenue", "threshold": 10_000, "amount_minor": 500}).json
    assert staff.get(f"{to}/bonuses").json["data"] == [bonus]
    assert staff.get(f"/shop/campaigns/{uuid.uuid4()}/bonuses").status_code == 404


def test_holds_are_decided_once_with_a_note(desk, aiko, staff, elsewhere):
    desk.came()
    desk.buy(quantity=2)
    line, = aiko.get("/commissions").json["data"]
    held = staff.post(f"/shop/commissions/{line['id']}/holds", json={"note": "Looks odd"})
    assert (held.status_code, held.json["reason"]) == (201, "by_hand")
    assert aiko.get("/commissions?state=held").json["data"][0]["id"] == line["id"]
    row, = staff.get("/shop/holds").json["data"]
    assert (row["affiliate"], row["left_minor"], row["order_number"]) == ("Aiko", 42, line["order_number"])
    to = f"/shop/holds/{row['id']}"
    assert elsewhere.get(to).status_code == elsewhere.post(
        f"{to}/decision", json={"decision": "released", "note": "x"}).status_code == 404
    assert elsewhere.get("/shop/holds").json["data"] == []
    assert elsewhere.post(f"/shop/commissions/{line['id']}/holds", json={"note": "x"}).status_code == 404
    assert staff.post(f"{to}/decision", json={"decision": "rejected"}).json["fields"].keys() == {"note"}
    assert staff.post(f"{to}/decision", json={"decision": "rejected", "note": "  "}).json["fields"].keys() == {"note"}
    assert staff.post(f"{to}/decision", json={"decision": "rejected", "note": "Own card"}).json["left_minor"] == 0
    again = staff.post(f"{to}/decision", json={"decision": "released", "note": "No"})
    assert (again.status_code, again.json["code"]) == (409, "decided")
    assert staff.get("/shop/holds").json["data"] == []
    assert staff.get("/shop/holds?decided=true").json["data"][0]["note"] == "Own card"


def test_nobody_decides_on_their_own(desk, program):
    with transaction() as db:
        both = factories.member(db, "Both", roles=[("merchant_staff", desk.counter.shop)])
        factories.affiliate(db, both, desk.counter.shop)
    client = program(both, shop=desk.counter.shop)
    link = client.post("/links", json={"campaign_id": str(desk.counter.show.campaign_id)}).json
    with transaction() as db:
        from affiliates.links.models import TrackingLink
        desk.came(link=db.get(TrackingLink, uuid.UUID(link["id"])))
    desk.buy()
    line, = client.get("/commissions").json["data"]
    hold = client.post(f"/shop/commissions/{line['id']}/holds", json={"note": "Mine"}).json
    answer = client.post(f"/shop/holds/{hold['id']}/decision", json={"decision": "released", "note": "Fine"})
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_the_shops_own_money(desk, staff, elsewhere):
    desk.came()
    desk.buy(quantity=2)
    balance = staff.get("/shop/balance").json
    assert (balance["currency"], balance["payable_minor"]) == ("GBP", 0) and balance["sales_minor"] > 0
    assert elsewhere.get("/shop/balance").json["sales_minor"] == 0
    assert staff.get("/shop/payouts").json["data"] == []


def test_days_of_a_category(desk, staff):
    said = {"category": "Candles", "days": 30}
    assert staff.put("/shop/hold-days", json=said).json == said
    assert staff.get("/shop/log?kind=hold_days").json["data"][0]["detail"] == said
    wrong = staff.put("/shop/hold-days", json={"category": "", "days": 366})
    assert wrong.json["fields"].keys() == {"category", "days"}
