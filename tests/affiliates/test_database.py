"""What the database refuses whoever writes: teams, overlapping rules, amounts, facts that would change."""
import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import Range
from sqlalchemy.exc import IntegrityError

import core.db
from affiliates.commission.models import Adjustment, Commission, CommissionHold, CommissionRule
from affiliates.people.models import Affiliate
from core import clock
from core.db import transaction
from orders.models import Order, OrderLine
from tests import factories
from tests.orders.conftest import counter  # noqa: F401  (a fixture)


def refused(db, row, name):
    with pytest.raises(IntegrityError, match=name), db.begin_nested():
        db.add(row)
        db.flush()


# -- teams

def test_a_team_has_two_levels(db):
    leader = factories.affiliate(db)
    below = factories.affiliate(db, parent=leader)
    third = Affiliate(member_id=factories.member(db).id, display_name="Third", parent_id=below.id)
    refused(db, third, "third level")
    other = factories.affiliate(db)
    with pytest.raises(IntegrityError, match="third level"), db.begin_nested():
        db.execute(update(Affiliate).where(Affiliate.id == leader.id).values(parent_id=other.id))


def test_nobody_leads_themselves_in_a_circle(db):
    first, second = factories.affiliate(db), factories.affiliate(db)
    with pytest.raises(IntegrityError, match="lead itself|own_parent"), db.begin_nested():
        db.execute(update(Affiliate).where(Affiliate.id == first.id).values(parent_id=first.id))
    db.execute(update(Affiliate).where(Affiliate.id == first.id).values(parent_id=second.id))
    with pytest.raises(IntegrityError, match="lead itself"), db.begin_nested():
        db.execute(update(Affiliate).where(Affiliate.id == second.id).values(parent_id=first.id))


def race_for_three_levels(db):
    """Two changes, each allowed alone, that together make three levels; how deep the deepest is afterwards."""
    top, middle, low = (factories.affiliate(db) for _ in range(3))
    db.commit()
    first_done, refusals = threading.Event(), []

    def second():
        try:
            with transaction() as other:
                first_done.wait(5)
                other.execute(update(Affiliate).where(Affiliate.id == middle.id).values(parent_id=top.id))
        except IntegrityError as error:
            refusals.append(error)
    thread = threading.Thread(target=second)
    with transaction() as mine:
        mine.execute(update(Affiliate).where(Affiliate.id == low.id).values(parent_id=middle.id))
        thread.start()
        first_done.set()
        thread.join(0.3)  # with the guard it waits for us; without, it is through by now
    thread.join(5)
    deepest = db.scalar(text("""SELECT count(*) FROM affiliates a JOIN affiliates b ON b.id = a.parent_id
                                JOIN affiliates c ON c.id = b.parent_id"""))
    return deepest, refusals


def test_two_changes_at_once_cannot_make_a_third_level(db):
    deepest, refusals = race_for_three_levels(db)
    assert deepest == 0 and len(refusals) == 1


def test_without_the_trigger_they_could(db):
    """The control: the race above is one."""
    with core.db.engine().begin() as connection:
        connection.execute(text("ALTER TABLE affiliates DISABLE TRIGGER affiliate_team"))
    try:
        assert race_for_three_levels(db)[0] == 1
    finally:
        with core.db.engine().begin() as connection:
            connection.execute(text("ALTER TABLE affiliates ENABLE TRIGGER affiliate_team"))


# -- rules

def test_two_rules_of_one_scope_never_hold_at_once(db):
    shop = factories.merchant(db)
    now = clock.now()
    factories.commission_rule(db, shop, until=now + timedelta(days=1))
    with pytest.raises(IntegrityError, match="ex_commission_rules_overlap"), db.begin_nested():
        factories.commission_rule(db, shop, version=2)
    factories.commission_rule(db, shop, version=2, since=now + timedelta(days=1))
    factories.commission_rule(db, shop, category="Candles")
    with pytest.raises(IntegrityError, match="ex_commission_rules_overlap"), db.begin_nested():
        factories.commission_rule(db, shop, category="Candles", version=2)
    factories.commission_rule(db, factories.merchant(db))


@pytest.mark.parametrize(("values", "name"), [
    ({"rate_ppm": 1_000_001}, "rate"), ({"rate_ppm": -1}, "rate"),
    ({"rate_ppm": 900_000, "level2_ppm": 100_001}, "rate"),
    ({"rate_ppm": None}, "one_rate"), ({"flat_minor": -1}, "flat"), ({"cap_minor": 5, "currency": None}, "currency"),
    ({"hold_days": 366}, "hold_days"), ({"category": ""}, "scope")])
def test_a_rule_out_of_bounds_is_refused(db, values, name):
    with pytest.raises(IntegrityError, match=f"ck_commission_rules_{name}"):
        factories.commission_rule(db, factories.merchant(db), **values)


def test_a_published_rule_may_only_end_and_not_in_the_past(db):
    rule = factories.commission_rule(db, factories.merchant(db))
    now = clock.now()

    def change(**values):
        db.execute(update(CommissionRule).where(CommissionRule.id == rule.id).values(**values))
    for values in ({"rate_ppm": 1}, {"note": "x"}, {"valid": Range(rule.valid.lower, now - timedelta(minutes=1))},
                   {"valid": Range(now, None)}):
        with pytest.raises(IntegrityError, match="frozen"), db.begin_nested():
            change(**values)
    with pytest.raises(IntegrityError, match="frozen"), db.begin_nested():
        db.delete(rule)
        db.flush()
    db.expunge_all()
    change(valid=Range(rule.valid.lower, now + timedelta(days=1)))


