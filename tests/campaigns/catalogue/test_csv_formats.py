"""What a file says: encodings, delimiters, headers, lines that cannot be used, and a catalogue out of invoices."""
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.catalogue import cells, csv_formats, csv_words
from campaigns.catalogue.csv_catalogue import template
from campaigns.catalogue.csv_invoices import sentence_case
from campaigns.catalogue.csv_layout import CsvProblem, sniff

DEMO = Path(__file__).resolve().parents[3] / "demo" / "data" / "basket_lines.csv"
# (file, (lines, variants, refused, lines left out)); ONLINE_RETAIL=../shared/data/online_retail.csv adds the whole one.
FILES = [(DEMO, (3014, 447, 0, 53))]
if os.environ.get("ONLINE_RETAIL"):
    FILES.append((Path(os.environ["ONLINE_RETAIL"]), (50_062, 2784, 21, 232)))
INVOICE = "InvoiceNo,StockCode,Description,Quantity,UnitPrice,CustomerID,Country\n"


def read(text: str | bytes, currency="GBP"):
    return csv_formats.read(text if isinstance(text, bytes) else text.encode(), currency)


def refused(text) -> list[tuple]:
    return [(each.line, each.code) for each in read(text).rejected]


def lines(*rows: str) -> str:
    return INVOICE + "".join(f"{row}\n" for row in rows)


# -- The file as a whole

@pytest.mark.parametrize(("data", "encoding"), [
    ("sku,name,price\nA,Café £,1".encode(), "utf-8"), ("sku,name,price\nA,Café £,1".encode("utf-8-sig"), "utf-8-sig"),
    ("sku,name,price\nA,Café £,1".encode("latin-1"), "cp1252"), ("sku,name,price\nA,Café £\x81,1".encode("latin-1"),
                                                                    "latin-1")])
def test_the_encoding_is_found(data, encoding):
    assert sniff(data).encoding == encoding
    assert read(data).rows[0].name.startswith("Café £")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_delimiters_and_line_ends(delimiter, end):
    text = end.join(delimiter.join(row) for row in (("SKU", " Name ", "Price"), ("A", "Mug", "1.50"),
                                                    ("B", "Cup", "2")))
    assert [(row.sku, row.price_minor, row.line) for row in read(text).rows] == [("A", 150, 2), ("B", 200, 3)]


@pytest.mark.parametrize(("data", "code"), [
    (b"", "empty"), (b" \r\n ", "empty"), (b"PK\x03\x04rest", "workbook"), ("sku,name".encode("utf-16"), "utf16"),
    (b"sku,na\x00me", "binary"), (b"A,Mug,1.50\n", "no_header"), (b"sku,name\nA,B", "columns_missing"),
    (b"sku,name,price,Price\nA,B,1,2", "column_twice"), (b"sku,name,prize\nA,B,1", "column_unknown"),
    (b"sku,name,price,stok\nA,B,1,2", "column_unknown"), (b"x" * 200_000, "no_header"),
    (b"InvoiceNo,StockCode,Description,UnitPrice\n", "columns_missing")])
def test_a_file_that_cannot_be_read_says_why(data, code, empty):
    with pytest.raises(CsvProblem) as problem:
        sniff(data)
    assert problem.value.code == code
    sentence = csv_words.problem(code, problem.value.data)
    assert "%(" not in sentence and sentence != csv_words.problem("unknown", {})


def test_a_slip_in_a_header_is_named_with_what_was_meant(empty):
    with pytest.raises(CsvProblem) as problem:
        sniff(b"sku,nmae,price\n")
    assert csv_words.problem(problem.value.code, problem.value.data) == (
        'We do not know the column "nmae". Did you mean "name"?')


def test_columns_that_we_do_not_use_are_told():
    assert sniff(b"sku,name,price,Supplier,Shelf no.\n").unused == ["Supplier", "Shelf no."]


# -- Lines of our own format

def test_a_line_of_our_own_format():
    row = read("sku,name,price,option,category,description,cost,stock,currency\n"
               ' lamp-1 ,  Paper   lantern ,12.50,Small,Lamps,"Two\nlines",5,40,gbp\n').rows[0]
    assert (row.sku, row.name, row.price_minor, row.option) == ("LAMP-1", "Paper lantern", 1250, "Small")
    assert (row.category, row.description, row.cost_minor, row.stock) == ("Lamps", "Two\nlines", 500, 40)


