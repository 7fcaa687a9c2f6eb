"""Real parts for every test: one PostgreSQL a run; a Valkey and a migrated database a test process.

`db` gives an open transaction's session factory; every test starts with empty tables.
"""
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import create_engine

import core.db
from core import config, embedded
from core.db import Base
from core.embedded import postgres, valkey
from tests.stack import migrated, new_database

ROOT = Path(__file__).resolve().parents[1]
JANUS = shutil.which("janus")


def pytest_collection_modifyitems(config, items):
    """A bare machine has no Janus, and nothing needs it: what tests it is left out there, in the open."""
    if JANUS:
        return
    needing = [item for item in items if item.get_closest_marker("janus")]
    if needing:
        items[:] = [item for item in items if item not in needing]
        config.hook.pytest_deselected(items=needing)


def pytest_terminal_summary(terminalreporter):
    if not JANUS:
        terminalreporter.write_line("Janus is not installed: tests marked janus are left out (apt-get install janus).")


def pytest_configure(config):
    """One folder for all processes of a test run; who began the run removes it."""
    if not hasattr(config, "workerinput"):
        os.environ["TEST_FOLDER"] = tempfile.mkdtemp(prefix="livestall-test-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ["TEST_FOLDER"], ignore_errors=True))


@pytest.fixture(scope="session")
def servers(worker_id):
    """URLs of the test run's PostgreSQL, which its processes share, and of a Valkey of this process's own."""
    shared, own = (Path(os.environ["TEST_FOLDER"]) / name for name in ("shared", worker_id))
    for folder in (shared, own):
        folder.mkdir(exist_ok=True)
    yield postgres.start(shared / "postgres", durable=False), valkey.start(own / "valkey")
    for folder in (shared, own):
        embedded.stop(folder)


@pytest.fixture(scope="session")
def settings(servers, tmp_path_factory):
    """The configuration of the application under test, on a database of its own."""
    cluster, redis_url = servers
    return config.load({"APP_ENV": "test", "DATABASE_URL": new_database(cluster, migrated(cluster)),
                        "REDIS_URL": redis_url, "SECRET_KEY": "t" * 40, "BASE_URL": "http://127.0.0.1:8000",
                        "DATA_DIR": str(tmp_path_factory.mktemp("data"))}, env_file=None)


@pytest.fixture(scope="session")
def app(settings):
    from app import create_app
    return create_app(settings, TESTING=True, SOCKET_MODE="threading", WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)


@pytest.fixture
def empty(app):
    """Empty tables. Every fixture that writes stands on this one."""
    clear()
    with app.app_context():
        yield app


def clear():
    """Empty every table. Most are empty: to look and delete takes 3 ms, to truncate all of them took 200."""
    looks, deletes = cleaners(core.db.engine().url)
    with looks.connect() as connection:
        full = connection.exec_driver_sql(full_tables()).scalars().all()
    with deletes.begin() as connection:
        # No triggers: the ledger only grows.
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        for name in full:
            connection.exec_driver_sql(f'DELETE FROM "{name}"')
        connection.exec_driver_sql("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")


@cache
def cleaners(url):
    """Who looks and who deletes: a connection whose triggers were away forgets its plans, 7 ms of them."""
    return [create_engine(url, pool_size=1, pool_pre_ping=True, isolation_level=level)
            for level in ("AUTOCOMMIT", "READ COMMITTED")]


@cache
def full_tables() -> str:
    """A query for the names of tables with something in them."""
    names = [table.name for table in Base.metadata.sorted_tables]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM \"{name}\")" for name in names)


@pytest.fixture
def db(empty):
    """A session; what other sessions shall see needs `db.commit()`."""
    from sqlalchemy.orm import Session
    with Session(core.db.engine(), expire_on_commit=False) as session:
        yield session


@pytest.fixture
def client(empty):
    return empty.test_client()
