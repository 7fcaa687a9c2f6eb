"""What the editor sends: checked, answered with the whole sheet, and refused in words at the right field."""
import io
import json
import uuid

import pytest
from sqlalchemy import select

from campaigns.catalogue.models import Variant
from campaigns.terms import publishing
from campaigns.terms.models import Campaign, Offer
from live.show.models import RunItem
from tests import factories as make


def at(campaign, rest=""):
    return f"/api/campaigns/{campaign.id}{rest}"


def fresh(db, row):
    db.expire_all()
    return db.get(type(row), row.id)


def test_a_cell_saves_itself_and_the_answer_is_the_sheet(db, staff, draft):
    campaign, offers = draft
    answer = staff.patch(at(campaign, f"/offers/{offers[0].id}"), json={"price_minor": 199})
    assert answer.status_code == 200
    assert answer.json["offers"][0]["price_minor"] == 199
    assert answer.json["campaign"]["saved_by"] == "Ana Wells"
    assert answer.json["problems"] == []
    assert fresh(db, offers[0]).price_minor == 199


def test_the_sheet_says_what_stops_and_how_one_press_would_help(staff, draft):
    campaign, offers = draft
    staff.patch(at(campaign, f"/offers/{offers[0].id}"), json={"allotment": 80})
    (problem,) = staff.get(at(campaign)).json["problems"]
    assert (problem["short"], problem["offer_id"], problem["stops"]) == ("30 too many", str(offers[0].id), True)
    fixed = staff.post(at(campaign, "/fix"), json={"code": "allotment", "offer_id": str(offers[0].id)})
    assert fixed.json["problems"] == []
    assert fixed.json["offers"][0]["allotment"] == 50


def test_a_fix_that_is_no_longer_needed_changes_nothing(staff, draft):
    campaign, offers = draft
    answer = staff.post(at(campaign, "/fix"), json={"code": "allotment", "offer_id": str(offers[0].id)})
    assert (answer.status_code, answer.json["offers"][0]["allotment"]) == (200, 10)


BAD_NUMBERS = [-1, 1.5, 2**63, float("nan"), float("inf"), "7", True, None, [], {"a": 1}]


@pytest.mark.parametrize("field", ["price_minor", "allotment", "limit_per_member"])
@pytest.mark.parametrize("value", BAD_NUMBERS, ids=str)
def test_what_is_no_whole_number_in_bounds_is_refused_at_its_field(db, staff, draft, field, value):
    campaign, offers = draft
    answer = staff.patch(at(campaign, f"/offers/{offers[0].id}"), data=json.dumps({field: value}),
                         content_type="application/json")
    assert answer.status_code == 422
    assert (answer.json["code"], list(answer.json["fields"])) == ("invalid", [field])
    assert getattr(fresh(db, offers[0]), field) == getattr(offers[0], field)


@pytest.mark.parametrize(("body", "fields"), [
    ({"price_minor": 0}, ["price_minor"]), ({"limit_per_member": 0}, ["limit_per_member"]),
    ({"allotment": 1_000_001}, ["allotment"]), ({"limit_per_member": 1001}, ["limit_per_member"]),
    ({"compare_at_minor": 0}, ["compare_at_minor"]), ({"compare_at_minor": 210}, ["compare_at_minor"]),
    ({"price_minor": 295}, ["price_minor"]), ({"is_deal": "yes"}, ["is_deal"]), ({"is_deal": 1.5}, ["is_deal"]),
    ({"after_sale": "burn"}, ["after_sale"]), ({"hold_seconds": 29}, ["hold_seconds"]),
    ({"title": ""}, ["title"]), ({"title": "x" * 201}, ["title"]), ({"title": "a\u0000b"}, ["title"]),
    ({"promise": "\ud800"}, ["promise"]), ({"on_hand": 5}, ["on_hand"]), ({"campaign_id": "x"}, ["campaign_id"]),
    ({"currency": "EUR"}, ["currency"]), ({"lowest_30d_minor": 1}, ["lowest_30d_minor"]),
    ({"price_minor": -1, "unknown": 1}, ["price_minor", "unknown"])])
