"""The functions of `make bench-claims`: (a) the usual way and (b) ours, called by greenlets in one process.

Reads from DATABASE_URL; prints a JSON line for each measurement: what, buyers, stock, wins a second, p50, p99.
"""
from gevent import monkey

monkey.patch_all()

import json  # noqa: E402
import os  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from functools import cache  # noqa: E402

import gevent  # noqa: E402
from sqlalchemy import create_engine, insert, select, update  # noqa: E402

from app import create_app  # noqa: E402
from campaigns.stock.claims import claim  # noqa: E402
from campaigns.stock.errors import OverLimit, SoldOut  # noqa: E402
from campaigns.stock.models import Hold, OfferStock  # noqa: E402
from core import clock, config  # noqa: E402
from core.db import engine  # noqa: E402
from core.errors import Busy, KeyConflict  # noqa: E402
from core.ids import new_id  # noqa: E402
from core.serving import leave_in_peace  # noqa: E402
from tests.bench import claims_shop  # noqa: E402

BUYERS = (64, 256, 512)
# (units, attempts): a tenth for the usual way, which takes ten times as long or more.
SIZES = {"usual": {"few": (100, 1000), "all": (600, 600)}, "ours": {"few": (1000, 10_000), "all": (5000, 5000)}}
busy = [0]  # how often somebody was told so; they come again as a page would
HOLDS, STOCK = Hold.__table__, OfferStock.__table__


@cache
def usual_engine():
    """SQLAlchemy's own pool with 20 connections and all the patience it needs: ours tells who waits 3 s "busy"."""
    return create_engine(engine().url, pool_size=20, max_overflow=0, pool_timeout=300)


def usual_way(member, _key, offer, quantity):
    """Row lock, check, insert, commit, for each buyer, through SQLAlchemy Core. No limits, no keys, no news."""
    with usual_engine().begin() as connection:
        row = connection.execute(select(STOCK.c.id, STOCK.c.left, STOCK.c.price_minor, STOCK.c.live_session_id)
                                 .where(STOCK.c.offer_id == offer, ~STOCK.c.rehearsal).with_for_update()).one()
        if row.left < quantity:
            return False
        connection.execute(update(STOCK).where(STOCK.c.id == row.id).values(
            left=STOCK.c.left - quantity, held=STOCK.c.held + quantity, version=STOCK.c.version + 1))
        now = clock.now()
        connection.execute(insert(HOLDS).values(
            id=new_id(), stock_id=row.id, offer_id=offer, member_id=member, live_session_id=row.live_session_id,
            quantity=quantity, price_minor=row.price_minor, state="held", source="claim", created_at=now,
            expires_at=now))
    return True


def ours(member, key, offer, quantity):
    while True:
        try:
            claim(member, key, offer, quantity)
            return True
        except (SoldOut, OverLimit, KeyConflict):
            return False
        except Busy as refusal:
            busy[0] += 1
            gevent.sleep(refusal.extra["retry_ms"] / 1000)


def attempts_of(members, offer, count: int) -> list[tuple]:
    """First claims of different members; in 100 there are 3 repeats of a key, 1 other body under one, 2 over the limit.

    Those come 700 attempts after the claim they are about, so that it has been answered.
    """
    made = []
    for n in range(count):
        kind, earlier = n % 100, made[n - 700] if n >= 700 else None
        if earlier and kind in (10, 40, 70):
            made.append(earlier)
        elif earlier and kind == 20:
            made.append((earlier[0], earlier[1], offer, earlier[3] + 1))
        elif kind in (30, 60):
            made.append((members[n], str(new_id()), offer, claims_shop.LIMIT + 1))
        else:
            made.append((members[n], str(new_id()), offer, 1))
    return made


def measure(way, attempts: list[tuple], buyers: int) -> dict:
    """A winner is counted once: who asks again under the same key hears "yes" again, and that is no new winner."""
    waiting, seconds, winners, last = iter(attempts), [], set(), 0.0

    def buyer():
        nonlocal last
        for attempt in waiting:
            asked = time.perf_counter()
            won = way(*attempt)
            answered = time.perf_counter()
            seconds.append(answered - asked)
            if won and attempt[1] not in winners:
                winners.add(attempt[1])
                last = answered
    busy[0] = 0
    cpu, start = time.process_time(), time.perf_counter()
    gevent.joinall([gevent.spawn(buyer) for _ in range(buyers)], raise_error=True)
    end = time.perf_counter()
    seconds.sort()
    wins = len(winners)
    return {"wins_per_s": wins / (last - start), "answers_per_s": len(attempts) / (end - start),
            "p50_ms": seconds[len(seconds) // 2] * 1000, "p99_ms": seconds[int(len(seconds) * 0.99)] * 1000,
            "cpu_us": (time.process_time() - cpu) / len(attempts) * 1e6, "wins": wins, "busy": busy[0]}


def main(rounds: int) -> None:
    create_app(config.load(env_file=None), SOCKET_MODE="gevent")
    plan = [(n, buyers, stock, what) for n in range(rounds) for buyers in BUYERS for stock in ("few", "all")
            for what in ("usual", "ours")]
    shop = claims_shop.build(10_000, [SIZES[what][stock][0] for _, _, stock, what in plan])
    for way in (ours, usual_way):  # connections are open, statements prepared
        measure(way, attempts_of(shop.members, claims_shop.build(1, [500]).offers[0], 500), 64)
    leave_in_peace()  # as a web process does before it serves; the usual way has it too
    for offer, (n, buyers, stock, what) in zip(shop.offers, plan, strict=True):
        attempts = [(member, str(new_id()), offer, 1) for member in shop.members[:SIZES[what][stock][1]]]
        if what == "ours":
            attempts = attempts_of(shop.members, offer, SIZES[what][stock][1])
        claims_shop.settle()
        found = measure(usual_way if what == "usual" else ours, attempts, buyers)
        print(json.dumps({"what": what, "buyers": buyers, "stock": stock, "round": n, **found,
                          "load": os.getloadavg()[0]}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
