"""Fan-out: many sockets, one event. A client manager and a websocket driver for Flask-SocketIO on gevent.

What it costs and bounds: docs/performance.md. What it relies on in the libraries: tests/core/test_fanout_seams.py.
"""
from core.fanout.driver import Handler, driver_for
from core.fanout.manager import FanoutManager
from core.fanout.pings import Pings


def connect(server) -> None:
    """Give a socketio.Server whose client manager is a FanoutManager our driver, our pings, our way to one socket."""
    manager, engine = server.manager, server.eio
    engine._async = {**engine._async, "websocket": driver_for(manager)}
    engine.send_packet = manager.send_packet
    engine.start_background_task = Pings(engine).start_background_task


__all__ = ["FanoutManager", "Handler", "connect"]
