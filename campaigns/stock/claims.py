"""The claim: one transaction for everybody who tapped while the last one was being committed.

Lock the offers' rows in id order, read limits and earlier answers, decide in memory (rules.decide), write everything,
commit, answer. PostgreSQL alone is the truth; the memo below may only reject.
"""
import random
import time
import uuid
from functools import cache

import psycopg
import structlog
from prometheus_client import Counter, Histogram

from campaigns.stock import books, rules
from campaigns.stock.batches import Batcher
from campaigns.stock.errors import NotOpen, OverLimit, SoldOut, UnknownOffer
from core import clock
from core.db import own_connection
from core.errors import Busy, Invalid, KeyConflict
from core.ids import new_ids

log = structlog.get_logger("claims")
ANSWERS = Counter("livestall_claims", "answers to claims, by outcome", ["outcome"])
SECONDS = Histogram("livestall_claim_seconds", "from asking to the answer, in this process",
                    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3))
# A process may go on refusing this long after it saw an offer empty; then it asks the database again.
SOLD_OUT_MEMORY_SECONDS = 0.05
_sold_out: dict[tuple, float] = {}


def claim(member_id: uuid.UUID, key: str, offer_id: uuid.UUID, quantity: int, rehearsal: bool = False) -> dict:
    """Reserve units for a member; the hold as pages see it. The same key gets the same answer.

    Raises SoldOut, OverLimit, NotOpen, UnknownOffer, KeyConflict, Invalid, or Busy (then send the same key again).
    """
    if not (1 <= len(key) <= 64 and key.isascii() and key.isprintable()):
        raise Invalid(fields={"key": ["1 to 64 characters"]})
    if not 1 <= quantity <= rules.MAX_QUANTITY:
        raise Invalid(fields={"quantity": [f"1 to {rules.MAX_QUANTITY}"]})
    start = time.monotonic()
    answer = _batcher().call((member_id, key, offer_id, quantity, rehearsal))
    SECONDS.observe(time.monotonic() - start)
    if isinstance(answer, dict):
        _counted("held").inc()
        return answer
    _counted(answer.code).inc()
    raise answer


@cache
def _counted(outcome: str):
    return ANSWERS.labels(outcome)


@cache
def _batcher() -> Batcher:
    return Batcher(run_batch)


def run_batch(batch: list[tuple], next_may_start=lambda: None) -> list:
    """Answer (member_id, key, offer_id, quantity, rehearsal) claims: a dict, or the refusal to raise."""
    moment = time.monotonic()
    empty = [_sold_out.get((item[2], item[4]), 0) > moment for item in batch]
    if True not in empty:
        return _decide_in_database(batch, next_may_start)
    rest = [item for item, gone in zip(batch, empty, strict=True) if not gone]
    late = [item for item, gone in zip(batch, empty, strict=True) if gone]
    refused = iter(_refuse_unless_known(late))
    answers = iter(_decide_in_database(rest, next_may_start) if rest else [])
    return [next(refused) if gone else next(answers) for gone in empty]


def _decide_in_database(batch: list[tuple], next_may_start) -> list:
    """One transaction; a second try where that can help. What still fails is answered "busy" or, if one claim is to
    blame, spoils nothing but itself."""
    try:
        return _transaction(batch, next_may_start)
    except psycopg.errors.LockNotAvailable:
        return _busy(batch, "an offer stayed locked")
    except psycopg.errors.UniqueViolation:
        # One key raced through two processes for different offers; the second look finds the first one's answer.
        log.info("key raced", claims=len(batch))
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        # A connection from before a restart of the database. If the commit was cut off, the second look tells.
        log.warning("claims again", error=str(error).splitlines()[0], claims=len(batch))
    except psycopg.Error:
        log.exception("claims not decided", claims=len(batch))
    return _again(batch, next_may_start)


