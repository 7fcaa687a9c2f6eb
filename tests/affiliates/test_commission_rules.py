"""The arithmetic of commissions alone: rounding, taking back, largest remainders, cuts, scopes."""
import itertools

from hypothesis import given
from hypothesis import strategies as st

from affiliates.commission.rules import Draft, amount, covers, gone, is_cut, rank
from core import money

MONEY = st.integers(0, 10**12)


@given(MONEY, st.integers(0, 1_000_000))
def test_a_rate_rounds_half_up_once(base, ppm):
    exact = base * ppm
    assert amount(base, 1, Draft(rate_ppm=ppm)) == exact // 1_000_000 + (exact % 1_000_000 >= 500_000)


@given(MONEY.filter(bool), MONEY, st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.randoms())
def test_any_partition_of_a_full_refund_takes_exactly_everything_in_any_order(base, earned, weights, rng):
    earned = min(earned, base)
    parts = money.split(base, weights)
    rng.shuffle(parts)
    taken = money_gone = 0
    for part in parts:
        money_gone += part
        step = gone(earned, base, money_gone) - taken
        assert step >= 0
        taken += step
    assert taken == earned == gone(earned, base, base)


@given(MONEY.filter(bool), MONEY, st.lists(MONEY, min_size=1, max_size=4))
def test_what_is_taken_depends_on_what_is_gone_and_not_on_the_way(base, earned, parts):
    """Refund then dispute, dispute then refund: the target is the same."""
    ends = set()
    for order in itertools.permutations(parts):
        taken = money_gone = 0
        for part in order:
            money_gone += part
            taken = max(taken, gone(earned, base, money_gone))
        ends.add(taken)
    assert len(ends) == 1 and ends.pop() <= max(earned, 0)


@given(st.integers(1, 10**9), st.lists(st.integers(0, 10**7), min_size=1, max_size=9).filter(any))
def test_largest_remainder_is_exact_and_fair(whole, weights):
    shares = money.split(whole, weights)
    assert sum(shares) == whole
    assert all(abs(share * sum(weights) - whole * weight) < sum(weights)
               for share, weight in zip(shares, weights, strict=True))


@given(st.integers(1, 10**9), st.lists(st.integers(1, 10**7), min_size=1, max_size=9))
def test_a_discount_never_passes_its_line(whole, lines):
    shares = money.split(min(whole, sum(lines)), lines)
    assert all(share <= line for share, line in zip(shares, lines, strict=True))


def test_what_is_a_cut():
    old = Draft(rate_ppm=100_000, level2_ppm=10_000, cap_minor=500)
    assert not is_cut(Draft(rate_ppm=100_000, level2_ppm=10_000, cap_minor=500), old)
    assert not is_cut(Draft(rate_ppm=120_000, level2_ppm=10_000), old)
    for less in (Draft(rate_ppm=99_999, level2_ppm=10_000), Draft(rate_ppm=200_000), Draft(flat_minor=1000),
                 Draft(rate_ppm=200_000, level2_ppm=10_000, cap_minor=499),
                 Draft(rate_ppm=200_000, level2_ppm=10_000, hold_days=30)):
        assert is_cut(less, old)


def test_scopes_are_ranked_and_nested():
    names = [Draft(product_id=1), Draft(category="c", campaign_id=1, tier="t"), Draft(category="c"),
             Draft(campaign_id=1, tier="t"), Draft(campaign_id=1), Draft(tier="t"), Draft()]
    assert sorted(names, key=rank, reverse=True) == names
    assert covers(Draft(), Draft(tier="t")) and covers(Draft(tier="t"), Draft(tier="t", campaign_id=1))
    assert not covers(Draft(tier="t"), Draft(campaign_id=1)) and not covers(Draft(tier="t"), Draft(tier="u"))
