"""Live video: in from OBS or the browser, out as HLS, in time with the sale, and kept as a replay.

`adapters` says where a show's video comes from and goes; `office` runs the embedded engine; `playlist` is the sums.
"""


def init_app(app) -> None:
    """Connect this room to the application."""
    from live.video import commands, views, views_desk  # noqa: F401
    app.register_blueprint(views.video)
