"""A stand-in for app.py with the commands that the supervisor starts, small enough to be killed often."""
import json
import os
import signal
import socket
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

DATA = Path(os.environ["DATA_DIR"])


def note(name):
    with open(DATA / "calls", "a") as file:
        file.write(f"{name} {os.getpid()}\n")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"status": "ready"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Silent."""


class Server(ThreadingHTTPServer):
    def server_bind(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


def web(port):
    Server(("127.0.0.1", port), Handler).serve_forever()


def worker():
    """Like RQ's: a forked job in a process group of its own, which outlives the worker."""
    if os.fork() == 0:
        os.setpgrp()
        note("job")
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(0.5)
    while True:
        time.sleep(0.5)


def main(command, *words):
    note(command)
    print(json.dumps({"level": "info", "event": f"{command} is here"}), flush=True)
    if os.environ.get("BREAK") == command:
        print("it is broken", flush=True)
        sys.exit(int(os.environ.get("BREAK_CODE", "1")))
    if command == "web":
        web(int(words[1]))
    elif command == "worker":
        worker()
    elif command in ("relay", "video"):
        signal.pause()
    elif command == "accounts":
        print("host@demo.example   a password")


if __name__ == "__main__":
    main(*sys.argv[1:])
