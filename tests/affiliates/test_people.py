"""Applying, being approved by a person or a rule, being invited, frozen and closed; teams."""
import re

import pytest
from sqlalchemy import select

from affiliates.people import actions, acts, queries
from affiliates.people.errors import InvitationOver, NoAffiliate, NotActive, TeamRefused, WrongMove
from affiliates.people.models import AFFILIATE_STATES, Affiliate
from affiliates.people.moves import MOVES, approves, may_move
from core.errors import NotFound
from members.models import Mail
from tests import factories
from tests.orders.conftest import counter  # noqa: F401  (a fixture)


@pytest.fixture
def shop(db):
    return factories.merchant(db)


@pytest.fixture
def staff(db, shop):
    return factories.member(db, "Ana", roles=[("merchant_staff", shop)])


@pytest.fixture
def aiko(db):
    return actions.apply(db, factories.member(db, "Aiko"))


def test_a_member_applies_once_and_the_platform_lets_everybody_in(db):
    member = factories.member(db, "Aiko")
    first = actions.apply(db, member, about="I bake on video.")
    assert (first.state, first.display_name, first.about) == ("active", "Aiko", "I bake on video.")
    assert actions.apply(db, member, about="changed").about == "I bake on video."
    assert [act.kind for act in acts.acts(db, None)] == ["affiliate.active", "affiliate.applied"]


def test_the_platform_can_look_at_each(db, staff):
    actions.set_program(db, None, staff, approval="manual")
    row = actions.apply(db, factories.member(db))
    assert row.state == "applied"
    assert actions.decide_affiliate(db, row, "active", staff).state == "active"


def test_a_merchant_looks_at_each_unless_it_says_otherwise(db, shop, staff, aiko):
    row = actions.apply_at(db, aiko, shop)
    assert row.state == "applied" and not queries.standings(db, shop.id, [aiko.id])[aiko.id].earns
    actions.decide_affiliation(db, row, "active", staff, "Good videos.")
    standing = queries.standings(db, shop.id, [aiko.id])[aiko.id]
    assert (standing.earns, standing.tier, standing.leader_id) == (True, "standard", None)
    log = acts.acts(db, shop.id)[0]
    assert (log.kind, log.by_member_id, log.note) == ("affiliation.active", staff.id, "Good videos.")


def test_a_rule_approves_all_or_who_bought_before(counter, db, staff):  # noqa: F811
    shop, buyer = counter.shop, actions.apply(db, counter.buyer)
    actions.set_program(db, shop, staff, approval="paid_orders", min_paid_orders=1)
    stranger = actions.apply(db, factories.member(db))
    assert actions.apply_at(db, stranger, shop).state == "applied"
    db.commit()
    counter.paid(1)
    assert actions.apply_at(db, buyer, shop).state == "active"
    assert queries.paid_orders(db, counter.buyer.id, shop.id) == 1
    actions.set_program(db, shop, staff, approval="all")
    third = actions.apply_at(db, actions.apply(db, factories.member(db)), shop)
    assert (third.state, third.reason) == ("active", "approved_all")
    db.commit()


def test_rules_of_approval():
    assert approves("all", 5, 0) == "approved_all"
    assert approves("paid_orders", 2, 2) == "approved_orders"
    assert approves("paid_orders", 2, 1) is None
    assert approves("manual", 0, 100) is None


@pytest.mark.parametrize("state", AFFILIATE_STATES)
@pytest.mark.parametrize("to", AFFILIATE_STATES)
def test_states_move_by_the_table(db, shop, staff, state, to):
    row = factories.affiliate(db, shop=shop, state=state)
    if state == to or may_move(state, to):
        assert actions.decide_affiliate(db, row, to, staff).state == to
    else:
        with pytest.raises(WrongMove):
            actions.decide_affiliate(db, row, to, staff)
        assert to not in MOVES[state]


def test_who_is_frozen_or_closed_does_not_earn(db, shop, staff, aiko):
    row = actions.decide_affiliation(db, actions.apply_at(db, aiko, shop), "active", staff)

    def why():
        return queries.standings(db, shop.id, [aiko.id])[aiko.id].why_not
    assert why() is None
    actions.decide_affiliation(db, row, "frozen", staff)
    assert why() == "approval_frozen"
    actions.decide_affiliate(db, aiko, "frozen", staff)
    assert why() == "affiliate_frozen"
    with pytest.raises(NotActive):
        actions.apply_at(db, aiko, factories.merchant(db))


