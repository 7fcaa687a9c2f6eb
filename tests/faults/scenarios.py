"""What breaks, one thing at a time. Each function breaks it while the crowd taps and ends when buying works again.

The numbers are those of docs/reliability.md. `sale` is tests/faults/sale.py's; `short` asks for the quick form.
"""
import os
import signal

import gevent

from tests.faults import taps

FAULTS: list = []


def fault(number: int, name: str, promise: float, short: bool = False):
    """Register: its number in the list, its name, and for how many seconds nobody may be able to buy."""
    def register(fn):
        FAULTS.append((number, name, promise, short, fn))
        return fn
    return register


def _die_at(sale, what: str) -> None:
    for table, web in (("claims", "web1"), ("orders", "web2")):
        sale.rig.arm(f"{table}.{what}", names=(web,))
        sale.until(lambda table=table: sale.rig.hit(f"{table}.{what}"), 30, f"{table}.{what} was not reached")
        sale.until(lambda web=web: sale.rig.restarted(web), 60, f"{web} is not started again")
        sale.rig.wait_ready()
    sale.rig.disarm()
    sale.buys_again()


@fault(1, "web killed after the commit, before the reply", 15, short=True)
def after_commit(sale, short):
    _die_at(sale, "after_commit")


@fault(2, "web killed before the commit", 15)
def before_commit(sale, short):
    _die_at(sale, "before_commit")


@fault(5, "Redis killed, back after 8 s", 5, short=True)
def redis_killed(sale, short):
    sale.rig.kill_valkey()
    gevent.sleep(4 if short else 8)
    sale.buys_again()  # while it is away
    assert sum(buyer.delayed for buyer in sale.buyers), "no page was told that news is late"
    sale.rig.start_valkey()
    sale.buys_again()


@fault(6, "Redis flushed", 5)
def redis_flushed(sale, short):
    for _ in range(3):
        sale.rig.redis().flushall()
        gevent.sleep(1.5)
    sale.buys_again()


@fault(7, "Redis back with an old dump", 5)
def redis_old(sale, short):
    sale.rig.keep_dump()
    gevent.sleep(3)
    sale.rig.kill_valkey()
    sale.rig.old_dump_back()
    sale.rig.start_valkey()
    sale.buys_again()


@fault(8, "Redis out of memory for 8 s", 5)
def redis_full(sale, short):
    sale.rig.redis().config_set("maxmemory", 1)
    gevent.sleep(8)
    sale.buys_again()
    sale.rig.redis().config_set("maxmemory", 0)
    sale.buys_again()


@fault(9, "PostgreSQL killed with all its processes", 30, short=True)
def postgres_killed(sale, short):
    for pid in sale.rig.postgres_pids():
        os.kill(pid, signal.SIGKILL)
    gevent.sleep(1)
    sale.buys_again(60)


@fault(10, "PostgreSQL restarted under full pools", 30)
def postgres_restarted(sale, short):
    os.kill(sale.rig.postmaster(), signal.SIGINT)
    gevent.sleep(1)
    sale.buys_again(60)


@fault(11, "the database's disk full for 8 s", 40)
def disk_full(sale, short):
    if not sale.rig.disk:
        return "not run: no file system may be mounted here"
    sale.rig.fill_disk()
    gevent.sleep(6)
    statuses = [sale.buyers[0].web.call("GET", path)[0]
                for path in (f"/live/{sale.live_id}", f"/api/live/{sale.live_id}")]
    sale.rig.free_disk()
    sale.buys_again(60)
    assert statuses == [200, 200], f"pages could not be read meanwhile: {statuses}"


@fault(12, "the database's disk takes 10 writes a second, 10 s", 15)
def slow_disk(sale, short):
    if not sale.rig.slow_disk(10):
        return "not run: no cgroup (v1, blkio) for the disk here"
    gevent.sleep(10)
    sale.rig.quick_disk()
    sale.buys_again(60)
    return None


@fault(13, "cut between COMMIT and its acknowledgement", 10, short=True)
def cut_at_commit(sale, short):
    """On the way to PostgreSQL behind the word COMMIT, and on the way to the buyers while answers come."""
    sale.rig.to_postgres.cut_after = b"COMMIT"
    sale.until(lambda: sale.rig.to_postgres.cuts >= 3, 30, "no commit came through the proxy")
    sale.rig.to_postgres.heal()
    for _ in range(3):
        sale.rig.front.mute = True
        gevent.sleep(0.4)
        sale.rig.front.cut()
        sale.rig.front.heal()
        gevent.sleep(2)
    sale.buys_again()
    return f"{sale.rig.to_postgres.cuts} commits cut"


@fault(14, "web cut off from Redis for 60 s", 5)
def no_news(sale, short):
    sale.rig.to_valkey.refuse = True
    sale.rig.to_valkey.cut()
    gevent.sleep(6 if short else 60)
    sale.buys_again()
    sale.rig.to_valkey.heal()
    sale.buys_again()


@fault(15, "half-open: web to Redis, then buyers to web", 20)
def half_open(sale, short):
    sale.rig.to_valkey.half_open()
    gevent.sleep(25)  # the bus asks after 15 s without news whether anybody is there
    sale.rig.front.half_open()
    gevent.sleep(14)  # pages give up a silent line after 10 s
    sale.buys_again()


@fault(16, "300 ms each way and 5 % loss for 15 s", 10)
def bad_line(sale, short):
    sale.rig.front.delay, sale.rig.front.loss = 0.15, 0.05
    gevent.sleep(5 if short else 15)
    sale.rig.front.heal()
    sale.buys_again()


@fault(17, "ten buyers offline for 90 s, five taps each", 5)
def offline(sale, short):
    return taps.taps_while_offline(sale, 12 if short else 90)


@fault(18, "double click, two tabs", 5, short=True)
def two_tabs(sale, short):
    return taps.double_clicks(sale)


@fault(19, "same key, other body", 5, short=True)
def other_body(sale, short):
    return taps.other_bodies(sale)


@fault(20, "everybody for the last unit", 60)
def last_unit(sale, short):
    return taps.last_unit(sale)


@fault(21, "one variant claimed twice at once, together too many", 5)
def one_variant(sale, short):
    return taps.one_variant(sale)


@fault(22, "payment after the hold's end", 5)
def late_payment(sale, short):
    return taps.late_payment(sale)


@fault(23, "webhook doubled, reordered, 3 days late", 5, short=True)
def webhooks(sale, short):
    return taps.webhooks(sale)


@fault(24, "clocks of the web processes 10 min off, both ways", 15)
def wrong_clocks(sale, short):
    for name, seconds in (("web1", 600), ("web2", -600)):
        sale.rig.arm("clock", str(seconds), names=(name,))
        sale.rig.restart(name)
    sale.rig.wait_ready()
    try:
        said = taps.windows(sale)
        sale.buys_again()
    finally:
        sale.rig.disarm()
        sale.rig.restart("web1", "web2")
        sale.rig.wait_ready()
    sale.buys_again()
    return said


@fault(26, "a crowd of sockets reconnects at once", 15)
def storm(sale, short):
    return taps.storm(sale, 100 if short else int(os.environ.get("STORM", "5000")))


@fault(30, "rolling restart of everything", 15)
def rolling(sale, short):
    for name in sale.rig.names:
        sale.rig.restart(name)
        sale.rig.wait_ready()
    sale.buys_again()
