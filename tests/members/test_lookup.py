"""Finding the member of a token: many at once in few statements, never an older truth, objects of one's own."""
import threading
from datetime import timedelta

import pytest
from sqlalchemy import event, func, text, update
from sqlalchemy.exc import OperationalError

from core.db import engine, transaction
from members import lookup
from members.models import Member, SignIn
from tests import factories


@pytest.fixture
def tokens(empty):
    """Six members with a sign-in each: token hash → name."""
    with transaction() as db:
        for number in range(6):
            member = factories.member(db, f"M{number}")
            db.add(SignIn(member_id=member.id, token_hash=f"h{number}", expires_at=func.now() + timedelta(hours=1)))
    return {f"h{number}": f"M{number}" for number in range(6)}


@pytest.fixture
def statements(app):
    """The statements on sign_ins that were sent."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if "sign_ins" in statement:
            seen.append(statement)
    event.listen(engine(), "before_cursor_execute", note)
    yield seen
    event.remove(engine(), "before_cursor_execute", note)


def together(hashes):
    found, failed = {}, []

    def one(number, token):
        try:
            member, _sign_in = lookup.find(token)
            found[number] = member and member.name
        except Exception as error:
            failed.append(error)
    threads = [threading.Thread(target=one, args=pair) for pair in enumerate(hashes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [found.get(number) for number in range(len(hashes))], failed


class Counted(set):
    """A set that knows how often something was added, whatever it was."""
    asked = 0

    def add(self, one):
        self.asked += 1
        super().add(one)


def test_each_of_many_at_once_gets_the_own_member_in_two_statements(tokens, statements, monkeypatch):
    """The first statement is held until all the others have asked (each token five times); they share the second."""
    asked = [*tokens, "nobody"] * 5
    real, begun, go = lookup._read, threading.Event(), threading.Event()

    def slow(hashes):
        if not begun.is_set():
            begun.set()
            go.wait(30)
        return real(hashes)
    monkeypatch.setattr(lookup, "_read", slow)
    first = threading.Thread(target=lookup.find, args=("h0",))
    first.start()
    assert begun.wait(30)
    lookup._gathering.hashes = Counted()  # the round that everybody else will be in
    watcher = threading.Thread(target=let_go_when, args=(lookup._gathering.hashes, len(asked), go))
    watcher.start()
    found, failed = together(asked)
    first.join()
    watcher.join()
    assert failed == []
    assert found == [tokens.get(token) for token in asked]
    assert len(statements) == 2


def let_go_when(hashes, count, go):
    """Let the first statement go when so many have asked for the next. Waiting for seven different tokens was not
    enough: on a busy machine most threads came later and asked in rounds of their own."""
    pause = threading.Event()
    for _ in range(2500):
        if hashes.asked >= count:
            break
        pause.wait(0.01)
    go.set()


def test_who_asks_after_a_change_is_told_of_it(tokens):
    assert lookup.find("h1")[0].name == "M1"
    with transaction() as db:
        db.execute(update(SignIn).where(SignIn.token_hash == "h1").values(ended_at=func.now()))
    assert lookup.find("h1") == (None, None)


def test_two_who_share_a_token_get_objects_of_their_own(tokens, db):
    first, second = lookup.find("h2")[0], lookup.find("h2")[0]
    assert first is not second
    assert first.id == second.id
    assert db.merge(first).name == "M2"


def test_all_columns_and_roles_are_there_without_a_session(tokens, db):
    shop = factories.merchant(db)
    member = db.query(Member).filter_by(name="M3").one()
    db.add(factories.Role(member_id=member.id, merchant_id=shop.id, kind="host"))
    db.commit()
    found, sign_in_id = lookup.find("h3")
    for column in Member.__table__.columns.keys():  # noqa: SIM118
        assert getattr(found, column) == getattr(member, column)
    assert [(role.kind, role.merchant_id) for role in found.roles] == [("host", shop.id)]
    assert sign_in_id == db.query(SignIn).filter_by(token_hash="h3").one().id


def test_a_database_that_is_away_is_said_to_all_and_the_next_round_works(tokens, monkeypatch):
    def gone(_hashes):
        raise OperationalError("SELECT", {}, Exception("gone"))
    with monkeypatch.context() as patch:
        patch.setattr(lookup, "_read", gone)
        found, failed = together(list(tokens))
    assert found == [None] * 6
    assert len(failed) == 6
    assert together(list(tokens)) == (list(tokens.values()), [])


def test_a_connection_that_died_is_replaced_without_anybody_noticing(tokens, db):
    assert lookup.find("h4")[0].name == "M4"
    ended = db.scalar(text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                           " AND datname = current_database() AND query LIKE '%sign_ins%'"))
    assert ended
    assert lookup.find("h4")[0].name == "M4"
