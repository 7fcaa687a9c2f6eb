"""The supervisor with a stand-in for app.py and real embedded servers: nothing is left behind, however it ends."""
import contextlib
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import pytest

from core import embedded
from core.children import SCREEN_BYTES, LogFile, Screen, readable

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests/core/standin_app.py"
START = f"import sys; from core import front; sys.exit(front.run({str(PROGRAM)!r}))"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(question, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {question}")


def as_below_a_shell():
    """What a script's "&" leaves to its commands: nobody's Ctrl-C or Ctrl-\\ is for them."""
    signal.signal(signal.SIGQUIT, signal.SIG_IGN)


class Run:
    """One supervisor on one data folder."""

    def __init__(self, data_dir, **env):
        self.data_dir, self.port = data_dir, free_port()
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
        self.env = {**kept, "DATA_DIR": str(data_dir), "PORT": str(self.port), "APP_ENV": "test", "DEMO": "1", **env}
        self.output = data_dir.with_suffix(".out")
        self.process = None

    def start(self):
        with open(self.output, "wb") as output:
            self.process = subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=self.env, stdout=output,
                                            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                            preexec_fn=as_below_a_shell)
        return self

    def until_ready(self):
        wait_for(lambda: "Stop with Ctrl-C" in self.text() or self.process.poll() is not None)
        assert self.process.poll() is None, self.text()
        return self

    def text(self):
        return self.output.read_text("utf-8", "replace")

    def calls(self, name):
        with contextlib.suppress(FileNotFoundError):
            return [int(pid) for line in (self.data_dir / "calls").read_text().splitlines()
                    for word, pid in [line.split()] if word == name]
        return []

    def supervisor_pid(self):
        text = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(text.split()[0])

    def left(self):
        """Command lines of processes of this run that live."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes()
                words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                # Valkey writes its title over its environment; it is known by its folder.
                if words and (f"DATA_DIR={self.data_dir}\0".encode() in environment
                              or Path(os.readlink(folder / "cwd")).is_relative_to(self.data_dir)):
                    found.append(f"{folder.name} {words}")
        return found

    def nothing_is_left(self, seconds=20):
        deadline = time.monotonic() + seconds
        while (left := self.left()) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert left == []

    def end(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)


@pytest.fixture
def run(tmp_path):
    made = []

    def make(**env):
        made.append(Run(tmp_path / "data", **env))
        return made[-1]

    yield make
    for one in made:
        one.end()
    for one in made:
        one.nothing_is_left()


@pytest.mark.parametrize("web_proxy", ["auto", "none"])
def test_it_starts_everything_says_what_to_try_and_answers(run, web_proxy):
    shop = run(WEB="2", WEB_PROXY=web_proxy).start().until_ready()
    text = shop.text()
    assert f"http://127.0.0.1:{shop.port}" in text
    assert "host@demo.example   a password" in text
    assert "Try first" in text
    wait_for(lambda: shop.calls("worker"))
    assert [len(shop.calls(name)) for name in ("migrate", "seed", "relay", "worker", "web")] == [1, 1, 2, 1, 2]
    with urllib.request.urlopen(f"http://127.0.0.1:{shop.port}/readyz", timeout=5) as answer:
        assert answer.status == 200
    assert len(shop.left()) > 8


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(run, number):
    shop = run().start().until_ready()
    shop.process.send_signal(number)
    assert shop.process.wait(60) == 0
    assert "Stopped; the data is kept." in shop.text()
    # Not within some seconds but now: whoever waited for the command to end finds nothing running.
    assert shop.left() == []


def test_killing_what_the_person_started_leaves_nothing(run):
    shop = run().start().until_ready()
    shop.process.kill()
    shop.process.wait()
    shop.nothing_is_left()


def test_killing_the_supervisor_leaves_nothing(run):
    shop = run().start().until_ready()
    os.kill(shop.supervisor_pid(), signal.SIGKILL)
    assert shop.process.wait(60) == 1
    assert "The supervisor was killed" in shop.text()
    shop.nothing_is_left()


def test_killing_the_process_group_and_the_supervisor_at_once_leaves_only_what_ends_by_itself(run):
    shop = run().start().until_ready()
    job = wait_for(lambda: shop.calls("job"))[0]
    second = shop.supervisor_pid()
    os.kill(second, signal.SIGSTOP)
    os.kill(shop.process.pid, signal.SIGKILL)
    os.kill(second, signal.SIGKILL)
    shop.process.wait()
    # A forked job belongs to nobody then. RQ bounds it with a time-out; here the test ends it.
    wait_for(lambda: [line for line in shop.left() if int(line.split()[0]) != job] == [])
    with contextlib.suppress(ProcessLookupError):
        os.kill(job, signal.SIGKILL)


def test_killing_it_during_the_start_leaves_nothing(run):
    shop = run().start()
    wait_for(lambda: (shop.data_dir / "postgres").exists())
    shop.process.kill()
    shop.process.wait()
    shop.nothing_is_left()
    shop.start().until_ready()


def test_data_survives_a_kill_and_the_second_start_is_quick(run):
    shop = run().start().until_ready()
    database_url, _ = embedded.running(shop.data_dir)
    with psycopg.connect(database_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    shop.process.kill()
    shop.process.wait()
    assert [len(shop.calls(name)) for name in ("migrate", "seed", "accounts")] == [1, 1, 1]
    # At once, while the killed one is still stopping.
    began = time.monotonic()
    shop.start().until_ready()
    assert time.monotonic() - began < 30
    database_url, _ = embedded.running(shop.data_dir)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    # The chores were done for this cluster and these files; that they are not done again is what makes it quick.
    assert [len(shop.calls(name)) for name in ("migrate", "seed", "accounts")] == [1, 1, 1]
    assert "host@demo.example   a password" in shop.text()


def test_what_was_prepared_is_prepared_again_when_a_child_says_that_it_does_not_fit(run):
    run().start().until_ready().end()
    shop = run(BREAK="web", BREAK_CODE="3").start()
    assert shop.process.wait(60) == 1
    assert len(shop.calls("migrate")) == 1
    run().start().until_ready()
    assert len(shop.calls("migrate")) == 2


def test_a_child_that_dies_is_started_again(run):
    shop = run().start().until_ready()
    web = shop.calls("web")[0]
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: len(shop.calls("web")) == 2)
    assert "web-1 ended with exit code -9 and starts again in 0.5 s" in shop.text()


def test_a_killed_embedded_server_comes_back_at_the_same_address(run):
    shop = run().start().until_ready()
    before = embedded.running(shop.data_dir)
    keepers = [int(line.split()[0]) for line in shop.left() if "keeper.py" in line]
    assert len(keepers) == 2
    for pid in keepers:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "is started again" in shop.text())
    assert wait_for(lambda: None not in embedded.running(shop.data_dir) and embedded.running(shop.data_dir)) == before


def test_a_second_start_on_the_same_folder_is_refused_in_one_line(run):
    shop = run().start().until_ready()
    second = subprocess.run([sys.executable, "-c", START], cwd=ROOT, env=shop.env, capture_output=True, text=True,
                            timeout=30)
    assert second.returncode != 0
    assert "already runs" in second.stderr
    # From another terminal, where PORT is not set: the address is that of the shop that runs.
    elsewhere = {**shop.env, "PORT": "8000"}
    third = subprocess.run([sys.executable, "-c", START], cwd=ROOT, env=elsewhere, capture_output=True, text=True,
                           timeout=30)
    assert f"http://127.0.0.1:{shop.port} " in third.stderr
    assert shop.process.poll() is None


def test_a_taken_port_is_refused_in_one_line_and_nothing_stays(run):
    shop = run()
    with socket.create_server(("127.0.0.1", shop.port)):
        shop.start()
        assert shop.process.wait(60) == 1
    assert f"Cannot listen on 127.0.0.1 port {shop.port}" in shop.text()
    assert shop.left() == []


def test_a_chore_that_fails_stops_the_start_and_shows_why(run):
    shop = run(BREAK="migrate").start()
    assert shop.process.wait(60) == 1
    assert "it is broken" in shop.text()
    assert "`python app.py migrate` failed" in shop.text()
    assert shop.left() == []


@pytest.mark.parametrize("code", ["1", "3"])
def test_a_child_that_cannot_start_stops_the_start(run, code):
    shop = run(BREAK="web", BREAK_CODE=code).start()
    assert shop.process.wait(60) == 1
    assert f"web-1 ended with exit code {code}" in shop.text()
    # A wrong schema (3) is final at once; an unknown reason is tried a few times.
    assert len(shop.calls("web")) == (1 if code == "3" else 4)
    assert shop.left() == []


def test_a_killed_make_takes_the_shop_with_it(run):
    shop = run(LIVESTALL_DIE_WITH_PARENT="1")
    with open(shop.output, "wb") as output:
        words = shlex.join([sys.executable, "-c", START])
        make = subprocess.Popen(["sh", "-c", f"{words}; true"], cwd=ROOT, env=shop.env, stdout=output,
                                stderr=subprocess.STDOUT)
    wait_for(lambda: "Stop with Ctrl-C" in shop.text() or make.poll() is not None)
    make.kill()
    make.wait()
    shop.nothing_is_left()


def test_closing_the_terminal_of_make_takes_the_shop_with_it(run):
    shop = run(LIVESTALL_DIE_WITH_PARENT="1")
    master, slave = os.openpty()
    shop.process = subprocess.Popen([sys.executable, "-c", START], cwd=ROOT, env=shop.env, stdin=slave, stdout=slave,
                                    stderr=slave)
    os.close(slave)
    seen = b""
    while b"Stop with Ctrl-C" not in seen:
        assert shop.process.poll() is None, seen
        seen += os.read(master, 65536)
    os.close(master)
    assert shop.process.wait(60) == 0
    shop.nothing_is_left()


def test_a_stopped_terminal_does_not_stop_the_supervisor():
    reader, writer = os.pipe()
    screen = Screen(writer)
    for _ in range(40_000):
        screen.write("a line of log that nobody reads\n")
    assert len(screen.waiting) <= SCREEN_BYTES + 100
    assert os.read(reader, 11) == b"a line of l"
    os.close(reader)
    screen.write("the reader is gone\n")
    assert screen.waiting == b""
    os.close(writer)


def test_log_files_turn_over_by_size(tmp_path, monkeypatch):
    monkeypatch.setattr("core.children.LOG_BYTES", 100)
    log = LogFile(tmp_path / "web-1.log")
    for number in range(60):
        log.write(f"line {number:03}\n".encode())
    log.file.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["web-1.log", "web-1.log.1", "web-1.log.2", "web-1.log.3"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert "line 059" in (tmp_path / "web-1.log").read_text()


def test_a_log_line_on_a_terminal_is_readable_and_cannot_forge_another():
    line = ('{"timestamp": "2026-11-21T10:00:01.5Z", "level": "warning", "logger": "web", "event": "odd\\u001b[2J", '
            '"text": "a\\nb", "request_id": "r1"}')
    assert readable(line) == "10:00:01 warning web odd\\x1b[2J text=a\\nb request_id=r1"
    assert readable('{"level": "info", "event": "request", "path": "/"}') is None
    assert readable('{"level": "error", "event": "request", "path": "/"}') is not None
    assert readable("plain \x07 text") == "plain \\x07 text"
    assert readable("[1, 2]") == "[1, 2]"


def test_starting_brings_nothing_that_gevent_must_patch_first():
    program = "import core.front, sys; print([name for name in ('ssl', 'asyncio', 'flask') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "[]\n", done.stderr


def test_obs_gets_an_address_and_a_taken_port_is_another_port(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shop = run(VIDEO="embedded", RTMP_PORT=str(port)).start().until_ready()
        said = re.search(r"OBS sends to  rtmp://127\.0\.0\.1:(\d+)/live", shop.text())
        assert said and int(said[1]) != port
        wait_for(lambda: shop.calls("video"))


def test_without_video_no_media_server_is_started(run):
    shop = run().start().until_ready()
    wait_for(lambda: shop.calls("worker"))
    assert shop.calls("video") == [] and "rtmp://" not in shop.text()
