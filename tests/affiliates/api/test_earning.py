"""What an affiliate's program sees and does; another's things are not there."""
import csv
import io
import uuid

from sqlalchemy import text

from affiliates.commission.models import CommissionHold
from core.db import transaction
from tests.affiliates.api.conftest import all_of


def test_a_sale_is_there_with_every_term_of_its_amount(desk, aiko, other):
    desk.came()
    desk.buy(quantity=3)  # 3 × £2.10 at 10 %
    line, = aiko.get("/commissions").json["data"]
    assert (line["amount_minor"], line["state"], line["currency"]) == (63, "pending", "GBP")
    told = aiko.get(f"/commissions/{line['id']}").json
    assert told["base"]["paid_minor"] == 630 and told["formula"]["exact_millionths"] == 63_000_000
    assert told["when"]["waits_for"] == "delivery" and told["appeals"] == []
    total, = aiko.get("/totals").json["data"]
    assert total == {"currency": "GBP", "earned_minor": 63, "held_minor": 0, "mature_minor": 0, "payable_minor": 0,
                     "on_the_way_minor": 0, "paid_minor": 0}
    link, = aiko.get("/links").json["data"]
    assert (link["clicks"], link["brought"]) == (1, [{"currency": "GBP", "orders": 1, "earned_minor": 63}])
    assert other.get("/commissions").json["data"] == other.get("/totals").json["data"] == []


def test_anothers_things_are_not_found(desk, aiko, other):
    desk.came()
    desk.buy()
    line, = aiko.get("/commissions").json["data"]
    for method, path in (("GET", f"/commissions/{line['id']}"), ("GET", f"/links/{desk.link.id}"),
                         ("POST", f"/links/{desk.link.id}/close"), ("GET", f"/links/{uuid.uuid4()}"),
                         ("POST", f"/commissions/{line['id']}/appeals")):
        answer = other.open(method, path, **({"json": {"body": "Why?"}} if method == "POST" else {}))
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
    assert other.get("/links").json["data"] == other.get("/payouts").json["data"] == []
    assert aiko.get(f"/links/{desk.link.id}").json["closed_at"] is None


def test_lists_are_filtered_by_state_campaign_and_time(desk, aiko):
    desk.came()
    first = desk.buy()
    desk.buy(quantity=2)
    desk.refund(first, 1)
    assert len(all_of(aiko, "/commissions")) == 2
    back, = aiko.get("/commissions?state=reversed").json["data"]
    assert back["reversed_minor"] == back["amount_minor"] == 21
    kept, = aiko.get("/commissions?state=pending").json["data"]
    assert kept["amount_minor"] == 42
    for state in ("held", "mature", "settled"):
        assert aiko.get(f"/commissions?state={state}").json["data"] == []
    campaign = kept["campaign_id"]
    assert len(aiko.get(f"/commissions?campaign_id={campaign}&currency=GBP").json["data"]) == 2
    assert aiko.get(f"/commissions?campaign_id={uuid.uuid4()}").json["data"] == []
    assert aiko.get("/commissions", query_string={"since": "2999-01-01T00:00:00Z"}).json["data"] == []
    assert len(aiko.get("/commissions", query_string={"until": "2999-01-01T00:00:00+02:00"}).json["data"]) == 2


def test_the_state_of_the_list_is_the_state_of_the_row(desk, aiko):
    desk.came()
    ids = [desk.buy() for _ in range(4)]
    desk.refund(ids[0], 1)
    for order in ids[1:3]:
        desk.deliver(order)
    with transaction() as db:
        line = db.scalar(text("SELECT id FROM commissions WHERE order_id = :id"), {"id": ids[2]})
        db.add(CommissionHold(commission_id=line, reason="by_hand:x", evidence={}))
        db.execute(text("SET LOCAL session_replication_role = replica"))
        db.execute(text("UPDATE orders SET delivered_at = now() - interval '16 days' WHERE delivered_at IS NOT NULL"))
        db.execute(text("UPDATE commissions SET matures_at = now() - interval '1 day' WHERE matures_at IS NOT NULL"))
    found = {}
    for state in ("pending", "mature", "settled", "held", "reversed"):
        for row in aiko.get(f"/commissions?state={state}").json["data"]:
            assert row["state"] == state and row["id"] not in found
            found[row["id"]] = state
    assert sorted(found.values()) == ["held", "mature", "pending", "reversed"]


