"""The long-running processes: the web server (gevent) and the RQ worker."""
import gc
import os
import signal
import socket

import gevent
import structlog
from gevent.pywsgi import WSGIServer
from rq.serializers import JSONSerializer

from core import fanout, jobs
from core.children import raise_file_limit
from core.db import engine

log = structlog.get_logger("serving")
# Called with (app) in a web process once the server listens; live starts its broadcaster here.
ON_SERVE = []


def serve(app, port: int | None = None, host: str | None = None) -> None:
    """Serve until SIGTERM, then finish what is under way for at most 5 s."""
    settings = app.config["LIVESTALL"]
    host = host or settings.host
    raise_file_limit()
    listener = _listener(host, port or settings.port)
    server = WSGIServer(listener, app, log=None, error_log=_ErrorLog(), handler_class=fanout.Handler)
    for start in ON_SERVE:
        start(app)
    leave_in_peace()
    stopping = gevent.event.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        gevent.signal_handler(number, stopping.set)
    server.start()
    log.info("serving", host=host, port=listener.getsockname()[1], pid=os.getpid())
    stopping.wait()
    server.stop(timeout=5)


def leave_in_peace() -> None:
    """Keep the collector off what stays as long as the process: the application's 600,000 objects stopped everything
    for 150 ms whenever it looked through all of them, which was the p99 of a claim (make bench-claims)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def _listener(host: str, port: int) -> socket.socket:
    """A listening socket that several web processes may share: the kernel deals connections out (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "SO_REUSEPORT"):
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind((host, port))
    listener.listen(4096)  # a sale opens: thousands connect in one second
    listener.setblocking(False)
    return listener


class _ErrorLog:
    """pywsgi writes tracebacks here, a line a time."""

    def write(self, text: str) -> None:
        if text.strip():
            log.error("server", text=text.rstrip())

    def flush(self) -> None:
        """Nothing is buffered."""


def work() -> None:
    """Run jobs until SIGTERM. The short intervals find a killed worker's job within 90 s (RQ's own: 808 s)."""
    from rq import Worker
    queue = jobs.queue()
    # Each job is a fork: a connection that it shared with this process would speak to both.
    engine().dispose(close=False)
    worker = Worker([queue], connection=queue.connection, serializer=JSONSerializer, worker_ttl=45,
                    job_monitoring_interval=10, maintenance_interval=20)
    worker.work(logging_level="WARNING", with_scheduler=True)