def test_an_affiliate_leaves_a_merchant(db, shop, staff, aiko):
    row = actions.decide_affiliation(db, actions.apply_at(db, aiko, shop), "active", staff)
    assert actions.leave(db, row, db.get(type(staff), aiko.member_id)).state == "closed"
    assert actions.apply_at(db, aiko, shop).state == "closed"  # asking again changes nothing


# -- invitations

def invited(db, shop, staff, email, **values):
    """The token in the letter."""
    actions.invite(db, shop, email, staff, lambda token: f"http://x/join/{token}", **values)
    db.flush()
    letter = db.scalars(select(Mail).order_by(Mail.id.desc())).first()
    assert (letter.to_email, shop.name in letter.subject) == (email.lower(), True)
    return re.search(r"/join/(\S+)", letter.body)[1]


def test_an_invitation_makes_an_active_affiliate_with_its_tier(db, shop, staff):
    guest = factories.member(db, "Ben", email="ben@example.test")
    token = invited(db, shop, staff, "Ben@example.test", tier="gold")
    row = actions.accept(db, token, guest)
    assert (row.state, row.tier, row.reason) == ("active", "gold", "invited")
    with pytest.raises(InvitationOver):
        actions.accept(db, token, guest)


def test_a_forwarded_or_replaced_invitation_opens_nothing(db, shop, staff):
    guest = factories.member(db, "Ben", email="ben@example.test")
    old = invited(db, shop, staff, "ben@example.test")
    with pytest.raises(InvitationOver):
        actions.accept(db, old, factories.member(db, "Eve"))
    new = invited(db, shop, staff, "ben@example.test")
    with pytest.raises(InvitationOver):
        actions.accept(db, old, guest)
    assert actions.accept(db, new, guest).state == "active"


def test_an_invitation_opens_again_what_was_closed_by_the_merchant_but_not_by_the_platform(db, shop, staff):
    guest = factories.member(db, "Ben", email="ben@example.test")
    row = actions.apply_at(db, actions.apply(db, guest), shop)
    actions.decide_affiliation(db, row, "closed", staff)
    assert actions.accept(db, invited(db, shop, staff, guest.email), guest).state == "active"
    token = invited(db, shop, staff, guest.email)
    actions.decide_affiliate(db, queries.affiliate_of(db, guest.id), "closed", staff)
    with pytest.raises(NotActive):
        actions.accept(db, token, guest)


# -- teams

def test_a_team_is_joined_and_left(db, shop, staff, aiko):
    leader = factories.affiliate(db, shop=shop, name="Lea")
    member = db.get(type(staff), aiko.member_id)
    actions.decide_affiliation(db, actions.apply_at(db, aiko, shop), "active", staff)
    actions.join_team(db, aiko, leader, member)
    assert queries.team_of(db, leader.id) == [aiko]
    assert queries.standings(db, shop.id, [aiko.id])[aiko.id].leader_id == leader.id
    actions.decide_affiliate(db, leader, "frozen", staff)
    assert queries.standings(db, shop.id, [aiko.id])[aiko.id].leader_id is None
    actions.leave_team(db, aiko, member)
    assert queries.team_of(db, leader.id) == []


def test_a_third_level_and_a_circle_are_refused_in_words(db, aiko):
    leader, low = factories.affiliate(db), factories.affiliate(db)
    member = factories.member(db)
    actions.join_team(db, aiko, leader, member)
    with pytest.raises(TeamRefused) as levels:
        actions.join_team(db, low, aiko, member)
    with pytest.raises(TeamRefused) as circle:
        actions.join_team(db, leader, aiko, member)
    with pytest.raises(TeamRefused) as self_led:
        actions.join_team(db, low, low, member)
    assert [found.value.code for found in (levels, circle, self_led)] == ["team_levels", "team_circle", "team_circle"]
    assert db.get(Affiliate, low.id).parent_id is None


# -- doors

def test_doors_open_for_ones_own_only(db, shop, aiko):
    leader, other = factories.affiliate(db, shop=shop), factories.merchant(db)
    with pytest.raises(NoAffiliate):
        queries.access_own(db, factories.member(db))
    with pytest.raises(NotFound):
        queries.access_affiliation(db, other.id, leader.id)
    with pytest.raises(NotFound):
        queries.access_team_member(db, leader, aiko.id)
    assert queries.access_affiliation(db, shop.id, leader.id).state == "active"
    assert queries.affiliates_at(db, other.id) == []
