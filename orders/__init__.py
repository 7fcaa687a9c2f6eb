"""From a hold to a paid, sent, perhaps refunded order."""
from core.checks import register
from orders import models  # noqa: F401
from orders.checks import CHECKS
from orders.payments import models as payment_models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application: providers, pages, ticks."""
    from orders import books, desk, payments, sockets  # noqa: F401  (pages of the desk, an event)
    from orders.pages import pages
    from orders.payments import jobs  # noqa: F401  (registers ticks)
    from orders.payments.bank import bank
    from orders.payments.webhooks import webhooks
    from orders.views import api
    payments.init(app.config["LIVESTALL"])
    books.init(app.config["LIVESTALL"])
    for part in (pages, api, webhooks, bank):
        app.register_blueprint(part)
    register(CHECKS)
