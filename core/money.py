"""Money: integers in minor units with the currency's exponent (ISO 4217). Rates are parts per million."""
import re
from decimal import Decimal

from babel.core import Locale
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol

PPM = 1_000_000
# What an amount may be at most: 2^53 − 1 minor units survives JSON and JavaScript unrounded.
MAX_MINOR = 2**53 - 1
# Digits only: Decimal would also take "1e9", "1_000" and "NaN".
_AMOUNT = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d{0,18})(?:(?P<point>[.,])(?P<rest>\d{0,18}))?")
# CLDR sets a space between a code of letters and the figure ("KWD 1.000"); Babel leaves it out, browsers do not.
_LETTER_THEN_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


def exponent(currency: str) -> int:
    """Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return get_currency_precision(currency)


def to_decimal(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-exponent(currency))


def parse(text: str, currency: str) -> int:
    """Minor units of what a person typed ("9.95", "9,95"); ValueError if it is no amount or finer than the currency."""
    match = _AMOUNT.fullmatch(text.strip())
    if not match or not (match["whole"] or match["rest"]):
        raise ValueError(text)
    digits = exponent(currency)
    rest = (match["rest"] or "").rstrip("0")
    # "1,234" in a currency of three digits may mean a thousand or one and a bit: ask again rather than guess.
    if len(rest) > digits or (match["point"] == "," and len(match["rest"]) == 3):
        raise ValueError(text)
    minor = int(match["whole"] or 0) * 10**digits + int(rest.ljust(digits, "0") or 0)
    if minor > MAX_MINOR:
        raise ValueError(text)
    return -minor if match["sign"] == "-" else minor


def plain(minor: int, currency: str) -> str:
    """For fields and files: "9.95", no symbol, a point in every language."""
    return f"{to_decimal(minor, currency):.{exponent(currency)}f}"


def format_money(minor: int, currency: str, locale: str = "en") -> str:
    text = format_currency(to_decimal(minor, currency), currency, locale=_locale(locale))
    return _LETTER_THEN_DIGIT.sub("\u00a0", text)


def format_parts(minor: int, currency: str, locale: str = "en") -> list[tuple[str, str]]:
    """The formatted amount cut into ("symbol" | "int" | "frac", text), so that a page can set them apart."""
    text = format_money(minor, currency, locale)
    first = next(i for i, char in enumerate(text) if char.isdigit())
    last = max(i for i, char in enumerate(text) if char.isdigit()) + 1
    digits = exponent(currency)
    cut = last - digits - 1 if digits else last
    parts = [("symbol", text[:first]), ("int", text[first:cut]), ("frac", text[cut:last]), ("symbol", text[last:])]
    return [(kind, part) for kind, part in parts if part]


def symbol(currency: str, locale: str = "en") -> str:
    return get_currency_symbol(currency, locale=_locale(locale))


def split(minor: int, weights: list[int]) -> list[int]:
    """Share an amount by weights without losing a unit: largest remainder, ties to the first (Hamilton's method)."""
    total = sum(weights)
    if total <= 0 or min(weights) < 0:
        raise ValueError("weights must not be negative and must add up to more than 0")
    sign, whole = (-1, -minor) if minor < 0 else (1, minor)
    shares = [whole * weight // total for weight in weights]
    rests = sorted(range(len(weights)), key=lambda i: (-(whole * weights[i] % total), i))
    for i in rests[: whole - sum(shares)]:
        shares[i] += 1
    return [sign * share for share in shares]


def share_ppm(minor: int, ppm: int) -> int:
    """`ppm` parts per million of an amount, rounded half up (half away from zero)."""
    sign = -1 if minor * ppm < 0 else 1
    return sign * ((abs(minor * ppm) * 2 + PPM) // (2 * PPM))


def _locale(name: str) -> Locale:
    return Locale.parse(name.replace("-", "_"))
