"""The control page's one door: every action has a name, a schema, a right, the states it fits, and perhaps a way back.

Actions of one show follow one another (its row is locked), the same key gets the same answer, each is written down
with what it replaced, and both control pages hear of it as events.
"""
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import func, select

from campaigns.terms.models import Campaign
from core import clock, events
from core.errors import Invalid, KeyConflict, NotFound
from core.ids import new_id
from core.web import In, check
from live import doors, snapshot
from live.show import tell
from live.show.errors import UndoGone
from live.show.lifecycle import need
from live.show.models import ControlAction, LiveSession
from members.access import require

# The page shows 5 s; the sixth is for the way of the request.
UNDO_SECONDS = 5
UNDO_GRACE_SECONDS = 6
ON_STAGE = frozenset({"live", "paused", "rehearsal"})
OPEN = ON_STAGE | {"scheduled"}


@dataclass
class Desk:
    """What an action works with: the session, the locked show, its campaign, who acts, and under which id."""
    db: object
    show: LiveSession
    campaign: Campaign
    by: object
    action_id: uuid.UUID
    now: object  # the database's clock

    @property
    def rehearsal(self) -> bool:
        return self.show.state == "rehearsal"


@dataclass
class Change:
    """What an action did: to what (for its sentence), what undo restores, and who must hear."""
    subject: str = ""
    before: dict | None = None
    after: dict | None = None
    show: bool = False
    run: bool = False
    desk: bool = False  # sales, blocked words, sanctions


@dataclass(frozen=True)
class Action:
    name: str
    right: str
    schema: type[In]
    states: frozenset
    run: Callable[[Desk, dict], Change]
    undo: Callable[[Desk, dict, dict], Change] | None = None


ACTIONS: dict[str, Action] = {}


def action(name: str, *, right: str = "show.run", schema: type[In] | None = None, states=ON_STAGE, undo=None):
    """Register a control action: `run(desk, data) -> Change`."""
    def register(run):
        ACTIONS[name] = Action(name, right, schema or In, frozenset(states), run, undo)
        return run
    return register


class UndoIn(In):
    action_id = fields.UUID(required=True)


def dispatch(db, live_id: uuid.UUID, raw: dict, member) -> dict:
    """Do what the page asks: {ok, action}. Raises Invalid, NotFound, Forbidden, WrongMoment, KeyConflict and more."""
    found, key, data = _read(raw)
    show = lock_show(db, live_id)
    require(_right(db, show, found, data), show.merchant_id)
    if (earlier := _earlier(db, show, member, key)) is not None:
        if (earlier.kind, earlier.body) != (found.name, _plain(data)):
            raise KeyConflict
        return answer(earlier, member.name, show)
    need(show, found.states)
    campaign = db.get(Campaign, show.campaign_id)
    row = ControlAction(id=new_id(), live_session_id=show.id, by_member_id=member.id, kind=found.name, key=key,
                        body=_plain(data), rehearsal=show.state == "rehearsal")
    desk = Desk(db, show, campaign, member, row.id, db.scalar(select(func.clock_timestamp())))
    change = found.run(desk, data)
    row.subject, row.before, row.after, row.created_at = change.subject, change.before, change.after, desk.now
    # What ends a rehearsal stays in the book; all that was only played goes (live/rehearsal.py).
    row.rehearsal = row.rehearsal and show.state == "rehearsal"
    db.add(row)
    db.flush()
    tell.change(db, show, change, campaign)
    if found.name != "undo":
        _say_done(db, row, member.name, show)
    return answer(row, member.name, show)


def _read(raw: dict) -> tuple[Action, str, dict]:
    raw = dict(raw)
    name, key = raw.pop("action", None), raw.pop("key", None)
    found = ACTIONS.get(name) if isinstance(name, str) else None
    if found is None:
        raise Invalid(fields={"action": [_("We do not know that action.")]})
    check(_Key, {"key": key})
    return found, key, check(found.schema, raw)


class _Key(In):
    key = fields.String(required=True, validate=validate.Length(min=1, max=64))


def lock_show(db, live_id: uuid.UUID) -> LiveSession:
    """The show's row, locked until the transaction ends. Raises NotFound."""
    show = db.scalar(select(LiveSession).where(LiveSession.id == live_id).with_for_update()
                     .execution_options(populate_existing=True))
    if show is None:
        raise NotFound
    return show


