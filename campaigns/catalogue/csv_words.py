"""What is said about a file, a line or a change: codes from the pure modules as sentences in the reader's language."""
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

# About the file as a whole.
PROBLEMS = {
    "empty": _l("The file is empty."),
    "workbook": _l("This is a spreadsheet's own file. In the spreadsheet, choose Save as, then CSV UTF-8."),
    "utf16": _l("This file is written as UTF-16. In the spreadsheet, choose Save as, then CSV UTF-8."),
    "binary": _l("This is not a text file. We read CSV."),
    "no_header": _l("The first line must name the columns: %(wanted)s. We found: %(found)s"),
    "columns_missing": _l("These columns are missing: %(columns)s"),
    "column_twice": _l('The column "%(column)s" is there twice.'),
    "column_unknown": _l('We do not know the column "%(column)s". Did you mean "%(near)s"?'),
    "too_many_lines": _l("The file has more than %(most)s lines. Please cut it into parts."),
    "gave_up": _l("We could not get this file done, even after several tries. Please upload it again."),
}

# About one line.
REASONS = {
    "unreadable": _l("We cannot read this line."),
    "cells": _l("It has %(found)s cells, the header has %(wanted)s."),
    "no_sku": _l("The SKU is missing."),
    "sku": _l('"%(found)s" cannot be a SKU: up to 64 letters, digits and . _ - / #, beginning with a letter or digit.'),
    "sku_twice": _l("This SKU is on line %(first)s already."),
    "no_name": _l("The name is missing."),
    "no_price": _l("The price is missing."),
    "price_zero": _l("The price must be more than 0."),
    "amount": _l('"%(found)s" is no amount. Write it like 9.95, without a currency sign.'),
    "too_fine": _l('"%(found)s" is finer than %(currency)s goes.'),
    "stock": _l('"%(found)s" is no stock count: a whole number from 0 to %(most)s.'),
    "quantity": _l('"%(found)s" is no quantity: a whole number.'),
    "too_long": _l('The cell "%(column)s" is longer than %(most)s characters.'),
    "currency": _l("The price is in %(found)s, your shop sells in %(wanted)s."),
    "variant_of": _l("There is no product with the SKU %(wanted)s to be a variant of."),
    "moves": _l("It belongs to another product than %(wanted)s. A variant cannot move by import."),
    "archived": _l("You archived this product. Restore it first."),
    "never_priced": _l("No line with this code has a price."),
}

# Why a code on invoices is no product.
LEFT_OUT = {
    "postage": _l("Postage"), "manual": _l("Entered by hand"), "discount": _l("Discount"), "sample": _l("Samples"),
    "fee": _l("Fee"), "adjustment": _l("Adjustment"), "voucher": _l("Gift voucher"),
}

FIELDS = {
    "name": _l("Name"), "category": _l("Category"), "description": _l("Description"), "option": _l("Option"),
    "price_minor": _l("Price"), "cost_minor": _l("Cost"), "on_hand": _l("On hand"),
}

ENCODINGS = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "cp1252": "Latin-1", "latin-1": "Latin-1"}


def problem(code: str | None, data: dict | None) -> str:
    """Why a whole file was refused."""
    return _fill(PROBLEMS.get(code), data)


def reason(code: str, data: dict) -> str:
    """Why a line was refused."""
    return _fill(REASONS.get(code), data)


def _fill(sentence, data: dict | None) -> str:
    if sentence is None:
        return _("We could not use this.")
    # The data is the file's: as values of a filled sentence it stays text, whatever is in it.
    return str(sentence) % (data or {})
