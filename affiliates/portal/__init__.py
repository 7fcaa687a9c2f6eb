"""The affiliate's own pages: earnings as they happen, campaigns, links, lines explained, statements, team, settings."""


def init_app(app) -> None:
    """Register the pages and what the menu of every page asks."""
    from affiliates.appeals.views import appeals
    from affiliates.portal import pages, payout, settings, statements  # noqa: F401  (views of one blueprint)
    from affiliates.portal.doors import portal, promotes
    app.register_blueprint(portal)
    app.register_blueprint(appeals)
    app.jinja_env.globals["promotes"] = promotes
