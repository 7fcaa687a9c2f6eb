"""Who gets which units: pure decisions over what was read under the row lock. No database, no clock, no server.

A batch of claims is decided in the order of arrival: first come, first served within a process.
"""
import uuid
from dataclasses import dataclass
from datetime import datetime

# What a returned unit's next person in line gets: 2 min (research/peers.md §4, "suggested defaults").
WAITLIST_HOLD_SECONDS = 120
MAX_QUANTITY = 1000


@dataclass(slots=True)
class Shelf:
    """What a decision needs of an offer's stock row."""
    id: uuid.UUID
    mode: str
    opens_at: datetime | None
    closes_at: datetime | None
    left: int
    unit_limit: int


@dataclass(slots=True)
class Wanted:
    """A claim as it came in; `shelf_id` is None if there is no such offer."""
    member_id: uuid.UUID
    key: str
    shelf_id: uuid.UUID | None
    quantity: int


@dataclass(slots=True)
class Answer:
    """What a claim gets; `fresh` if it was decided now and must be written."""
    outcome: str
    hold_id: uuid.UUID | None = None
    fresh: bool = False
    left: int = 0
    units: int = 0


@dataclass(slots=True)
class Known:
    """An answer given earlier under the same key."""
    shelf_id: uuid.UUID
    quantity: int
    outcome: str
    hold_id: uuid.UUID | None


def is_open(shelf: Shelf, now: datetime) -> bool:
    """Whether units can be claimed at `now`: on the shelf, or inside the flash sale's window [opens_at, closes_at)."""
    if shelf.mode == "closed" or shelf.opens_at is None or now < shelf.opens_at:
        return False
    return shelf.closes_at is None or now < shelf.closes_at


def decide(batch: list[Wanted], shelves: dict, units: dict, known: dict, now: datetime, new_id) -> list[Answer]:
    """Answer a batch in order, changing `shelves`, `units[(shelf, member)]` and `known[(member, key)]` as it goes."""
    return [_answer(wanted, shelves, units, known, now, new_id) for wanted in batch]


def _answer(wanted: Wanted, shelves, units, known, now, new_id) -> Answer:
    earlier = known.get((wanted.member_id, wanted.key))
    if earlier is not None:
        if (earlier.shelf_id, earlier.quantity) != (wanted.shelf_id, wanted.quantity):
            return Answer("key_conflict")
        return Answer(earlier.outcome, earlier.hold_id)
    shelf = shelves.get(wanted.shelf_id)
    if shelf is None:
        return Answer("unknown_offer")
    mine = units.get((shelf.id, wanted.member_id), 0)
    outcome = "held"
    if not is_open(shelf, now):
        outcome = "not_open"
    elif mine + wanted.quantity > shelf.unit_limit:
        outcome = "over_limit"
    elif wanted.quantity > shelf.left:
        outcome = "sold_out"
    answer = Answer(outcome, fresh=True, left=shelf.left, units=mine)
    if outcome == "held":
        answer.hold_id = new_id()
        shelf.left -= wanted.quantity
        units[shelf.id, wanted.member_id] = mine + wanted.quantity
    known[wanted.member_id, wanted.key] = Known(shelf.id, wanted.quantity, outcome, answer.hold_id)
    return answer
