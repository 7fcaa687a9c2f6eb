"""Keeps one embedded server running for as long as its data folder has users. Run as a script, never imported
into a service: it needs only the standard library and reads its job as JSON from standard input.

A user is a process that holds a shared flock on users.lock; the kernel frees it even after kill -9, so this
process needs nobody to say goodbye: when it gets the lock alone, it stops the server and ends.
"""
import contextlib
import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import time

FOLDER = "@folder@"  # stands for the server's folder in its arguments and standard input
LINUX = sys.platform == "linux"
QUICK_SECONDS, QUICK_DEATHS = 2, 5  # so often and so soon: it cannot run, and whoever waits should be told
STOP_SECONDS = 10  # PostgreSQL can hang for good when told to stop within 50 ms of a backend's crash


@contextlib.contextmanager
def opened(folder):
    """A path that works for any user who inherits the descriptors, even below a closed folder."""
    if not LINUX:
        yield str(folder), []
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}", [descriptor]
    finally:
        os.close(descriptor)


def keep(home, lock, argv, folder, who, stop, env, stdin=""):
    """Run the server, again if it dies, while there are users. All its processes inherit server.lock, so that
    none can be started beside a remaining one."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    if LINUX:
        who = {**who, "preexec_fn": _death_with_me()}
    deaths = 0
    with open(f"{home}/users.lock") as users, opened(folder) as (path, fds):
        while deaths < QUICK_DEATHS:
            began = time.monotonic()
            server = subprocess.Popen(
                [word.replace(FOLDER, path) for word in argv], cwd="/", env={**os.environ, **env},
                stdin=subprocess.PIPE, pass_fds=[lock, *fds], **who)
            try:
                with contextlib.suppress(BrokenPipeError), server.stdin as pipe:
                    pipe.write(stdin.replace(FOLDER, path).encode())
                while server.poll() is None:
                    if _alone(users):
                        return
                    time.sleep(0.2)
            finally:
                _end(server, stop)
            deaths = deaths + 1 if time.monotonic() - began < QUICK_SECONDS else 0
            time.sleep(0.5)
            if _alone(users):
                return


def _alone(users):
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _end(server, stop):
    server.send_signal(stop)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
    server.send_signal(signal.SIGQUIT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.wait(STOP_SECONDS)
    server.kill()
    server.wait()


def _death_with_me():
    """A preexec_fn after which the kernel ends the child when this process dies.

    It runs after root was dropped, which would clear it, and only in this process of one thread: the signal
    comes when the thread that asked ends.
    """
    me, libc = os.getpid(), ctypes.CDLL(None)

    def ask():
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)  # ignored below a shell's "&", which Valkey would inherit
        libc.prctl(1, signal.SIGQUIT)  # PR_SET_PDEATHSIG
        if os.getppid() != me:
            os._exit(1)

    return ask


if __name__ == "__main__":
    keep(**json.load(sys.stdin))
