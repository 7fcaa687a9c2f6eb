"""Log lines: JSON for machines, readable on a terminal, with the ids of the request, order and live session that
the work is about. Nothing a member typed can forge a line or a colour, and nothing secret is written."""
import logging
import re
import sys

import structlog

from core.children import escaped

SECRET = re.compile(r"pass(word)?$|secret|token|authorization|cookie|card_number|api_key", re.I)
# Libraries whose "info" tells of every request or packet.
CHATTY = ("engineio", "socketio", "engineio.server", "socketio.server",  # else they add handlers of their own
          "engineio.client", "socketio.client", "urllib3", "stripe", "rq", "geventwebsocket", "sqlalchemy",
          "core.db",  # its pool class logs under its own module
          "alembic")
about = structlog.contextvars.bound_contextvars


def configure(level="info", style="", stream=None):
    """Send structlog's and the standard library's lines to `stream` (standard error), one per event.

    `style` is json or console; without one a terminal gets console. Calling it again replaces what was set.
    """
    stream = stream or sys.stderr
    console = style == "console" or (not style and stream.isatty())
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
        hide_secrets,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.PositionalArgumentsFormatter(),
                    structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger,
        # Modules make their loggers at import, before this runs; what they cache would keep the old settings.
        cache_logger_on_first_use=False)
    if console:
        last = [one_line, structlog.dev.ConsoleRenderer(
            colors=stream.isatty(), exception_formatter=structlog.dev.plain_traceback)]  # no locals: secrets
    else:
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def hide_secrets(_logger, _method, event):
    """Blank the values whose names say that they are nobody's business."""
    for name in event:
        if SECRET.search(name):
            event[name] = "***"
    return event


def one_line(_logger, _method, event):
    """Show control characters and direction marks as escapes: on a terminal they could hide or forge a line."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            event[name] = escaped(value)
    return event