def test_bad_bodies_are_refused_with_their_fields(db, staff, draft, body, fields):
    campaign, offers = draft
    answer = staff.patch(at(campaign, f"/offers/{offers[0].id}"), json=body)
    assert answer.status_code == 422
    assert sorted(answer.json["fields"]) == fields
    assert all(text for texts in answer.json["fields"].values() for text in texts)
    assert fresh(db, offers[0]).price_minor == 210


@pytest.mark.parametrize("raw", ["", "[]", "7", "null", "{", '{"price_minor": }'])
def test_what_is_no_json_object_is_refused(staff, draft, raw):
    campaign, offers = draft
    answer = staff.patch(at(campaign, f"/offers/{offers[0].id}"), data=raw, content_type="application/json")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid")


@pytest.mark.parametrize(("body", "field"), [
    ({"currency": "EUR"}, "currency"), ({"currency": "gbp"}, "currency"), ({"currency": None}, "currency"),
    ({"hold_seconds": 3601}, "hold_seconds"), ({"after_sale": None}, "after_sale"), ({"name": "x" * 121}, "name"),
    ({"state": "live"}, "state"), ({"merchant_id": "x"}, "merchant_id")])
def test_terms_are_checked_too(db, staff, draft, body, field):
    campaign, _offers = draft
    answer = staff.patch(at(campaign), json=body)
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])
    assert (fresh(db, campaign).currency, campaign.state, campaign.hold_seconds) == ("GBP", "draft", 300)


def test_terms_save_themselves(db, staff, draft):
    campaign, _offers = draft
    answer = staff.patch(at(campaign), json={"name": " Advent ", "hold_seconds": 120, "after_sale": "take_down"})
    assert answer.json["campaign"]["name"] == "Advent"
    assert (fresh(db, campaign).hold_seconds, campaign.after_sale) == (120, "take_down")


# -- Adding, removing, ordering --------------------------------------------------------------------------------------

def test_several_products_are_added_with_what_they_start_with(db, shop, staff, draft):
    campaign, offers = draft
    more = [make.variant(db, shop, on_hand=9, price_minor=999, name=name, option=option)
            for name, option in (("Jar", ""), ("Tin", "Red"))]
    db.commit()
    body = {"variant_ids": [str(each.id) for each in more] + [str(offers[0].variant_id)], "off_percent": 15,
            "share_percent": 50, "limit_per_member": 2, "is_deal": True}
    answer = staff.post(at(campaign, "/offers"), json=body)
    assert answer.status_code == 201
    assert [offer["title"] for offer in answer.json["offers"]] == ["Bird", "Clock", "Jar", "Tin, Red"]
    new = answer.json["offers"][2]
    # 15 % of 9.99 is 1.4985, half up 1.50.
    assert (new["price_minor"], new["compare_at_minor"], new["allotment"], new["limit_per_member"]) == (849, 999, 4, 2)
    assert answer.json["offers"][0]["price_minor"] == 210
    assert len(staff.post(at(campaign, "/offers"), json=body).json["offers"]) == 4


def test_at_list_price_there_is_no_full_price_to_strike_through(db, shop, staff, draft):
    campaign, _offers = draft
    jar = make.variant(db, shop)
    db.commit()
    answer = staff.post(at(campaign, "/offers"), json={"variant_ids": [str(jar.id)]})
    assert answer.json["offers"][2]["compare_at_minor"] is None


@pytest.mark.parametrize("kind", ["foreign", "unknown", "archived", "other currency"])
def test_only_the_shops_own_products_can_be_added(db, shop, staff, draft, kind):
    campaign, _offers = draft
    goods = {"foreign": lambda: make.variant(db, make.merchant(db)), "unknown": lambda: Variant(id=uuid.uuid4()),
             "archived": lambda: make.variant(db, shop, archived_at=campaign.created_at),
             "other currency": lambda: make.variant(db, shop, currency="EUR")}[kind]()
    db.commit()
    answer = staff.post(at(campaign, "/offers"), json={"variant_ids": [str(goods.id)]})
    assert (answer.status_code, list(answer.json["fields"])) == (422, ["variant_ids"])
    assert len(db.scalars(select(Offer)).all()) == 2


