"""`python -m tests.faults.chaos`: a sale of real clients while one thing breaks at a time; a table, one JSON line last.

Options: --short (the most telling faults, one seed), --crowd 60, --seeds 3, --only 5,9. Exit code 1 on any violation.
"""
from gevent import monkey

monkey.patch_all()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import shutil  # noqa: E402
import signal  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
import time  # noqa: E402
import traceback  # noqa: E402
from pathlib import Path  # noqa: E402

import gevent  # noqa: E402

from core import config  # noqa: E402
from core.children import raise_file_limit  # noqa: E402
from tests.faults.rig import Rig  # noqa: E402
from tests.faults.sale import Sale  # noqa: E402
from tests.faults.scenarios import FAULTS  # noqa: E402

HEAD = (f"{'fault':<58} {'seed':>4} {'won':>5} {'paid':>5} {'no sale s':>9} {'wait p99 s':>10} {'line back s':>11} "
        f"{'agree s':>7}  result")
START_SECONDS = 15.0


def application(rig):
    """Ours, on the rig's database: it makes accounts and signs their cookies; it serves nothing."""
    from app import create_app
    settings = config.load({**rig.env("chore"), "APP_ENV": "development"}, env_file=None)
    return create_app(settings)


def one(sale, number, name, promise, break_it, seed: int, short: bool) -> dict:
    """One fault in a running sale, and the verdict. The row of the table."""
    for buyer in sale.buyers:
        buyer.dice.seed(f"{seed}:{number}:{buyer.member_id}")
        buyer.lost_seconds.clear()
        buyer.delayed = 0
    diary = sale.diary
    diary.waits.clear()
    diary.seen.clear()
    won, paid, began = len(diary.won_at), len(diary.paid_at), time.monotonic()
    row = {"number": number, "fault": name, "seed": seed, "result": "ok", "agree": None}
    try:
        sale.tap(True)
        gevent.sleep(random.Random(seed).uniform(0.5, 2.0))
        said = break_it(sale, short)
        row["gap"] = round(diary.longest_gap(began, time.monotonic()), 2)
        gevent.sleep(1)
        row["agree"] = round(sale.verdict()["agreed"], 2)
        most = promise * sale.slack
        assert row["gap"] <= most, f"nobody could buy for {row['gap']} s, promised are {most:.0f}"
        row["result"] = f"ok ({said})" if said else "ok"
    except Exception as broken:
        traceback.print_exc()
        row["result"] = f"VIOLATION {broken}"
        _mend(sale)
    row["slowest"] = max(diary.slow, default=None)
    diary.slow.clear()
    waits = sorted(diary.waits)
    lost = sorted(seconds for buyer in sale.buyers for seconds in buyer.lost_seconds)
    row.update(won=len(diary.won_at) - won, paid=len(diary.paid_at) - paid, seconds=round(time.monotonic() - began, 1),
               wait_p99=_share(waits, 0.99), line_back_p95=_share(lost, 0.95), codes=dict(diary.seen),
               told_late=sum(buyer.delayed > 0 for buyer in sale.buyers))
    print(f"{number:>3} {name[:54]:<54} {seed:>4} {row['won']:>5} {row['paid']:>5} {row.get('gap', '–'):>9} "
          f"{row['wait_p99']:>10} {row['line_back_p95']:>11} {row['agree'] if row['agree'] is not None else '–':>7}  "
          f"{row['result'][:200]}", flush=True)
    return row


def _share(values: list, share: float) -> float:
    return round(values[min(len(values) - 1, int(len(values) * share))], 2) if values else 0.0


def _mend(sale) -> None:
    """After a violation: everything whole again, so that the next fault is judged by itself."""
    rig = sale.rig
    sale.tap(False)
    rig.disarm()
    rig.free_disk()
    for proxy in (rig.front, rig.to_valkey, rig.to_postgres):
        proxy.heal()
    if rig.valkey.poll() is not None:
        rig.start_valkey()
    sale.diary.wrong.clear()
    sale.diary.unanswered.clear()
    rig.wait_ready(90)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--crowd", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the rig takes down what it put up
    raise_file_limit()
    only = {int(word) for word in given.only.split(",") if word}
    chosen = [one for one in FAULTS if (one[0] in only if only else one[3] or not given.short)]
    folder, began, rows = Path(tempfile.mkdtemp(prefix="livestall-chaos-")), time.monotonic(), []
    try:
        with Rig(folder) as rig:
            sale = Sale(rig, application(rig), given.crowd)
            rig.start_all()
            sale.open()
            # An idle machine of two cores has all five processes and 60 buyers in after 15 s; a busy one is slower in
            # everything, and so are its promises.
            sale.slack = max(1.0, (time.monotonic() - began) / START_SECONDS)
            sale.diary.patience *= min(sale.slack, 5)
            print(f"{given.crowd} buyers are in after {time.monotonic() - began:.0f} s\n{HEAD}", flush=True)
            for number, name, promise, _short, break_it in chosen:
                rows += [one(sale, number, name, promise, break_it, seed, given.short)
                         for seed in range(1, (1 if given.short else given.seeds) + 1)]
            sale.close()
            books = rig.run("check").strip().splitlines()[-1]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    violations = [row for row in rows if row["result"].startswith("VIOLATION")]
    print(json.dumps({"faults": len(chosen), "runs": len(rows), "violations": len(violations), "crowd": given.crowd,
                      "check": books, "slack": round(sale.slack, 1), "won": sum(row["won"] for row in rows),
                      "paid": sum(row["paid"] for row in rows), "host_acts": sale.host_acts,
                      "seconds": round(time.monotonic() - began, 1), "rows": rows}))
    return int(bool(violations))


if __name__ == "__main__":
    sys.exit(main())
