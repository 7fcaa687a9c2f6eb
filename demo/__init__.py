"""Demo data and a simulated audience. Nothing imports it but app.py."""


def init_app(app) -> None:
    """Connect this package to the application."""
