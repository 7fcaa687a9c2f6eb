"""Live video: in from OBS or the browser, out as HLS, in time with the sale, and kept as a replay.

`adapters` says where a show's video comes from and goes; `office` runs the embedded engine; `playlist` is the sums.
"""


def init_app(app) -> None:
    """Connect this room to the application."""
    from live.sockets import ON_LEFT
    from live.video import commands, ingest, sockets, views, views_desk, views_mediamtx, views_replay, views_rtc  # noqa: F401
    app.register_blueprint(views.video)
    if ingest.end not in ON_LEFT:
        ON_LEFT.append(ingest.end)