@pytest.mark.parametrize(("body", "field"), [
    ({}, "variant_ids"), ({"variant_ids": []}, "variant_ids"), ({"variant_ids": "x"}, "variant_ids"),
    ({"variant_ids": ["x"]}, "variant_ids.0"),
    ({"variant_ids": [str(uuid.uuid4())], "off_percent": 96}, "off_percent")])
def test_adding_is_checked(staff, draft, body, field):
    campaign, _offers = draft
    answer = staff.post(at(campaign, "/offers"), json=body)
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])


def test_search_finds_by_name_and_sku_and_marks_what_is_in(db, shop, staff, draft):
    campaign, offers = draft
    jar = make.variant(db, shop, name="Pantry jar 100%", sku="J-1")
    make.variant(db, make.merchant(db), name="Pantry jar of others")
    db.commit()

    def found(q):
        return [(row["title"], row["added"]) for row in staff.get(at(campaign, f"/search?q={q}")).json["variants"]]
    assert found("") == [("Bird", True), ("Clock", True), ("Pantry jar 100%", False)]
    assert found("jar pantry") == found("j-1") == found("100%25") == [("Pantry jar 100%", False)]
    assert found("%25%25x") == found("_") == []
    assert staff.get(at(campaign, "/search?q=%00")).status_code == 422
    assert str(jar.id) in staff.get(at(campaign, "/search")).get_data(as_text=True)


def test_a_removal_can_be_undone_with_what_it_answered(db, staff, draft):
    campaign, offers = draft
    staff.patch(at(campaign, f"/offers/{offers[0].id}"), json={"promise": "Wrapped by hand", "after_sale": "take_down"})
    before = staff.get(at(campaign)).json["offers"]
    answer = staff.delete(at(campaign, f"/offers/{offers[0].id}"))
    assert [offer["title"] for offer in answer.json["offers"]] == ["Clock"]
    undone = staff.post(at(campaign, "/offers/restore"), json=answer.json["removed"])
    assert undone.status_code == 201

    def terms(offer):
        return {name: value for name, value in offer.items() if name not in ("id", "position")}
    assert [terms(offer) for offer in undone.json["offers"]] == [terms(offer) for offer in before]
    again = staff.post(at(campaign, "/offers/restore"), json=answer.json["removed"])
    assert len(again.json["offers"]) == 2


def test_an_offer_that_a_show_plans_with_is_not_removed(db, staff, draft):
    campaign, offers = draft
    show = make.live_session(db, campaign, make.member(db), state="scheduled")
    db.add(RunItem(live_session_id=show.id, position=1, offer_id=offers[0].id, title="Bird"))
    db.commit()
    answer = staff.delete(at(campaign, f"/offers/{offers[0].id}"))
    assert (answer.status_code, answer.json["code"]) == (409, "in_use")
    assert len(db.scalars(select(Offer)).all()) == 2


def test_offers_are_put_into_another_order(staff, draft):
    campaign, offers = draft
    answer = staff.post(at(campaign, "/order"), json={"ids": [str(offers[1].id), str(offers[0].id)]})
    assert [offer["title"] for offer in answer.json["offers"]] == ["Clock", "Bird"]


@pytest.mark.parametrize("ids", [[0], [0, 0], [0, 1, "new"], []])
def test_an_order_of_other_offers_is_refused(staff, draft, ids):
    campaign, offers = draft
    named = [str(uuid.uuid4()) if each == "new" else str(offers[each].id) for each in ids]
    answer = staff.post(at(campaign, "/order"), json={"ids": named})
    assert (answer.status_code, answer.json["code"]) == (409, "list_changed")


