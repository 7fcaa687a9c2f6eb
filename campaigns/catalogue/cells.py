"""What one cell or field of the catalogue may be: SKU, text, amount, count. Pure; raises BadCell with a code."""
import re

from core import money

LENGTHS = {"name": 200, "option": 100, "category": 60, "description": 4000}
MAX_STOCK = 10_000_000  # as campaigns.catalogue.actions.MAX_ON_HAND
MAX_SKU = 64

_SKU = re.compile(r"\w[\w./#&+ -]*", re.UNICODE)
# Plain digits only: Decimal would also take "1_000", "1e3" and "NaN".
_AMOUNT = re.compile(r"[0-9]{1,12}([.,][0-9]{1,4})?")
_COUNT = re.compile(r"[0-9]{1,9}")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
# What a spreadsheet would take for a formula (OWASP, "CSV Injection"), also behind apostrophes.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class BadCell(Exception):
    """This cell cannot be used; `code` and `data` say why."""

    def __init__(self, code: str, **data):
        super().__init__(code)
        self.code, self.data = code, data


def shown(raw: str) -> str:
    """A cell as a refusal may quote it: short, one line."""
    return one_line(raw)[:60]


def one_line(raw: str) -> str:
    """Words on one line, without characters that nobody sees (PostgreSQL takes no NUL)."""
    return " ".join(_CONTROL.sub(" ", raw).split())


def safe(value: str) -> str:
    """A cell for a file that spreadsheets open: what they would run gets an apostrophe before it."""
    return "'" + value if _FORMULA.match(value) else value


def plain(raw: str) -> str:
    """A cell as it was before `safe`. It is text, whatever it begins with."""
    return raw[1:] if raw.startswith("'") and _FORMULA.match(raw) else raw


def sku(raw: str) -> str:
    """A SKU in capital letters, so that 85123a and 85123A are one."""
    code = " ".join(plain(raw.strip()).split()).upper()
    if not code:
        raise BadCell("no_sku")
    if len(code) > MAX_SKU or not _SKU.fullmatch(code):
        raise BadCell("sku", found=shown(raw))
    return code


def text(raw: str, column: str) -> str:
    """Words on one line; a description keeps its lines. Characters that nobody sees are dropped."""
    value = _CONTROL.sub(" ", plain(raw.strip()))
    if column == "description":
        value = value.strip()
    else:
        value = " ".join(value.split())
    if len(value) > LENGTHS[column]:
        raise BadCell("too_long", column=column, most=LENGTHS[column])
    return value


def amount(raw: str, currency: str, column: str = "price") -> int:
    """Minor units, 0 or more."""
    raw = raw.strip()
    if not _AMOUNT.fullmatch(raw):
        raise BadCell("amount", column=column, found=shown(raw))
    try:
        return money.parse(raw, currency)
    except ValueError:
        raise BadCell("too_fine", column=column, found=shown(raw), currency=currency) from None


def price(raw: str, currency: str) -> int:
    """Minor units, above 0."""
    if not raw.strip():
        raise BadCell("no_price")
    value = amount(raw, currency)
    if value == 0:
        raise BadCell("price_zero")
    return value


def stock(raw: str) -> int | None:
    """Units counted; None for an empty cell."""
    raw = raw.strip()
    if not raw:
        return None
    if not _COUNT.fullmatch(raw) or int(raw) > MAX_STOCK:
        raise BadCell("stock", found=shown(raw), most=MAX_STOCK)
    return int(raw)