@pytest.mark.parametrize(("line", "code"), [
    ("A,Mug", "cells"), ("A,Mug,1,2,3,4", "cells"), (",Mug,1,,", "no_sku"), ("=A1,Mug,1,,", "sku"),
    ("A" * 65 + ",Mug,1,,", "sku"), ("A,,1,,", "no_name"), ("A,Mug,,,", "no_price"), ("A,Mug,0,,", "price_zero"),
    ("A,Mug,-1,,", "amount"), ("A,Mug,1e3,,", "amount"), ("A,Mug,NaN,,", "amount"), ("A,Mug,1_000,,", "amount"),
    ("A,Mug,£2,,", "amount"), ("A,Mug,1.005,,", "too_fine"), ("A,Mug,1,-1,", "stock"), ("A,Mug,1,1.5,", "stock"),
    ("A,Mug,1,9223372036854775808,", "stock"), ("A,Mug,1,,EUR", "currency"), ("A," + "x" * 201 + ",1,,", "too_long")])
def test_a_broken_line_is_refused_with_its_reason_and_the_rest_is_used(line, code, empty):
    parsed = read(f"sku,name,price,stock,currency\nOK,Cup,1,,\n{line}\nOK2,Cup,1,,\n")
    assert [row.sku for row in parsed.rows] == ["OK", "OK2"]
    (bad,) = parsed.rejected
    assert (bad.line, bad.code) == (3, code)
    sentence = csv_words.reason(bad.code, bad.data)
    assert "%(" not in sentence and sentence != csv_words.reason("unknown", {})


def test_a_sku_counts_once_whatever_its_letters():
    parsed = read("sku,name,price\na1,Mug,1\nA1,Cup,2\n")
    assert [row.name for row in parsed.rows] == ["Mug"]
    assert (parsed.rejected[0].line, parsed.rejected[0].data) == (3, {"first": 2})


@pytest.mark.parametrize(("currency", "price", "minor"), [
    ("JPY", "120", 120), ("KWD", "1.234", 1234), ("EUR", "9,95", 995)])
def test_prices_are_read_in_the_shops_currency(currency, price, minor):
    assert read(f"sku;name;price\nA;Mug;{price}\n", currency).rows[0].price_minor == minor


def test_no_yen_has_cents():
    assert read("sku,name,price\nA,Mug,1.5\n", "JPY").rejected[0].code == "too_fine"


def test_line_numbers_count_the_files_lines_not_the_records():
    assert refused('sku,name,price\n"A","two\nlines",1\n\nB,,1\n') == [(5, "no_name")]


def test_a_cell_that_never_ends_takes_nothing_else_down():
    parsed = read('sku,name,price\nA,Mug,1\nB,"' + "x" * 140_000 + "\nC,Cup,1\n")
    assert [row.sku for row in parsed.rows] == ["A", "C"]
    assert [(each.line, each.code) for each in parsed.rejected] == [(3, "unreadable")]


def test_the_template_can_be_imported(empty):
    for currency in ("GBP", "JPY", "KWD"):
        text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in template(currency))
        parsed = read(text, currency)
        assert len(parsed.rows) == 3 and parsed.rejected == []


# -- Cells that a spreadsheet would run

@pytest.mark.parametrize("name", ["=1+1", "+44", "-x", "@SUM(A1)", "\t=1", "'=1", "''-x", "'plain", "O'Neill",
                                  "=cmd|' /C calc'!A0"])
def test_what_looks_like_a_formula_is_text_and_leaves_with_an_apostrophe(name):
    left = cells.safe(name)
    assert left[0] not in "=+-@\t\r"
    assert cells.plain(left) == name


@given(st.text())
def test_safe_and_plain_undo_each_other(value):
    assert cells.plain(cells.safe(value)) == value


def test_a_name_that_looks_like_a_formula_is_imported_as_it_is():
    assert read('sku,name,price\nA,"=HYPERLINK(""x"")",1\n').rows[0].name == '=HYPERLINK("x")'


# -- Invoice lines

