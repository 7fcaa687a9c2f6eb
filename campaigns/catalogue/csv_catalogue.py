"""Our own catalogue format: one line a variant (docs/csv.md). Pure."""
from campaigns.catalogue import cells
from campaigns.catalogue.csv_layout import CATALOGUE_COLUMNS, Parsed, Rejected, Row
from core import money


def read_rows(lines, parsed: Parsed, currency: str) -> None:
    """Put a row for each line into `parsed`; a SKU that comes twice counts once."""
    first_line: dict[str, int] = {}
    for line, raw in lines:
        try:
            row = _row(line, raw, currency)
            if row.sku in first_line:
                raise cells.BadCell("sku_twice", first=first_line[row.sku])
        except cells.BadCell as bad:
            parsed.rejected.append(Rejected(line, cells.shown(raw["sku"]), bad.code, bad.data))
            continue
        first_line[row.sku] = line
        parsed.rows.append(row)


def _row(line: int, raw: dict[str, str], currency: str) -> Row:
    sku = cells.sku(raw["sku"])
    variant_of = cells.sku(raw["variant_of"]) if raw.get("variant_of", "").strip() else None
    if variant_of == sku:
        variant_of = None
    name = cells.text(raw["name"], "name")
    if not name and variant_of is None:
        raise cells.BadCell("no_name")
    if raw.get("currency", "").strip().upper() not in ("", currency):
        raise cells.BadCell("currency", found=cells.shown(raw["currency"]), wanted=currency)
    price = cells.price(raw["price"], currency)
    cost = raw.get("cost", "").strip()

    def optional(column):
        return cells.text(raw[column], column) if column in raw else None
    return Row(line, sku, name or None, price, optional("option"), variant_of, optional("category"),
               optional("description"), cells.amount(cost, currency, "cost") if cost else None,
               "cost" in raw and not cost, cells.stock(raw.get("stock", "")))


def template(currency: str) -> list[list[str]]:
    """The header and three lines that show it, for the download."""
    def price(major: int, per_mille: int) -> str:
        return money.plain((major * 1000 + per_mille) * 10 ** money.exponent(currency) // 1000, currency)
    return [list(CATALOGUE_COLUMNS),
            ["LAMP-01", "Paper lantern", price(12, 500), "Small", "", "Lamps", "Folds flat.", price(5, 0), "40",
             currency],
            ["LAMP-02", "", price(18, 0), "Large", "LAMP-01", "", "", price(7, 500), "25", currency],
            ["MUG-01", "Stoneware mug", price(9, 950), "", "", "Kitchen", "", "", "120", currency]]