def test_links_are_made_once_and_closed(desk, aiko):
    campaign = str(desk.counter.show.campaign_id)
    made = aiko.post("/links", json={"campaign_id": campaign, "label": "bio"})
    assert made.status_code == 201 and made.json["url"].endswith(f"/r/{made.json['code']}")
    assert aiko.post("/links", json={"campaign_id": campaign, "label": "bio"}).json["id"] == made.json["id"]
    shut = aiko.post(f"/links/{made.json['id']}/close")
    assert shut.json["closed_at"] and aiko.get(f"/links/{made.json['id']}").json["closed_at"] == shut.json["closed_at"]
    assert aiko.post("/links", json={"campaign_id": str(uuid.uuid4())}).status_code == 404


def test_campaigns_tell_what_they_pay(desk, aiko):
    row, = aiko.get("/campaigns").json["data"]
    assert (row["approval"], row["show_state"], row["rates"][0]["rate_ppm"]) == ("active", "live", 100_000)


def test_the_profile_is_read_and_changed(desk, aiko):
    assert aiko.get("/me").json["shops"][0]["state"] == "active"
    assert aiko.patch("/me", json={"about": "A channel on lamps"}).json["about"] == "A channel on lamps"
    assert aiko.get("/me").json["display_name"] == "Aiko"
    assert aiko.patch("/me", json={"display_name": "  "}).json["fields"].keys() == {"display_name"}
    assert aiko.patch("/me", json={"state": "active"}).json["fields"].keys() == {"state"}


def test_shops_are_asked_and_left(desk, aiko):
    shop = desk.counter.shop.id
    assert aiko.post(f"/me/shops/{shop}").json["state"] == "active"
    assert aiko.delete(f"/me/shops/{shop}").json["state"] == "closed"
    answer = aiko.post("/links", json={"campaign_id": str(desk.counter.show.campaign_id)})
    assert (answer.status_code, answer.json["code"]) == (409, "not_approved")
    assert aiko.post(f"/me/shops/{uuid.uuid4()}").status_code == 404


def test_an_appeal_goes_to_the_shop_and_comes_back_answered(desk, aiko, staff, elsewhere):
    desk.came()
    desk.buy()
    line, = aiko.get("/commissions").json["data"]
    assert aiko.post(f"/commissions/{line['id']}/appeals", json={"body": "Why?"}).json["code"] == "nothing_to_appeal"
    hold = staff.post(f"/shop/commissions/{line['id']}/holds", json={"note": "Looks odd"}).json
    made = aiko.post(f"/commissions/{line['id']}/appeals", json={"body": "It was a friend."})
    assert made.status_code == 201
    assert aiko.post(f"/commissions/{line['id']}/appeals", json={"body": "Again"}).json["code"] == "appeal_open"
    assert elsewhere.post(f"/shop/appeals/{made.json['id']}/answer", json={"note": "No."}).status_code == 404
    assert elsewhere.get("/shop/appeals").json["data"] == []
    waiting, = staff.get("/shop/appeals?answered=false").json["data"]
    answer = staff.post(f"/shop/appeals/{waiting['id']}/answer", json={"note": "You are right.", "release": True})
    assert answer.json["answered_at"]
    assert staff.get(f"/shop/holds/{hold['id']}").json["decision"] == "released"
    assert aiko.get("/appeals").json["data"][0]["answer"] == "You are right."
    assert aiko.get(f"/commissions/{line['id']}").json["state"] == "pending"


def test_statements_are_the_ones_of_the_pages(desk, aiko, app):
    from tests.factories import signed_in
    desk.came()
    desk.buy(quantity=2)
    month, = aiko.get("/statements").json["data"]
    assert (month["lines"], month["left_minor"]) == (1, 42)
    answer = aiko.get(f"/statements/{month['month']}")
    assert answer.mimetype == "text/csv"
    page = signed_in(app, desk.member).get(f"/affiliate/statement.csv?month={month['month']}")
    assert answer.text == page.text and len(list(csv.reader(io.StringIO(answer.text)))) == 3
    assert aiko.get("/statements/all").text == answer.text
    assert aiko.get("/statements/2026-13").status_code == 404


def test_payouts_are_ones_own(finance, program):
    finance.account("Aiko")
    finance.earn("Aiko", 1200)
    finance.batch()
    row, = program(finance.members["Aiko"]).get("/payouts").json["data"]
    assert (row["amount_minor"], row["state"]) == (1200, "reserved")
    assert program(finance.members["Bo"]).get("/payouts").json["data"] == []
