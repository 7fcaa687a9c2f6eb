"""The pages of rules: what holds, trying a draft, publishing it as announced, ending one."""
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from affiliates.commission.models import Commission, CommissionRule
from affiliates.people import actions as people
from affiliates.people.models import Act
from affiliates.people.queries import cut_may_hold
from campaigns.catalogue.models import Variant
from core.clock import now
from core.db import transaction
from tests import factories
from tests.factories import signed_in

NEW = "/studio/affiliates/rules/new"


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def rules():
    with transaction() as db:
        return list(db.scalars(select(CommissionRule).order_by(CommissionRule.id)))


def look(client, **draft) -> str:
    answer = client.get(NEW, query_string={"try": "1", **draft})
    assert answer.status_code == 200, words(answer)
    return words(answer)


def test_the_list_tells_what_holds_what_comes_and_what_was(desk, ana):
    with transaction() as db:
        shop, at = desk.counter.shop, now()
        factories.commission_rule(db, shop, 50_000, at - timedelta(days=9), at - timedelta(days=2), tier="gold")
        factories.commission_rule(db, shop, 40_000, at + timedelta(days=3), category="Candles", hold_days=21)
        factories.commission_rule(db, shop, flat_minor=100, cap_minor=500, product_id=None, tier="silver")
    page = words(ana.get("/studio/affiliates/rules"))
    announced, _, rest = page.partition("Announced")[2].partition("Holding now")
    holding, _, past = rest.partition(" Past ")
    assert "category “Candles” 4 % payable 21 days after delivery holds from" in announced
    assert "everything 10 % version 1 · in force since" in holding
    assert "level “silver” £1.00 a unit at most £5.00 a line" in holding
    assert "level “gold” 5 %" in past


def test_a_shop_without_rules_is_told_what_that_means(app, desk):
    with transaction() as db:
        other = factories.member(db, "Ida", roles=[("merchant_staff", factories.merchant(db))])
    assert "Without a rule affiliates earn nothing" in signed_in(app, other).get("/studio/affiliates/rules").text


def test_trying_a_raise_shows_cost_and_winners_and_writes_nothing(desk, ana):
    desk.came()
    desk.buy(quantity=3)  # £6.30: £0.63 by the rule
    with transaction() as db:
        before = db.scalar(select(func.count()).select_from(Act))
    page = look(ana, rate="15")
    assert "holds from the moment you publish it" in page
    assert "It takes the place of version 1: 10 %." in page
    assert "GBP 1 £0.63 £0.95 +£0.32" in page
    assert "Aiko £0.63 before, £0.95 by the draft +£0.32" in page
    assert "Nobody would have earned less." in page
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(Act)) == before
    assert len(rules()) == 1


def test_trying_a_cut_names_the_day_and_who_loses(desk, ana):
    desk.came()
    desk.buy(quantity=3)
    page = look(ana, rate="8,5")
    assert "This is a cut" in page and "after the notice of 14 days" in page
    assert "Who loses 1 Aiko £0.63 before, £0.54 by the draft −£0.09" in page


def test_a_draft_for_a_coming_sale_is_tried_as_if_past_ones_were_it(desk, ana):
    desk.came()
    desk.buy(quantity=3)
    with transaction() as db:
        coming = factories.campaign(db, desk.counter.shop)
    page = look(ana, rate="20", campaign_id=str(coming.id))
    assert "was promised to nobody, so this holds at once" in page and "+£0.63" in page
    page = look(ana, rate="20", campaign_id=str(coming.id), past=str(coming.id))
    assert "Nothing to try it on" in page


def test_publishing_a_raise_holds_at_once_and_a_cut_after_the_notice(desk, ana):
    answer = ana.post("/studio/affiliates/rules", data={"rate": "12", "announced": "now", "note": "Winter"})
    assert answer.status_code == 303
    first, second = rules()
    assert second.valid.lower <= now() and first.valid.upper == second.valid.lower
    assert (second.rate_ppm, second.version, second.published_by, second.note) == (120_000, 2, desk.staff.id, "Winter")
    answer = ana.post("/studio/affiliates/rules", data={"rate": "9", "announced": "later"})
    assert answer.status_code == 303
    cut = rules()[-1]
    assert timedelta(days=13, hours=23) < cut.valid.lower - now() <= timedelta(days=14)
    assert "Another change of this rule is announced" in look(ana, rate="30")
    refused = ana.post("/studio/affiliates/rules", data={"rate": "30", "announced": "now"})
    assert (refused.status_code, len(rules())) == (409, 3)


def test_what_was_announced_as_a_raise_is_not_published_as_a_cut(desk, ana):
    refused = ana.post("/studio/affiliates/rules", data={"rate": "9", "announced": "now"})
    assert refused.status_code == 409
    assert "would begin at another time than you were told" in refused.text
    assert len(rules()) == 1


