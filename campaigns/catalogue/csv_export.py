"""The catalogue as a file in our own format: what comes out goes in again unchanged."""
import csv
import io
from collections.abc import Iterable, Iterator

from flask import Response
from sqlalchemy import func, select

from campaigns.catalogue import cells
from campaigns.catalogue.csv_layout import CATALOGUE_COLUMNS
from campaigns.catalogue.models import Product, Variant
from core import money


def catalogue_lines(db, merchant_id) -> Iterator[list[str]]:
    """The header, then a line for each variant that is not archived; a product's first variant carries its words."""
    yield list(CATALOGUE_COLUMNS)
    first = func.first_value(Variant.sku).over(partition_by=Variant.product_id, order_by=(Variant.position, Variant.id))
    rows = db.execute(
        select(Variant, Product, first).join(Product, Product.id == Variant.product_id)
        .where(Product.merchant_id == merchant_id, Product.archived_at.is_(None), Variant.archived_at.is_(None))
        .order_by(func.lower(Product.name), Product.id, Variant.position, Variant.id)
        .execution_options(yield_per=1000))
    for variant, product, main in rows:
        is_first = variant.sku == main
        cost = "" if variant.cost_minor is None else money.plain(variant.cost_minor, variant.currency)
        words = (product.category, product.description) if is_first else ("", "")
        yield [variant.sku, product.name if is_first else "", money.plain(variant.price_minor, variant.currency),
               variant.option, "" if is_first else main, *words, cost, str(variant.on_hand), variant.currency]


def csv_file(lines: Iterable[list[str]], name: str) -> Response:
    """A download that spreadsheets open rightly (UTF-8 with its mark) and safely (no cell is a formula)."""
    # Whole in memory (a shop's is some hundred kB): a generator would outlive the session that feeds it.
    out = io.StringIO()
    csv.writer(out).writerows([cells.safe(cell) for cell in line] for line in lines)
    answer = Response(("\ufeff" + out.getvalue()).encode(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.headers["Cache-Control"] = "no-store"
    return answer
