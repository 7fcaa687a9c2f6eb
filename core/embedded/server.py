"""What the launchers of PostgreSQL and Valkey share: private folders, dropping root, finding programs, and
one server per data folder for all who use it. Why it is so: docs/decisions/0002-one-command.md."""
import contextlib
import fcntl
import hashlib
import importlib.metadata
import json
import os
import pwd
import shutil
import subprocess
import sys
import time
from pathlib import Path

from core.embedded import keeper

START_SECONDS = 60  # crash recovery of a busy cluster took 5 s; a first initdb on a loaded machine 10 s
LOG_BYTES = 5_000_000
CACHE = Path("/var/cache/embedded-servers")
keepers = []  # those this process started, to be reaped
_held = {}  # server's folder → the open users.lock that makes this process one of its users


class ServerError(Exception):
    """An embedded server cannot run; the text is one line that says what to do."""


def private(folder):
    """The folder, made with mode 0700 or set to it: these are the server's own, below the data folder."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder


def installed(package, pattern):
    """Paths in an installed package, found without importing it."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        return sorted(Path(importlib.metadata.distribution(package).locate_file("")).glob(pattern))
    return []


def server_user(folder):
    """Popen arguments that drop root to the folder's owner; a new folder goes to nobody."""
    if not folder.exists():
        folder.mkdir(mode=0o700)
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    info = folder.stat()
    return {} if os.geteuid() else {"user": info.st_uid, "group": info.st_gid, "extra_groups": []}


def reachable(program, who):
    """The program, or a copy in /var/cache if the server's user cannot enter its folder (a closed home)."""
    with contextlib.suppress(PermissionError, subprocess.CalledProcessError):
        subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       cwd="/", check=True, **who)
        return program
    package = program.parents[2]
    copy = CACHE / f"{package.name}-{_fingerprint(package, program)}"
    if not copy.exists():
        _copy_for_everyone(package, copy)
    return copy / program.relative_to(package.parent)


def _fingerprint(package, program):
    """The same for the same release in any environment, so that the cache does not grow with each clone."""
    files = sorted(path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    digest = hashlib.sha256(program.read_bytes())
    digest.update("\n".join(f"{path.relative_to(package)} {path.stat().st_size}" for path in files).encode())
    return digest.hexdigest()[:16]


def _copy_for_everyone(package, copy):
    CACHE.mkdir(parents=True, exist_ok=True)
    CACHE.chmod(0o755)  # our own folder; a umask may have closed it
    fresh = copy.with_suffix(f".{os.getpid()}")
    for part in package, package.with_name(package.name + ".libs"):  # the RPATH leads into the latter
        if part.exists():
            shutil.copytree(part, fresh / part.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
    subprocess.run(["chmod", "-R", "a+rX", fresh], check=True)
    with contextlib.suppress(OSError):  # another process was faster
        fresh.rename(copy)
    shutil.rmtree(fresh, ignore_errors=True)


def is_held(home):
    """Whether this process is already a user of the server in `home`."""
    return home in _held


def alive(home):
    """Whether a keeper or a server of this folder is running. Takes no part in it."""
    try:
        with open(home / "server.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False


def keep_running(home, prepare, ready, seconds=START_SECONDS):
    """ready()'s URL; if nothing runs in the folder, a keeper is started with prepare()'s job.

    This process then is a user of the server until release() or its end. Raises ServerError.
    """
    _rotate(home / "server.log")
    with contextlib.ExitStack() as stack:
        users = stack.enter_context(open(home / "users.lock", "a"))
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while an earlier server stops
        started, deadline = False, time.monotonic() + seconds
        while time.monotonic() < deadline:
            with open(home / "server.lock", "a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:  # a keeper or its server is alive
                    with contextlib.suppress(OSError):
                        if url := ready():
                            previous = _held.get(home)
                            _held[home] = stack.pop_all()
                            if previous:
                                previous.close()
                            return url
                else:
                    if started:
                        break  # ours has given up
                    _start_keeper(home, lock, prepare())
                    started = True
            time.sleep(0.05)
    raise ServerError(f"The server in {home} does not start: the end of {home / 'server.log'} says why.")


def _start_keeper(home, lock, job):
    job = json.dumps({**job, "home": home, "lock": lock.fileno()}, default=str)
    with open(home / "server.log", "ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-I", keeper.__file__], stdin=subprocess.PIPE, stdout=log, stderr=log, cwd="/",
            pass_fds=[lock.fileno()], start_new_session=True)
    with process.stdin as pipe:
        pipe.write(job.encode())
    keepers.append(process)


def release(home, seconds=2 * keeper.STOP_SECONDS + 5):
    """Stop being a user and wait until the server is gone; False at once if it has other users."""
    if stack := _held.pop(home, None):
        stack.close()
    deadline = time.monotonic() + seconds
    with open(home / "users.lock", "a") as users:
        while alive(home) and not _others(users):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
    for process in keepers:
        process.poll()
    return not alive(home)


def _others(users):
    """Whether somebody uses the server. While its keeper stops it, the lock is the keeper's alone."""
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_SH | fcntl.LOCK_NB)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            fcntl.flock(users, fcntl.LOCK_UN)
    return False


def _rotate(log):
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
