"""A bare Flask-SocketIO server with the product's fan-out, for its bench and its tests: `fanout_server.py PORT`.

Everybody who connects is in the room "all". GET /start tells events to it, GET /state says what that took.
"""
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import resource  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from pathlib import Path  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import flask  # noqa: E402
import flask_socketio  # noqa: E402
import gevent  # noqa: E402
from flask_socketio import join_room  # noqa: E402
from gevent.pywsgi import WSGIServer  # noqa: E402

from core import fanout  # noqa: E402
from core.fanout import driver, manager  # noqa: E402

FILL = "x" * 41  # makes the event 150 bytes
ROOM = "all"


def event(number: int) -> dict:
    """Like a change of stock; `t` is the monotonic clock in ns, which all processes of a machine share."""
    return {"t": time.monotonic_ns(), "seq": number, "id": "item-000123", "k": "stock", "left": 42, "price": 1999,
            "cur": "USD", "x": FILL}


class Teller:
    """Tells events to the room at a rate (0: as fast as the server can)."""

    def __init__(self, socketio):
        self.socketio, self.told, self.busy = socketio, 0, False

    def tell(self, events: int, rate: float) -> None:
        self.busy, began = True, time.monotonic()
        for n in range(events):
            self.socketio.emit("ev", event(self.told), to=ROOM)
            self.told += 1
            gevent.sleep(max(0.0, began + (n + 1) / rate - time.monotonic()) if rate else 0)
        self.busy = False

    def state(self) -> dict:
        used = resource.getrusage(resource.RUSAGE_SELF)
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        return {"cpu": used.ru_utime + used.ru_stime, "rss_kb": int(status["VmRSS"].split()[0]), "told": self.told,
                "busy": self.busy, "sockets": len(self.socketio.server.eio.sockets),
                "too_slow": driver.too_slow._value.get()}


def make_app(options) -> flask.Flask:
    app = flask.Flask(__name__)
    socketio = flask_socketio.SocketIO(
        app, async_mode="gevent", manage_session=False, cookie=None, http_compression=False,
        ping_interval=options.ping, ping_timeout=options.patience, max_http_buffer_size=16384,
        client_manager=fanout.FanoutManager(options.pause, options.small))
    fanout.connect(socketio.server)
    if options.behind:
        make = socketio.server.eio.generate_id
        socketio.server.eio.generate_id = lambda: f"{options.behind}.{make()}"
    teller = Teller(socketio)
    register(socketio, teller)

    @app.get("/start")
    def start():
        asked = flask.request.args
        gevent.spawn(teller.tell, int(asked["events"]), float(asked.get("rate", 0)))
        return "started"

    @app.get("/state")
    def state():
        return teller.state()
    return app


def register(socketio, teller: Teller) -> None:
    @socketio.on("connect")
    def connect(_auth=None):
        join_room(ROOM)

    @socketio.on("echo")
    def echo(said):
        return said

    @socketio.on("leave")
    def leave():
        flask_socketio.leave_room(ROOM)

    @socketio.on("script")
    def script(steps: str):
        """a: one event to all; m: one to the caller alone; c: one to the caller that asks for an answer. Then the
        acknowledgement. Says how many events were told before."""
        told = teller.told
        for step in steps:
            if step == "a":
                socketio.emit("ev", event(teller.told), to=ROOM)
                teller.told += 1
            elif step == "m":
                socketio.emit("mine", {"after": teller.told}, to=flask.request.sid)
            else:
                socketio.emit("asked", {"after": teller.told}, to=flask.request.sid, callback=print)
        return {"before": told, "told": teller.told}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--pause", type=float, default=manager.PAUSE_SECONDS, help="0 writes every event by itself")
    parser.add_argument("--small", type=int, default=manager.SMALL_ROOM)
    parser.add_argument("--ping", type=float, default=20.0)
    parser.add_argument("--patience", type=float, default=15.0, help="seconds to wait for the answer to a ping")
    parser.add_argument("--behind", type=int, default=0, help="as core.sockets.number_ids")
    options = parser.parse_args()
    server = WSGIServer(("127.0.0.1", options.port), make_app(options), log=None, handler_class=fanout.Handler,
                        backlog=4096)
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
