"""Sockets: the one Socket.IO server of a process, checked events with acknowledgements, and frames to rooms.

Everything that is told to many goes through `send_frame`, and from there through core/fanout.
"""
import functools

import structlog
from flask import Flask, g, request
from flask.ctx import RequestContext
from flask_babel import gettext as _
from flask_socketio import SocketIO
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from core import fanout
from core.errors import Busy, DomainError, Invalid
from core.web import check

log = structlog.get_logger("sockets")
MAX_PAYLOAD_BYTES = 16 * 1024
OPTIONS = {"ping_interval": 20, "ping_timeout": 15, "manage_session": False, "cookie": None, "http_compression": False}
KEPT = "livestall.kept"  # in a socket's WSGI environment: (request, url adapter)
socketio = SocketIO()
# event name → (access, schema, function); a test compares it with what the pages send.
EVENTS: dict[str, tuple[str, type, object]] = {}
# Called with (app) before each event; members registers how g.member is found again, so authority is never remembered.
BEFORE_EVENT = []


class App(Flask):
    """Flask, but the request behind a socket's events is made once: it is the one that opened the socket, so its
    headers, cookies and address stay as they are. To make it for each event took a third of what an event costs."""

    def request_context(self, environ):
        of_socket = environ.get("PATH_INFO", "").startswith("/socket.io")
        return _EventContext(self, environ) if of_socket else super().request_context(environ)

    def create_url_adapter(self, request):
        kept = request.environ.get(KEPT) if request is not None else None
        return kept[1] if kept else super().create_url_adapter(request)


class _EventContext(RequestContext):
    """Of one event; g and the session are its own."""

    def __init__(self, app, environ):
        super().__init__(app, environ, request=environ.get(KEPT, (None,))[0])
        environ[KEPT] = self.request, self.url_adapter

    def match_request(self) -> None:
        """An event has no view."""


def init_app(app) -> None:
    config = app.config["LIVESTALL"]
    if not config.allowed_origins or "*" in config.allowed_origins:
        # engineio reads an empty list as "any origin" (engineio/server.py): refuse it here too.
        raise RuntimeError("allowed_origins must name the origins that may open sockets")
    mode = app.config.get("SOCKET_MODE", "gevent")
    more = {"client_manager": fanout.FanoutManager()} if mode == "gevent" else {}
    socketio.init_app(app, async_mode=mode, cors_allowed_origins=list(config.allowed_origins),
                      max_http_buffer_size=MAX_PAYLOAD_BYTES, **OPTIONS, **more)
    if mode == "gevent":
        fanout.connect(socketio.server)


def number_ids(number: int) -> None:
    """Begin the ids of this process's sockets with its number, so that a proxy finds the process of one who polls."""
    engine = socketio.server.eio
    make = engine.generate_id
    engine.generate_id = lambda: f"{number}.{make()}"


def event(name: str, schema: type, *, access: str):
    """Register a socket event: `fn(data) -> dict` becomes an acknowledgement {"ok": true, …} or an error body."""
    def register(fn):
        EVENTS[name] = (access, schema, fn)

        @socketio.on(name)
        @functools.wraps(fn)
        def handle(raw=None):
            return _answer(fn, schema, raw)
        return fn
    return register


def _answer(fn, schema, raw) -> dict:
    try:
        for prepare in BEFORE_EVENT:
            prepare()
        if not isinstance(raw, dict):
            raise Invalid(_("We expected named fields."))
        return {"ok": True, **(fn(check(schema, raw)) or {})}
    except DomainError as error:
        return {"ok": False, **error.body()}
    except (OperationalError, PoolTimeout) as error:
        log.error("database unavailable", error=str(error).splitlines()[0])
        return {"ok": False, **Busy(retry_ms=2000).body()}
    except Exception:
        log.exception("unexpected error", sid=request.sid, member=str(getattr(g.get("member"), "id", "")))
        return {"ok": False, "code": "internal", "message": _("Something broke on our side. We have written it down."),
                "fields": {}}


def send_frame(room: str, name: str, payload) -> None:
    """Send one event to every socket of this process in a room."""
    socketio.emit(name, payload, to=room)


def drop(room: str) -> None:
    """Close every socket of this process in a room (sign-out, ban)."""
    for sid in list(sids(room)):
        socketio.server.disconnect(sid)


def sids(room: str) -> list[str]:
    """Sockets of this process in a room."""
    rooms = socketio.server.manager.rooms.get("/", {}) if socketio.server else {}
    return list(rooms.get(room, {}))


def rooms() -> list[str]:
    """Rooms that have a socket of this process in them."""
    return [room for room in (socketio.server.manager.rooms.get("/", {}) if socketio.server else {}) if room]
