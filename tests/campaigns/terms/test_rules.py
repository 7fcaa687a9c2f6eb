"""Each rule stops publishing with its reason, and says what would help."""
import uuid
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.terms import rules

TERMS = rules.Terms(name="Winter kitchen", currency="GBP", merchant_currency="GBP", after_sale="full_price")
GOOD = rules.Line(offer_id=uuid.uuid4(), variant_id=uuid.uuid4(), title="Alarm clock", price_minor=295, allotment=96,
                  limit_per_member=2, on_hand=96, list_minor=375, low_minor=325, currency="GBP", compare_at_minor=375,
                  cost_minor=150, is_deal=True)


def pounds(minor):
    return f"£{minor / 100:.2f}"


def only(problems):
    assert len(problems) == 1, [problem.code for problem in problems]
    return problems[0]


def of_offer(**changes):
    return only(rules.check_offer(replace(GOOD, **changes), TERMS, pounds))


def test_a_good_offer_in_a_good_campaign_has_no_problem():
    assert rules.check_campaign(TERMS, [GOOD], pounds) == []


def test_more_than_is_in_stock_cannot_be_offered():
    problem = of_offer(allotment=180)
    assert (problem.code, problem.stops, problem.short) == ("allotment", True, "84 too many")
    assert problem.title == "Alarm clock: 180 offered, 96 in stock."
    assert problem.message == "Lower the allotment or receive 84 more."
    assert problem.fix == {"field": "allotment", "value": 96, "label": "Set to 96"}


def test_what_is_not_in_stock_at_all_has_no_number_to_set():
    assert of_offer(on_hand=0).fix is None
    assert of_offer(on_hand=0, allotment=0).message == "None are in stock either. Receive some, or remove it."


def test_no_units_are_nothing_to_sell():
    problem = of_offer(allotment=0)
    assert (problem.code, problem.field, problem.fix["value"]) == ("nothing", "allotment", 96)


@pytest.mark.parametrize(("price", "is_problem"), [(324, False), (325, True), (326, True)])
def test_a_deal_is_below_the_lowest_price_of_30_days(price, is_problem):
    found = rules.check_offer(replace(GOOD, price_minor=price), TERMS, pounds)
    assert [problem.code for problem in found] == (["deal"] if is_problem else [])


def test_no_deal_says_the_lowest_price_and_offers_a_lower_one():
    problem = of_offer(price_minor=350)
    assert problem.title == "Alarm clock: £3.50 is no deal."
    assert problem.message == "Its lowest price of the last 30 days was £3.25. Ask less, or do not call it a deal."
    assert problem.fix == {"field": "price_minor", "value": 319, "label": "Set to £3.19"}


def test_what_is_not_called_a_deal_may_cost_more():
    assert rules.check_offer(replace(GOOD, is_deal=False, price_minor=350), TERMS, pounds) == []


def test_a_deal_on_something_that_cost_the_least_amount_cannot_be_fixed():
    assert of_offer(price_minor=1, low_minor=1, cost_minor=None).fix is None


@pytest.mark.parametrize("full", [295, 200])
def test_the_full_price_is_above_the_price(full):
    problem = of_offer(compare_at_minor=full)
    assert (problem.code, problem.field, problem.fix["value"]) == ("compare_at", "compare_at_minor", 375)


def test_full_price_afterwards_needs_a_full_price():
    problem = of_offer(compare_at_minor=None)
    assert (problem.code, problem.fix["label"]) == ("full_price", "Set to £3.75")
    assert of_offer(compare_at_minor=None, list_minor=200).fix is None


@pytest.mark.parametrize(("campaign_says", "offer_says", "needed"), [
    ("full_price", None, True), ("full_price", "sale_price", False), ("take_down", "full_price", True),
    ("sale_price", None, False), ("take_down", None, False)])
def test_an_offer_may_differ_from_its_campaign_afterwards(campaign_says, offer_says, needed):
    line = replace(GOOD, compare_at_minor=None, after_sale=offer_says)
    found = rules.check_offer(line, replace(TERMS, after_sale=campaign_says), pounds)
    assert bool(found) is needed


def test_the_limit_is_at_most_what_is_offered():
    problem = of_offer(limit_per_member=97)
    assert (problem.code, problem.message, problem.fix["value"]) == ("limit", "Only 96 are offered.", 96)


def test_a_price_below_cost_is_a_warning_that_stops_nothing():
    problem = of_offer(cost_minor=300)
    assert (problem.code, problem.stops, problem.message) == ("below_cost", False, "You lose £0.05 on each one sold.")
    assert rules.stops([problem]) == []


def test_a_variant_of_another_currency_is_not_sold():
    assert of_offer(currency="EUR").title == "Alarm clock is priced in EUR, the campaign in GBP."


def test_what_left_the_catalogue_is_not_sold():
    assert of_offer(archived=True).code == "archived"


def test_a_campaign_needs_a_name():
    assert only(rules.check_campaign(replace(TERMS, name="  "), [GOOD], pounds)).code == "name"


def test_a_campaign_needs_an_offer():
    assert only(rules.check_campaign(TERMS, [], pounds)).title == "There is nothing to sell yet."


def test_a_campaign_sells_in_its_shops_currency():
    terms = replace(TERMS, currency="EUR")
    problem = rules.check_campaign(terms, [replace(GOOD, currency="EUR")], pounds)
    assert only(problem).fix == {"field": "currency", "value": "GBP", "label": "Set to GBP"}


def test_one_variant_has_one_offer():
    twin = replace(GOOD, offer_id=uuid.uuid4())
    found = rules.check_campaign(TERMS, [GOOD, twin], pounds)
    assert [(problem.code, problem.offer_id) for problem in found] == [("double", GOOD.offer_id),
                                                                      ("double", twin.offer_id)]


def test_a_problem_as_data_has_words_only_and_no_objects():
    out = of_offer(allotment=180).out()
    assert out["offer_id"] == str(GOOD.offer_id)
    assert set(out) == {"code", "short", "title", "message", "offer_id", "field", "fix", "stops"}


@given(st.integers(2, 10**9))
def test_the_suggested_price_is_below_the_low_and_above_nothing(low):
    price = rules.below(low)
    assert 0 < price < low
    assert low - price <= 10


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 100), st.integers(0, 100), st.integers(1, 100),
       st.integers(1, 500), st.booleans())
def test_taking_every_suggestion_leaves_nothing_that_a_number_could_solve(price, low, allotment, on_hand, limit, listed,
                                                                          is_deal):
    line = replace(GOOD, price_minor=price, low_minor=low, allotment=allotment, on_hand=on_hand, limit_per_member=limit,
                   list_minor=listed, compare_at_minor=None, is_deal=is_deal, cost_minor=None)
    for _round in range(10):
        fixes = [problem.fix for problem in rules.check_offer(line, TERMS, pounds) if problem.fix]
        if not fixes:
            break
        line = replace(line, **{fixes[0]["field"]: fixes[0]["value"]})
    left = {problem.code for problem in rules.check_offer(line, TERMS, pounds)}
    impossible = {"full_price"} if line.list_minor <= line.price_minor else set()
    impossible |= {"allotment", "nothing"} if on_hand == 0 else set()
    impossible |= {"deal"} if low == 1 else set()
    assert left <= impossible
