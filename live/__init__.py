"""The show: sessions, run of show, chat, snapshot, relay, sockets."""
import threading
import time

import structlog

from core import events, serving  # noqa: F401
from live.chat import models as chat_models  # noqa: F401
from live.show import models as show_models  # noqa: F401
from live.video import models as video_models  # noqa: F401

log = structlog.get_logger("live")
PRESENCE_SECONDS = 1.0


def init_app(app) -> None:
    """Connect this package to the application."""
    from live import figures, rehearsal, sockets, video, views, views_api, views_studio  # noqa: F401
    from live.chat import moderation  # noqa: F401
    from live.commands import relay  # noqa: F401
    from live.show import clockwork, selling, steps  # noqa: F401
    clockwork.init_app(app)
    app.register_blueprint(views.live)
    app.register_blueprint(views_api.api)
    video.init_app(app)
    if serve not in serving.ON_SERVE:
        serving.ON_SERVE.append(serve)


def serve(_app) -> None:
    """In a web process: bring frames to its sockets, and count who is here."""
    from live.broadcast import broadcaster
    broadcaster.start()
    threading.Thread(target=_count, name="presence", daemon=True).start()


def _count() -> None:
    from live import presence
    while True:
        time.sleep(PRESENCE_SECONDS)
        try:
            presence.flush()
        except Exception:
            log.exception("presence not told")
