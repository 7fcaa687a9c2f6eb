"""/healthz: this process answers. /readyz: everything it needs does. /metrics: Prometheus text, not for the public."""
import hmac

from flask import Blueprint, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from core import bus, migrations, sockets
from core.db import engine
from core.errors import NotFound

health = Blueprint("health", __name__)
ready = Gauge("livestall_ready", "1 if a part that the process needs answers", ["part"])
open_sockets = Gauge("livestall_sockets", "sockets open in this process")
open_sockets.set_function(lambda: len(sockets.socketio.server.eio.sockets) if sockets.socketio.server else 0)
RELAY_BEAT = "livestall:relay"  # set by the relay every second, for 5 s


def public(view):
    view.access = "public"
    return view


@health.get("/healthz")
@public
def healthz():
    return jsonify(status="alive")


@health.get("/readyz")
@public
def readyz():
    parts = _look()
    # Without Redis or the relay people can still buy, so only the database decides the status.
    status = "degraded" if any(parts.values()) else "ready"
    return jsonify(status=status, parts=parts), 503 if parts["database"] else 200


@health.get("/metrics")
@public
def metrics():
    token = current_app.config["LIVESTALL"].metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    local = request.remote_addr in ("127.0.0.1", "::1") and not request.headers.get("X-Forwarded-For")
    if not (hmac.compare_digest(given, token) if token else local):
        raise NotFound
    _look()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _look() -> dict[str, str | None]:
    """What is wrong with each part, or None; the gauges follow."""
    parts = {"database": _database(), "redis": _redis(), "relay": _relay()}
    for name, problem in parts.items():
        ready.labels(name).set(0 if problem else 1)
    return parts


def _database() -> str | None:
    try:
        with engine().connect() as connection:
            connection.execute(text("SELECT 1"))
        return migrations.pending(engine())
    except SQLAlchemyError:
        return "no answer"


def _redis() -> str | None:
    try:
        bus.client().ping()
    except RedisError:
        return "no answer"


def _relay() -> str | None:
    try:
        return None if bus.client().exists(RELAY_BEAT) else "no leader"
    except RedisError:
        return "unknown without Redis"


def init_app(app) -> None:
    app.register_blueprint(health)
