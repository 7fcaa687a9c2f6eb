"""Writes of programs: one transaction each, and the same Idempotency-Key gives the same answer."""
import functools
import hashlib
import re

from flask import Response, g, request
from flask_babel import gettext as _
from sqlalchemy.dialects.postgresql import insert

from core.db import transaction
from core.errors import Invalid, KeyConflict
from core.ids import new_id
from members.keys.models import ApiAnswer

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{8,200}")


def writes(view):
    """Open the transaction, give it to the view as `db`, and commit. With an Idempotency-Key the answer is kept in the
    same transaction: sent again, nothing is done and the kept answer is given; another body under it is refused.

    Only what worked is kept: after a refusal the same key may be used again. Raises Invalid, KeyConflict."""
    @functools.wraps(view)
    def writing(*args, **kwargs):
        key = _given()
        g.after_commit = []
        with transaction() as db:
            answer = kept = _kept(db, key) if key else None
            if kept is None:
                answer = view(*args, db=db, **kwargs)
                if key:
                    _keep(db, key, answer)
        for act in g.after_commit:
            act()
        return answer
    writing.writes = True
    return writing


def then(act) -> None:
    """Do this after the commit of the write under way; not when it was only repeated."""
    g.after_commit.append(act)


def own_key() -> str:
    """For actions whose own key outlives the kept answer: the caller's Idempotency-Key, or one that nobody repeats."""
    return f"api:{g.api_key.id}:{request.headers.get(HEADER) or new_id()}"


def _given() -> str | None:
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid(fields={HEADER: [_("From %(low)s to %(high)s characters.", low=8, high=200)]})
    return key


def _kept(db, key: str) -> Response | None:
    """The answer that is kept, or None after taking the key. Who comes at the same moment waits for the first."""
    said = hashlib.sha256(b"\0".join((request.method.encode(), request.full_path.encode(), request.get_data())))
    fresh = db.scalar(insert(ApiAnswer).values(api_key_id=g.api_key.id, key=key, request_hash=said.hexdigest())
                      .on_conflict_do_nothing().returning(ApiAnswer.key))
    if fresh:
        return None
    row = db.get(ApiAnswer, (g.api_key.id, key))
    if row.request_hash != said.hexdigest():
        raise KeyConflict
    return Response(row.body, row.status, {"Idempotent-Replayed": "true"}, mimetype="application/json")


def _keep(db, key: str, answer: Response) -> None:
    row = db.get(ApiAnswer, (g.api_key.id, key))
    row.status, row.body = answer.status_code, answer.get_data(as_text=True)
