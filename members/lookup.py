"""Finding who a token belongs to, for every request and every message of every socket: afresh, and cheaply.

Whoever asks while one statement is under way goes into the next, which starts after all of them asked: so nobody gets
an older truth than with a statement of one's own, and a thousand sockets cost a few statements.
"""
import threading

from sqlalchemy import ARRAY, Text, any_, bindparam, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import configure_mappers
from sqlalchemy.orm.attributes import instance_state, set_committed_value

from core.db import engine
from members.models import Member, Role, SignIn

_SIGN_INS, _MEMBERS, _ROLES = SignIn.__table__, Member.__table__, Role.__table__
_MEMBER, _ROLE = tuple(_MEMBERS.columns.keys()), tuple(_ROLES.columns.keys())
_MEMBER_AT, _ROLES_AT = 2, 2 + len(_MEMBER)  # in a row: token, sign-in, the member's columns, a role's
# Tables, not classes: loading the same through the ORM took three times the processor time (1.9 ms a message).
_STATEMENT = (
    select(_SIGN_INS.c.token_hash.label("token"), _SIGN_INS.c.id.label("sign_in_id"),
           *(_MEMBERS.c[name].label(f"member_{name}") for name in _MEMBER),
           *(_ROLES.c[name].label(f"role_{name}") for name in _ROLE))
    .select_from(_SIGN_INS.join(_MEMBERS, _MEMBERS.c.id == _SIGN_INS.c.member_id)
                 .outerjoin(_ROLES, _ROLES.c.member_id == _MEMBERS.c.id))
    .where(_SIGN_INS.c.token_hash == any_(bindparam("hashes", type_=ARRAY(Text))), _SIGN_INS.c.ended_at.is_(None),
           _SIGN_INS.c.expires_at > func.now(), _MEMBERS.c.disabled_at.is_(None)))


class _Round:
    """Those who ask together, and what they are told."""

    def __init__(self):
        self.hashes: set[str] = set()
        self.rows: dict[str, list] | None = None
        self.error: Exception | None = None


_gathering = _Round()
_line = None  # the connection of whoever's turn it is
_gate, _turn = threading.Lock(), threading.Lock()


def find(token_hash: str):
    """(member with roles, id of the sign-in), or (None, None). Raises what the database raises."""
    global _gathering
    with _gate:
        mine = _gathering
        mine.hashes.add(token_hash)
    with _turn:  # the first of a round asks for all of it; the others find the answer here
        if mine.rows is None and mine.error is None:
            with _gate:
                _gathering = _Round()
            try:
                mine.rows = _read(mine.hashes)
            except Exception as error:
                mine.error = error
    if mine.error is not None:
        raise mine.error
    rows = mine.rows.get(token_hash)
    return (_member(rows), rows[0].sign_in_id) if rows else (None, None)


def _read(hashes: set[str]) -> dict[str, list]:
    configure_mappers()  # nothing, once it was done
    found: dict[str, list] = {}
    for row in _ask({"hashes": list(hashes)}):
        found.setdefault(row.token, []).append(row)
    return found


def _ask(values: dict) -> list:
    """The rows, over a connection that is kept: to take one from the pool is a second round trip (is it alive?) and a
    place in a line. One that died is noticed by its error, and the question asked again over another."""
    global _line
    if _line is None or _line.engine.pool is not engine().pool:
        _line = _open()
    try:
        return _line.execute(_STATEMENT, values).all()
    except OperationalError:
        _line.close()
        _line = None  # if the next one fails as well, whoever asks next begins anew
        _line = _open()
        return _line.execute(_STATEMENT, values).all()


def _open():
    """Without a transaction around each statement: that saves two of three round trips."""
    return engine().connect().execution_options(isolation_level="AUTOCOMMIT")


def _member(rows: list) -> Member:
    """An object of the caller's own, as if a session had loaded it and was closed."""
    first = rows[0]
    roles = [_detached(Role, _ROLE, row[_ROLES_AT:]) for row in rows if row.role_id is not None]
    member = _detached(Member, _MEMBER, first[_MEMBER_AT:_ROLES_AT])
    set_committed_value(member, "roles", roles)
    return member


def _detached(kind, names: tuple[str, ...], values):
    """Without the constructor, as the ORM does with a row: that took four fifths of the time."""
    made = kind.__mapper__.class_manager.new_instance()
    state = instance_state(made)
    state.dict.update(zip(names, values, strict=True))
    state.key = kind.__mapper__.identity_key_from_primary_key((state.dict["id"],))
    state._commit_all(state.dict)
    return made
