"""A catalogue out of invoice lines: one variant per stock code, most frequent description, median price. Pure."""
import re
import statistics
from collections import Counter
from dataclasses import dataclass, field

from campaigns.catalogue import cells
from campaigns.catalogue.csv_layout import Parsed, Rejected, Row
from core import money

# Codes on invoices that are no goods, and why. From the UCI "Online Retail" data: the first two lines stand in the
# months that were looked at here, the others in the whole set.
NOT_GOODS = {
    "POST": "postage", "DOT": "postage", "C2": "postage", "M": "manual", "D": "discount", "S": "sample",
    "BANK CHARGES": "fee", "AMAZONFEE": "fee",
    "CRUK": "fee", "B": "adjustment", "ADJUST": "adjustment", "ADJUST2": "adjustment", "TEST001": "sample",
    "TEST002": "sample"}
_VOUCHER = re.compile(r"GIFT_\d+.*")

_INTEGER = re.compile(r"-?[0-9]{1,9}")
_PRICE = re.compile(r"(-?)([0-9]{1,12}(?:[.,][0-9]{1,4})?)")


def not_goods(code: str) -> str | None:
    """Why a stock code is no product ("postage", "fee", …); None if it is one."""
    return "voucher" if _VOUCHER.fullmatch(code) else NOT_GOODS.get(code)


@dataclass
class _Found:
    """What the lines of one code say."""
    first_line: int
    names: Counter = field(default_factory=Counter)
    prices: list[int] = field(default_factory=list)


def derive(lines, parsed: Parsed, currency: str) -> None:
    """Put a row for each stock code into `parsed`, in order of first appearance."""
    found: dict[str, _Found] = {}
    left_out: dict[str, dict] = {}
    for line, raw in lines:
        try:
            code = cells.sku(raw["stockcode"])
            why = not_goods(code)
            if why:
                entry = left_out.setdefault(code, {"sku": code, "why": why, "lines": 0,
                                                   "name": cells.shown(raw["description"])})
                entry["lines"] += 1
                continue
            quantity, price = _numbers(raw, currency)
            name = cells.text(raw["description"], "name")
        except cells.BadCell as bad:
            parsed.rejected.append(Rejected(line, cells.shown(raw["stockcode"]), bad.code, bad.data))
            continue
        entry = found.setdefault(code, _Found(line))
        # Lines without a price are stock corrections; their descriptions are notes ("damages", "check", "?").
        if price > 0 and quantity:
            entry.prices.append(price)
            if name:
                entry.names[name] += 1
    parsed.left_out = sorted(left_out.values(), key=lambda each: (-each["lines"], each["sku"]))
    for code, entry in found.items():
        _conclude(code, entry, parsed)
    parsed.rejected.sort(key=lambda each: each.line)


def _numbers(raw: dict[str, str], currency: str) -> tuple[int, int]:
    quantity, price = raw["quantity"].strip(), _PRICE.fullmatch(raw["unitprice"].strip())
    if not _INTEGER.fullmatch(quantity):
        raise cells.BadCell("quantity", found=cells.shown(quantity))
    if not price:
        raise cells.BadCell("amount", column="unitprice", found=cells.shown(raw["unitprice"]))
    try:
        minor = money.parse(price[2], currency)
    except ValueError:
        raise cells.BadCell("too_fine", column="unitprice", found=price[2], currency=currency) from None
    return int(quantity), -minor if price[1] else minor


def _conclude(code: str, entry: _Found, parsed: Parsed) -> None:
    if not entry.prices:
        parsed.rejected.append(Rejected(entry.first_line, code, "never_priced"))
    elif not entry.names:
        parsed.rejected.append(Rejected(entry.first_line, code, "no_name"))
    else:
        # most_common keeps the order of arrival among equals. median_low: a price that was really asked.
        name = sentence_case(entry.names.most_common(1)[0][0])
        parsed.rows.append(Row(entry.first_line, code, name, statistics.median_low(entry.prices)))


_CAPITALS = {"LED", "UK", "USA", "TV", "CD", "DVD", "BBQ", "FM", "USB", "DIY", "ABC", "XL", "II", "III", "NYC", "RSPCA"}
_NAMES = {"CHRISTMAS", "EASTER", "XMAS", "LONDON", "PARIS", "TOKYO", "FRANCE", "FRENCH", "ENGLISH", "ENGLAND",
          "BRITISH", "SCANDINAVIAN", "SWEDISH", "RUSSIAN", "TURKISH", "ROMAN", "MOROCCAN", "INDIAN", "CHINESE",
          "JAPANESE", "VICTORIAN", "EDWARDIAN", "BRADFORD", "SCOTTIE", "SANTA", "EIFFEL", "MADRAS", "VICTORIA",
          "ALBERT"}
_RUN = re.compile(r"[A-Z][A-Z']+|(?<= )A(?= )")


def sentence_case(name: str) -> str:
    """A name that the till shouted, as a sentence; a name with small letters of its own stays as it is."""
    letters = [char for char in name if char.isalpha()]
    if sum(char.islower() for char in letters) * 3 > len(letters):
        return name

    def word(match):
        run = match[0]
        if run in _CAPITALS:
            return run
        return run.capitalize() if run in _NAMES else run.lower()
    quiet = _RUN.sub(word, name)
    first = next((place for place, char in enumerate(quiet) if char.isalnum()), 0)
    return quiet[:first] + quiet[first:first + 1].upper() + quiet[first + 1:]
