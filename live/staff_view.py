"""What a control page needs besides the show itself, and how staff events change it."""
import uuid

from sqlalchemy import func, select

from core import events
from core.errors import NotFound
from live import figures
from live.chat.queries import flagged
from live.show import tell
from live.show.control import out
from live.show.models import ControlAction, LiveSession
from members.access import require
from members.models import Member

MOST_ACTIONS = 20


def staff_snapshot(db, live_id: uuid.UUID, member) -> dict:
    """The control page's own part. Raises NotFound for strangers, Forbidden for staff without the right."""
    show = db.get(LiveSession, live_id)
    if show is None:
        raise NotFound
    require("show.run", show.merchant_id)
    rehearsal = show.state == "rehearsal"
    seq = db.scalar(select(func.coalesce(func.max(events.Stream.seq), 0))
                    .where(events.Stream.name == events.staff_stream(live_id)))
    shown = figures.staff_figures(db, live_id)
    return {"seq": seq, "run": tell.run_of(db, show), "flagged": flagged(db, live_id, rehearsal), "figures": shown,
            "revenue": shown["revenue"], "actions": actions_of(db, show), "here": shown["here"],
            **tell.desk_of(db, show)}


def actions_of(db, show) -> list[dict]:
    """The last actions that stand, oldest first."""
    rows = db.execute(select(ControlAction, Member.name).outerjoin(Member, Member.id == ControlAction.by_member_id)
                      .where(ControlAction.live_session_id == show.id, ControlAction.kind != "undo",
                             ControlAction.undone_at.is_(None))
                      .order_by(ControlAction.created_at.desc(), ControlAction.id.desc()).limit(MOST_ACTIONS)).all()
    return [out(row, name, show) for row, name in reversed(rows)]


def apply(staff: dict, event: dict) -> dict:
    """The staff part after one event of its stream; pure, like snapshot.apply."""
    if event["seq"] <= staff["seq"]:
        return staff
    staff, payload = {**staff, "seq": event["seq"]}, event["payload"]
    match event["kind"]:
        case "run.changed":
            return {**staff, "run": payload["run"]}
        case "desk.changed":
            return {**staff, **payload}
        case "chat.flagged":
            rest = [line for line in staff["flagged"] if line["id"] != payload["message"]["id"]]
            return {**staff, "flagged": sorted([*rest, payload["message"]], key=lambda line: line["id"])}
        case "chat.restored" | "chat.removed":
            decided = payload["message"]["id"] if "message" in payload else payload["id"]
            return {**staff, "flagged": [line for line in staff["flagged"] if line["id"] != decided]}
        case "control.done":
            rest = [action for action in staff["actions"] if action["id"] != payload["action"]["id"]]
            return {**staff, "actions": [*rest, payload["action"]][-MOST_ACTIONS:]}
        case "control.undone":
            return {**staff, "actions": [action for action in staff["actions"] if action["id"] != payload["id"]]}
    return staff
