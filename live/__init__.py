"""The show: sessions, run of show, chat, snapshot, relay, sockets."""
from core import events  # noqa: F401
from live.chat import models as chat_models  # noqa: F401
from live.show import models as show_models  # noqa: F401


def init_app(app) -> None:
    """Connect this package to the application."""
