"""Cut demo/data/basket_lines.csv out of the whole "Online Retail" file: 450 products, 3,000 lines, whole invoices.

    python scripts/extract_demo.py ../shared/data/online_retail.csv

The same input gives the same extract. Nothing is cleaned: cancellations, postage, empty customers and a few lines
without a price come along, because an import must stand them.
"""
import csv
import sys
from collections import Counter, defaultdict
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "demo" / "data" / "basket_lines.csv"
# What the demo's campaigns sell, and the products that have a hand-drawn picture.
WANTED = ("84879", "85099B", "22111", "85123A", "22423", "22727", "22720", "22834")
PRODUCTS, SURE, LINES = 450, 100, 3000
# Baskets above this are wholesale orders; each would bring its own hundred products.
LONGEST = 40
NO_GOODS = ("POST", "DOT", "C2", "M", "D", "S", "BANK CHARGES", "AMAZONFEE")


def read(path: str) -> tuple[list[str], dict[str, list[list[str]]]]:
    with open(path, encoding="latin-1", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        invoices = defaultdict(list)
        for row in reader:
            invoices[row[0]].append(row)
    return header, invoices


def goods(rows: list[list[str]]) -> set[str]:
    return {row[1].upper() for row in rows} - set(NO_GOODS)


def choose(invoices: dict[str, list[list[str]]]) -> list[str]:
    """Invoices, cheapest in new products per line first, until there are enough of both."""
    sold = Counter(code for rows in invoices.values() for code in goods(rows))
    products = set(WANTED) | {code for code, _ in sold.most_common(SURE)}
    open_ones = {number: goods(rows) for number, rows in invoices.items()
                 if len(rows) <= LONGEST and not any(row[1].startswith("gift_") for row in rows)}
    chosen, lines = [], 0

    def cost(number: str) -> tuple:
        new = len(open_ones[number] - products)
        return new / len(invoices[number]), new, -len(invoices[number]), number
    while open_ones and lines < LINES:
        number = min(open_ones, key=cost)
        new = open_ones.pop(number) - products
        if len(products) + len(new) > PRODUCTS:
            continue
        products.update(new)
        chosen.append(number)
        lines += len(invoices[number])
    return chosen


def main(path: str) -> None:
    header, invoices = read(path)
    chosen = set(choose(invoices))
    rows = [row for number, lines in invoices.items() if number in chosen for row in lines]
    with open(TARGET, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
    codes = goods(rows)
    print(f"{TARGET.name}: {len(rows)} lines of {len(chosen)} invoices, {len(codes)} stock codes, "
          f"{sum(number.startswith('C') for number in chosen)} cancellations, "
          f"{sum(float(row[4]) == 0 for row in rows)} lines without a price")
    missing = set(WANTED) - codes
    if missing:
        sys.exit(f"not in the extract: {', '.join(sorted(missing))}")


if __name__ == "__main__":
    main(sys.argv[1])
