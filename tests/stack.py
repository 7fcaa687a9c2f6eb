"""The real product as processes: web, relay and worker on real servers, for browser, socket and fault tests."""
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import NullPool, create_engine, make_url, text

from core import migrations

ROOT = Path(__file__).resolve().parents[1]
_REDIS = itertools.cycle(range(1, 16))  # two stacks of one test process never share one


@contextmanager
def administering(cluster: str):
    """A connection to this cluster's first database that can make others."""
    admin = create_engine(cluster, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with admin.connect() as connection:
        yield connection


def named(cluster: str, database: str) -> str:
    return make_url(cluster).set(database=database).render_as_string(hide_password=False)


def new_database(cluster: str, template: str = "template1") -> str:
    """The URL of a fresh database, a copy of the template."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with administering(cluster) as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    return named(cluster, name)


def made_once(cluster: str, name: str, fill, template: str = "template1") -> str:
    """The name of a database to copy, which nobody uses; the first test process that wants it has it filled."""
    with administering(cluster) as connection:
        connection.execute(text("SELECT pg_advisory_lock(hashtext(:name))"), {"name": name})
        if not connection.scalar(text("SELECT 1 FROM pg_database WHERE datname = :name"), {"name": name}):
            url = new_database(cluster, template)
            fill(url)
            connection.execute(text(f"ALTER DATABASE {make_url(url).database} RENAME TO {name}"))
    return name


def migrated(cluster: str) -> str:
    """The name of a database with the newest schema and nothing in it (3 s of processor time, once)."""
    def fill(url):
        engine = create_engine(url, poolclass=NullPool)
        migrations.upgrade(engine)
    return made_once(cluster, "migrated", fill)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Stack:
    """`with Stack(servers, folder) as stack:` starts everything; names are web1…webN, relay1…, worker, video."""

    def __init__(self, servers, folder: Path, *, web: int = 1, relays: int = 1, worker: bool = True, seed: bool = True,
                 video: bool = False, ready: str = "ready", **env):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder, self.seed = Path(folder), seed
        self.cluster, self.database_url = servers[0], ""
        # A Redis database of its own: its worker must not take the jobs of other tests.
        redis_url = servers[1].rsplit("/", 1)[0] + f"/{next(_REDIS)}"
        self.env = {**os.environ, "APP_ENV": "development", "REDIS_URL": redis_url,
                    "SECRET_KEY": "e" * 40, "BASE_URL": self.url, "DATA_DIR": str(self.folder / "data"), "DEMO": "1",
                    "PORT": str(self.port), "LOG_FORMAT": "json",
                    "VIDEO": "embedded" if video else "off", "RTMP_PORT": str(free_port()),
                    "FLV_PORT": str(free_port()), "JANUS": "off", "DEMO_VIDEO": "0", **env}
        self.names = [f"web{n + 1}" for n in range(web)] + [f"relay{n + 1}" for n in range(relays)]
        self.names += ["worker"] * worker + ["video"] * video
        self.ready = ready  # what /readyz says when everything that was asked for is up
        self.processes: dict[str, subprocess.Popen] = {}

    def __enter__(self):
        self._furnish()
        try:
            for name in self.names:
                self.start(name)
            self.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _furnish(self) -> None:
        """The schema and, if wanted, the demo shop: copies, as the shop takes 8 to 25 s of processor time to make."""
        empty = migrated(self.cluster)
        self._use(new_database(self.cluster, made_once(self.cluster, "demo_shop", self._seed, empty)
                               if self.seed else empty))

    def _seed(self, url: str) -> None:
        self._use(url)
        self.run("seed")

    def _use(self, url: str) -> None:
        self.database_url = self.env["DATABASE_URL"] = url

    def __exit__(self, *_):
        for process in self.processes.values():
            if process.poll() is None:
                process.terminate()
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def run(self, *words) -> str:
        """A command of app.py, to its end; its output. Fails on an exit code."""
        done = subprocess.run([sys.executable, "app.py", *words], cwd=ROOT, env=self.env, capture_output=True,
                              text=True, timeout=120)
        assert done.returncode == 0, f"{words}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def start(self, name: str) -> None:
        """Start a process; its log is in folder/name.log."""
        words = {"web": ["web", "--port", str(self.port)], "relay": ["relay"], "worker": ["worker"],
                 "video": ["video"]}
        with open(self.folder / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen([sys.executable, "app.py", *words[name.rstrip("0123456789")]],
                                                    cwd=ROOT, env=self.env, stdout=log, stderr=log)

    def kill(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a signal to one of our own processes and wait for its end."""
        self.processes[name].send_signal(number)
        self.processes[name].wait(10)

    def get(self, path: str, timeout: float = 5.0):
        """(status, body as JSON or text) of a plain GET."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(body) if "json" in (answer.getheader("Content-Type") or "") else body

    def wait_ready(self, seconds: float = 90.0) -> None:
        """Until /readyz says what it should, and the media server listens. Raises with the logs if they do not."""
        end, last = time.monotonic() + seconds, None
        media = self.folder / "data/video/engine.json"  # a shop is ready without one, so /readyz does not speak of it
        while time.monotonic() < end:
            try:
                last = self.get("/readyz")
                if last[1].get("status") == self.ready and ("video" not in self.names or media.exists()):
                    return
            except (OSError, AttributeError):
                pass
            time.sleep(0.1)
        logs = "\n".join(f"--- {p.name}\n{p.read_text()[-2000:]}" for p in self.folder.glob("*.log"))
        raise AssertionError(f"not ready: {last}\n{logs}")
