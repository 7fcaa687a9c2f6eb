"""The database: one engine a process, transactions at the edges, and what every table shares.

Flask-SQLAlchemy is not used: its teardown does not run for socket events, and pools ran dry.
"""
import uuid
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, Enum, MetaData, Uuid, create_engine, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from core.ids import new_id

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


_engine = None


def init_engine(url: str, pool_size: int = 20):
    """Make this process's engine. Idle connections are tested, so a restarted database costs one retry, no error."""
    global _engine
    if _engine is not None:
        _engine.dispose()
    # 3 s: a request that waits longer for a connection is better told "busy" (research/reliability.md §1).
    _engine = create_engine(url.replace("postgres://", "postgresql://", 1), pool_size=pool_size, max_overflow=0,
                            pool_timeout=3, pool_pre_ping=True, pool_recycle=1800,
                            connect_args={"options": "-c timezone=UTC -c lock_timeout=3000", "connect_timeout": 5})
    return _engine


def engine():
    if _engine is None:
        raise RuntimeError("core.db.init_engine was not called")
    return _engine


@contextmanager
def transaction():
    """A session that commits on leaving and rolls back on an error. Actions flush; only edges call this."""
    with Session(engine(), expire_on_commit=False) as db, db.begin():
        yield db


@contextmanager
def reading():
    """A session for reading, one consistent picture (REPEATABLE READ), never committed."""
    with Session(engine().execution_options(isolation_level="REPEATABLE READ"), expire_on_commit=False) as db:
        yield db


__all__ = ["EXTRA_DDL", "Base", "Mapped", "choice", "created_column", "engine", "init_engine", "mapped_column",
           "reading", "transaction", "uuid_pk"]
