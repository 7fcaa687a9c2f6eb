"""The outbox: what happened, written in the transaction that made it happen, told to the world afterwards.

A stream is a numbered line of events for one audience: "live:<session>" for everybody in a show,
"staff:<session>" for its control pages, "member:<id>" for one person. The relay (live/relay.py) numbers
and publishes; ids commit out of order, so it marks rows and never trusts "last id".
Payloads carry values, not deltas, so an event may be applied twice or on top of a newer snapshot.
"""
import json
from datetime import datetime

from sqlalchemy import BigInteger, Boolean, Identity, Index, Text, insert

from core.db import EXTRA_DDL, Base, Mapped, created_column, mapped_column


class Event(Base):
    __tablename__ = "events"
    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    stream: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    payload: Mapped[dict]
    # Urgent events leave at once; the others wait for the tick (50 ms) and are joined.
    urgent: Mapped[bool] = mapped_column(Boolean, default=False)
    # Of pending events with the same merge key only the newest is told: a counter's last value says it all.
    merge_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = created_column()
    seq: Mapped[int | None]
    published_at: Mapped[datetime | None]
    __table_args__ = (
        Index("ix_events_pending", "id", postgresql_where="published_at IS NULL"),
        Index("uq_events_stream_seq", "stream", "seq", unique=True, postgresql_where="seq IS NOT NULL"))


class Stream(Base):
    """The last number given in a stream."""
    __tablename__ = "streams"
    name: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int]


CHANNEL = "outbox"
EXTRA_DDL += [
    f"""CREATE OR REPLACE FUNCTION outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      PERFORM pg_notify('{CHANNEL}', CASE WHEN bool_or(urgent) THEN 'now' ELSE '' END) FROM fresh
      WHERE published_at IS NULL HAVING count(*) > 0;
      RETURN NULL;
    END $$""",
    """CREATE TRIGGER outbox_notify AFTER INSERT ON events REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION outbox_notify()""",
]


# Rows of this stream are for many members, the same thing to each: one row a batch of claims instead of one a winner.
# The relay writes the member's own rows when it numbers them (live/relay.py), so nobody reads this stream.
MEMBERS = "members"


def to_each(name: str, same: dict, own: list[tuple]) -> dict:
    """The payload of a MEMBERS row: each (member_id, values) of `own` is told {name: {**same, **values}}."""
    return {"name": name, "same": same, "own": [(str(member_id), values) for member_id, values in own]}


def for_each(payload: dict) -> list[tuple[str, dict]]:
    """(stream, payload) of everybody a MEMBERS row is for, in order."""
    return [(member_stream(member_id), {payload["name"]: {**payload["same"], **values}})
            for member_id, values in payload["own"]]


def live_stream(session_id) -> str:
    return f"live:{session_id}"


def staff_stream(session_id) -> str:
    return f"staff:{session_id}"


def member_stream(member_id) -> str:
    return f"member:{member_id}"


def dumps(payload: dict) -> str:
    """A payload as JSON text, for statements that write events themselves."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False)


def append(db, stream: str, kind: str, payload: dict, *, urgent: bool = False, merge_key: str | None = None) -> None:
    """Say, in this transaction, that something happened. `payload` is JSON with values, never deltas."""
    append_all(db, [{"stream": stream, "kind": kind, "payload": payload, "urgent": urgent, "merge_key": merge_key}])


def append_all(db, rows: list[dict]) -> None:
    """As append, for many: one statement, so one notification."""
    if rows:
        db.execute(insert(Event), rows)
