"""Who: identity, roles, merchants as tenants, access doors."""
from members import models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application."""