def _right(db, show, found: Action, data: dict) -> str:
    """The right the action needs; undo needs that of what it undoes, and another price in a sale that of prices."""
    if found.name == "undo":
        row = db.get(ControlAction, data["action_id"])
        return ACTIONS[row.kind].right if row and row.kind in ACTIONS else found.right
    if found.name == "start_sale" and data.get("price_minor") is not None:
        return "show.price"
    return found.right


def _earlier(db, show, member, key) -> ControlAction | None:
    return db.scalar(select(ControlAction).where(ControlAction.live_session_id == show.id, ControlAction.key == key,
                                                 ControlAction.by_member_id == member.id))


def _plain(data: dict) -> dict:
    return json.loads(json.dumps(data, default=str))


def answer(row: ControlAction, by: str, show) -> dict:
    return {"ok": True, "action": out(row, by, show)}


def out(row: ControlAction, by: str, show) -> dict:
    """An action as the control page lists it; `undo_until` is null if it cannot be taken back."""
    from live.show.labels import label
    can = row.before is not None and row.undone_at is None
    return {"id": str(row.id), "kind": row.kind, "label": label(row, show), "by": by, "at": clock.iso(row.created_at),
            "undo_until": clock.iso(row.created_at + timedelta(seconds=UNDO_SECONDS)) if can else None}


def _say_done(db, row: ControlAction, by: str, show) -> None:
    events.append(db, events.staff_stream(show.id), "control.done",
                  {"action": out(row, by, show), "rehearsal": row.rehearsal}, urgent=True)


@action("undo", schema=UndoIn, states=OPEN)
def undo(desk: Desk, data: dict) -> Change:
    """Put back what an action replaced, if nobody has changed it since."""
    row = desk.db.scalar(select(ControlAction).where(ControlAction.id == data["action_id"],
                                                     ControlAction.live_session_id == desk.show.id).with_for_update())
    if row is None:
        raise NotFound
    back = ACTIONS[row.kind].undo if row.kind in ACTIONS else None
    late = desk.now - row.created_at > timedelta(seconds=UNDO_GRACE_SECONDS)
    if back is None or row.before is None or row.undone_at is not None or late or row.rehearsal != desk.rehearsal:
        raise UndoGone
    change = back(desk, row.before, row.after)
    row.undone_at = desk.now
    change.subject, change.before, change.after = row.subject, None, None
    events.append(desk.db, events.staff_stream(desk.show.id), "control.undone",
                  {"id": str(row.id), "rehearsal": row.rehearsal}, urgent=True)
    return change


def forget(live_id: uuid.UUID) -> None:
    """After the commit: this process answers with what is now."""
    doors.forget(live_id)
    snapshot.forget(live_id)


# -- undo of what stands on the show itself --------------------------------------------------------------------------

def keep(show: LiveSession, names) -> dict:
    """Columns of the show as JSON, for `before` and `after`."""
    values = {}
    for name in names:
        value = getattr(show, name)
        values[name] = _json(value)
    return values


def _json(value):
    if isinstance(value, datetime):
        return value.isoformat()  # to the microsecond: it must come back as it was
    return str(value) if isinstance(value, uuid.UUID) else value


def put_back(show: LiveSession, before: dict, after: dict) -> None:
    """Restore columns. Raises UndoGone if they were changed after the action."""
    if keep(show, after) != after:
        raise UndoGone
    for name, value in before.items():
        setattr(show, name, _value(name, value))


def _value(name: str, value):
    if value is None:
        return None
    if name.endswith("_at"):
        return datetime.fromisoformat(value)
    return uuid.UUID(value) if name.endswith("_id") else value


def undo_show(desk: Desk, before: dict, after: dict) -> Change:
    """The way back of actions that only set columns of the show."""
    put_back(desk.show, before, after)
    return Change(show=True, desk="blocked_words" in before)


__all__ = ["ACTIONS", "Action", "Change", "Desk", "OPEN", "ON_STAGE", "action", "dispatch", "forget", "keep",
           "lock_show", "put_back", "undo_show"]
