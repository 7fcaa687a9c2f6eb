"""What is sold on which terms: catalogue, terms of campaigns and offers, stock and holds."""
from campaigns.catalogue import checks as catalogue_checks
from campaigns.catalogue import models as catalogue_models  # noqa: F401
from campaigns.catalogue import ticks as catalogue_ticks  # noqa: F401
from campaigns.catalogue import views as catalogue_views
from campaigns.catalogue import views_imports as catalogue_imports  # noqa: F401
from campaigns.catalogue import views_pictures as catalogue_pictures
from campaigns.stock import checks as stock_checks
from campaigns.stock import models as stock_models  # noqa: F401
from campaigns.stock import ticks as stock_ticks  # noqa: F401
from campaigns.terms import api as terms_api
from campaigns.terms import models as terms_models  # noqa: F401
from campaigns.terms import ticks as terms_ticks  # noqa: F401
from campaigns.terms import views as terms_views
from core import checks


def init_app(app) -> None:
    """Connect this package to the application."""
    checks.register(catalogue_checks.CHECKS)
    checks.register(stock_checks.CHECKS)
    app.register_blueprint(catalogue_views.catalogue)
    app.register_blueprint(catalogue_pictures.pictures)
    app.register_blueprint(terms_views.bp)
    app.register_blueprint(terms_api.bp)
