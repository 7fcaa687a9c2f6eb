"""People of the browser tests besides the demo's."""
from demo.accounts import DOMAIN

BUYER, HOLDER, LINER, NEWCOMER, FRESH = (f"{name}@{DOMAIN}" for name in ("sam", "kim", "lou", "ada", "ines"))
