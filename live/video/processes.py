"""Processes of the video office: the media server, packagers, generated programmes. They die with it.

The office has one thread, so the kernel's signal at the parent's death (which belongs to a thread) is reliable.
"""
import contextlib
import os
import signal
import subprocess
import time

from core.children import LINUX, PR_SET_PDEATHSIG, prctl

STOP_SECONDS = 3
LONGEST_LINE = 100_000


class Process:
    """One child with its standard output as lines; its errors go to a log file."""

    def __init__(self, argv, log, *, nice: int = 0, stdin: bool = False):
        self.argv, self.started, self.partial = argv, time.monotonic(), b""
        me = os.getpid()

        def prepare():
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != me:
                os._exit(1)
            if nice:
                os.nice(nice)

        with open(log, "ab") as errors:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors,
                process_group=0, preexec_fn=prepare if LINUX else None)
        os.set_blocking(self.popen.stdout.fileno(), False)

    @property
    def pid(self) -> int:
        return self.popen.pid

    @property
    def running(self) -> bool:
        return self.popen.poll() is None

    @property
    def age(self) -> float:
        return time.monotonic() - self.started

    def fileno(self) -> int:
        return self.popen.stdout.fileno()

    def lines(self) -> list[str]:
        """Whole lines that have come, without waiting."""
        try:
            data = os.read(self.fileno(), 65536)
        except (BlockingIOError, ValueError):
            return []
        parts = (self.partial + data).split(b"\n")
        self.partial = parts.pop()[-LONGEST_LINE:]
        return [part.decode("utf-8", "replace") for part in parts]

    def write(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.popen.stdin.write(text.encode() + b"\n")
            self.popen.stdin.flush()

    def stop(self, *, gently: bool = True) -> None:
        """End it. FFmpeg, told gently, writes its last segment; who does not go within 3 s is killed."""
        if self.running and gently:
            with contextlib.suppress(ProcessLookupError):
                self.popen.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(STOP_SECONDS)
        if self.running:
            self.popen.kill()
            self.popen.wait()
        for pipe in (self.popen.stdout, self.popen.stdin):
            if pipe:
                with contextlib.suppress(OSError):
                    pipe.close()
