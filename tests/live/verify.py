"""verify_action: a snapshot from before, plus the events of an action, is the snapshot from after; in every view.

With WRITE_CONTRACTS=1 each stream is also written to tests/contracts/<name>.json, which the browser's reducer replays.
"""
import json
import os
from pathlib import Path

from core import events
from live import snapshot, staff_view
from live.rooms import rehearsal_room, room_of
from tests.live.conftest import pump

CONTRACTS = Path(__file__).resolve().parents[1] / "contracts"
# Not numbered: they come with the tick.
UNNUMBERED = {"now", "counters"}
UNNUMBERED_STAFF = {"figures", "revenue", "here"}


def verify_action(world, act, name: str | None = None):
    """Do it, and demand that host, viewer and a stranger would have followed it by events alone. What `act` gives."""
    pump()
    views = {"host": world.host, "viewer": world.viewer, "other": world.other, "nobody": None}
    before = {view: plain(world.shown(member)) for view, member in views.items()}
    staff_before = world.staff()
    answer = act()
    told = [json.loads(json.dumps(event)) for event in pump()]
    for view, member in views.items():
        heard = [event for event in told if hears(event, member, view == "host", world.id)]
        after, fresh = replay(before[view], heard), plain(world.shown(member))
        if view != "host" and rehearsed(told):
            # The rehearsal used up numbers that this page will never see: at the next event it has a gap.
            assert after["seq"] <= fresh["seq"] and after["show"]["rev"] <= fresh["show"]["rev"]
            after["seq"], after["show"]["rev"] = fresh["seq"], fresh["show"]["rev"]
        demand_equal(without(after, UNNUMBERED), without(fresh, UNNUMBERED), view)
        staff = None
        if view == "host":
            staff = replay_staff(staff_before, heard, world.id)
            demand_equal(without(staff, UNNUMBERED_STAFF), without(world.staff(), UNNUMBERED_STAFF), "control page")
        if name and view in ("host", "viewer"):
            write(f"{name}.{view}", before[view], staff_before if staff else None, heard, after, staff)
    return answer


def demand_equal(by_events: dict, by_snapshot: dict, view: str) -> None:
    found = difference(by_events, by_snapshot)
    assert not found, f"{view}: " + "; ".join(found)


def difference(one, two, path="") -> list[str]:
    """Where two values differ, so that a failure says it in a line."""
    if isinstance(one, dict) and isinstance(two, dict):
        return [line for name in sorted({*one, *two}) for line in
                difference(one.get(name, "nothing"), two.get(name, "nothing"), f"{path}.{name}")]
    return [] if one == two else [f"{path}: {one} by events, {two} by snapshot"]


def rehearsed(told: list[dict]) -> bool:
    return any(event["payload"].get("rehearsal") for event in told if event["stream"].startswith("live:"))


def hears(event: dict, member, is_staff: bool, live_id: str) -> bool:
    """Whether the relay brings this event to that person's page: rooms are streams, rehearsals are for staff."""
    rooms = {events.live_stream(live_id)} | ({events.member_stream(member.id)} if member else set())
    if is_staff:
        rooms |= {events.staff_stream(live_id), rehearsal_room(live_id)}
    return room_of(event["stream"], event["payload"]) in rooms


def replay(state: dict, heard: list[dict]) -> dict:
    for event in heard:
        state = snapshot.apply(state, event)
    return plain(state)


def replay_staff(staff: dict, heard: list[dict], live_id: str) -> dict:
    for event in heard:
        if event["stream"] == events.staff_stream(live_id):
            staff = staff_view.apply(staff, event)
    return plain(staff)


def plain(value):
    """As it travels."""
    return json.loads(json.dumps(value))


def without(value: dict, names: set) -> dict:
    """Without what is not numbered; a count of 0 is no count."""
    value = {name: part for name, part in value.items() if name not in names}
    if value.get("me"):
        value["me"] = {**value["me"], "units": {one: count for one, count in value["me"]["units"].items() if count}}
    return value


def write(name: str, before, staff_before, heard, after, staff_after) -> None:
    if not os.environ.get("WRITE_CONTRACTS") or not heard:
        return
    CONTRACTS.mkdir(exist_ok=True)
    body = {"name": name, "snapshot": before, "staff": staff_before, "events": heard, "after": after,
            "after_staff": staff_after}
    (CONTRACTS / f"{name}.json").write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n")
