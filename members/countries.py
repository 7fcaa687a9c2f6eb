"""Where orders can go: countries in the reader's language, and which of them have no postcodes."""
from functools import lru_cache

from babel import Locale
from flask import request
from flask_babel import get_locale

from core import i18n

# In CLDR, but no country that post is sent to: unions, test regions, and parts that write another country.
_NOT_COUNTRIES = frozenset((
    "AC", "AQ", "BV", "CP", "CQ", "DG", "EA", "EU", "EZ", "HM", "IC", "QO", "TA", "TF", "UM", "UN", "XA", "XB",
    "ZZ"))
# Places whose post goes without a postcode (Universal Postal Union's list, those that buy online).
NO_POSTCODE = frozenset((
    "AE", "AG", "AO", "AW", "BF", "BI", "BJ", "BO", "BS", "BW", "BZ", "CD", "CF", "CG", "CI", "CK", "CM", "DJ",
    "DM", "ER", "FJ", "GA", "GD", "GH", "GM", "GQ", "GY", "HK", "JM", "KI", "KM", "KN", "KP", "LY", "MO", "MR",
    "MW", "NR", "NU", "PA", "QA", "RW", "SB", "SC", "SL", "SR", "ST", "SY", "TD", "TG", "TK", "TL", "TO", "TT",
    "TV", "UG", "VU", "YE", "ZW"))


@lru_cache(maxsize=8)
def _names(locale: str) -> tuple[tuple[str, str], ...]:
    named = Locale.parse(locale).territories
    codes = [code for code in named if len(code) == 2 and code.isalpha() and code not in _NOT_COUNTRIES]
    return tuple(sorted(((code, named[code]) for code in codes), key=lambda pair: pair[1]))


def countries() -> tuple[tuple[str, str], ...]:
    """(ISO 3166-1 code, name) in the language of the page, by name."""
    return _names(i18n.locale())


def country_name(code: str) -> str:
    """Its name in the language of the page, or of the letter that is being written (`force_locale`)."""
    return (get_locale() or Locale.parse(i18n.locale())).territories.get(code, code)


CODES = frozenset(code for code, _name in _names("en"))


def likely_country() -> str:
    """The region of the browser's first language that has one ("en-GB" → GB); else ours by language."""
    for tag, _quality in request.accept_languages:
        region = tag.replace("_", "-").split("-")[-1].upper()
        if "-" in tag and region in CODES:
            return region
    return {"zh": "CN"}.get(i18n.language(), "GB")
