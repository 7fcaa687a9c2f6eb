"""What is sold on which terms: catalogue, terms of campaigns and offers, stock and holds."""
from campaigns.catalogue import models as catalogue_models  # noqa: F401
from campaigns.stock import checks as stock_checks
from campaigns.stock import models as stock_models  # noqa: F401
from campaigns.stock import ticks as stock_ticks  # noqa: F401
from campaigns.terms import models as terms_models  # noqa: F401
from campaigns.terms import ticks as terms_ticks  # noqa: F401
from core import checks


def init_app(app) -> None:
    """Connect this package to the application."""
    checks.register(stock_checks.CHECKS)
