"""Orders as CSV. A cell that a spreadsheet would run as a formula is made text; amounts stay numbers."""
import csv
import io
from collections.abc import Iterator

from core.clock import iso
from core.money import plain
from orders import desk_queries

HEAD = ("order", "state", "fulfilment", "ordered_at", "paid_at", "sent_at", "delivered_at", "buyer", "ship_to", "line1",
        "line2", "postcode", "city", "country", "phone", "sku", "product", "quantity", "refunded_quantity",
        "unit_price", "line_total", "currency", "order_total", "order_refunded", "carrier", "tracking_code",
        "show_second", "coupon_code", "line_discount")
# OWASP "CSV Injection": what a cell may not begin with.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def safe_text(text) -> str:
    """A text cell; one that begins like a formula gets an apostrophe before it."""
    text = "" if text is None else str(text)
    return f"'{text}" if text.lstrip(" ").startswith(DANGEROUS) else text


def orders_csv(db, merchant_id, what: desk_queries.Filter) -> Iterator[str]:
    """The file in pieces, one line of an order a row. Begins with a byte order mark, which Excel needs for UTF-8."""
    yield "\ufeff" + _row(HEAD)
    for order, line, buyer in desk_queries.export_rows(db, merchant_id, what):
        yield _row(_cells(order, line, buyer))


def _cells(order, line, buyer) -> tuple:
    def money(minor):
        return plain(minor, order.currency)
    to = order.address
    return (order.number, order.state, order.fulfilment, iso(order.created_at), iso(order.paid_at), iso(order.sent_at),
            iso(order.delivered_at), safe_text(buyer), *(safe_text(to.get(name)) for name in (
                "name", "line1", "line2", "postcode", "city", "country", "phone")),
            safe_text(line.sku), safe_text(line.title), line.quantity, line.refunded_quantity,
            money(line.unit_price_minor), money(line.total_minor), order.currency, money(order.total_minor),
            money(-order.refunded_minor) if order.refunded_minor else money(0), safe_text(order.carrier),
            safe_text(order.tracking_code), "" if line.show_second is None else line.show_second,
            safe_text(order.coupon_code), money(-line.discount_minor) if line.discount_minor else money(0))


def _row(cells) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
