"""Start the servers, the schema, the demo shop, then web, worker and relay; keep them up; stop them in order.

It is forked by core/front.py and has a session of its own, in which everything but the embedded servers runs; those
stop when nobody uses them. It stops when told to, or when its pipe says that the front is gone.
"""
import contextlib
import fcntl
import hashlib
import json
import os
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from urllib.parse import urlsplit

from core import embedded, proxy
from core.children import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_PDEATHSIG,
    Child,
    LogFile,
    Screen,
    free_port,
    prctl,
    readable,
    sweep,
)
from core.config import ConfigError, reachable_host

STOP_SECONDS = 8  # requests under way have 5 s (core/serving.py); a job that needs longer is run again
READY_SECONDS = 60
# Exit codes with which a restart cannot help: a wrong setting, a wrong schema.
HOPELESS = {2, 3}
FIRST_STEPS = (
    "Try first",
    "  1. Sign in as the host and open the demo sale's control page: pin a product, start a flash sale.",
    "  2. In a private window, sign in as a viewer and open the sale: both pages move together. Buy.",
    "  3. `make demo` in another terminal sends 200 viewers who chat, claim and pay.", "")
HIGHEST_FAILURES = 4  # quick deaths before anything was ready


class StartError(Exception):
    """The start cannot go on; the text is one line."""


class Stopped(BaseException):
    """A signal came while something was being waited for."""


def locked(path, seconds=0.0):
    """The open file with its lock, or None if another process keeps it for longer."""
    file = open(path, "w")  # noqa: SIM115 - held until the process ends
    deadline = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                file.close()
                return None
            time.sleep(0.1)


def supervise(supervisor, front_pid):
    os.setsid()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != front_pid:
        return 1
    try:
        return supervisor.run()
    except BaseException:  # nothing may be left behind, whatever happens
        supervisor.say(traceback.format_exc())
        return 1
    finally:
        supervisor.screen.flush(1.0)
        sweep(os.getpid())
        embedded.stop(supervisor.config.data_dir)


