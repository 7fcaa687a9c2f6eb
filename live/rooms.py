"""Which room hears an event. Rooms are named like streams, but for rehearsals: those are staff's business."""
from core import events

LIVE = events.live_stream("")


def rehearsal_room(live_id) -> str:
    return f"rehearsal:{live_id}"


def room_of(stream: str, payload: dict) -> str:
    """The room for an event of this stream. What a rehearsal says on a show's stream goes to its staff alone; the page
    still sees it under the stream's name and number."""
    if payload.get("rehearsal") and stream.startswith(LIVE):
        return rehearsal_room(stream.removeprefix(LIVE))
    return stream
