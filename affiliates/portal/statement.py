"""An affiliate's statement: each line with everything its amount was made of, its changes, and the sums; as CSV.

A month's statement has the lines made in that month with all that happened to them since, so each line stands in one.
`affiliates/verify.py` computes all of it again from the file.
"""
import csv
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _l
from sqlalchemy import text

from affiliates.commission.tell import state_of
from affiliates.verify import COLUMNS
from core.clock import iso
from core.errors import DomainError, NotFound
from core.money import exponent, plain
from orders.exports import safe_text


class TooLong(DomainError):
    """More lines than a PDF is good for."""
    code, status = "too_long", 422
    message = _l("That is too much for a PDF. Choose a shorter time, or take the CSV.")

_ROWS = text("""
SELECT c.id, c.kind, c.level, c.quantity, c.base_minor, c.rate_ppm, c.flat_minor, c.cap_minor, c.amount_minor,
  c.reversed_minor, c.held, c.matures_at, c.created_at, c.currency, o.number, l.title, l.unit_price_minor,
  l.discount_minor, r.version, m.name AS shop, p.name AS campaign, t.source, s.commission_id IS NOT NULL AS settled,
  a.id AS change_id, a.cause_type, a.amount_minor AS change_minor, a.basis_minor, a.created_at AS changed_at
FROM commissions c JOIN orders o ON o.id = c.order_id JOIN order_lines l ON l.id = c.order_line_id
JOIN merchants m ON m.id = c.merchant_id JOIN campaigns p ON p.id = c.campaign_id
LEFT JOIN attributions t ON t.order_id = c.order_id LEFT JOIN commission_rules r ON r.id = c.rule_id
LEFT JOIN settlement_items s ON s.affiliate_id = c.affiliate_id AND s.commission_id = c.id
LEFT JOIN commission_adjustments a ON a.commission_id = c.id
WHERE c.affiliate_id = :id AND c.created_at >= :since AND c.created_at < :until ORDER BY c.id, a.id""")
_MONTHS = text("""
SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM') AS month, currency, count(*) AS lines,
  sum(amount_minor - reversed_minor)::bigint AS left_minor
FROM commissions WHERE affiliate_id = :id GROUP BY 1, 2 ORDER BY 1 DESC, 2""")


def months(db, affiliate_id: uuid.UUID) -> list:
    """Months with lines, the newest first: rows with month, currency, lines, left_minor."""
    return db.execute(_MONTHS, {"id": affiliate_id}).all()


def period(month: str | None) -> tuple[datetime, datetime]:
    """From and until of "2026-11" in UTC; of all time without a month. Raises NotFound for what is no month."""
    if not month:
        return datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
    try:
        since = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
        return since, since.replace(year=since.year + since.month // 12, month=since.month % 12 + 1)
    except ValueError:
        raise NotFound from None


def rows(db, affiliate_id: uuid.UUID, month: str | None):
    """A row a line and change, of one snapshot of the books."""
    since, until = period(month)
    return db.execute(_ROWS.execution_options(yield_per=1000), {"id": affiliate_id, "since": since, "until": until})


def statement_csv(db, affiliate_id: uuid.UUID, month: str | None) -> Iterator[str]:
    """The file in pieces. Begins with a byte order mark, which Excel needs for UTF-8."""
    yield "\ufeff" + _csv(COLUMNS)
    sums: dict[str, list[int]] = {}
    last = None
    for row in rows(db, affiliate_id, month):
        sum_ = sums.setdefault(row.currency, [0, 0, 0])
        if row.id != last:
            last = row.id
            sum_[0] += 1
            sum_[1] += row.amount_minor
            yield _csv(_line(row))
        if row.change_id:
            sum_[2] += row.change_minor
            yield _csv(_change(row))
    for currency, (count, amount, changed) in sorted(sums.items()):
        yield _csv(_cells({"record": "total", "quantity": count, "base": plain(amount, currency),
                           "amount": plain(changed, currency), "left": plain(amount + changed, currency)}, currency))


def _line(row) -> list:
    def money(minor):
        return "" if minor is None else plain(minor, row.currency)
    is_sale = row.kind == "sale"
    return _cells({
        "record": row.kind, "id": row.id, "at": iso(row.created_at), "order": row.number, "what": safe_text(row.title),
        "shop": safe_text(row.shop), "campaign": safe_text(row.campaign), "came_by": row.source or "",
        "level": row.level, "quantity": row.quantity, "unit_price": money(row.unit_price_minor) if is_sale else "",
        "discount": money(row.discount_minor) if is_sale else "", "base": money(row.base_minor),
        "rate_percent": "" if row.rate_ppm is None else f"{row.rate_ppm // 10_000}.{row.rate_ppm % 10_000:04}",
        "flat_per_unit": money(row.flat_minor), "cap": money(row.cap_minor), "amount": money(row.amount_minor),
        "left": money(row.amount_minor - row.reversed_minor), "state": state_of(row, row.settled),
        "payable_from": iso(row.matures_at) or "", "rule_version": row.version or ""}, row.currency)


def _change(row) -> list:
    return _cells({"record": "change", "id": row.change_id, "of": row.id, "at": iso(row.changed_at),
                   "order": row.number, "what": safe_text(row.title), "amount": plain(row.change_minor, row.currency),
                   "cause": row.cause_type, "money_gone": plain(row.basis_minor, row.currency)}, row.currency)


def _cells(values: dict, currency: str) -> list:
    values |= {"currency": currency, "decimals": exponent(currency)}
    return [values.get(name, "") for name in COLUMNS]


def _csv(cells) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
