"""Reads a merchant's CSV: our own catalogue format, or invoice lines from which a catalogue is derived.

Pure: bytes in, rows and refusals out. docs/csv.md describes both formats.
"""
from collections.abc import Callable

from campaigns.catalogue import csv_catalogue, csv_invoices
from campaigns.catalogue.csv_layout import INVOICE_LINES, Parsed, records, sniff


def read(data: bytes, currency: str, progress: Callable[[int], None] = lambda _lines: None) -> Parsed:
    """All that the file says. `progress` is called with the lines read so far. Raises CsvProblem."""
    layout = sniff(data)
    parsed = Parsed(layout)
    lines = records(data, layout, parsed, progress)
    reader = csv_invoices.derive if layout.format == INVOICE_LINES else csv_catalogue.read_rows
    reader(lines, parsed, currency)
    return parsed


def count_lines(data: bytes) -> int:
    """About how many lines there are to read, for a progress bar."""
    return max(1, data.count(b"\n"))
