"""`python app.py`: what a person starts. It forks the supervisor, holds the other end of its pipe, passes signals on,
and clears up if the supervisor is killed; if this process is killed, the supervisor stops everything."""
import contextlib
import os
import shlex
import signal
import sys
import time

from core import embedded
from core.children import PR_SET_CHILD_SUBREAPER, prctl, sweep
from core.config import PROJECT, ConfigError, load
from core.supervisor import Supervisor, locked, supervise

ADDRESS = "address"  # a file in the data folder: BASE_URL of the shop that runs on it


def door(words):
    """What `python app.py WORDS` means before anything heavy is imported: the exit code, None if it is not for us."""
    try:
        if not words:
            return run()
        if words[0] == "demo" and "--help" not in words:
            config = load()
            if not runs(config):
                return run(errand=words)
            os.environ["BASE_URL"] = address(config)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    return None


def runs(config):
    """Whether a supervisor runs on this data folder."""
    lock = locked(config.data_dir / "front.lock")
    if lock:
        lock.close()
    return lock is None


def address(config):
    """Where the shop of this data folder was told to answer: its PORT need not be ours."""
    try:
        return (config.data_dir / ADDRESS).read_text() or config.base_url
    except FileNotFoundError:
        return config.base_url


def run(program=PROJECT / "app.py", errand=()):
    """Run the whole shop until a signal, or until `python app.py ERRAND` has ended; the exit code.

    `program` is what has the commands. Raises ConfigError.
    """
    config = load()
    front_lock = locked(config.data_dir / "front.lock")
    if not front_lock:
        raise ConfigError(f"Livestall already runs on {config.data_dir}: {address(config)} "
                          "(another DATA_DIR and PORT start a second one).")
    (config.data_dir / ADDRESS).write_text(config.base_url)
    read_end, write_end = os.pipe()
    front_pid = os.getpid()
    supervisor_pid = os.fork()
    if supervisor_pid:
        os.close(read_end)
        return _front(supervisor_pid, config.data_dir)
    front_lock.close()
    os.close(write_end)
    os._exit(supervise(Supervisor(config, program, errand, read_end), front_pid))


def exports():
    """Shell lines with the addresses of what runs on this data folder. Raises ConfigError if nothing does."""
    config = load()
    database_url, redis_url = embedded.running(config.data_dir)
    database_url, redis_url = config.database_url or database_url, config.redis_url or redis_url
    if not database_url or not redis_url:
        raise ConfigError(f"Nothing runs on {config.data_dir}: start it with `make run`.")
    values = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DATA_DIR": config.data_dir,
              "BASE_URL": address(config), "DEMO": int(config.demo)}
    return "\n".join(f"export {name}={shlex.quote(str(value))}" for name, value in values.items())


def _front(supervisor_pid, data_dir):
    """Pass signals on, wait for the supervisor, clear up after it if it was killed."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(supervisor_pid, signal.SIGTERM))
    parent = os.getppid() if os.environ.get("LIVESTALL_DIE_WITH_PARENT") else None
    terminal = os.isatty(1)
    while True:
        pid, status = os.waitpid(supervisor_pid, os.WNOHANG)
        if pid:
            break
        # make was killed, or its terminal was closed, which make does not pass on.
        if parent and (os.getppid() != parent or os.isatty(1) != terminal):
            os.kill(supervisor_pid, signal.SIGTERM)
            parent = None
        time.sleep(0.1)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    sweep(supervisor_pid)
    with contextlib.suppress(OSError):
        print("The supervisor was killed. Everything was stopped; the data is kept.", file=sys.stderr, flush=True)
    embedded.stop(data_dir)
    return 1
