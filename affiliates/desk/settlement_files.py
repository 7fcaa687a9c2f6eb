"""What a settlement came to, as CSV: every party of a dry run or a run, and one party's lines."""
import csv
import io
from collections.abc import Iterable, Iterator

from core.clock import iso
from core.money import plain
from orders.exports import safe_text

PARTIES = ("party", "name", "lines", "changes", "amount", "currency")
LINES = ("order", "what", "level", "record", "at", "quantity", "base", "rate_percent", "flat_per_unit", "cap",
         "commission", "amount", "currency")


def parties_csv(rows: Iterable, names: dict, merchant: tuple[str, str, int, int], currency: str) -> Iterator[str]:
    """A row a party; the last is the shop: (id, name, orders, minor units). Begins with a byte order mark for Excel."""
    yield "\ufeff" + _row(PARTIES)
    for row in rows:
        yield _row((f"affiliate:{row.affiliate_id}", safe_text(names.get(row.affiliate_id, "")), row.items,
                    row.adjustments, plain(row.amount_minor, currency), currency))
    id_, name, orders, minor = merchant
    yield _row((f"merchant:{id_}", safe_text(name), orders, 0, plain(minor, currency), currency))


def lines_csv(rows: Iterable) -> Iterator[str]:
    """A row a line of one party's statement, in the order of the orders."""
    yield "\ufeff" + _row(LINES)
    for row in rows:
        def money(minor, currency=row.currency):
            return "" if minor is None else plain(minor, currency)
        rate = "" if row.rate_ppm is None else f"{row.rate_ppm // 10_000}.{row.rate_ppm % 10_000:04}"
        yield _row((row.number, safe_text(row.title), row.level, row.kind if row.what == "commission" else row.what,
                    iso(row.at), row.quantity, money(row.base_minor), rate, money(row.flat_minor),
                    money(row.cap_minor), money(row.commission_minor), money(row.amount_minor), row.currency))


def _row(cells) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