class Supervisor:
    """Starts what the settings ask for, in order, and keeps it running."""

    def __init__(self, config, program, errand, lifeline):
        self.config, self.errand, self.lifeline = config, list(errand), lifeline
        self.app = [sys.executable, str(program)]
        self.began = time.monotonic()
        self.screen = Screen(sys.stdout.fileno())
        self.logs = config.data_dir / "logs"
        self.logs.mkdir(mode=0o700, exist_ok=True)
        self.own_log = LogFile(self.logs / "supervisor.log")
        self.children = []
        self.env, self.fronted = {}, {}  # fronted: what children must know of nginx, also after a server moved
        self.front_gone = self.greeted = False
        self.stopping = 0
        self.servers_again_at = 0.0
        self.rtmp_port = self.flv_port = 0
        self.waiting = True  # signals end a wait at once; in the loop they are looked at
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, *_):
        """Told to stop; a second time, to do so at once."""
        self.stopping += 1
        if self.waiting and self.stopping == 1:
            raise Stopped

    def run(self):
        """Start, keep up, stop; the exit code."""
        code = 0
        try:
            self._start_all()
            self.waiting = False
            errand = self._add(self.errand[0], *self.errand, exits=True, own_output=True) if self.errand else None
            while not self.stopping and not (errand and not errand.running):
                self._turn(0.5)
                self._watch_servers()
        except (StartError, ConfigError, embedded.ServerError) as error:
            self.say(f"\n{error}")
            code = 1
        except Stopped:
            pass
        else:
            code = int(bool(errand and errand.ended))
        self.waiting = False
        self._stop_all()
        return code

    def _start_all(self):
        # A previous run that was killed may still be stopping.
        self.lock = locked(self.config.data_dir / "supervisor.lock", seconds=30)
        if not self.lock:
            raise StartError(f"An earlier run on {self.config.data_dir} does not end: look at its processes with ps.")
        _refuse_taken_port(self.config)
        self.say("Livestall starts")
        self._start_servers()
        accounts = self._prepare()
        self._start_web()
        self._wait_until_ready()
        if self.config.video == "embedded":
            self._add("video", "video")
        self._add("worker", "worker")  # last: each of these takes 1.5 s of a core to begin, and pages wait for no job
        self._greet(accounts)
        self.greeted = True

    def _start_web(self):
        """Relay and web; several web processes behind nginx where there is one, on one shared port where not. Then a
        second relay stands by: it takes office within a second, where a new process needs three."""
        several, ports, front = self.config.web > 1, [self.config.port] * self.config.web, None
        for name in ("relay", "relay-2")[:1 + several]:
            self._add(name, "relay")
        if several and self.config.web_proxy == "auto" and (nginx := proxy.find()):
            inner = proxy.ports(self.config.web)
            host = f"[{self.config.host}]" if ":" in self.config.host else self.config.host
            front = proxy.words(nginx, self.config.data_dir / "nginx", f"{host}:{self.config.port}", inner,
                                f"{reachable_host(self.config.host)}:{self.env['FLV_PORT']}")
        if front:
            ports = inner
            self.fronted = {"TRUSTED_PROXIES": str(self.config.trusted_proxies + 1),
                            "FLV_URL": self.config.flv_url or self.config.base_url.replace("http", "ws", 1) + "/flv"}
            self.env |= self.fronted
            self._add("nginx", program=front)
        for number, port in enumerate(ports, 1):
            self._add(f"web-{number}", "web", "--port", str(port), *(("--behind", str(number)) if front else ()))

    def _start_servers(self):
        """PostgreSQL and Valkey, and the environment that tells the children of them."""
        began, config = time.monotonic(), embedded.ensure(self.config)
        what = [name for name, given in (("PostgreSQL", self.config.database_url), ("Valkey", self.config.redis_url))
                if not given]
        if what:
            self.say(f"  {' and '.join(what)}: {time.monotonic() - began:.1f} s")
        self.env = {
            **os.environ, "DATABASE_URL": config.database_url, "REDIS_URL": config.redis_url,
            "DATA_DIR": str(config.data_dir), "DEMO": str(int(config.demo)), "PYTHONUNBUFFERED": "1",
            "LOG_FORMAT": config.log_format or "json", **self.fronted}
        if self.config.video == "embedded" and not self.rtmp_port:
            self.rtmp_port = free_port(config.host, config.rtmp_port)
            self.flv_port = free_port(config.host, config.flv_port)
        self.env["RTMP_PORT"] = str(self.rtmp_port or config.rtmp_port)
        self.env["FLV_PORT"] = str(self.flv_port or config.flv_port)

    def _prepare(self):
        """The schema and the demo shop; the lines that tell its accounts. Each chore takes 1.5 s to import the shop,
        so what was done for these very files and this very cluster is not done again."""
        note = self.config.data_dir / "prepared.json"
        fingerprint = self._fingerprint()
        with contextlib.suppress(OSError, ValueError, KeyError):
            known = json.loads(note.read_text())
            if fingerprint and known["fingerprint"] == fingerprint:
                return known["accounts"]
        accounts = []
        self._chore("database schema", "migrate")
        if self.config.demo:
            self._chore("demo shop", "seed")
            accounts = self._chore("", "accounts")
        if fingerprint:
            note.write_text(json.dumps({"fingerprint": fingerprint, "accounts": accounts}))
        return accounts

    def _fingerprint(self):
        """Of the files that decide what the chores do, and of the embedded cluster; None for a foreign database."""
        cluster = self.config.data_dir / "postgres/cluster/PG_VERSION"
        if self.config.database_url:
            return None
        made = cluster.stat()
        digest = hashlib.sha256(f"{made.st_dev} {made.st_ino} {made.st_mtime_ns} {self.config.demo}".encode())
        program = Path(self.app[1])
        deciding = [*program.parent.glob("core/migrations/**/*.py"), *program.parent.glob("demo/*")]
        for path in [program, *sorted(deciding)]:
            if path.is_file():
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def _chore(self, label, command):
        """Run `python app.py COMMAND` to its end and give what it printed. Raises StartError if it fails."""
        began = time.monotonic()
        child = self._add(command, command, exits=True)
        lines = []
        while child.running:
            self._turn(0.2, quiet=child, lines=lines)
        self.children.remove(child)
        if child.ended:
            shown = [text for line in lines if (text := readable(line)) is not None]
            raise StartError("\n".join([*shown, f"`python app.py {command}` failed; its lines are above."]))
        if label:
            self.say(f"  {label}: {time.monotonic() - began:.1f} s")
        return lines

    def _add(self, name, *words, exits=False, own_output=False, program=None):
        log = LogFile(self.logs / f"{name}.log")
        child = Child(name, program or [*self.app, *words], log, exits=exits, own_output=own_output)
        self.children.append(child)
        child.start(self.env)
        return child

    def _turn(self, seconds, quiet=None, lines=None):
        """Wait for output at most `seconds`, pass it on, and look after whoever ended or is due again."""
        sources = {child.process.stdout: child for child in self.children if child.has_output}
        lifeline = [] if self.front_gone else [self.lifeline]
        ready = select.select([*lifeline, *sources], [], [], seconds)[0]
        if self.lifeline in ready:
            self.front_gone = True
            self._on_signal()
        for child in (sources[source] for source in ready if source in sources):
            self._pass_on(child, quiet, lines)
        self.screen.flush()
        now = time.monotonic()
        for child in self.children:
            if child.reap() is not None:
                self._pass_on(child, quiet, lines)
                self._after_end(child)
            elif not child.running and not child.exits and not self.stopping and now >= child.again_at:
                child.start(self.env)
        self._reap_orphans()

    def _pass_on(self, child, quiet, lines):
        texts = child.read()
        for text in texts:
            child.log.write(text.encode() + b"\n")
            if child is quiet:
                lines.append(text)
            else:
                self._show(child.name, text)

    def _show(self, name, text):
        if self.errand and self.greeted:
            return  # the screen is the errand's
        shown = readable(text) if self.screen.is_terminal else text
        if shown is not None:
            self.screen.write(f"{name:<8} | {shown}\n")

    def _after_end(self, child):
        if child.process.stdout:
            child.process.stdout.close()
        if child.exits or self.stopping:
            return
        pause = child.plan_restart()
        if self.waiting and (child.ended in HOPELESS or child.failures >= HIGHEST_FAILURES):
            (self.config.data_dir / "prepared.json").unlink(missing_ok=True)  # the next start does everything
            raise StartError(f"{child.name} ended with exit code {child.ended}: its lines are above and in "
                             f"{child.log.path}.")
        self._note("warning", f"{child.name} ended with exit code {child.ended} and starts again in {pause:g} s")

    def _reap_orphans(self):
        """What the children left behind becomes ours on Linux: wait for it when it ends."""
        known = {child.process.pid for child in self.children} | embedded.keeper_pids()
        with contextlib.suppress(ChildProcessError):
            while (info := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and info.si_pid not in known:
                os.waitpid(info.si_pid, 0)

    def _watch_servers(self):
        """Start an embedded server again whose keeper was killed. Valkey may have moved: then everybody restarts."""
        before = (self.env["DATABASE_URL"], self.env["REDIS_URL"])
        if time.monotonic() >= self.servers_again_at and embedded.lost(self.config):
            self._note("warning", "an embedded server was lost and is started again")
            try:
                self._start_servers()
            except embedded.ServerError as error:  # pages answer 503 meanwhile
                self._note("error", str(error))
                self.servers_again_at = time.monotonic() + 5
            if before != (self.env["DATABASE_URL"], self.env["REDIS_URL"]):
                for child in self.children:
                    child.signal(signal.SIGTERM)

    def _wait_until_ready(self):
        """Until the address answers as ready as many times as there are web processes, thrice over: the kernel
        deals new connections out among them."""
        began, good = time.monotonic(), 0
        while good < 3 * self.config.web:
            self._turn(0.05)
            state = _readiness(self.config)
            if state == "ready" or (state == "degraded" and time.monotonic() - began > 10):
                good += 1
            elif time.monotonic() - began > READY_SECONDS:
                raise StartError(f"{self.config.base_url}/readyz does not get ready: the lines above tell more.")
        self.say(f"  web and relay: {time.monotonic() - began:.1f} s")

    def _greet(self, accounts):
        indented = [f"  {line}".rstrip() for line in accounts if not line.startswith("{")]  # { begins a log line
        self.say("\n".join([
            "", f"Livestall is ready after {time.monotonic() - self.began:.1f} s:  {self.config.base_url}", "",
            *(["Demo accounts", *indented, ""] if accounts else []),
            *([f"OBS sends to  {self._rtmp_address()}  (its key is on the show's control page)", ""]
              if self.rtmp_port else []),
            *([] if self.errand else FIRST_STEPS),
            f"Stop with Ctrl-C; everything is kept. Logs: {self.logs}", "", ""]))

    def _rtmp_address(self):
        return f"rtmp://{urlsplit(self.config.base_url).hostname}:{self.rtmp_port}/live"

    def _stop_all(self):
        """Everyone is asked to end; who has not after STOP_SECONDS, or at a second signal, is killed."""
        self.stopping = max(self.stopping, 1)
        self.say("Livestall stops")
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.running for child in self.children) and time.monotonic() < deadline and self.stopping < 2:
            self._turn(0.1)
        sweep(os.getpid())
        embedded.stop(self.config.data_dir)
        self.say("Stopped; the data is kept.")

    def say(self, text):
        """A line of our own for the person who started this."""
        self.screen.write(f"{text}\n")
        self.own_log.write(f"{text}\n".encode())

    def _note(self, level, event):
        line = json.dumps({"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "level": level,
                           "logger": "supervisor", "event": event})
        self.own_log.write(line.encode() + b"\n")
        self._show("main", line)


def _refuse_taken_port(config):
    """Web processes share their port (SO_REUSEPORT), so a stranger on it must be found before."""
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except OSError as error:
            raise StartError(f"Cannot listen on {config.host} port {config.port} ({error.strerror}): "
                             f"give another, for example PORT={config.port + 1} make run.") from None


def _readiness(config):
    """What /readyz says: ready, degraded, or None."""
    import http.client  # late: it brings ssl, which `demo` patches for gevent after this module was imported
    connection = http.client.HTTPConnection(reachable_host(config.host).strip("[]"), config.port, timeout=2)
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException), contextlib.closing(connection):
        connection.request("GET", "/readyz", headers={"Host": urlsplit(config.base_url).netloc})
        response = connection.getresponse()
        body = json.loads(response.read())
        return body.get("status") if response.status == 200 else None
    return None
