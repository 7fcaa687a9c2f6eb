"""Offers from a CSV file: sku, price, allotment, limit and, if there, full price and deal. Pure: text in, rows out."""
import csv
import io
from dataclasses import dataclass

from flask_babel import gettext as _

from campaigns.terms.schemas import MOST_PER_MEMBER, MOST_UNITS, printable
from core import money

NEEDED = ("sku", "price", "allotment", "limit")
# A show of 500 products runs for a week; a longer file is another kind of file.
MOST_LINES = 500
YES, NO = {"yes", "y", "1", "true", "是"}, {"", "no", "n", "0", "false", "否"}


@dataclass(frozen=True)
class Row:
    """A line that can be used; `values` are an offer's columns."""
    line: int
    sku: str
    values: dict


@dataclass(frozen=True)
class Rejected:
    line: int
    reason: str

    def out(self) -> dict:
        return {"line": self.line, "reason": self.reason}


class Unreadable(ValueError):
    """The file as a whole is not such a list; its text says why."""


def read(data: bytes, currency: str) -> tuple[list[Row], list[Rejected]]:
    """(usable rows, rejected lines with reasons). Raises Unreadable if it has no such columns or too many lines."""
    reader = csv.DictReader(io.StringIO(_text(data)), strict=False)
    try:
        names = {str(name).strip().lower().replace(" ", "_"): name for name in reader.fieldnames or ()}
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise Unreadable(_("The first line must name these columns: %(names)s.", names=", ".join(missing)))
        return _rows(reader, names, currency)
    except csv.Error as error:
        raise Unreadable(_("Line %(line)s cannot be read as CSV.", line=reader.line_num)) from error


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _rows(reader, names, currency):
    rows, rejected, seen = [], [], {}
    for raw in reader:
        line = reader.line_num
        if len(rows) + len(rejected) >= MOST_LINES:
            raise Unreadable(_("At most %(most)s lines at once.", most=MOST_LINES))
        cells = {name: (raw.get(column) or "").strip() for name, column in names.items()}
        if not any(cells.values()):
            continue
        try:
            row = Row(line, cells["sku"], _values(cells, currency))
            if row.sku in seen:
                raise ValueError(_("%(sku)s stands in line %(line)s already.", sku=row.sku, line=seen[row.sku]))
        except ValueError as error:
            rejected.append(Rejected(line, str(error)))
            continue
        seen[row.sku] = line
        rows.append(row)
    return rows, rejected


def _values(cells: dict, currency: str) -> dict:
    if not cells["sku"]:
        raise ValueError(_("There is no SKU."))
    if not printable(cells["sku"]):
        raise ValueError(_("The SKU has signs in it that cannot be printed."))
    price = _amount(cells["price"], currency)
    full = _amount(cells["full_price"], currency) if cells.get("full_price") else None
    if full is not None and full <= price:
        raise ValueError(_("The full price must be above the price."))
    values = {"price_minor": price, "allotment": _whole(cells["allotment"], 0, MOST_UNITS),
              "limit_per_member": _whole(cells["limit"], 1, MOST_PER_MEMBER)}
    if "full_price" in cells:
        values["compare_at_minor"] = full
    if "deal" in cells:
        values["is_deal"] = _yes(cells["deal"])
    return values


def _amount(cell: str, currency: str) -> int:
    try:
        minor = money.parse(cell, currency)
    except ValueError:
        minor = 0
    if minor < 1:
        raise ValueError(_("“%(cell)s” is no price in %(currency)s.", cell=cell[:40], currency=currency))
    return minor


def _whole(cell: str, least: int, most: int) -> int:
    if not (cell.isascii() and cell.isdigit() and least <= int(cell[:12]) <= most):
        raise ValueError(_("“%(cell)s” is no whole number from %(least)s to %(most)s.", cell=cell[:40], least=least,
                           most=most))
    return int(cell)


def _yes(cell: str) -> bool:
    if cell.lower() not in YES | NO:
        raise ValueError(_("“%(cell)s” is neither yes nor no.", cell=cell[:40]))
    return cell.lower() in YES
