"""Double entry: accounts, transfers between them, balances. No business nouns and no Flask; usable alone."""
from core.checks import register
from ledger import models  # noqa: F401
from ledger.checks import CHECKS


def init_app(_app) -> None:
    """Connect this package to the application: its rules, commands and tick."""
    from ledger import commands, ticks  # noqa: F401
    register(CHECKS)