# -- commissions

@pytest.fixture
def line(counter):  # noqa: F811
    """(order, its line) that was paid."""
    order_id = counter.paid(3)
    with transaction() as db:
        order = db.get(Order, order_id)
        return order, db.scalar(select(OrderLine).where(OrderLine.order_id == order_id))


def commission(db, line, base=630, rate=100_000, **values):
    order, row = line
    promoter, shop = factories.affiliate(db), factories.merchant(db)
    if "flat_minor" in values:
        rate = None
    made = Commission(**{
        "order_id": order.id, "order_line_id": row.id, "level": 1, "affiliate_id": promoter.id, "quantity": 3,
        "campaign_id": order.campaign_id, "merchant_id": order.merchant_id, "currency": "GBP", "base_minor": base,
        "rule_id": factories.commission_rule(db, shop).id, "rate_ppm": rate, "hold_days": 15, **values})
    db.add(made)
    db.flush()
    db.refresh(made)
    return made


@pytest.mark.parametrize(("base", "rate", "more", "amount"), [
    (630, 100_000, {}, 63), (5, 100_000, {}, 1), (4, 100_000, {}, 0), (15, 100_000, {}, 2), (0, 1_000_000, {}, 0),
    (2**53 - 1, 1_000_000, {}, 2**53 - 1), (630, None, {"flat_minor": 50}, 150), (630, 100_000, {"cap_minor": 40}, 40)])
def test_the_database_computes_the_amount_half_up(db, line, base, rate, more, amount):
    assert commission(db, line, base, rate, **more).amount_minor == amount


def test_an_amount_cannot_be_given(db, line):
    made = commission(db, line)
    with pytest.raises(Exception, match="can only be updated to DEFAULT"), db.begin_nested():
        db.execute(text("UPDATE commissions SET amount_minor = 1 WHERE id = :id"), {"id": made.id})


def test_one_commission_a_line_level_and_kind(db, line):
    made = commission(db, line)
    with pytest.raises(IntegrityError, match="uq_commissions_once"), db.begin_nested():
        commission(db, line)
    assert commission(db, line, level=2).id != made.id


def adjust(db, made, amount, cause="refund", id_=None):
    db.add(Adjustment(commission_id=made.id, cause_type=cause, cause_id=id_ or str(uuid.uuid4()), amount_minor=amount))
    db.flush()
    db.refresh(made)


def test_adjustments_move_what_is_reversed_and_nothing_else_does(db, line):
    made = commission(db, line)
    adjust(db, made, -20)
    adjust(db, made, -43)
    assert made.reversed_minor == 63
    with pytest.raises(IntegrityError, match="ck_commissions_reversed"), db.begin_nested():
        adjust(db, made, -1)
    adjust(db, made, 10, "correction")
    assert made.reversed_minor == 53
    with pytest.raises(IntegrityError, match="sign"), db.begin_nested():
        adjust(db, made, 10)
    with pytest.raises(IntegrityError, match="is a fact"), db.begin_nested():
        db.execute(update(Commission).where(Commission.id == made.id).values(reversed_minor=0))


def test_one_cause_adjusts_a_commission_once(db, line):
    made = commission(db, line)
    adjust(db, made, -20, id_="r1")
    with pytest.raises(IntegrityError, match="uq_commission_adjustments"), db.begin_nested():
        adjust(db, made, -20, id_="r1")


def test_a_commission_matures_once_and_keeps_its_terms(db, line):
    made = commission(db, line)
    with pytest.raises(IntegrityError, match="is a fact"), db.begin_nested():
        db.execute(update(Commission).where(Commission.id == made.id).values(base_minor=9999))
    with pytest.raises(IntegrityError, match="is a fact"), db.begin_nested():
        db.execute(update(Commission).where(Commission.id == made.id).values(held=True))
    db.execute(update(Commission).where(Commission.id == made.id).values(matures_at=clock.now()))
    with pytest.raises(IntegrityError, match="is a fact"), db.begin_nested():
        db.execute(update(Commission).where(Commission.id == made.id).values(matures_at=clock.now()))
    with pytest.raises(IntegrityError, match="is a fact"), db.begin_nested():
        db.execute(text("DELETE FROM commissions"))


def test_a_hold_holds_until_it_is_decided_with_a_note(db, line):
    made, judge = commission(db, line), factories.member(db)
    hold = CommissionHold(commission_id=made.id, reason="own_purchase")
    db.add(hold)
    db.flush()
    db.refresh(made)
    assert made.held
    decision = {"decided_at": clock.now(), "decided_by": judge.id, "decision": "released"}
    with pytest.raises(IntegrityError, match="ck_commission_holds_note"), db.begin_nested():
        db.execute(update(CommissionHold).values(**decision))
    db.execute(update(CommissionHold).values(**decision, note="A colleague on the same card."))
    db.refresh(made)
    assert not made.held
    with pytest.raises(IntegrityError, match="decided once"), db.begin_nested():
        db.execute(update(CommissionHold).values(decision="rejected"))
