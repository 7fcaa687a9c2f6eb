"""Who gets in, invitations, the policy of attribution, and the operator's page."""
import re

import pytest
from sqlalchemy import select

from affiliates.attribution.models import AttributionPolicy
from affiliates.attribution.queries import policy_for
from affiliates.commission.models import HoldPeriod
from affiliates.people import actions
from affiliates.people.models import Affiliate, Invitation
from affiliates.people.queries import affiliate_of, terms_of
from core.db import transaction
from members.models import Mail
from tests import factories
from tests.factories import signed_in

ROOT = "/studio/affiliates"


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_shop_says_who_gets_in_and_on_which_terms(desk, ana):
    given = {"approval": "paid_orders", "min_paid_orders": "3", "notice_days": "30", "hold_days": "20"}
    assert ana.post(f"{ROOT}/settings", data=given).status_code == 303
    with transaction() as db:
        terms = terms_of(db, desk.counter.shop.id)
    assert (terms.approval, terms.min_paid_orders, terms.notice_days, terms.hold_days) == ("paid_orders", 3, 30, 20)
    for wrong in ({"approval": "friends"}, {"notice_days": "366"}, {"hold_days": ""}, {"min_paid_orders": "0"}):
        assert ana.post(f"{ROOT}/settings", data={**given, **wrong}).status_code == 422
    with transaction() as db:
        assert terms_of(db, desk.counter.shop.id) == terms


def test_days_by_category(desk, ana):
    assert ana.post(f"{ROOT}/settings/days", data={"category": "Candles", "days": "21"}).status_code == 303
    assert ana.post(f"{ROOT}/settings/days", data={"category": "Candles", "days": "400"}).status_code == 422
    with transaction() as db:
        assert [(one.category, one.days) for one in db.scalars(select(HoldPeriod))] == [("Candles", 21)]
    assert "Candles 21 days" in words(ana.get(f"{ROOT}/settings"))


def test_an_invitation_goes_by_letter_and_its_link_is_shown_once(desk, ana, app):
    with transaction() as db:
        bea = factories.member(db, "Bea", email="bea@example.test")
    answer = ana.post(f"{ROOT}/invitations", data={"email": "Bea@Example.test", "tier": "gold"})
    assert answer.status_code == 303
    page = ana.get(f"{ROOT}/invitations").text
    link = re.search(r"http://127\.0\.0\.1:8000(/affiliate/invitations/[\w-]+)", page)[1]
    assert "data:image/svg+xml;base64," in page
    assert link not in ana.get(f"{ROOT}/invitations").text
    with transaction() as db:
        assert link in db.scalars(select(Mail.body).where(Mail.member_id == bea.id)).one()
    assert signed_in(app, bea).post(link).status_code == 303
    assert "bea@example.test taken" in words(ana.get(f"{ROOT}/invitations"))
    with transaction() as db:
        found = affiliate_of(db, bea.id)
    assert "gold" in ana.get(f"{ROOT}/{found.id}").text


def test_a_withdrawn_invitation_opens_nothing(desk, ana, app):
    with transaction() as db:
        bea, tokens = factories.member(db, "Bea", email="bea@example.test"), []
        row = actions.invite(db, desk.counter.shop, bea.email, desk.staff, lambda token: tokens.append(token) or token)
    other = signed_in(app, _stranger())
    assert other.post(f"{ROOT}/invitations/{row.id}/withdraw").status_code == 404
    assert ana.post(f"{ROOT}/invitations/{row.id}/withdraw").status_code == 303
    assert signed_in(app, bea).post(f"/affiliate/invitations/{tokens[0]}").status_code == 409
    for wrong in ("", "no", "@example.test"):
        assert ana.post(f"{ROOT}/invitations", data={"email": wrong}).status_code == 422
    with transaction() as db:
        assert len(db.scalars(select(Invitation)).all()) == 1


def _stranger():
    with transaction() as db:
        return factories.member(db, "Ida", roles=[("merchant_staff", factories.merchant(db))])


