"""Who brings buyers, and what they earn: people, links, attribution, commission, settlement."""
from affiliates.appeals import models as appeal_models  # noqa: F401
from affiliates.attribution import models as attribution_models  # noqa: F401
from affiliates.checks import CHECKS
from affiliates.commission import models as commission_models  # noqa: F401
from affiliates.links import models as link_models  # noqa: F401
from affiliates.payouts import models as payout_models  # noqa: F401
from affiliates.people import models as people_models  # noqa: F401
from affiliates.settlement import models as settlement_models  # noqa: F401
from core.checks import register


def init_app(app) -> None:
    """Connect this package to the application: addresses, ticks, its part in an order's moments."""
    from affiliates import api, desk, hooks, payouts, portal, settlement, sockets, ticks  # noqa: F401
    from affiliates.links import coupons, visitors
    from affiliates.links.views import links
    app.register_blueprint(links)
    app.after_request(visitors.tie)
    hooks.take_part()
    coupons.take_part()
    settlement.take_part()
    payouts.take_part(app)
    portal.init_app(app)
    desk.init_app(app)
    api.init_app(app)
    register(CHECKS)
