"""Demo data and a simulated audience. Nothing imports it but app.py."""


def init_app(app) -> None:
    """Connect this package to the application: its chores, and on a demo the accounts that the sign-in page shows."""
    from demo import accounts, commands, programme, seed  # noqa: F401
    from live.video import office
    if programme.programme not in office.PROGRAMMES:
        office.PROGRAMMES.append(programme.programme)
    if app.config["LIVESTALL"].demo:
        app.config["DEMO_ACCOUNTS"] = accounts.SHOWN
