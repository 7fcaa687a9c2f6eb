"""Demo data and a simulated audience. Nothing imports it but app.py."""


def init_app(app) -> None:
    """Connect this package to the application: its chores, and on a demo the accounts that the sign-in page shows."""
    from demo import accounts, commands, seed  # noqa: F401
    if app.config["LIVESTALL"].demo:
        app.config["DEMO_ACCOUNTS"] = accounts.SHOWN
