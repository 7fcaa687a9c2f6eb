"""To whom an order is owed: the policy alone, then with a shop, clicks, coupons and who is bound."""
import random
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from affiliates.attribution.actions import publish_policy
from affiliates.attribution.models import Attribution, Binding
from affiliates.attribution.policy import BUILT_IN, Candidate, Policy, choose
from affiliates.links.actions import make_coupon, make_link
from affiliates.people.actions import decide_affiliate
from core import clock
from core.db import transaction
from core.errors import Invalid
from tests import factories

NOW = clock.now()
AIKO, BEN, CARA = (uuid.UUID(int=n) for n in (1, 2, 3))


def ago(**span):
    return NOW - timedelta(**span)


@pytest.mark.parametrize(("candidates", "winner"), [
    ([], None),
    ([Candidate("click", AIKO, ago(days=1)), Candidate("room", BEN, ago(days=2))], BEN),
    ([Candidate("room", AIKO, ago(days=1)), Candidate("coupon", BEN, NOW)], BEN),
    ([Candidate("click", AIKO, ago(days=2)), Candidate("click", BEN, ago(days=1))], BEN),
    ([Candidate("click", AIKO, ago(days=6, hours=23)), Candidate("bound", BEN, ago(days=1))], AIKO),
    ([Candidate("click", AIKO, ago(days=7)), Candidate("bound", BEN, ago(days=179))], BEN),
    ([Candidate("bound", BEN, ago(days=180))], None),
    ([Candidate("coupon", AIKO, NOW, why_not="affiliate_frozen"), Candidate("click", BEN, ago(days=1))], BEN),
])
def test_the_built_in_policy(candidates, winner):
    shuffled = random.sample(candidates, len(candidates))
    won, told = choose(BUILT_IN, shuffled, NOW)
    assert (won and won.affiliate_id) == winner
    assert len(told) == len(candidates) and [one["outcome"] for one in told].count("won") == (winner is not None)


def test_a_stated_policy_turns_the_order_and_every_candidate_keeps_its_outcome():
    policy = Policy(("bound", "click"), window_days=1, bind_days=10)
    won, told = choose(policy, [
        Candidate("coupon", AIKO, NOW), Candidate("click", AIKO, ago(hours=2)), Candidate("click", BEN, ago(hours=1)),
        Candidate("bound", CARA, ago(days=9)), Candidate("click", CARA, ago(days=2))], NOW)
    assert won.affiliate_id == CARA
    assert [(one["source"], one["outcome"]) for one in told] == [
        ("bound", "won"), ("click", "weaker"), ("click", "weaker"), ("click", "too_old"), ("coupon", "not_in_policy")]


def attribution(order_id):
    with transaction() as db:
        return db.get(Attribution, order_id)


def outcomes(row):
    return [(one["source"], one["outcome"]) for one in row.candidates]


def test_an_order_is_owed_to_who_brought_the_buyer_into_the_room(desk, db):
    other = factories.affiliate(db, shop=desk.counter.shop, name="Ben")
    elsewhere = make_link(db, other, campaign_id=desk.counter.show.campaign_id)
    db.commit()
    assert attribution(desk.buy()) is None  # nobody: nothing is written
    desk.came(3600)
    desk.came(60, elsewhere)
    desk.came(8 * 86400)
    row = attribution(desk.buy())
    assert (row.affiliate_id, row.source, row.link_id, row.policy_version) == (
        desk.affiliate.id, "room", desk.link.id, 0)
    assert outcomes(row) == [("room", "won"), ("click", "weaker")]
    assert row.rules[0]["rule_id"] == str(desk.rule.id)
    with transaction() as fresh:
        assert fresh.get(Binding, (desk.counter.shop.id, desk.counter.buyer.id)).affiliate_id == desk.affiliate.id


def test_a_coupon_beats_the_room_and_a_policy_of_the_campaign_beats_that(desk, db):
    other = factories.affiliate(db, shop=desk.counter.shop, name="Ben")
    make_coupon(db, other.id, desk.counter.shop.id, "BEN10", desk.staff)
    db.commit()
    desk.came()
    row = attribution(desk.buy(coupon=" ben 10"))
    assert (row.affiliate_id, row.source) == (other.id, "coupon")
    publish_policy(db, desk.counter.shop.id, desk.staff, sources=["room", "coupon"], window_days=3,
                   campaign_id=desk.counter.show.campaign_id)
    db.commit()
    row = attribution(desk.buy(coupon="BEN10"))
    assert (row.affiliate_id, row.source, row.policy_version, row.policy["window_days"]) == (
        desk.affiliate.id, "room", 1, 3)
    assert outcomes(row) == [("room", "won"), ("coupon", "weaker"), ("bound", "not_in_policy")]
    with pytest.raises(Invalid):
        publish_policy(db, desk.counter.shop.id, desk.staff, sources=["room", "room"])


def test_who_is_frozen_falls_out_and_the_bound_one_is_asked(desk, db):
    desk.came()
    first = desk.buy()
    other = factories.affiliate(db, shop=desk.counter.shop, name="Ben")
    frozen = make_link(db, other, live_session_id=desk.counter.show.id)
    decide_affiliate(db, other, "frozen", desk.staff)
    db.commit()
    with transaction() as change:
        change.execute(update(Binding).values(bound_at=clock.now() - timedelta(days=30)))
    desk.came(30, frozen)
    desk.came(8 * 86400)
    row = attribution(desk.buy())
    assert row.affiliate_id == desk.affiliate.id and row.order_id != first
    assert ("room", "affiliate_frozen") in outcomes(row)


def test_a_visitor_counts_before_the_buyer_signs_in_and_another_shops_link_never(desk, db):
    stranger = factories.merchant(db)
    shop_affiliate = factories.affiliate(db, shop=stranger)
    from affiliates.links.models import TrackingLink
    link = TrackingLink(code="Other23", affiliate_id=shop_affiliate.id, merchant_id=stranger.id,
                        live_session_id=desk.counter.show.id)
    db.add(link)
    db.commit()
    desk.came(60, link)
    assert attribution(desk.buy()) is None


def test_a_leader_is_of_the_team_as_it_was_at_the_order(desk, db):
    from affiliates.commission.models import CommissionRule
    from affiliates.people.actions import join_team, leave_team
    leader = factories.affiliate(db, shop=desk.counter.shop, name="Lea")
    campaign = desk.counter.show.campaign_id
    factories.commission_rule(db, desk.counter.shop, 50_000, campaign_id=campaign, level2_ppm=20_000)
    join_team(db, db.get(type(leader), desk.affiliate.id), leader, desk.member)
    db.commit()
    desk.came()
    order_id = desk.buy(3)
    leave_team(db, db.get(type(leader), desk.affiliate.id), desk.member)
    db.commit()
    assert [(one.level, one.affiliate_id, one.amount_minor) for one in desk.commissions(order_id)] == [
        (1, desk.affiliate.id, 32), (2, leader.id, 13)]
    assert db.scalar(select(CommissionRule.level2_ppm).where(CommissionRule.campaign_id == campaign)) == 20_000
    assert len(desk.commissions(desk.buy())) == 1
