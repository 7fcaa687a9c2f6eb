"""Sessions for reading: nothing is written by mistake, and the driver keeps what it has prepared."""
import pytest
from sqlalchemy import text
from sqlalchemy.exc import InternalError
from sqlalchemy.orm import Session

from core.db import engine, reading, supposing
from members.models import Member
from tests import factories

ASKED = text("SELECT count(*) FROM members WHERE email = :email")
# psycopg prepares a statement at its sixth time on a connection.
TIMES = 6


def ask(session) -> None:
    session.execute(ASKED, {"email": "nobody@livestall.test"})


def prepared(session) -> int:
    return session.scalar(text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE :like"),
                          {"like": "%email = $1%"})


def test_a_write_among_reading_is_an_error(empty):
    with pytest.raises(InternalError, match="read-only"), reading() as db:
        factories.member(db, "Ada")
        db.flush()


def test_what_is_supposed_is_not_kept(empty):
    with supposing() as db:
        factories.member(db, "Ada")
        db.flush()
        assert db.query(Member).count() == 1
    with reading() as db:
        assert db.query(Member).count() == 0


def test_statements_stay_prepared_from_one_reading_to_the_next(empty):
    engine().dispose()  # one connection, which knows nothing yet
    for _ in range(TIMES):
        with reading() as db:
            ask(db)
    with reading() as db:
        assert prepared(db) == 1
    # The control: a rollback, as it was, and all is forgotten.
    with Session(engine()) as db:
        assert prepared(db) == 1
    with reading() as db:
        assert prepared(db) == 0