@pytest.mark.parametrize(("given", "said"), [
    ({}, "not both"), ({"rate": "10", "flat": "1"}, "not both"), ({"rate": "100.1"}, "From 0 % to 100 %."),
    ({"rate": "-1"}, "Give a percentage like 8.5."), ({"rate": "60", "level2": "50"}, "100 % at most"),
    ({"rate": "10", "cap": "0"}, "above 0"), ({"rate": "10", "hold_days": "366"}, "From 0 to 365."),
    ({"rate": "10", "sku": "NO-SUCH"}, "No product of yours has this SKU."),
    ({"rate": "10", "tier": "gold!"}, "Small letters, digits and hyphens"), ({"flat": "1e3"}, "above 0")])
def test_wrong_terms_are_refused_in_words_when_tried_and_when_published(desk, ana, given, said):
    tried = ana.get(NEW, query_string={"try": "1", **given})
    posted = ana.post("/studio/affiliates/rules", data={**given, "announced": "now"})
    assert {tried.status_code, posted.status_code} == {422}
    assert said in words(tried) and said in words(posted)
    assert len(rules()) == 1


def test_scopes_are_found_by_what_people_type(desk, ana):
    with transaction() as db:
        sku, product = db.execute(select(Variant.sku, Variant.product_id)).first()
    data = {"flat": "0.50", "sku": sku, "tier": "Gold", "announced": "later"}
    assert ana.post("/studio/affiliates/rules", data=data).status_code == 303
    rule = rules()[-1]
    assert (rule.product_id, rule.tier, rule.flat_minor, rule.currency) == (product, "gold", 50, "GBP")


def test_another_shops_sale_product_and_rule_are_not_found(desk, ana, app):
    with transaction() as db:
        other = factories.merchant(db)
        sale = factories.campaign(db, other)
        sku = factories.variant(db, other).sku
        rule = factories.commission_rule(db, other)
        assistant = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    assert ana.get(NEW, query_string={"try": "1", "rate": "5", "campaign_id": str(sale.id)}).status_code == 404
    assert ana.post("/studio/affiliates/rules", data={"rate": "5", "campaign_id": str(sale.id),
                                                      "announced": "now"}).status_code == 404
    assert ana.get(NEW, query_string={"try": "1", "rate": "5", "sku": sku}).status_code == 422
    assert ana.post(f"/studio/affiliates/rules/{rule.id}/end").status_code == 404
    for path in ("/studio/affiliates/rules", NEW):
        assert signed_in(app, assistant).get(path).status_code == 403
        assert signed_in(app, desk.counter.buyer).get(path).status_code == 403


def test_ending_a_rule_takes_its_notice_and_says_what_comes_after(desk, ana):
    with transaction() as db:
        people.set_program(db, desk.counter.shop, desk.staff, approval="manual", notice_days=30)
        narrow = factories.commission_rule(db, desk.counter.shop, 120_000, category="Candles")
    page = words(ana.get("/studio/affiliates/rules"))
    assert "after the notice of 30 days" in page
    assert "Afterwards these sales earn 10 %, by the rule for: everything." in page
    assert "Afterwards these sales earn nothing." in page
    assert ana.post(f"/studio/affiliates/rules/{narrow.id}/end", data={"note": "Too dear"}).status_code == 303
    ended = next(rule for rule in rules() if rule.id == narrow.id)
    assert timedelta(days=29, hours=23) < ended.valid.upper - now() <= timedelta(days=30)
    assert ana.post(f"/studio/affiliates/rules/{narrow.id}/end").status_code == 303
    assert "This rule has an end already." in ana.get("/studio/affiliates/rules").text
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(Commission)) == 0
        assert db.scalars(select(Act.note).where(Act.kind == "rule.ended")).all() == ["Too dear"]


def test_who_shortens_the_notice_cannot_cut_before_the_old_one_has_passed(desk, ana):
    with transaction() as db:
        people.set_program(db, desk.counter.shop, desk.staff, approval="manual", notice_days=0)
    page = look(ana, rate="5")
    assert "This is a cut" in page and "holds from the moment" not in page
    assert ana.post("/studio/affiliates/rules", data={"rate": "5", "announced": "later"}).status_code == 303
    assert timedelta(days=13, hours=23) < rules()[-1].valid.lower - now() <= timedelta(days=14)
    with transaction() as db:
        shop = desk.counter.shop.id
        assert cut_may_hold(db, shop, now() + timedelta(days=13)) - now() < timedelta(days=14)
        assert cut_may_hold(db, shop, now() + timedelta(days=20)) - now() > timedelta(days=19)
