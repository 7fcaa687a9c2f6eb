"""`make bench-sale`: three flash sales of 300 units, 2,000 viewers with chat and reactions, everybody taps.

The real product as processes: PostgreSQL with fsync, Valkey, web, relay. The viewers are real Socket.IO clients
(demo/wire.py) in one process; what they see is what counts. The last line is JSON; figures are medians of the sales.
"""
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import random  # noqa: E402
import re  # noqa: E402
import resource  # noqa: E402
import signal  # noqa: E402
import statistics  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import uuid  # noqa: E402
from bisect import bisect_left  # noqa: E402
from collections import Counter  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402
from gevent.pool import Pool  # noqa: E402

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import text  # noqa: E402

from app import create_app  # noqa: E402
from core import config, embedded  # noqa: E402
from core.children import raise_file_limit  # noqa: E402
from core.db import engine, transaction  # noqa: E402
from core.serving import leave_in_peace  # noqa: E402
from demo import audience, crowd  # noqa: E402
from demo.wire import Sockets, Web  # noqa: E402
from members.models import SignIn  # noqa: E402
from tests import factories  # noqa: E402
from tests.stack import Stack  # noqa: E402

SALES, UNITS = 3, 300
SHOW_SECONDS = 3600  # the table tells how much a show got, not how long it took
BUSY = "0.999"  # the quantile: one video in a thousand is busier
COUNTDOWN_SECONDS = 10  # the shortest there is
AFTER_SECONDS = 6
PROBES = 50  # viewers whose screens are looked at closely
CONNECT_AT_ONCE = 40
ACK_SECONDS = 3


