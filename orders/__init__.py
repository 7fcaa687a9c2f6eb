"""From a hold to a paid, sent, perhaps refunded order."""
from orders import models  # noqa: F401
from orders.payments import models as payment_models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application."""