def test_a_stock_code_takes_its_most_frequent_description_and_its_median_price():
    parsed = read(lines("1,22423,CAKESTAND,1,12.75,,UK", "2,22423,REGENCY CAKESTAND 3 TIER,1,10.95,,UK",
                        "3,22423,REGENCY CAKESTAND 3 TIER,2,12.75,,UK", "4,22423,damages,-5,0,,UK"))
    assert [(row.sku, row.name, row.price_minor, row.stock) for row in parsed.rows] == [
        ("22423", "Regency cakestand 3 tier", 1275, None)]
    assert parsed.rejected == []


def test_the_median_is_a_price_that_was_asked():
    assert read(lines("1,A,MUG,1,1.00,,", "2,A,MUG,1,2.01,,")).rows[0].price_minor == 100


def test_one_code_in_two_spellings_is_one_product():
    assert [row.sku for row in read(lines("1,85123a,HEART,1,2.95,,", "2,85123A,HEART,1,2.95,,")).rows] == ["85123A"]


@pytest.mark.parametrize(("code", "why"), [
    ("POST", "postage"), ("DOT", "postage"), ("C2", "postage"), ("M", "manual"), ("m", "manual"), ("D", "discount"),
    ("S", "sample"), ("BANK CHARGES", "fee"), ("AMAZONFEE", "fee"), ("gift_0001_20", "voucher"), ("B", "adjustment")])
def test_what_is_no_goods_is_left_out_and_told(code, why, empty):
    parsed = read(lines(f"1,{code},Something,1,5,,", "2,22423,MUG,1,1,,"))
    assert [row.sku for row in parsed.rows] == ["22423"]
    assert [(each["sku"], each["why"], each["lines"]) for each in parsed.left_out] == [(code.upper(), why, 1)]
    assert str(csv_words.LEFT_OUT[why])


@pytest.mark.parametrize(("line", "code"), [
    ("1,A,MUG,x,1,,", "quantity"), ("1,A,MUG,1.5,1,,", "quantity"), ("1,A,MUG,1,free,,", "amount"),
    ("1,A,MUG,1,0.001,,", "too_fine"), ("1,,MUG,1,1,,", "no_sku"), ("1,A,MUG,1", "cells"), ("1,A,MUG,1,0,,",
    "never_priced"), ("1,A,,1,1,,", "no_name"), ("1,A,MUG,1,-5,,", "never_priced"), ("1,A,MUG,1,NaN,,", "amount")])
def test_a_broken_invoice_line_is_refused_and_the_rest_is_used(line, code):
    parsed = read(lines("1,OK,CUP,1,1,,", line))
    assert [row.sku for row in parsed.rows] == ["OK"]
    assert [(each.line, each.code) for each in parsed.rejected] == [(3, code)]


@pytest.mark.parametrize(("shouted", "said"), [
    ("WHITE HANGING HEART T-LIGHT HOLDER", "White hanging heart T-light holder"),
    ("RED TOADSTOOL LED NIGHT LIGHT", "Red toadstool LED night light"), ("SET/5 RED BOWLS", "Set/5 red bowls"),
    ("*USB Office Mirror Ball", "*USB Office Mirror Ball"), ("GROW A FLYTRAP IN A TIN", "Grow a flytrap in a tin"),
    ("BAG 250g SWIRLY MARBLES", "Bag 250g swirly marbles"), ("杯子", "杯子"), ("", ""), ("7", "7")])
def test_names_from_the_till_are_calmed(shouted, said):
    assert sentence_case(shouted) == said


@pytest.mark.parametrize(("path", "counts"), FILES)
def test_real_invoices_become_a_catalogue(path, counts):
    parsed = read(Path(path).read_bytes())
    rows = {row.sku: row for row in parsed.rows}
    assert (parsed.lines, len(rows), len(parsed.rejected), sum(each["lines"] for each in parsed.left_out)) == counts
    assert {each.code for each in parsed.rejected} <= {"never_priced"}
    assert (rows["22423"].name, rows["22423"].price_minor) == ("Regency cakestand 3 tier", 1275)
    assert {row.sku for row in parsed.rows}.isdisjoint({"POST", "DOT", "M", "AMAZONFEE", "D", "S", "C2"})