class Viewer:
    """A screen and a thumb."""

    def __init__(self, bench, number: int, cookie: str):
        self.bench, self.number = bench, number
        wanted = {"events": self.see} if number % max(1, bench.viewers // PROBES) == 0 else {}
        self.sockets = Sockets(*bench.place, cookie, wanted)
        self.seen = {}  # offer → [(version, when)]
        self.dice = random.Random(number)

    def come(self) -> None:
        self.sockets.connect()
        self.ask("join", {"live_id": self.bench.live_id}, 20)

    def ask(self, name: str, body: dict, seconds=ACK_SECONDS) -> dict:
        """The answer, asked for again with the same body while the server says it is busy."""
        for _ in range(3):
            try:
                answer = self.sockets.ask(name, body, seconds)
            except (gevent.Timeout, OSError) as error:
                self.bench.errors[f"{name}: {type(error).__name__}"] += 1
                return {"ok": False, "code": "no_answer"}
            if answer.get("code") != "busy":
                break
            gevent.sleep(answer.get("retry_ms", 300) / 1000)
        if not answer["ok"] and (name, answer["code"]) != ("claim", "sold_out"):
            self.bench.errors[f"{name}: {answer['code']}"] += 1
        return answer

    def see(self, message: bytes) -> None:
        if b"offer.stock" not in message:
            return
        now = time.time()
        for event in json.loads(message[2:])[1]["events"]:
            if event["kind"] == "offer.stock":
                payload = event["payload"]
                self.seen.setdefault(payload["offer_id"], []).append((payload["version"], now))

    def tap(self, offer_id: str, opens_at: float, taps: list) -> None:
        """After the opening, about 0.7 s, some much later: how thumbs are."""
        gevent.sleep(max(0.0, opens_at - time.time()) + self.dice.lognormvariate(-0.35, 0.8))
        began = time.perf_counter()
        answer = self.ask("claim", {"live_id": self.bench.live_id, "key": uuid.uuid4().hex, "offer_id": offer_id,
                                    "quantity": 1})
        taps.append((time.perf_counter() - began) * 1000)
        self.bench.counts["won" if answer["ok"] else answer["code"]] += 1


class Bench:
    def __init__(self, stack: Stack, viewers: int):
        self.stack, self.viewers = stack, viewers
        self.place = audience.address_of(stack.url)
        self.errors, self.counts, self.talking = Counter(), Counter(), True
        quantile = json.loads((Path(__file__).parent / "engagement.json").read_text())["quantiles"][BUSY]
        self.chat_rate, self.heart_rate = (quantile[name] / SHOW_SECONDS for name in ("comments", "reactions"))

    def prepare(self) -> None:
        """A show on air with three offers that nobody can buy yet, and the viewers' accounts."""
        self.app = create_app(config.load(self.stack.env, env_file=None))
        with transaction() as db:
            shop = factories.merchant(db)
            host = factories.member(db, "Nora", roles=[("host", shop)])
            what = factories.campaign(db, shop)
            offers = [factories.offer(db, what, factories.variant(db, shop, on_hand=UNITS), allotment=UNITS, position=n,
                                      limit_per_member=1) for n in range(SALES)]
            what.state = "live"
            db.flush()
            show = factories.live_session(db, what, host, slow_seconds=0)
            for one in offers:
                factories.stock(db, one, left=0, mode="closed", opens_at=None, live_session_id=show.id)
            token = "bench" + uuid.uuid4().hex
            from members.identity import hash_token
            db.add(SignIn(member_id=host.id, token_hash=hash_token(token), expires_at=text("now() + interval '1 day'")))
            self.live_id, self.offers = str(show.id), [str(one.id) for one in offers]
        self.host = Web(*self.place, crowd.cookie(self.app, token))
        status, page, _ = self.host.call("GET", f"/studio/shows/{self.live_id}/control")
        if status != 200:
            sys.exit(f"control page: {status}")
        self.host.token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
        self.people = [Viewer(self, n, cookie) for n, (_, cookie) in enumerate(crowd.gather(self.app, self.viewers))]

    def fill(self) -> None:
        pool, began = Pool(CONNECT_AT_ONCE), time.monotonic()
        for viewer in self.people:
            pool.spawn(viewer.come)
        pool.join(raise_error=True)
        show(f"{self.viewers} viewers came in {time.monotonic() - began:.0f} s; chat {self.chat_rate:.1f}/s, "
             f"reactions {self.heart_rate:.1f}/s")
        for rate, act in ((self.chat_rate, self._talk), (self.heart_rate, self._heart)):
            gevent.spawn(self._keep, rate, act)

    def _keep(self, rate: float, act) -> None:
        dice = random.Random(1)
        while self.talking:
            gevent.sleep(dice.expovariate(rate))
            gevent.spawn(act, dice.choice(self.people))

    def _talk(self, viewer: Viewer) -> None:
        self.counts["chat"] += viewer.ask("chat", {
            "live_id": self.live_id, "key": uuid.uuid4().hex, "body": random.choice(audience.LINES)})["ok"]

    def _heart(self, viewer: Viewer) -> None:
        self.counts["reactions"] += viewer.ask("react", {"live_id": self.live_id, "count": 3})["ok"]

    def sell(self, offer_id: str) -> dict:
        """One flash sale: what the taps took, and how late stock was on screens."""
        taps, before, began = [], self._cpu(), time.monotonic()
        status, answer, _ = self.host.call("POST", f"/api/live/{self.live_id}/control", {
            "key": uuid.uuid4().hex, "action": "start_sale", "offer_id": offer_id, "quantity": UNITS,
            "countdown_seconds": COUNTDOWN_SECONDS, "duration_seconds": 60})
        if status != 200:
            sys.exit(f"start_sale: {status} {answer}")
        with engine().connect() as connection:
            opens_at = connection.execute(text("SELECT extract(epoch FROM opens_at) FROM offer_stock "
                                               "WHERE offer_id = :offer"), {"offer": offer_id}).scalar()
        gevent.joinall([gevent.spawn(viewer.tap, offer_id, float(opens_at), taps) for viewer in self.people])
        gevent.sleep(AFTER_SECONDS)
        late, seconds = self._late(offer_id), time.monotonic() - began
        result = {"p50": quantile(taps, 0.5), "p99": quantile(taps, 0.99), "max": max(taps),
                  "screen_p50": quantile(late, 0.5), "screen_p95": quantile(late, 0.95)}
        used = {name: (after - before[name]) / seconds for name, after in self._cpu().items()}
        show("sale: claims p50 {p50:.0f}, p99 {p99:.0f}, slowest {max:.0f} ms; stock on screen p50 {screen_p50:.0f}, "
             "p95 {screen_p95:.0f} ms; ".format(**result) + ", ".join(f"{k} {v:.0%}" for k, v in used.items()))
        return result

    def _late(self, offer_id: str) -> list[float]:
        """For every stock that was committed and every probe: until its screen had that version or a newer one, ms."""
        with engine().connect() as connection:
            committed = connection.execute(text(
                "SELECT cast(payload->>'version' AS int), extract(epoch FROM created_at) FROM events "
                "WHERE kind = 'offer.stock' AND payload->>'offer_id' = :offer"), {"offer": offer_id}).all()
        late = []
        for viewer in self.people:
            seen = viewer.seen.get(offer_id)
            for version, at in committed if seen else ():
                place = bisect_left(seen, (version, 0.0))
                late.append((seen[place][1] - float(at)) * 1000 if place < len(seen) else AFTER_SECONDS * 1000.0)
        if not late:
            sys.exit("no screen saw any stock")
        return late

    def _cpu(self) -> dict[str, float]:
        """CPU seconds of our processes so far."""
        tick, found = os.sysconf("SC_CLK_TCK"), {}
        for name, process in self.stack.processes.items():
            fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
            found[name] = (int(fields[11]) + int(fields[12])) / tick
        used = resource.getrusage(resource.RUSAGE_SELF)
        return {**found, "viewers": used.ru_utime + used.ru_stime}

    def oversold(self) -> int:
        """Units beyond what there was."""
        with engine().connect() as connection:
            held = connection.execute(text("SELECT offer_id, sum(quantity) FROM holds WHERE state IN "
                                           "('held', 'consumed') GROUP BY offer_id")).all()
        return sum(max(0, units - UNITS) for _, units in held)

    def memory_kb(self) -> float:
        """Of the web processes, per viewer, everything in."""
        kb = [int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process.pid}/status").read_text())[1])
              for name, process in self.stack.processes.items() if name.startswith("web")]
        return sum(kb) / self.viewers


