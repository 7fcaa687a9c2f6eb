"""How a merchant's CSV is written: encoding, delimiter, format and columns; then its lines, one after the other.

Pure: no database, no language. Reasons are codes with their data, because the job that reads has no reader's language
(csv_words.py turns them into sentences).
"""
import csv
import difflib
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

CATALOGUE, INVOICE_LINES = "catalogue", "invoice_lines"
# A catalogue that a person can check in a preview, and twice the invoice lines that fit into 16 MB.
MAX_LINES = 400_000
PROGRESS_EVERY = 500

CATALOGUE_COLUMNS = ("sku", "name", "price", "option", "variant_of", "category", "description", "cost", "stock",
                     "currency")
CATALOGUE_NEEDS = ("sku", "name", "price")
INVOICE_COLUMNS = ("invoiceno", "stockcode", "description", "quantity", "unitprice", "customerid", "country",
                   "invoicedate")
INVOICE_NEEDS = ("invoiceno", "stockcode", "description", "quantity", "unitprice")
# How other exports of the same kind name these columns.
ALIASES = {"invoice": "invoiceno", "price": "unitprice", "customer_id": "customerid", "invoice_date": "invoicedate",
           "invoice_no": "invoiceno", "stock_code": "stockcode", "unit_price": "unitprice"}


class CsvProblem(Exception):
    """The file as a whole cannot be read: `code` says why, `data` about what."""

    def __init__(self, code: str, **data):
        super().__init__(code)
        self.code, self.data = code, data


@dataclass(frozen=True)
class Layout:
    """How the file is written: encoding, delimiter, format, and where each column is."""
    encoding: str
    delimiter: str
    format: str
    columns: dict[str, int]
    width: int
    unused: list[str]


@dataclass(frozen=True)
class Row:
    """A variant as the file has it. None: the file says nothing about it, so it stays as it is."""
    line: int
    sku: str
    name: str | None
    price_minor: int
    option: str | None = None
    variant_of: str | None = None
    category: str | None = None
    description: str | None = None
    cost_minor: int | None = None
    clears_cost: bool = False
    stock: int | None = None


@dataclass(frozen=True)
class Rejected:
    """A line that cannot be used; `code` and `data` say why."""
    line: int
    sku: str
    code: str
    data: dict = field(default_factory=dict)


@dataclass
class Parsed:
    """What a file gives: rows to import, lines refused, and (invoice lines) codes that are no goods."""
    layout: Layout
    lines: int = 0
    rows: list[Row] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    left_out: list[dict] = field(default_factory=list)


def sniff(data: bytes) -> Layout:
    """How the file is written, from its first bytes and its header. Raises CsvProblem, which names the mistake."""
    if not data.strip():
        raise CsvProblem("empty")
    if data[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise CsvProblem("workbook")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise CsvProblem("utf16")
    if b"\x00" in data:
        raise CsvProblem("binary")
    encoding = _encoding(data)
    first = re.split(rb"[\r\n]", data, maxsplit=1)[0].decode(encoding, "replace")
    delimiter = max(",;\t", key=first.count)
    try:
        header = next(csv.reader([first], delimiter=delimiter), [])
    except csv.Error:  # one cell of 128 kB: no header
        header = []
    return _layout(header, encoding, delimiter)


def _encoding(data: bytes) -> str:
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    # cp1252 is Latin-1 with letters where Latin-1 has control characters that no shop means; five bytes are in neither.
    for encoding in ("utf-8", "cp1252"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    return "latin-1"


def _layout(header: list[str], encoding: str, delimiter: str) -> Layout:
    while header and not header[-1].strip():
        header.pop()
    names = [re.sub(r"[^a-z0-9]+", "_", cell.strip().lower()).strip("_") for cell in header]
    is_invoice = "sku" not in names and any(ALIASES.get(name, name) == "stockcode" for name in names)
    known, needs = (INVOICE_COLUMNS, INVOICE_NEEDS) if is_invoice else (CATALOGUE_COLUMNS, CATALOGUE_NEEDS)
    columns, unused = {}, []
    for place, name in enumerate(names):
        if is_invoice:
            name = ALIASES.get(name, name)
        if name not in known:
            unused.append(header[place].strip())
        elif name in columns:
            raise CsvProblem("column_twice", column=header[place].strip())
        else:
            columns[name] = place
    missing = [name for name in needs if name not in columns]
    # A near miss is a slip of the pen even if the column could be done without: "stok" would lose all counts.
    for text in unused:
        near = difflib.get_close_matches(text.lower(), [name for name in known if name not in columns], 1, 0.75)
        if near:
            raise CsvProblem("column_unknown", column=text, near=near[0])
    if len(missing) == len(needs):
        raise CsvProblem("no_header", wanted=", ".join(CATALOGUE_NEEDS), found=", ".join(header[:8])[:200])
    if missing:
        raise CsvProblem("columns_missing", columns=", ".join(missing))
    return Layout(encoding, delimiter, INVOICE_LINES if is_invoice else CATALOGUE, columns, len(header),
                  [text[:60] for text in unused if text][:20])


def records(data: bytes, layout: Layout, parsed: Parsed,
            progress: Callable[[int], None]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line number, {column: cell}) of every line with the right number of cells; the others are refused."""
    # Errors are replaced only where no encoding fits; then the name shows it, and the person sees it in the preview.
    source = io.TextIOWrapper(io.BytesIO(data), layout.encoding, errors="replace", newline="")
    reader = csv.reader(source, delimiter=layout.delimiter)
    next(reader)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            parsed.rejected.append(Rejected(line, "", "unreadable"))
            continue
        if not any(cell.strip() for cell in row):
            continue
        parsed.lines += 1
        if parsed.lines > MAX_LINES:
            raise CsvProblem("too_many_lines", most=MAX_LINES)
        if parsed.lines % PROGRESS_EVERY == 0:
            progress(line)
        while len(row) > layout.width and not row[-1].strip():
            row.pop()
        if len(row) != layout.width:
            parsed.rejected.append(Rejected(line, "", "cells", {"found": len(row), "wanted": layout.width}))
            continue
        yield line, {name: row[place] for name, place in layout.columns.items()}