# -- Publishing over HTTP --------------------------------------------------------------------------------------------

def test_publishing_answers_with_the_running_numbers(staff, draft):
    campaign, _offers = draft
    answer = staff.post(at(campaign, "/publish"), json={})
    assert answer.status_code == 200
    assert answer.json["campaign"]["state"] == "scheduled"
    assert answer.json["offers"][0]["stock"]["reserve"] == 10
    again = staff.post(at(campaign, "/publish"), json={})
    assert (again.status_code, again.json["code"]) == (409, "frozen")


def test_publishing_what_is_not_ready_says_why(db, staff, draft):
    campaign, offers = draft
    staff.patch(at(campaign, f"/offers/{offers[0].id}"), json={"allotment": 0})
    answer = staff.post(at(campaign, "/publish"), json={})
    assert (answer.status_code, answer.json["code"]) == (409, "not_ready")
    assert [problem["code"] for problem in answer.json["problems"]] == ["nothing"]
    assert fresh(db, campaign).state == "draft"


def test_a_published_campaign_takes_no_edits(db, staff, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()
    answer = staff.patch(at(campaign, f"/offers/{offers[0].id}"), json={"price_minor": 1})
    assert (answer.status_code, answer.json["code"]) == (409, "frozen")
    assert "Duplicate" in answer.json["message"]


# -- CSV -------------------------------------------------------------------------------------------------------------

def upload(client, campaign, content):
    data = {"file": (io.BytesIO(content if isinstance(content, bytes) else content.encode()), "offers.csv")}
    return client.post(at(campaign, "/import"), data=data, content_type="multipart/form-data")


def test_good_lines_are_taken_and_bad_ones_listed(db, shop, staff, draft):
    campaign, offers = draft
    make.variant(db, shop, sku="JAR", price_minor=500)
    make.variant(db, make.merchant(db), sku="FOREIGN")
    bird = db.get(Variant, offers[0].variant_id)
    db.commit()
    answer = upload(staff, campaign, f"SKU,Price,Allotment,Limit,Full price,Deal\n{bird.sku},1.50,5,2,2.95,no\n"
                    "JAR,4.00,7,3,5.00,yes\nJAR,4.00,7,3,5.00,yes\nFOREIGN,1,1,1,2,no\nX,free,1,1,,no\n,1,1,1,,no\n"
                    "Y,1.00,1.5,1,,no\nZ,1.00,1,0,,no\nW,2.00,1,1,1.00,no\nV,1.00,1,1,,maybe\n\n")
    assert answer.status_code == 200
    done = answer.json["imported"]
    assert (done["added"], done["changed"]) == (1, 1)
    assert [row["line"] for row in done["rejected"]] == [4, 5, 6, 7, 8, 9, 10, 11]
    assert done["rejected"][0]["reason"] == "JAR stands in line 3 already."
    assert done["rejected"][2]["reason"] == "“free” is no price in GBP."
    jar = answer.json["offers"][2]
    assert (jar["price_minor"], jar["allotment"], jar["limit_per_member"], jar["compare_at_minor"], jar["is_deal"]) == (
        400, 7, 3, 500, True)
    again = upload(staff, campaign, f"sku,price,allotment,limit\n{bird.sku},1.50,5,2\n").json["imported"]
    assert (again["added"], again["changed"], again["rejected"]) == (0, 1, [])


@pytest.mark.parametrize(("content", "word"), [
    ("", "sku"), ("name,price\nx,1\n", "sku, allotment, limit"), (b"\xff\xfe\x00", "sku"),
    ("sku,price,allotment,limit\n" + "A,1,1,1\n" * 501, "500"),
    ('sku,price,allotment,limit\n"' + "x" * 200_000, "CSV")])
def test_a_file_that_is_no_such_list_is_refused_whole(staff, draft, content, word):
    campaign, _offers = draft
    answer = upload(staff, campaign, content)
    assert (answer.status_code, list(answer.json["fields"])) == (422, ["file"])
    assert word in answer.json["fields"]["file"][0]


def test_a_missing_file_is_said(staff, draft):
    campaign, _offers = draft
    assert staff.post(at(campaign, "/import"), data={}, content_type="multipart/form-data").status_code == 422


def test_signs_that_cannot_be_printed_are_no_sku(staff, draft):
    campaign, _offers = draft
    (row,) = upload(staff, campaign, b"sku,price,allotment,limit\nA\x00B,1,1,1\n").json["imported"]["rejected"]
    assert row["line"] == 2


# -- Access ----------------------------------------------------------------------------------------------------------

DOORS = [("get", ""), ("patch", ""), ("get", "/search"), ("post", "/offers"), ("post", "/offers/restore"),
         ("patch", "/offers/{offer}"), ("delete", "/offers/{offer}"), ("post", "/order"), ("post", "/fix"),
         ("post", "/import"), ("post", "/publish")]
BODIES = {"/offers": {"variant_ids": [str(uuid.uuid4())]}, "/order": {"ids": []}, "/fix": {"code": "name"},
          "/offers/restore": {"variant_id": str(uuid.uuid4()), "title": "x", "price_minor": 1, "allotment": 1,
                              "limit_per_member": 1, "position": 1}}


def knock(client, campaign, offer, method, rest):
    path = at(campaign, rest.format(offer=offer.id))
    if rest == "/import":
        return upload(client, campaign, "sku,price,allotment,limit\n")
    if method in ("get", "delete"):
        return getattr(client, method)(path)
    return getattr(client, method)(path, json=BODIES.get(rest, {}))


@pytest.mark.parametrize(("method", "rest"), DOORS)
def test_another_shops_campaign_is_not_found(db, sign_in, draft, method, rest):
    campaign, offers = draft
    stranger = sign_in("merchant_staff", make_merchant(db))
    assert knock(stranger, campaign, offers[0], method, rest).status_code == 404
    assert fresh(db, campaign).state == "draft"
    assert len(db.scalars(select(Offer)).all()) == 2


@pytest.mark.parametrize(("method", "rest"), DOORS)
def test_visitors_sign_in_first_and_members_without_the_right_stay_out(db, shop, client, sign_in, draft, method, rest):
    campaign, offers = draft
    assert knock(client, campaign, offers[0], method, rest).status_code == 401
    assert knock(sign_in(None, shop), campaign, offers[0], method, rest).status_code == 403
    assert knock(sign_in("assistant", shop), campaign, offers[0], method, rest).status_code == 403


@pytest.mark.parametrize(("method", "rest"), [door for door in DOORS if "{offer}" in door[1]])
def test_an_offer_of_another_campaign_is_not_found_here(db, staff, draft, make_draft, method, rest):
    campaign, _offers = draft
    _other, others = make_draft()
    assert staff.open(at(campaign, rest.format(offer=others[0].id)), method=method.upper(),
                      json={} if method == "patch" else None).status_code == 404


def test_hosts_and_operators_may_too(db, shop, sign_in, draft):
    campaign, _offers = draft
    assert sign_in("host", shop).get(at(campaign)).status_code == 200
    assert sign_in("operator", None).get(at(campaign)).status_code == 200


def make_merchant(db):
    row = make.merchant(db)
    db.commit()
    return row


def test_every_door_is_tested(empty):
    rules = {(method.lower(), rule.rule.removeprefix("/api/campaigns/<uuid:campaign_id>")
              .replace("<uuid:offer_id>", "{offer}"))
             for rule in empty.url_map.iter_rules() if rule.endpoint.startswith("campaigns_api.")
             for method in rule.methods - {"HEAD", "OPTIONS"}}
    assert rules == set(DOORS)


def test_what_was_written_belongs_to_the_right_campaign(db, staff, draft):
    campaign, _offers = draft
    assert {offer.campaign_id for offer in db.scalars(select(Offer))} == {campaign.id}
    assert db.get(Campaign, campaign.id).merchant_id == campaign.merchant_id
