"""Flash sales larger than this machine, simulated from measured constants: `python tests/bench/scale.py`.

Virtual time. Every web process is one core that does one thing at a time, in order: a claim, the answers of a batch,
a round of sends to its share of the room. Batches of all processes queue for the one row that they want (PostgreSQL).
The relay publishes what was committed once per tick; every process hears it. Everybody taps once, as thumbs are:
0.7 s after the opening, some much later. What is left out: the network, and the page loads before the sale.

The constants are in constants.json, each with where it comes from. Table first, one JSON line last.
"""
import argparse
import heapq
import json
import math
import random
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from_file = json.loads((Path(__file__).parent / "constants.json").read_text())
COSTS = {name: entry["value"] for name, entry in from_file.items() if isinstance(entry, dict)}
TICK, REST, MOST_BATCH, SOLD_OUT_MEMORY = 0.05, 2.0, 500, 0.05
# (viewers, web processes, units): a process is planned for 2,500 viewers.
PLANS = [(1_000, 1, 300), (10_000, 4, 1_000), (100_000, 40, 5_000), (1_000_000, 400, 20_000)]
BACKGROUND_TICKS = 6.0  # chat and counters make a room speak so often a second when nothing is sold
LAST_SECONDS = 12.0


@dataclass
class Process:
    """One web process: its core, and what it knows."""
    members: int
    row: int = 0
    free_at: float = 0.0
    used: float = 0.0
    gathered: deque = field(default_factory=deque)
    batch_out: bool = False
    sold_out_until: float = 0.0
    room_free_at: float = 0.0
    round_due: bool = False
    shown: list = field(default_factory=list)  # (when, version)

    def work(self, now: float, seconds: float) -> float:
        """Do something as soon as the core is free; when it is done."""
        self.free_at = max(self.free_at, now) + seconds
        self.used += seconds
        return self.free_at


