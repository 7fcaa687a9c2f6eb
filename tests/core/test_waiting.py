"""psycopg under gevent waits as core/waiting.py says. Each test is a process of its own: gevent cannot be undone."""
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BEGIN = """
from gevent import monkey
monkey.patch_all()
import sys, time, gevent, psycopg, psycopg.waiting
from core import waiting
waiting.install()
url = sys.argv[1].replace("+psycopg", "")
"""


def run(settings, program: str) -> str:
    done = subprocess.run([sys.executable, "-c", BEGIN + program, settings.database_url], cwd=ROOT, timeout=60,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_psycopg_still_looks_its_waiting_up_where_we_put_ours(settings):
    assert run(settings, """
seen = []
ours = psycopg.waiting.wait, psycopg.waiting.wait_conn
psycopg.waiting.wait = lambda *a, **k: seen.append("wait") or ours[0](*a, **k)
psycopg.waiting.wait_conn = lambda *a, **k: seen.append("connect") or ours[1](*a, **k)
with psycopg.connect(url) as connection:
    connection.execute("SELECT 1")
print(seen[0], seen[1])
""") == "connect wait"


def test_queries_wait_side_by_side_and_pipelines_and_long_waits_work(settings):
    assert run(settings, """
waiting.LOOK_SECONDS = 0.1
def ask(n):
    with psycopg.connect(url) as connection:
        with connection.pipeline():
            connection.execute("SELECT pg_sleep(0.4)")
            found = connection.execute("SELECT %s || repeat('x', 3000000)", (str(n),))
        return found.fetchone()[0][:1]
began = time.monotonic()
print("".join(sorted(job.get() for job in [gevent.spawn(ask, n) for n in range(5)])), time.monotonic() - began < 1.9)
""") == "01234 True"


@pytest.mark.parametrize("how", ["timeout", "terminated"])
def test_a_wait_ends_with_what_ended_it(settings, how):
    assert run(settings, f"""
how = {how!r}
""" + """
with psycopg.connect(url) as connection:
    pid = connection.info.backend_pid
    if how == "timeout":
        connection.execute("SET statement_timeout = 200")
    else:
        def end():
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s)", (pid,))
        gevent.spawn_later(0.2, end)
    try:
        connection.execute("SELECT pg_sleep(20)")
    except psycopg.Error as error:
        print(type(error).__name__)
    connection.close()
""") == {"timeout": "QueryCanceled", "terminated": "AdminShutdown"}[how]
