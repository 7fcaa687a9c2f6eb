"""The shop's page of affiliates: who sees it, what it says of each, and what its buttons do."""
import re

import pytest
from sqlalchemy import select

from affiliates.links.models import Coupon
from affiliates.people import actions
from affiliates.people.models import Act, Affiliate, Affiliation
from core.db import transaction
from members.models import Mail
from tests import factories
from tests.factories import signed_in


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


@pytest.fixture
def asking(desk):
    """Somebody who asks the shop."""
    with transaction() as db:
        row = actions.apply(db, factories.member(db, "Bea"), about="Bread on video.")
        actions.apply_at(db, row, desk.counter.shop)
        return row.id


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def at(desk, affiliate_id) -> Affiliation:
    with transaction() as db:
        return db.get(Affiliation, (affiliate_id, desk.counter.shop.id))


def test_each_stands_there_with_what_they_brought(desk, ana, asking):
    desk.came()
    desk.buy(quantity=3)  # 3 × £2.10 at 10 %
    page = words(ana.get("/studio/affiliates"))
    assert "Bea Bread on video. asks" in page
    assert re.search(r"Aiko approved standard 1 £6\.30 £0\.63", page)
    assert "All 2 Asking 1 Approved 1 Frozen 0 Over 0" in page
    assert "Aiko" not in words(ana.get("/studio/affiliates?state=applied")).partition("State")[2]
    assert "Bea" in ana.get("/studio/affiliates?q=bread").text
    assert "Nobody found" in ana.get("/studio/affiliates?q=100%25").text


def test_a_shop_without_affiliates_is_told_how_they_come(desk, app):
    with transaction() as db:
        shop = factories.merchant(db)
        other = factories.member(db, "Ida", roles=[("merchant_staff", shop)])
    assert "No affiliates yet" in signed_in(app, other).get("/studio/affiliates").text


def test_who_has_no_right_is_kept_out_and_another_shops_affiliate_is_not_found(desk, app, asking):
    path = f"/studio/affiliates/{asking}"
    with transaction() as db:
        assistant = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
        stranger = factories.member(db, "Ida", roles=[("merchant_staff", factories.merchant(db))])
    for client in (signed_in(app, assistant), signed_in(app, desk.counter.buyer)):
        assert {client.get(path).status_code, client.get("/studio/affiliates").status_code} == {403}
        assert client.post(f"{path}/decide", data={"to": "active"}).status_code == 403
    stranger = signed_in(app, stranger)
    assert stranger.get(path).status_code == 404
    for what, data in (("decide", {"to": "active"}), ("tier", {"tier": "gold"}), ("codes", {"code": "ABC"})):
        assert stranger.post(f"{path}/{what}", data=data).status_code == 404
    assert app.test_client().get("/studio/affiliates").status_code == 302
    assert at(desk, asking).state == "applied"


def test_approving_lets_them_earn_and_a_letter_says_so(desk, ana, asking):
    assert ana.post(f"/studio/affiliates/{asking}/decide", data={"to": "active"}).status_code == 303
    with transaction() as db:
        letter = db.scalars(select(Mail).order_by(Mail.id.desc()).limit(1)).one()
        act = db.scalars(select(Act).where(Act.kind == "affiliation.active")).one()
        assert letter.member_id == db.get(Affiliate, asking).member_id
    assert letter.subject == f"{desk.counter.shop.name} has approved you" and "take a link" in letter.body
    assert (act.by_member_id, act.subject_id) == (desk.staff.id, asking)
    assert at(desk, asking).state == "active"
    assert ana.post(f"/studio/affiliates/{asking}/decide", data={"to": "active"}).status_code == 303
    with transaction() as db:
        assert len(db.scalars(select(Mail).where(Mail.subject == letter.subject)).all()) == 1


def test_refusing_freezing_and_ending_carry_the_words_into_letter_and_log(desk, ana, asking):
    for to, said, state in (("closed", "Not our style.", "closed"), ("active", "", "active"),
                            ("frozen", "A look at the orders.", "frozen"), ("active", "", "active"),
                            ("closed", "Over.", "closed")):
        answer = ana.post(f"/studio/affiliates/{asking}/decide", data={"to": to, "words": said})
        assert (answer.status_code, at(desk, asking).state) == (303, state)
    with transaction() as db:
        subjects = db.scalars(select(Mail.subject).order_by(Mail.id)).all()
        bodies = " ".join(db.scalars(select(Mail.body)))
    shop = desk.counter.shop.name
    assert subjects == [f"{shop} does not take you as an affiliate", f"{shop} has approved you",
                        f"{shop} has frozen your work as an affiliate", f"{shop} lets you go on",
                        f"{shop} has ended your work as an affiliate"]
    assert "They write: Not our style." in bodies
    page = words(ana.get(f"/studio/affiliates/{asking}"))
    assert "Ended Over." in page and "Take back" in page


def test_a_move_that_the_table_forbids_changes_nothing_and_is_said(desk, ana, asking):
    answer = ana.post(f"/studio/affiliates/{asking}/decide", data={"to": "frozen"})
    assert answer.status_code == 409
    assert "That cannot be done in this state." in answer.text
    assert ana.post(f"/studio/affiliates/{asking}/decide", data={"to": "applied"}).status_code == 422
    assert at(desk, asking).state == "applied"


def test_the_level_is_kept_small_and_odd_ones_are_refused(desk, ana):
    path = f"/studio/affiliates/{desk.affiliate.id}/tier"
    assert ana.post(path, data={"tier": " Gold Club "}).status_code == 303
    assert at(desk, desk.affiliate.id).tier == "gold-club"
    for wrong in ("", "gold!", "x" * 31, "金"):
        answer = ana.post(path, data={"tier": wrong})
        assert answer.status_code == 422
        assert "Small letters, digits and hyphens" in answer.text
    assert at(desk, desk.affiliate.id).tier == "gold-club"


def test_a_code_is_given_and_closed(desk, ana):
    path = f"/studio/affiliates/{desk.affiliate.id}/codes"
    assert ana.post(path, data={"code": "aiko 10", "off": "12,5", "amount": "", "campaign_id": ""}).status_code == 303
    with transaction() as db:
        row = db.scalars(select(Coupon)).one()
    assert (row.code, row.percent_ppm, row.affiliate_id) == ("AIKO10", 125_000, desk.affiliate.id)
    assert "12.5 % off" in ana.get(f"/studio/affiliates/{desk.affiliate.id}").text
    assert ana.post(f"{path}/{row.id}/close").status_code == 303
    with transaction() as db:
        assert db.get(Coupon, row.id).closed_at is not None
    assert "Closed" in words(ana.get(f"/studio/affiliates/{desk.affiliate.id}"))


@pytest.mark.parametrize(("given", "said"), [
    ({"code": "AB"}, "Use 3 to 24 letters and digits."), ({"code": "AIKO", "off": "95"}, "90 % at most"),
    ({"code": "AIKO", "off": "ten"}, "Give a percentage like 8.5."),
    ({"code": "AIKO", "off": "10", "amount": "1"}, "not both"), ({"code": "AIKO", "amount": "-1"}, "above 0"),
    ({"code": "AIKO", "amount": "1.001"}, "above 0"), ({"code": "AIKO", "campaign_id": "no"}, "We cannot read that.")])
def test_a_wrong_code_is_refused_in_words(desk, ana, given, said):
    answer = ana.post(f"/studio/affiliates/{desk.affiliate.id}/codes", data=given)
    assert answer.status_code == 422
    assert said in answer.text
    with transaction() as db:
        assert db.scalars(select(Coupon)).all() == []
