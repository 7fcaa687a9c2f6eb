"""The database: one engine a process, transactions at the edges, and what every table shares.

Flask-SQLAlchemy is not used: its teardown does not run for socket events, and pools ran dry.
"""
import os
import threading
import uuid
from collections import deque
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Enum, MetaData, Uuid, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import QueuePool

from core import waiting
from core.ids import new_id

# A server that vanished without a word is noticed after 15 to 25 s, not after the kernel's quarter of an hour.
CONNECT = {"options": "-c timezone=UTC -c lock_timeout=3000", "connect_timeout": 5, "keepalives_idle": 10,
           "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 15_000}
READ = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
# Statements that tables need besides themselves (functions, triggers). Migrations run them in order.
EXTRA_DDL: list[str] = []


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s"})
    type_annotation_map = {datetime: DateTime(timezone=True), uuid.UUID: Uuid, dict: JSONB, list: JSONB,
                           int: BigInteger}


def uuid_pk():
    return mapped_column(Uuid, primary_key=True, default=new_id)


def created_column():
    return mapped_column(DateTime(timezone=True), server_default=func.now())


def choice(*names: str, column: str):
    """A text column with a CHECK: easier to migrate than a PostgreSQL enum, as strict."""
    return Enum(*names, name=column, native_enum=False, create_constraint=True, length=24)


class FairPool(QueuePool):
    """First come, first served. QueuePool lets whoever runs next take a connection that another was woken for: under
    gevent, 100 greenlets on 10 connections starved (107 of 1,000 queries of 5 ms timed out after 3 s; here none)."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._gate, self._free, self._line = threading.Lock(), self.size(), deque()

    def _do_get(self):
        self._wait_for_turn()
        try:
            return super()._do_get()
        except BaseException:
            self._next()
            raise

    def _do_return_conn(self, record):
        super()._do_return_conn(record)
        self._next()

    def _wait_for_turn(self):
        with self._gate:
            if self._free:
                self._free -= 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._line.append(turn)
        if turn.acquire(timeout=self.timeout()):
            return
        with self._gate:
            if turn in self._line:
                self._line.remove(turn)
                raise PoolTimeout(f"no database connection became free within {self.timeout()} s")

    def _next(self):
        """Hand the turn to whoever waits longest."""
        with self._gate:
            if self._line:
                self._line.popleft().release()
            else:
                self._free += 1


_engine = None
_own: list = []  # (engine, process id, connection), kept for the next caller of own_connection


def init_engine(url: str, pool_size: int = 20):
    """Make this process's engine. Idle connections are tested, so a restarted database costs one retry, no error."""
    global _engine
    waiting.install()
    if _engine is not None:
        _engine.dispose()
    # 3 s: a request that waits longer for a connection is better told "busy" (research/reliability.md §1).
    _engine = create_engine(url, poolclass=FairPool, pool_size=pool_size, max_overflow=0,
                            pool_timeout=3, pool_pre_ping=True, pool_recycle=1800,
                            connect_args=CONNECT)
    return _engine


def engine():
    if _engine is None:
        raise RuntimeError("core.db.init_engine was not called")
    return _engine


@contextmanager
def own_connection():
    """The driver's connection, in autocommit, outside the pool: for a hot path that sends its own statements.

    Kept for the next caller; after an error it is closed. It is as old as the process: who uses it must be able to
    begin anew when it turns out to be gone.
    """
    kept = _own.pop() if _own else None
    if kept is None or kept[:2] != (_engine, os.getpid()):
        arguments = engine().dialect.create_connect_args(engine().url)
        kept = _engine, os.getpid(), engine().dialect.dbapi.connect(
            *arguments[0], **{**arguments[1], **CONNECT}, autocommit=True)
    try:
        yield kept[2]
    except BaseException:
        kept[2].close()
        raise
    _own.append(kept)


@contextmanager
def transaction():
    """A session that commits on leaving and rolls back on an error. Actions flush; only edges call this."""
    with Session(engine(), expire_on_commit=False) as db, db.begin():
        yield db


@contextmanager
def reading():
    """A session for reading, one consistent picture (REPEATABLE READ); what would write is an error.

    It ends with a commit: at a rollback psycopg forgets the statements that it has prepared (docs/decisions/0082).
    """
    with Session(engine().execution_options(**READ), expire_on_commit=False) as db:
        yield db
        db.commit()


@contextmanager
def supposing():
    """A session for a what-if: one consistent picture in which it may write, and nothing of it is kept."""
    with Session(engine().execution_options(isolation_level="REPEATABLE READ"), expire_on_commit=False) as db:
        yield db


__all__ = ["EXTRA_DDL", "Base", "Mapped", "choice", "created_column", "engine", "init_engine", "mapped_column",
           "own_connection", "reading", "supposing", "transaction", "uuid_pk"]
