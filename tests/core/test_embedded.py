"""The embedded servers, really started and really killed: no lost write, nothing left behind, no mode changed."""
import contextlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from core import embedded
from core.embedded import keeper, postgres, server

ROOT = Path(__file__).resolve().parents[2]
# Starts both servers, says where, and lives until its standard input ends or it is killed.
USER = """
import sys
from core import embedded
print(*embedded.start(sys.argv[1]), flush=True)
sys.stdin.read()
"""


def users(folder, count=1, env=None):
    return [subprocess.Popen([sys.executable, "-c", USER, str(folder)], cwd=ROOT, env={**os.environ, **(env or {})},
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            for _ in range(count)]


def urls_of(process):
    line = process.stdout.readline().split()
    assert len(line) == 2, process.stderr.read()
    return line


def servers_of(folder):
    """Pids of keepers and servers whose folder this is, by their lock: it is open in each of them."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if target in (f"{folder}/postgres/server.lock", f"{folder}/valkey/server.lock"):
                    found.append(int(pid))
                    break
    return found


def gone(folder, seconds=20):
    deadline = time.monotonic() + seconds
    while servers_of(folder):
        assert time.monotonic() < deadline, "the servers outlive their users"
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path):
    yield tmp_path / "data"
    embedded.stop(tmp_path / "data")
    gone(tmp_path / "data")


def test_both_start_answer_and_stop(folder):
    database_url, redis_url = embedded.start(folder)
    with psycopg.connect(database_url) as connection:
        assert int(connection.info.server_version / 10000) >= 15
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        connection.execute("CREATE EXTENSION btree_gist; CREATE EXTENSION pg_trgm")
        # With LC_CTYPE=C this is empty, silently.
        assert connection.execute("SELECT array_length(show_trgm('直播间'), 1) > 0").fetchone() == (True,)
    with redis.Redis.from_url(redis_url) as client:
        assert client.ping()
    assert embedded.running(folder) == (database_url, redis_url)
    assert embedded.stop(folder)
    assert embedded.running(folder) == (None, None)
    assert servers_of(folder) == []


def test_strangers_need_the_password_and_find_no_port_of_postgresql(folder):
    database_url, redis_url = embedded.start(folder)
    with redis.Redis.from_url(redis_url.replace(redis_url.split("@")[0], "redis://:wrong")) as client, \
            pytest.raises(redis.AuthenticationError):
        client.ping()
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
    for name in "postgres", "postgres/cluster", "valkey", "valkey/data":
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "valkey/url").stat().st_mode) == 0o600


def test_what_was_written_survives_a_kill_of_everything(folder):
    database_url, redis_url = embedded.start(folder)
    with psycopg.connect(database_url, autocommit=True) as connection, redis.Redis.from_url(redis_url) as client:
        connection.execute("CREATE TABLE kept (n int)")
        for number in range(50):
            connection.execute("INSERT INTO kept VALUES (%s)", [number])
            client.rpush("kept", number)
        for pid in servers_of(folder):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    gone(folder)
    # The same addresses again, for those who were told the first ones.
    assert embedded.start(folder) == (database_url, redis_url)
    with psycopg.connect(database_url) as connection, redis.Redis.from_url(redis_url) as client:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (50,)
        assert client.llen("kept") == 50


def test_a_server_that_dies_is_started_again_by_its_keeper(folder):
    database_url, redis_url = embedded.start(folder)
    postmaster = int((folder / "postgres/cluster/postmaster.pid").read_text().split("\n")[0])
    os.kill(postmaster, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while True:
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(database_url) as connection:
            connection.execute("SELECT 1")
            break
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert embedded.running(folder) == (database_url, redis_url)


def test_the_servers_live_as_long_as_the_last_of_their_users(folder):
    first, second = users(folder, 2)
    assert urls_of(first) == urls_of(second)
    first.kill()
    first.wait()
    assert embedded.stop(folder) is False  # somebody else uses them
    assert None not in embedded.running(folder)
    second.kill()
    second.wait()
    gone(folder)


def test_eight_who_start_at_once_share_one_server(folder):
    started = users(folder, 8)
    try:
        assert len({tuple(urls_of(process)) for process in started}) == 1
    finally:
        for process in started:
            process.kill()
            process.wait()
    gone(folder)


def test_a_start_while_the_last_user_leaves_gets_a_server_that_stays(folder):
    for _ in range(4):
        [process] = users(folder)
        urls_of(process)
        process.kill()
        process.wait()
    [process] = users(folder)
    database_url, redis_url = urls_of(process)
    time.sleep(0.5)
    with psycopg.connect(database_url) as connection, redis.Redis.from_url(redis_url) as client:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert client.ping()
    process.kill()
    process.wait()


def test_a_kill_during_the_very_first_start_leaves_a_folder_that_starts(folder):
    [process] = users(folder)
    deadline = time.monotonic() + 20
    while not (folder / "postgres/cluster.new").exists():
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait()
    database_url, _ = embedded.start(folder)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("pid_of", ["a zombie", "a stranger"])
def test_a_stale_pid_file_does_not_stop_a_start(folder, pid_of):
    embedded.start(folder)
    pid_file = folder / "postgres/cluster/postmaster.pid"
    text = pid_file.read_text()
    for pid in servers_of(folder):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    gone(folder)
    embedded.stop(folder)
    other = subprocess.Popen(["true" if pid_of == "a zombie" else "cat"], stdin=subprocess.PIPE)
    if pid_of == "a zombie":
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    pid_file.write_text("\n".join([str(other.pid), *text.split("\n")[1:]]))
    os.chown(pid_file, (folder / "postgres/cluster").stat().st_uid, (folder / "postgres/cluster").stat().st_gid)
    database_url, _ = embedded.start(folder)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    other.kill()
    other.communicate()


@pytest.mark.parametrize("name", ["a,b c%d'\"é直播", "long" * 40])
def test_odd_and_long_folders_work(tmp_path, name):
    folder = tmp_path / name
    try:
        database_url, redis_url = embedded.start(folder)
        with psycopg.connect(database_url) as connection, redis.Redis.from_url(redis_url) as client:
            assert connection.execute("SELECT 1").fetchone() == (1,)
            assert client.ping()
    finally:
        embedded.stop(folder)
        gone(folder)


def test_a_hostile_environment_changes_nothing(folder):
    hostile = {"PGPORT": "1", "PGHOST": "elsewhere", "PGDATA": "/nowhere", "PGUSER": "nobody", "LC_ALL": "C",
               "LANG": "xx_XX", "TZ": "Asia/Tokyo", "PGOPTIONS": "-c search_path=x"}
    old = os.umask(0o077)
    try:
        [process] = users(folder, env=hostile)
    finally:
        os.umask(old)
    database_url, _ = urls_of(process)
    with psycopg.connect(database_url) as connection:
        assert connection.execute("SHOW timezone").fetchone() == ("UTC",)
        assert connection.execute("SELECT datctype FROM pg_database WHERE datname = 'postgres'").fetchone() == (
            "C.UTF-8",)
    process.kill()
    process.wait()


def test_no_mode_outside_the_folder_changes_even_below_a_closed_home(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in [home, *home.parents, Path(sys.prefix), ROOT]}
    accounts = Path("/etc/passwd").read_bytes()
    try:
        database_url, _ = embedded.start(home / "data")
        with psycopg.connect(database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            owner = (home / "data/postgres/cluster").stat().st_uid
            assert owner != 0
            owners = set()
            for pid in servers_of(home / "data"):
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the backend just left may end now
                    words, uid = Path(f"/proc/{pid}/cmdline").read_bytes(), os.stat(f"/proc/{pid}").st_uid
                    if b"keeper.py" not in words:
                        owners.add(uid)
            assert owners == {owner}
    finally:
        embedded.stop(home / "data")
    assert {path: path.stat().st_mode for path in before} == before
    assert Path("/etc/passwd").read_bytes() == accounts


def test_a_server_that_ignores_the_polite_signal_is_stopped_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(keeper, "STOP_SECONDS", 0.2)
    ready = tmp_path / "ready"
    program = ("import signal, pathlib, sys; [signal.signal(n, signal.SIG_IGN) for n in (2, 3, 15)]; "
               "pathlib.Path(sys.argv[1]).touch(); signal.pause()")
    process = subprocess.Popen([sys.executable, "-c", program, str(ready)])
    while not ready.exists():
        time.sleep(0.01)
    keeper._end(process, signal.SIGINT)
    assert process.returncode == -signal.SIGKILL


def test_a_cluster_of_a_version_that_is_not_installed_says_so(tmp_path):
    version = tmp_path / "PG_VERSION"
    version.write_text("9.6\n")
    with pytest.raises(server.ServerError, match=r"No PostgreSQL 9\.6, .* set DATABASE_URL or install"):
        postgres.find_programs(version, {})


def test_a_broken_cluster_is_reported_with_where_to_look(folder):
    embedded.start(folder)
    assert embedded.stop(folder)
    (folder / "postgres/cluster/global/pg_control").unlink()
    with pytest.raises(server.ServerError, match=r"does not start: the end of .*server\.log"):
        postgres.start(folder / "postgres")
