"""Products that have a hand-drawn picture in static/art instead of a generated tile: those of the demo shop."""
from functools import lru_cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "static" / "art"
# By SKU and name: another shop's 22720 is something else.
DRAWN = {
    ("84879", "assorted colour bird ornament"): "bird-ornament", ("85099B", "jumbo bag red retrospot"): "jumbo-bag",
    ("22111", "scottie dog hot water bottle"): "scottie-bottle", ("22423", "regency cakestand 3 tier"): "cakestand",
    ("85123A", "white hanging heart t-light holder"): "heart-tlight",
    ("22834", "hand warmer babushka design"): "hand-warmer", ("22727", "alarm clock bakelike red"): "alarm-clock",
    ("22720", "set of 3 cake tins pantry design"): "cake-tins",
}


@lru_cache(maxsize=16)
def drawn(sku: str, name: str) -> str | None:
    """The SVG that was drawn for this product, if there is one."""
    file = DRAWN.get((sku, name.lower()))
    return (FOLDER / f"{file}.svg").read_text(encoding="utf-8") if file else None
