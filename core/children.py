"""The supervisor's child processes: started so that they die with it, their lines prefixed, kept and rotated."""
import contextlib
import ctypes
import json
import os
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque

# Imports nothing that brings ssl: `demo` is patched for gevent after this was imported.
LINUX = sys.platform == "linux"
LOG_BYTES = 5_000_000  # one file; with its three elders a process keeps at most 20 MB
LOG_FILES = 3
SCREEN_BYTES = 256_000  # what waits for a terminal that was stopped with Ctrl-S; the rest is in the files
LONGEST_LINE = 64_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
MOST_FILES = 65_536  # what deploy/ gives; some programs go through all that they might have


def raise_file_limit() -> None:
    """Take as many open files as the system lets this process have: a viewer is one, and with the usual 1,024 a sale
    would end at its thousandth."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class LogFile:
    """A file that becomes NAME.log.1 … .3 by size."""

    def __init__(self, path):
        self.path = path
        self.file = open(path, "ab", buffering=0)  # noqa: SIM115 - open for as long as the supervisor runs

    def write(self, line):
        with contextlib.suppress(OSError):  # a full disk must not stop the sale
            if self.file.tell() + len(line) > LOG_BYTES:
                self._rotate()
            self.file.write(line)

    def _rotate(self):
        for number in range(LOG_FILES, 0, -1):
            older = self.path.with_suffix(f".log.{number - 1}") if number > 1 else self.path
            with contextlib.suppress(FileNotFoundError):
                older.replace(self.path.with_suffix(f".log.{number}"))
        self.file.close()
        self.file = open(self.path, "ab", buffering=0)  # noqa: SIM115


class Screen:
    """Standard output that never makes the supervisor wait: a stopped terminal must not stop the shop."""

    def __init__(self, descriptor):
        self.descriptor = descriptor
        self.is_terminal = os.isatty(descriptor)
        self.waiting = b""

    def write(self, text):
        if len(self.waiting) < SCREEN_BYTES:
            self.waiting += text.encode("utf-8", "backslashreplace")
        self.flush()

    def flush(self, seconds=0.0):
        """Write what can be written now, or within `seconds`."""
        deadline = time.monotonic() + seconds
        while self.waiting:
            try:
                if not select.select([], [self.descriptor], [], max(0.0, deadline - time.monotonic()))[1]:
                    return
                # A pipe that is ready takes at least 512 bytes (PIPE_BUF) without waiting.
                self.waiting = self.waiting[os.write(self.descriptor, self.waiting[:512]):]
            except OSError:  # the reader is gone; the files go on
                self.waiting = b""


class Child:
    """One process, its output and its restarts."""

    def __init__(self, name, argv, log, *, exits=False, own_output=False):
        self.name, self.argv, self.log = name, argv, log
        self.exits, self.own_output = exits, own_output  # a chore that ends; one that paints on the screen itself
        self.process = None
        self.ended = None  # exit code of the last run
        self.started = 0.0
        self.failures = 0
        self.again_at = 0.0
        self.partial = b""
        self.last_lines = deque(maxlen=20)

    def start(self, env):
        """Start it in a process group of its own, so that a terminal's Ctrl-C is the supervisor's to handle."""
        me = os.getpid()

        def die_with_me():
            # Of use because the supervisor has one thread: the signal comes when the thread that forked ends.
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != me:
                os._exit(1)

        self.process = subprocess.Popen(
            self.argv, env=env, stdin=subprocess.DEVNULL, stdout=None if self.own_output else subprocess.PIPE,
            stderr=None if self.own_output else subprocess.STDOUT,
            process_group=0, preexec_fn=die_with_me if LINUX else None)
        if self.process.stdout:
            os.set_blocking(self.process.stdout.fileno(), False)
        self.started, self.ended = time.monotonic(), None

    @property
    def running(self):
        return self.process is not None and self.ended is None

    @property
    def has_output(self):
        return self.running and not self.own_output

    def signal(self, number):
        if self.running:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)

    def read(self):
        """Whole lines that have come, without waiting."""
        if self.own_output:
            return []
        try:
            data = os.read(self.process.stdout.fileno(), 65536)
        except (BlockingIOError, ValueError):
            return []
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        if len(self.partial) > LONGEST_LINE or (not data and self.partial):
            lines.append(self.partial)
            self.partial = b""
        texts = [line.decode("utf-8", "replace").rstrip("\r") for line in lines]
        self.last_lines.extend(texts)
        return texts

    def reap(self):
        """Its exit code if it has just ended, else None."""
        if not self.running or self.process.poll() is None:
            return None
        self.ended = self.process.returncode
        return self.ended

    def plan_restart(self):
        """Seconds until the next start: 0.5, doubled by each quick death up to 30."""
        self.failures = 1 if time.monotonic() - self.started > 30 else self.failures + 1
        pause = min(30.0, 0.5 * 2 ** (self.failures - 1))
        self.again_at = time.monotonic() + pause
        return pause


LIBC = ctypes.CDLL(None)


def prctl(option, value):
    """The system call on Linux, nothing elsewhere."""
    if LINUX:
        LIBC.prctl(option, value)


def free_port(host: str, wanted: int) -> int:
    """`wanted` if nobody listens there, else one that the kernel gives."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in (wanted, 0):
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return probe.getsockname()[1]
            except OSError:
                continue
    return wanted


def readable(line):
    """A JSON log line as a person reads it, None for one that need not be seen (each request), and any other line
    with its control characters escaped."""
    try:
        event = json.loads(line)
        level, text = event.pop("level"), str(event.pop("event"))
    except (ValueError, KeyError, TypeError, AttributeError):
        return escaped(line)
    if text == "request" and level == "info":
        return None
    moment, logger = str(event.pop("timestamp", ""))[11:19], event.pop("logger", "")
    trace = event.pop("exception", "")
    pairs = " ".join(f"{name}={value}" for name, value in event.items())
    shown = " ".join(filter(None, [moment, level.ljust(7), str(logger), text, pairs]))
    return "\n".join([escaped(shown), *map(escaped, str(trace).splitlines())])


def escaped(text):
    """The text with control characters and direction marks as escapes: on a terminal they could hide or forge."""
    return CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def sweep(session, seconds=5.0):
    """Kill whatever is left of a session but this process: a job that RQ forked outlives its worker. Waits for it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        left = [pid for pid in _processes() if pid != os.getpid() and _in_session(pid, session)]
        if not left:
            return True
        for pid in left:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.02)
    return False


def _processes():
    if LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdigit()]
    return [int(word) for word in subprocess.check_output(["ps", "-axo", "pid="], text=True).split()]


def _in_session(pid, session):
    try:
        return os.getsid(pid) == session
    except OSError:
        return False