def quantile(values: list[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def show(line: str) -> None:
    print(line, flush=True)


def run(stack: Stack, viewers: int) -> None:
    bench = Bench(stack, viewers)
    bench.prepare()
    bench.fill()
    gevent.sleep(5)
    leave_in_peace()  # the viewers' own process: its pauses are not the shop's
    sales = [bench.sell(offer_id) for offer_id in bench.offers]
    bench.talking = False
    middle = {name: round(statistics.median(sale[name] for sale in sales), 1) for name in sales[0]}
    for what, times in bench.errors.most_common(5):
        show(f"error, {times} times: {what}")
    show(stack.run("check").strip().splitlines()[-1])
    print(json.dumps({
        "claim_p50_ms": middle["p50"], "claim_p99_ms": middle["p99"], "claim_slowest_ms": middle["max"],
        "stock_on_screen_p50_ms": middle["screen_p50"], "stock_on_screen_p95_ms": middle["screen_p95"],
        "errors": sum(bench.errors.values()), "oversold": bench.oversold(), "viewers": viewers,
        "web": sum(name.startswith("web") for name in stack.names), "counts": dict(bench.counts),
        "web_kb_per_viewer": round(bench.memory_kb(), 1), "load_average": round(os.getloadavg()[0], 1)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewers", type=int, default=2000)
    parser.add_argument("--web", type=int, default=1, help="web processes")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped
    raise_file_limit()
    show(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f} before")
    with tempfile.TemporaryDirectory(prefix="livestall-bench-") as folder:
        folder = Path(folder)
        try:
            servers = embedded.start(folder / "servers")
            with Stack(servers, folder, web=options.web, worker=False, seed=False, LOG_LEVEL="warning") as stack:
                run(stack, options.viewers)
        finally:
            embedded.stop(folder / "servers")


if __name__ == "__main__":
    main()
