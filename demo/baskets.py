"""Real baskets for the simulated audience: which codes were bought together, how many, in what order of time."""
import csv
from collections import defaultdict
from pathlib import Path

LINES = Path(__file__).parent / "data" / "basket_lines.csv"


def read(path: Path = LINES) -> list[list[tuple[str, int]]]:
    """Baskets as [(stock code, quantity), …] in the order of the invoices; cancellations are left out."""
    baskets = defaultdict(list)
    with open(path, encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            quantity = int(row["Quantity"])
            if quantity > 0:
                baskets[row["InvoiceNo"]].append((row["StockCode"], quantity))
    return list(baskets.values())
