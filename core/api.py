"""What every JSON answer under /api/v1 shares: problem details (RFC 9457) and pages by cursor."""
import uuid
from datetime import datetime

from flask import current_app, g, jsonify, request
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from marshmallow import RAISE, Schema, fields, validate
from sqlalchemy import Select, literal, tuple_

from core.errors import DomainError, Invalid

PREFIX = "/api/v1"
MOST_PER_PAGE = 100


# -- Problems

def problem(error: DomainError):
    """A refusal as application/problem+json: `code`, `fields` and what else the error knows stand beside the type."""
    base = current_app.config["LIVESTALL"].base_url
    told = error.body()
    message = told.pop("message")
    body = {"type": f"{base}{PREFIX}/docs#{told['code']}", "title": message, "status": error.status, "detail": _said(
        message, told["fields"]), "instance": request.path, "request_id": g.get("request_id", ""), **told}
    answer = jsonify(body)
    answer.status_code, answer.mimetype = error.status, "application/problem+json"
    if error.status in (429, 503):
        answer.headers["Retry-After"] = str(-(-int(error.extra.get("retry_ms", 2000)) // 1000))
    if error.status == 401:
        answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _said(message: str, wrong: dict) -> str:
    """The first thing that is wrong, in words; the message itself where no field is."""
    return next((f"{name}: {texts[0]}" for name, texts in wrong.items() if texts), message)


# -- Pages

class PageIn(Schema):
    """Which part of a list: filters of a list stand beside these two."""
    limit = fields.Integer(load_default=50, validate=validate.Range(1, MOST_PER_PAGE), metadata={
        "description": "How many rows at most."})
    cursor = fields.String(load_default="", validate=validate.Length(max=400), metadata={
        "description": "`next_cursor` of the page before; opaque."})

    class Meta:
        unknown = RAISE


def page(db, found: Select, keys, given: dict, out=lambda row: row, *, rising: bool = False) -> dict:
    """{"data", "next_cursor"}: the rows of `found` after the cursor by `keys` (columns, unique together, never NULL),
    falling unless `rising`. Rows that come meanwhile neither repeat nor hide one. Raises Invalid for a made-up cursor.

    `out` makes data of a row (of the object itself, where one is selected)."""
    keys = keys if isinstance(keys, tuple) else (keys,)
    if given["cursor"]:
        edge = tuple_(*(literal(value, key.type) for key, value in zip(keys, _read(given["cursor"], keys),
                                                                        strict=True)))
        found = found.where(tuple_(*keys) > edge if rising else tuple_(*keys) < edge)
    found = found.add_columns(*(key.label(f"key_{place}") for place, key in enumerate(keys)))
    found = found.order_by(*(key.asc() if rising else key.desc() for key in keys)).limit(given["limit"] + 1)
    rows = db.execute(found).all()
    kept, more = rows[:given["limit"]], len(rows) > given["limit"]
    bare = [row[:-len(keys)] for row in kept]
    return {"data": [out(*row) for row in bare],
            "next_cursor": _write(kept[-1][-len(keys):]) if more else None}


def page_of_list(rows: list, key, given: dict) -> dict:
    """As `page`, of rows that are all here and are dicts: by the id under `key`, the newest first."""
    rows = sorted(rows, key=lambda row: str(row[key]), reverse=True)
    if given["cursor"]:
        edge, = _parts(given["cursor"], 1)
        rows = [row for row in rows if str(row[key]) < edge]
    kept = rows[:given["limit"]]
    return {"data": kept, "next_cursor": _write((kept[-1][key],)) if len(rows) > len(kept) else None}


def _write(values) -> str:
    return _signer().dumps([iso_exact(value) if isinstance(value, datetime) else
                            value if isinstance(value, int) else str(value) for value in values])


def iso_exact(moment: datetime) -> str:
    """With microseconds: a cursor must not stand before the row it was made of."""
    return moment.isoformat()


def _read(cursor: str, keys) -> list:
    try:
        return [_typed(value, key.type.python_type) for value, key in zip(_parts(cursor, len(keys)), keys, strict=True)]
    except (ValueError, TypeError):
        raise _unreadable() from None


def _typed(value, kind):
    return {uuid.UUID: uuid.UUID, datetime: datetime.fromisoformat}.get(kind, kind)(value)


def _parts(cursor: str, count: int) -> list:
    try:
        parts = _signer().loads(cursor)
    except BadSignature:
        raise _unreadable() from None
    if not isinstance(parts, list) or len(parts) != count:
        raise _unreadable()
    return parts


def _unreadable() -> Invalid:
    return Invalid(fields={"cursor": [_("This is no cursor of this list.")]})


def _signer() -> URLSafeSerializer:
    """Of this very list: a cursor of another one is refused."""
    return URLSafeSerializer(current_app.secret_key, salt=f"cursor:{request.endpoint}")


