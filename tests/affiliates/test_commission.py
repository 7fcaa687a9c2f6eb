"""What a sale earns, when it is taken back, when it waits, and that every amount explains itself."""
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from affiliates.commission import actions, explain, queries, reversal
from affiliates.commission.models import Commission, CommissionHold
from affiliates.commission.publishing import end_rule, publish, rules_at
from affiliates.commission.rules import Draft
from affiliates.commission.simulate import replay
from affiliates.commission.tell import commission_out, tell_totals
from affiliates.links.models import Click, VisitorMember
from affiliates.people.acts import acts
from core import clock
from core.db import transaction
from core.errors import Forbidden, Invalid, NotFound
from core.events import Event
from members.models import Member
from orders.models import Order
from orders.payments import Result, apply
from orders.payments.models import SavedCard
from tests import factories
from tests.orders.conftest import key


def test_a_paid_order_earns_once_however_often_the_money_is_reported(desk):
    desk.came()
    order_id = desk.buy(3)
    payment = desk.counter.payments(order_id)[0]
    for _again in range(3):
        with transaction() as db:
            apply.apply_result(db, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
    one, = desk.commissions()
    assert (one.base_minor, one.rate_ppm, one.amount_minor, one.reversed_minor) == (630, 100_000, 63, 0)
    assert (one.rule_id, one.matures_at, one.hold_days) == (desk.rule.id, None, 15)


def test_nothing_is_earned_before_the_money_came(desk):
    desk.came()
    answer, _sent = desk.counter.order(2, "bank_page")
    assert answer.status_code == 201 and desk.commissions() == []


def test_the_narrowest_rule_counts_and_its_rate_is_fixed_at_the_order(desk, db):
    shop, campaign = desk.counter.shop, desk.counter.show.campaign_id
    factories.commission_rule(db, shop, 150_000, campaign_id=campaign)
    factories.commission_rule(db, shop, 900_000, category="Cakes")
    candles = factories.commission_rule(db, shop, category="Candles", flat_minor=25, hold_days=3)
    factories.commission_rule(db, shop, 990_000, tier="gold")
    db.commit()
    desk.came()
    answer, _sent = desk.counter.order(2, "bank_page")
    order_id = uuid.UUID(answer.json["order"]["id"])
    publish(db, shop, Draft(flat_minor=100, category="Candles", hold_days=3), desk.staff)  # a raise, at once
    db.commit()
    payment = desk.counter.payments(order_id)[0]
    with transaction() as fresh:
        apply.apply_result(fresh, payment.id, Result("succeeded", payment.key, payment.amount_minor, "GBP"))
    one, = desk.commissions()
    assert (one.rule_id, one.amount_minor, one.flat_minor, one.hold_days) == (candles.id, 50, 25, 3)
    later, = desk.commissions(desk.buy())
    assert later.amount_minor == 100


def test_refunds_take_their_share_and_the_last_one_the_rest(desk):
    desk.came()
    order_id = desk.buy(3)
    again = key()
    desk.refund(order_id, 1, again)
    desk.refund(order_id, 1, again)
    one, = desk.commissions()
    assert one.reversed_minor == 21
    desk.refund(order_id, 2)
    one, = desk.commissions()
    assert one.reversed_minor == one.amount_minor == 63
    assert [(row.amount_minor, row.basis_minor) for row in desk.adjustments()] == [(-21, 210), (-42, 420)]


@pytest.mark.parametrize("first", ["refund", "dispute"])
def test_a_refund_and_a_dispute_of_one_order_take_it_once(desk, first):
    desk.came()
    order_id = desk.buy(3)

    def dispute():
        with transaction() as db:
            reversal.disputed(db, db.get(Order, order_id), "dp_1", 630)
    steps = [lambda: desk.refund(order_id, 2), dispute, dispute]
    for step in steps if first == "refund" else reversed(steps):
        step()
    one, = desk.commissions()
    assert one.reversed_minor == 63
    assert sum(row.amount_minor for row in desk.adjustments()) == -63


def test_delivery_begins_the_days(desk, db):
    actions.set_hold_days(db, desk.counter.shop.id, "Candles", 30, desk.staff)
    db.commit()
    desk.came()
    order_id = desk.buy()
    desk.deliver(order_id)
    one, = desk.commissions()
    delivered = desk.counter.order_row(order_id).delivered_at
    assert one.matures_at == delivered + timedelta(days=30)
    with transaction() as again:
        actions.mature(again, again.get(Order, order_id))
    assert desk.commissions()[0].matures_at == one.matures_at


# -- doubts

def test_own_purchases_are_held_with_the_reason_and_never_left_out(desk, db):
    counter = desk.counter
    db.execute(update(Member).where(Member.id == counter.buyer.id).values(name="Mei"))
    from affiliates.people.models import Affiliate, Affiliation
    own = Affiliate(member_id=counter.buyer.id, display_name="Mei", state="active")
    db.add(own)
    db.flush()
    db.add(Affiliation(affiliate_id=own.id, merchant_id=counter.shop.id, state="active"))
    from affiliates.links.actions import make_link
    db.flush()
    link = make_link(db, own, live_session_id=counter.show.id)
    db.commit()
    desk.came(60, link)
    order_id = desk.buy()
    one, = desk.commissions(order_id)
    assert one.held and one.amount_minor == 21
    hold, = queries.holds_of(db, one.id)
    assert (hold.reason, hold.evidence) == ("own_purchase", {"member_id": str(counter.buyer.id)})
    with pytest.raises(Forbidden):  # nobody decides on their own
        actions.decide(db, hold, "released", counter.buyer, "Fine by me.")


def test_the_same_card_device_and_address_and_a_late_click_are_evidence(desk, db):
    visitor = uuid.uuid4()
    factories.address(db, desk.member, line1="14, larch ROAD", postcode="LS14AB", name="Somebody Else")
    db.add(SavedCard(member_id=desk.member.id, provider="sandbox", provider_ref="x", brand="Visa", last4="4242",
                     fingerprint="fp"))
    card = SavedCard(member_id=desk.counter.buyer.id, provider="sandbox", provider_ref="sandbox_approve",
                     brand="Visa", last4="4242", fingerprint="fp", is_default=True)
    db.add_all([card, VisitorMember(visitor=visitor, member_id=desk.member.id)])
    db.commit()
    hold = desk.counter.hold()
    desk.came(0)
    client = desk.counter.client
    with client.application.test_request_context():
        from affiliates.links import visitors
        cookie = visitors._signer().dumps(visitor.hex)
    client.set_cookie(visitors.COOKIE, cookie)
    answer = client.post("/api/orders", json=desk.counter.body(hold))
    assert answer.json["order"]["state"] == "paid"
    one, = desk.commissions()
    assert {row.reason for row in queries.holds_of(db, one.id)} == {
        "same_card", "same_device", "same_address", "late_click"}
    late = next(row for row in queries.holds_of(db, one.id) if row.reason == "late_click")
    assert late.evidence["seconds"] < 5


def held(desk, db):
    """A commission that a person held."""
    desk.came()
    one, = desk.commissions(desk.buy(3))
    hold = actions.hold_by_hand(db, db.get(Commission, one.id), desk.staff, "Three orders to one door.")
    db.commit()
    return one, hold


def test_a_held_commission_is_released_with_a_note_once(desk, db):
    one, hold = held(desk, db)
    assert desk.commissions()[0].held
    with pytest.raises(Invalid):
        actions.decide(db, hold, "released", desk.staff, " ")
    actions.decide(db, hold, "released", desk.staff, "A shared house.")
    db.commit()
    assert not desk.commissions()[0].held
    with pytest.raises(actions.Decided):
        actions.decide(db, hold, "rejected", desk.staff, "No.")
    db.rollback()
    assert [act.kind for act in acts(db, desk.counter.shop.id)][:2] == ["hold.released", "hold.opened"]
    with pytest.raises(NotFound):
        queries.access_hold(db, hold.id, uuid.uuid4())


def test_a_rejected_commission_is_taken_back_and_can_be_given_again(desk, db):
    one, hold = held(desk, db)
    desk.refund(one.order_id, 1)
    actions.decide(db, hold, "rejected", desk.staff, "The same household.")
    db.commit()
    assert desk.commissions()[0].reversed_minor == 63
    desk.refund(one.order_id, 2)
    assert desk.commissions()[0].reversed_minor == 63
    row = db.get(Commission, one.id)
    with pytest.raises(Invalid):
        actions.correct(db, row, 64, desk.staff, "too much", "k1")
    db.rollback()
    for _again in range(2):
        actions.correct(db, row, 20, desk.staff, "After an appeal.", "k2")
    db.commit()
    assert desk.commissions()[0].reversed_minor == 43


# -- budgets and bonuses

def test_a_budget_is_never_passed_and_refunds_give_back(desk, db):
    from campaigns.terms.models import Campaign
    campaign = db.get(Campaign, desk.counter.show.campaign_id)
    actions.set_budget(db, campaign, 70, desk.staff)
    db.commit()
    desk.came()
    first, second = desk.buy(3), desk.buy(1)
    assert [(one.amount_minor, one.capped_by) for one in desk.commissions()] == [(63, None), (7, "budget")]
    desk.refund(first, 3)
    assert queries.budget_of(db, campaign.id).spent_minor == 7
    assert explain.explain(db, desk.commissions(second)[0])["formula"]["capped_by"] == "budget"
    with pytest.raises(Invalid):
        actions.set_budget(db, campaign, 6, desk.staff)
    db.rollback()


def test_a_bonus_is_awarded_once_for_what_was_kept(desk, db):
    from campaigns.terms.models import Campaign
    campaign = db.get(Campaign, desk.counter.show.campaign_id)
    for measure, threshold in (("units", 3), ("revenue", 630), ("orders", 3), ("units", 4)):
        actions.add_bonus(db, campaign, desk.staff, measure=measure, threshold=threshold, amount_minor=500)
    db.commit()
    desk.came()
    first = desk.buy(2)
    desk.buy(2)
    desk.refund(first, 1)
    for expected in (2, 0):
        assert len(actions.award_bonuses(db, campaign.id)) == expected
        db.commit()
    bonus = [one for one in desk.commissions() if one.kind == "bonus"]
    assert [(one.amount_minor, one.affiliate_id) for one in bonus] == [(500, desk.affiliate.id)] * 2


# -- publishing

def test_a_raise_holds_at_once_and_a_cut_after_its_notice(desk, db):
    shop = desk.counter.shop
    raised = publish(db, shop, Draft(rate_ppm=120_000), desk.staff)
    assert raised.version == 2 and raised.valid.lower <= clock.now()
    cut = publish(db, shop, Draft(rate_ppm=50_000), desk.staff, "Winter is over.")
    assert (cut.valid.lower - clock.now()).days == 13
    db.refresh(raised)
    assert raised.valid.upper == cut.valid.lower
    narrow_cut = publish(db, shop, Draft(rate_ppm=20_000, category="Candles"), desk.staff)
    assert narrow_cut.valid.lower > clock.now()  # else the wide rule's promise would be broken by a narrow one
    promised_to_nobody = factories.campaign(db, shop)
    at_once = publish(db, shop, Draft(rate_ppm=20_000, campaign_id=promised_to_nobody.id), desk.staff)
    assert at_once.valid.lower <= clock.now()
    assert [rule.rate_ppm for rule in rules_at(db, shop.id)] == [120_000, 50_000, 20_000, 20_000]
    end = end_rule(db, at_once, desk.staff)
    assert (end - clock.now()).days == 13
    with pytest.raises(Invalid):
        end_rule(db, at_once, desk.staff)


@pytest.mark.parametrize(("draft", "field"), [
    (Draft(rate_ppm=1_000_001), "rate"), (Draft(rate_ppm=-1), "rate"), (Draft(), "rate"),
    (Draft(rate_ppm=1, flat_minor=1), "rate"), (Draft(rate_ppm=600_000, level2_ppm=400_001), "level2"),
    (Draft(rate_ppm=1, cap_minor=-1), "cap"), (Draft(rate_ppm=1, hold_days=366), "hold_days")])
def test_a_rule_out_of_bounds_is_refused_in_words(desk, db, draft, field):
    with pytest.raises(Invalid) as refusal:
        publish(db, desk.counter.shop, draft, desk.staff)
    assert field in refusal.value.fields
    foreign = factories.campaign(db, factories.merchant(db))
    with pytest.raises(NotFound):
        publish(db, desk.counter.shop, Draft(rate_ppm=1, campaign_id=foreign.id), desk.staff)


# -- explained, told, simulated

def test_every_amount_can_be_computed_anew_from_its_explanation(desk, db):
    desk.came()
    order_id = desk.buy(3)
    desk.refund(order_id, 1)
    one, = desk.commissions(order_id)
    told = explain.explain(db, one)
    base, formula = told["base"], told["formula"]
    assert base["quantity"] * base["unit_price_minor"] - base["discount_minor"] == base["paid_minor"] == 630
    assert base["paid_minor"] * formula["rate_ppm"] == formula["exact_millionths"] == 63_000_000
    assert formula["rounded_minor"] == formula["amount_minor"] == 63
    assert told["left_minor"] == 63 + sum(row["amount_minor"] for row in told["adjustments"]) == 42
    assert told["why_me"]["source"] == "room" and told["why_me"]["candidates"][0]["me"]
    assert (told["rule"]["version"], told["when"]["waits_for"], told["state"]) == (1, "delivery", "pending")
    assert str(desk.counter.buyer.id) not in str(told) and desk.counter.buyer.name not in str(told)
    desk.deliver(order_id)
    assert explain.explain(db, desk.commissions(order_id)[0])["when"]["waits_for"] == "days"
    desk.refund(order_id, 2)
    db.expire_all()
    assert explain.explain(db, desk.commissions(order_id)[0])["when"]["waits_for"] == "nothing_left"


def stream_of(desk, kind):
    with transaction() as db:
        return [row.payload for row in db.scalars(select(Event).where(
            Event.stream == f"affiliate:{desk.affiliate.id}", Event.kind == kind).order_by(Event.id))]


def test_affiliates_hear_of_each_change_and_of_their_sums(desk):
    desk.came()
    order_id = desk.buy(3)
    told, = stream_of(desk, "commission.changed")
    number = desk.counter.order_row(order_id).number
    assert (told["order_number"], told["amount_minor"], told["state"]) == (number, 63, "pending")
    one, = desk.commissions()
    assert told == commission_out(one, number, told["title"])
    desk.refund(order_id, 1)
    for expected in (1, 0):
        with transaction() as db:
            assert tell_totals(db) == expected
    assert stream_of(desk, "affiliate.totals") == [{"totals": [
        {"currency": "GBP", "earned": 42, "held": 0, "mature": 0, "payable": 0, "paid": 0}]}]
    assert [row["reversed_minor"] for row in stream_of(desk, "commission.changed")] == [0, 21]


def test_a_draft_is_replayed_on_past_sales(desk, db):
    desk.came()
    kept, part = desk.buy(2), desk.buy(3)
    desk.refund(part, 1)
    campaign = desk.counter.show.campaign_id
    found = replay(db, desk.counter.shop.id, Draft(rate_ppm=200_000), [campaign])
    assert found.totals == [{"currency": "GBP", "lines": 2, "before_minor": 84, "after_minor": 168, "change_minor": 84}]
    assert [(one["name"], one["change_minor"]) for one in found.winners] == [("Aiko", 84)]
    assert replay(db, desk.counter.shop.id, Draft(rate_ppm=100_000)).unchanged == 1
    assert replay(db, desk.counter.shop.id, Draft(flat_minor=5)).losers[0]["after_minor"] == 20
    assert replay(db, desk.counter.shop.id, Draft(rate_ppm=1, category="Cakes")).totals[0]["lines"] == 0
    assert replay(db, desk.counter.shop.id, Draft(rate_ppm=1), []).totals == []
    assert desk.commissions(kept)[0].amount_minor == 42  # nothing was written


def test_others_commissions_and_holds_are_not_found(desk, db):
    desk.came()
    one, = desk.commissions(desk.buy())
    assert queries.access_commission(db, one.id, desk.affiliate.id).id == one.id
    with pytest.raises(NotFound):
        queries.access_commission(db, one.id, factories.affiliate(db).id)
    row, = queries.commissions_of(db, desk.affiliate.id)
    assert row[0].id == one.id and queries.commissions_of(db, desk.affiliate.id, before=one.id) == []
    assert queries.open_holds(db, desk.counter.shop.id) == []
    assert db.scalar(select(CommissionHold.id)) is None and db.scalar(select(Click.id)) is not None