def test_a_policy_is_stated_for_the_shop_and_for_one_campaign(desk, ana):
    shop, campaign = desk.counter.shop.id, desk.counter.show.campaign_id
    given = {"place1": "click", "place2": "coupon", "place3": "", "place4": "", "window_days": "3", "bind_days": "0"}
    assert ana.post(f"{ROOT}/rules/policy", data=given).status_code == 303
    assert ana.post(f"{ROOT}/rules/policy", data={**given, "campaign_id": str(campaign), "place1": "bound",
                                                  "place2": "room", "bind_days": "90"}).status_code == 303
    with transaction() as db:
        wide, narrow = policy_for(db, shop, None), policy_for(db, shop, campaign)
    assert (wide.sources, wide.window_days, wide.bind_days) == (("click", "coupon"), 3, 0)
    assert (narrow.sources, narrow.bind_days) == (("bound", "room"), 90)
    page = words(ana.get(f"{ROOT}/rules/policy"))
    assert "Place 4" in page and "Place 5" not in page
    assert "link &gt; coupon" in page and "Winter kitchen" in page


@pytest.mark.parametrize("wrong", [{"place2": "click"}, {"place1": ""}, {"place1": "luck"}, {"window_days": "91"},
                                   {"bind_days": "4000"}, {"window_days": ""}])
def test_a_wrong_policy_is_refused(desk, ana, wrong):
    given = {"place1": "click", "window_days": "3", "bind_days": "0", **wrong}
    assert ana.post(f"{ROOT}/rules/policy", data=given).status_code == 422
    with transaction() as db:
        assert db.scalars(select(AttributionPolicy)).all() == []


def test_another_shops_campaign_gets_no_policy(desk, ana):
    with transaction() as db:
        foreign = factories.campaign(db, factories.merchant(db))
    given = {"place1": "click", "window_days": "3", "bind_days": "0", "campaign_id": str(foreign.id)}
    assert ana.post(f"{ROOT}/rules/policy", data=given).status_code == 404
    assert ana.get(f"{ROOT}/rules/policy?campaign={foreign.id}").status_code == 404


def test_assistants_and_buyers_are_kept_out(desk, app):
    with transaction() as db:
        assistant = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    for path in ("/settings", "/invitations", "/rules/policy", "/rules/campaigns"):
        assert signed_in(app, assistant).get(ROOT + path).status_code == 403
        assert signed_in(app, desk.counter.buyer).get(ROOT + path).status_code == 403


def test_the_operator_lets_in_freezes_and_sets_the_platforms_rule(desk, app):
    with transaction() as db:
        member = factories.member(db, "Op", roles=[("operator", None)])
    operator = signed_in(app, member)
    assert operator.post("/operator/affiliates/program", data={"approval": "manual"}).status_code == 303
    with transaction() as db:
        asks = actions.apply(db, factories.member(db, "Bea"))
    page = words(operator.get("/operator/affiliates"))
    assert "Asking 1" in page and "Bea" in page
    for to, state in (("active", "active"), ("frozen", "frozen"), ("active", "active"), ("closed", "closed")):
        assert operator.post(f"/operator/affiliates/{asks.id}/decide", data={"to": to}).status_code == 303
        with transaction() as db:
            assert db.get(Affiliate, asks.id).state == state
    assert operator.post(f"/operator/affiliates/{asks.id}/decide", data={"to": "frozen"}).status_code == 409
    with transaction() as db:
        subjects = db.scalars(select(Mail.subject).order_by(Mail.id)).all()
    assert subjects[:2] == ["Livestall has approved you", "Livestall has frozen your work as an affiliate"]
    assert "Nobody found" in operator.get("/operator/affiliates?q=zebra").text
    assert signed_in(app, desk.staff).get("/operator/affiliates").status_code == 403
    assert signed_in(app, desk.staff).post(f"/operator/affiliates/{asks.id}/decide",
                                           data={"to": "active"}).status_code == 403