def _again(batch: list[tuple], next_may_start) -> list:
    try:
        return _transaction(batch, next_may_start)
    except (psycopg.OperationalError, psycopg.InterfaceError) as error:
        return _busy(batch, str(error).splitlines()[0])
    except psycopg.Error as error:
        if len(batch) == 1:
            return [error]
        half = len(batch) // 2
        return _again(batch[:half], next_may_start) + _again(batch[half:], next_may_start)


def _busy(batch: list[tuple], why: str) -> list:
    log.error("claims told busy", error=why, claims=len(batch))
    return [Busy(retry_ms=random.randint(500, 2000)) for _ in batch]


def _transaction(batch: list[tuple], next_may_start) -> list:
    with own_connection() as connection:
        shelves, now, units, known = books.lock_and_read(connection, batch)
        ids = {(shelf.offer_id, shelf.rehearsal): shelf.id for shelf in shelves}
        wanted = [rules.Wanted(member, key, ids.get((offer, rehearsal)), quantity)
                  for member, key, offer, quantity, rehearsal in batch]
        by_id = {shelf.id: shelf for shelf in shelves}
        left = {shelf.id: rules.Shelf(shelf.id, shelf.mode, shelf.opens_at, shelf.closes_at, shelf.left,
                                      shelf.unit_limit) for shelf in shelves}
        answers = rules.decide(wanted, left, units, known, now, iter(new_ids(len(wanted))).__next__)
        parts, repeated = _sort(wanted, answers, by_id)
        earlier = books.write_and_commit(connection, parts, now, repeated, next_may_start)
    for shelf in shelves:
        if left[shelf.id].left == 0 and shelf.mode != "closed":
            _sold_out[shelf.offer_id, shelf.rehearsal] = time.monotonic() + SOLD_OUT_MEMORY_SECONDS
    same = {shelf.id: books.hold_out(shelf, now) for shelf in shelves}
    return [_reply(w, a, by_id.get(w.shelf_id), same.get(w.shelf_id), earlier)
            for w, a in zip(wanted, answers, strict=True)]


def _sort(wanted, answers, by_id) -> tuple[dict, list]:
    """What is to be written, an offer at a time, and the holds that were given earlier."""
    parts, repeated = {}, []
    for w, a in zip(wanted, answers, strict=True):
        if a.fresh:
            parts.setdefault(by_id[w.shelf_id], []).append((w, a))
        elif a.hold_id:
            repeated.append(a.hold_id)
    return parts, repeated


def _reply(wanted, answer, shelf, same, earlier):
    if answer.outcome != "held":
        return _refusal(answer, shelf)
    hold = {**same, "id": str(answer.hold_id), "quantity": wanted.quantity}
    if answer.fresh:
        return hold
    then = earlier[answer.hold_id]
    return {**hold, "price_minor": then.price_minor, "state": then.state, "source": then.source,
            "expires_at": clock.iso(then.expires_at), "created_at": clock.iso(then.created_at)}


def _refusal(answer, shelf):
    match answer.outcome:
        case "sold_out":
            return SoldOut(left=answer.left)
        case "over_limit":
            return OverLimit(limit=shelf.unit_limit, units=answer.units)
        case "not_open":
            return NotOpen(opens_at=clock.iso(shelf.opens_at))
        case "key_conflict":
            return KeyConflict()
    return UnknownOffer()


def _refuse_unless_known(batch: list[tuple]) -> list:
    """For offers seen empty a moment ago: no lock and no write, but a key that was answered before keeps its answer."""
    try:
        with own_connection() as connection:
            known = books.known_keys(connection, batch)
    except psycopg.Error:
        return _decide_in_database(batch, lambda: None)  # which tries twice
    repeats = [item for item in batch if (item[0], item[1]) in known]
    answers = iter(_decide_in_database(repeats, lambda: None) if repeats else [])
    return [next(answers) if (item[0], item[1]) in known else SoldOut(left=0) for item in batch]