class Sale:
    """One flash sale."""

    def __init__(self, viewers: int, processes: int, units: int, seed: int = 1, costs: dict = COSTS, news=False,
                 rows: int = 1):
        self.costs = {name: value / (1e3 if name.endswith("_ms") else 1e6) for name, value in costs.items()}
        self.dice, self.news = random.Random(seed), news
        self.left = [units // rows] * rows  # each row serves a part of the processes
        share = math.ceil(viewers / processes)
        self.web = [Process(share, n % rows) for n in range(processes)]
        self.agenda, self.number = [], 0
        self.lock_free_at, self.lock_used = [0.0] * rows, 0.0
        self.answered, self.won, self.committed, self.ticks = [], 0, [], 0
        self.waiting_rounds = set()
        for n in range(viewers):
            self.at(self.dice.lognormvariate(-0.35, 0.8), self.tap, self.web[n % processes])
        for process in self.web:
            for n in range(int(LAST_SECONDS * BACKGROUND_TICKS)):
                self.at(n / BACKGROUND_TICKS, self.round, process)

    def at(self, when: float, what, *args) -> None:
        self.number += 1
        heapq.heappush(self.agenda, (when, self.number, what, args))

    def run(self) -> dict:
        while self.agenda:
            self.now, _, what, args = heapq.heappop(self.agenda)
            what(*args)
        return self.result()

    # -- claims

    def tap(self, process: Process) -> None:
        late = self.now < process.sold_out_until
        done = process.work(self.now, self.costs["reject_us" if late else "claim_us"])
        self.at(done, self.gather, process, self.now)

    def gather(self, process: Process, tapped: float) -> None:
        if self.now < process.sold_out_until:
            self.answered.append(self.now - tapped)
            return
        process.gathered.append(tapped)
        if not process.batch_out:
            self.send_batch(process)

    def send_batch(self, process: Process) -> None:
        """To the end of the line for the row."""
        process.batch_out = True
        batch = [process.gathered.popleft() for _ in range(min(MOST_BATCH, len(process.gathered)))]
        row = process.row
        winners = min(self.left[row], len(batch))
        self.left[row] -= winners
        takes = (self.costs["batch_ms"] + winners * self.costs["winner_us"]
                 + (len(batch) - winners) * self.costs["loser_us"])
        self.lock_free_at[row] = max(self.lock_free_at[row], self.now) + takes
        self.lock_used += takes
        self.won += winners
        self.at(self.lock_free_at[row], self.decided, process, batch, winners, self.left[row], sum(self.left))

    def decided(self, process: Process, batch: list, winners: int, left: int, in_all: int) -> None:
        if winners:
            self.committed.append((self.now, -in_all))
            self.publish()
        if not left:
            process.sold_out_until = self.now + SOLD_OUT_MEMORY
        done = process.work(self.now, len(batch) * 30e-6)  # one acknowledgement each
        self.answered += [done - tapped for tapped in batch]
        process.batch_out = False
        if process.gathered:
            self.send_batch(process)

    # -- what is told

    def publish(self) -> None:
        """At the relay's next tick, once for everything committed until then."""
        tick = (math.floor(self.now / TICK) + 1) * TICK
        if tick not in self.waiting_rounds:
            self.waiting_rounds.add(tick)
            self.at(tick + self.costs["relay_ms"], self.told, tick)

    def told(self, tick: float) -> None:
        self.ticks += 1
        version = max(version for when, version in self.committed if when <= tick)
        for process in self.web:
            self.round(process, version)
            if self.news and version == 0:
                process.sold_out_until = LAST_SECONDS * 10
                self.refuse_gathered(process)

    def refuse_gathered(self, process: Process) -> None:
        """Who waited for the row need not any more."""
        done = process.work(self.now, len(process.gathered) * 30e-6)
        self.answered += [done - tapped for tapped in process.gathered]
        process.gathered.clear()

    def round(self, process: Process, version: int | None = None) -> None:
        """One write to each member, not before the room's pause is over; what waits goes along."""
        if version is not None:
            process.shown.append([None, version])
        if process.round_due:
            return
        process.round_due = True
        self.at(max(self.now, process.room_free_at), self.write_round, process)

    def write_round(self, process: Process) -> None:
        takes = self.costs["frame_us"] + process.members * self.costs["send_us"]
        done = process.work(self.now, takes)
        process.room_free_at = max(self.now + TICK, self.now + takes * REST)
        process.round_due = False
        for entry in reversed(process.shown):
            if entry[0] is not None:
                break
            entry[0] = done  # the last member of the round

    # -- what it came to

    def result(self) -> dict:
        late = []
        for process in self.web:
            shown, place = process.shown, 0
            for when, version in self.committed:
                while place < len(shown) and shown[place][1] < version:
                    place += 1
                late.append((shown[place][0] - when) if place < len(shown) else LAST_SECONDS)
        span = max(3.0, min(LAST_SECONDS, max(self.lock_free_at))) * len(self.left)
        return {"claim_p50_ms": ms(self.answered, 0.5), "claim_p99_ms": ms(self.answered, 0.99),
                "stock_on_screen_p95_ms": ms(late, 0.95), "won": self.won, "answered": len(self.answered),
                "web_core": round(max(process.used for process in self.web) / LAST_SECONDS, 2),
                "row_busy": round(self.lock_used / span, 2), "redis_messages": self.ticks * len(self.web)}


def ms(values: list[float], part: float) -> int:
    return round(sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plan", action="append", help="VIEWERS:PROCESSES:UNITS, instead of the four of docs/scale.md")
    parser.add_argument("--news", action="store_true", help="processes learn from the news that nothing is left, and "
                                                            "refuse until they hear of more; today each asks the row")
    parser.add_argument("--rows", type=int, default=1, help="shares of an offer's stock, each a row of its own")
    options = parser.parse_args()
    plans = [tuple(map(int, plan.split(":"))) for plan in options.plan or ()] or PLANS
    print(f"{'viewers':>9} {'web':>4} {'units':>6} {'claim p50':>10} {'p99 ms':>7} {'screen p95':>11} {'web core':>9} "
          f"{'row busy':>9}")
    found = {}
    for viewers, processes, units in plans:
        one = found[viewers] = Sale(viewers, processes, units, news=options.news,
                                    rows=min(options.rows, processes)).run()
        print(f"{viewers:>9,} {processes:>4} {units:>6,} {one['claim_p50_ms']:>10} {one['claim_p99_ms']:>7} "
              f"{one['stock_on_screen_p95_ms']:>11} {one['web_core']:>9.0%} {one['row_busy']:>9.0%}")
    print(json.dumps(found))


if __name__ == "__main__":
    main()
