"""Who brings buyers, and what they earn: people, links, attribution, commission."""
from affiliates.attribution import models as attribution_models  # noqa: F401
from affiliates.commission import models as commission_models  # noqa: F401
from affiliates.links import models as link_models  # noqa: F401
from affiliates.people import models as people_models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application."""
