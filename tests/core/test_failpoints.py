"""Failpoints are not there unless asked for, cannot be asked for in production, and hit where they say."""
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from core import config, failpoints

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {"APP_ENV": "production", "SECRET_KEY": "p" * 40, "DATABASE_URL": "postgresql:///x",
              "REDIS_URL": "redis://127.0.0.1:1/0", "BASE_URL": "https://shop.example",
              "ALLOWED_ORIGINS": "https://shop.example", "PAYMENT_PROVIDER": "sandbox"}


def test_a_process_without_the_setting_has_nothing_of_them():
    """Not a flag that is off: the module is not loaded and the driver is as it came, so they cost nothing."""
    look = ("import sys, app, psycopg; assert 'core.failpoints' not in sys.modules; "
            "print(psycopg.Cursor.execute.__module__, psycopg.Connection.commit.__module__)")
    environ = {name: value for name, value in os.environ.items() if name != "FAILPOINTS"}
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, env=environ, capture_output=True, text=True)
    assert said.stdout.split() == ["psycopg.cursor", "psycopg.connection"], said.stderr


def test_nobody_calls_them():
    """Only app.py imports them, only the settings know their name."""
    files = [path for path in ROOT.glob("[a-z]*/**/*.py")
             if path.relative_to(ROOT).parts[0] not in ("tests", "node_modules", "var")] + [ROOT / "app.py"]
    named = {str(path.relative_to(ROOT)) for path in files if "failpoint" in path.read_text().lower()}
    assert named == {"app.py", "core/config.py", "core/failpoints.py"}


def test_production_refuses_them(tmp_path):
    settings = {**PRODUCTION, "DATA_DIR": str(tmp_path / "data")}
    assert config.load(settings, env_file=None).production
    with pytest.raises(config.ConfigError, match="FAILPOINTS"):
        config.load({**settings, "FAILPOINTS": str(tmp_path)}, env_file=None)
    done = subprocess.run([sys.executable, "app.py", "web"], cwd=ROOT, capture_output=True, text=True,
                          env={**os.environ, **settings, "FAILPOINTS": str(tmp_path)})
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "FAILPOINTS" in done.stderr


@pytest.mark.parametrize("piped", [False, True])
def test_points_are_reached_where_they_say(servers, piped):
    seen = []
    with psycopg.connect(servers[0], autocommit=piped) as connection, failpoints.watched(seen.append):
        if piped:
            with connection.pipeline():
                connection.execute("BEGIN")
                connection.execute("CREATE TEMP TABLE thing (n int)")
                connection.execute("INSERT INTO thing VALUES (1)")
                connection.execute("COMMIT")
                assert "thing.after_commit" not in seen  # nothing has come back yet
        else:
            connection.execute("CREATE TEMP TABLE thing (n int)")
            connection.execute("INSERT INTO thing VALUES (1)")
            connection.commit()
    at = [name for name in seen if name != "statement"]
    assert at == ["thing.before_commit", "before_commit", "thing.after_commit", "after_commit"]
    assert psycopg.Cursor.execute.__module__ == "psycopg.cursor"  # undone


def test_an_armed_point_is_hit_once(tmp_path):
    (tmp_path / "thing.after_commit").write_text("sleep 0")
    failpoints._act(tmp_path, "thing.after_commit")
    assert [path.name for path in tmp_path.iterdir()] == ["thing.after_commit.hit"]
    failpoints._act(tmp_path, "thing.after_commit")


def test_a_wrong_clock_is_wrong_everywhere_but_in_the_database(tmp_path):
    (tmp_path / "clock").write_text("600")
    look = ("import datetime, time, app; from core import clock; from orders.payments import apply; "
            "real = datetime.datetime.now(datetime.UTC).timestamp(); "
            "print(round(time.time() - real), round(clock.now().timestamp() - real), "
            "round(apply.now().timestamp() - real))")
    said = subprocess.run([sys.executable, "-c", look], cwd=ROOT, env={**os.environ, "FAILPOINTS": str(tmp_path)},
                          capture_output=True, text=True)
    assert said.stdout.split() == ["600", "600", "600"], said.stderr
