"""`make chaos-settle`: a million orders settled while everything dies, and the totals of a quiet run beside it.

Two schedulers open and wake the same run again and again; two workers are killed with -9 every second or two, parent
only, child only or both; PostgreSQL is stopped in the middle without a goodbye and started again. The last line is
JSON: whether every party's total is identical, how many kills there were, and how long it took.
"""
import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402
from sqlalchemy import create_engine, text  # noqa: E402

import core.db  # noqa: E402
from core import embedded  # noqa: E402
from core.embedded import postgres  # noqa: E402
from tests.bench import settle, settle_data  # noqa: E402


class Storm:
    """Workers that are killed and replaced, until `over` is set."""

    def __init__(self, env: dict, log, rest: tuple[float, float]):
        self.env, self.log, self.rest = env, log, rest
        self.kills, self.over = {"parent": 0, "child": 0, "both": 0}, threading.Event()
        self.workers = [self._worker() for _ in range(2)]
        self.begun: set[int] = set()
        self.thread = threading.Thread(target=self._rage)
        self.dice = random.Random(4)

    def _worker(self):
        return subprocess.Popen([sys.executable, "app.py", "worker"], cwd=ROOT, env=self.env, stdout=self.log,
                                stderr=self.log)

    def _rage(self):
        while not self.over.wait(self.dice.uniform(*self.rest)):
            n = self.dice.randrange(2)
            self._strike(self.workers[n], self.dice.choice(list(self.kills)))
            if self.workers[n].poll() is not None:
                self.workers[n] = self._worker()

    def _strike(self, worker, how: str) -> None:
        """Children first where both die. Killed parents leave their child running: then two do the same work.

        A worker that has not taken a job yet is no target: where starting takes longer than a life, nothing lives."""
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(worker.pid).children(recursive=True)
            if children:
                self.begun.add(worker.pid)
            if worker.pid not in self.begun:
                return
            if how == "child" and not children:
                how = "parent"  # it was idle
            if how != "parent":
                for child in children:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        child.send_signal(signal.SIGKILL)
            if how != "child":
                worker.send_signal(signal.SIGKILL)
                worker.wait()
            self.kills[how] += 1

    def end(self):
        self.over.set()
        self.thread.join()
        for worker in self.workers:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(worker.pid).children(recursive=True):
                    child.kill()
            worker.kill()
            worker.wait()


def scheduler(app, over: threading.Event, every: float) -> None:
    """Opens the run that is open already, and wakes it; what is away is away."""
    from affiliates.settlement import actions, jobs
    from core.db import transaction
    with app.app_context():
        while not over.is_set():
            with contextlib.suppress(Exception):
                with transaction() as db:
                    run, _fresh = actions.open_run(db, settle_data.CAMPAIGN)
                jobs.wake(run.id)
            over.wait(every)


def restart_database(folder: Path) -> None:
    """An immediate stop, as a power cut to it, and its recovery."""
    pid = int((folder / "postgres/cluster/postmaster.pid").read_text().split("\n")[0])
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
    postgres.start(folder / "postgres", durable=True)


def wait_audited(watch, seconds: float) -> bool:
    """Whether the first run was audited in time; the database may be away meanwhile."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(Exception), watch.connect() as connection:
            if connection.execute(text("SELECT state = 'audited' FROM settlement_runs WHERE seq = 1")).scalar():
                return True
        time.sleep(0.2)
    return False


def storm(folder: Path, app, urls, seconds: float, rest: tuple[float, float], restart_after: float) -> dict:
    """Settle under fire; kills by kind, seconds, and whether it came to an end."""
    watch = create_engine(app.config["LIVESTALL"].database_url, pool_pre_ping=True)
    env = {**os.environ, "APP_ENV": "test", "DATABASE_URL": app.config["LIVESTALL"].database_url, "REDIS_URL": urls[1],
           "SECRET_KEY": "b" * 40, "DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json"}
    with open(folder / "workers.log", "ab") as log:
        begun, raging = time.monotonic(), Storm(env, log, rest)
        over = raging.over
        schedulers = [threading.Thread(target=scheduler, args=(app, over, 0.7 + n / 3)) for n in range(2)]
        for thread in (*schedulers, raging.thread):
            thread.start()
        cut = threading.Timer(restart_after, restart_database, [folder])
        cut.start()
        try:
            done = wait_audited(watch, seconds)
            took = time.monotonic() - begun
            cut.join()
        finally:
            raging.end()
            for thread in schedulers:
                thread.join()
    watch.dispose()
    return {"done": done, "seconds": round(took, 1), "kills": raging.kills}


def compare(quiet: dict, app) -> dict:
    """The stormy totals beside the quiet ones, and the rules of settlement and ledger."""
    from affiliates.settlement.checks import CHECKS
    from ledger.checks import CHECKS as LEDGER
    with core.db.engine().connect() as connection:
        stormy = settle_data.paid_out(connection)
        twice = connection.execute(text(
            "SELECT count(*) - count(DISTINCT commission_id) FROM settlement_items")).scalar()
        broken = [name for name, sql in (*CHECKS, *LEDGER) if connection.execute(text(sql)).first()]
    return {"identical": stormy == quiet and not broken, "parties": len(stormy), "settled_twice": twice,
            "total_minor": sum(stormy.values()), "broken": broken}


def run(folder: Path, given) -> dict:
    urls = embedded.start(folder)
    app = settle.fresh_app(*urls, folder, "quiet")
    settle_data.make(core.db.engine(), given.orders, given.affiliates)
    core.db.engine().dispose()
    admin = create_engine(urls[0], isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("CREATE DATABASE stormy TEMPLATE quiet STRATEGY file_copy"))
    admin.dispose()
    print(f"{given.orders:,} orders made; the quiet run …", flush=True)
    calm = settle.settle(app)
    with core.db.engine().connect() as connection:
        quiet = settle_data.paid_out(connection)
    print(f"quiet: {calm['settle_s']:.1f} s, audit {calm['audit_s']:.1f} s; now the storm …", flush=True)
    app = settle.fresh_app(*urls, folder, "stormy", exists=True)
    result = storm(folder, app, urls, given.seconds, (given.least, given.most), max(2.0, calm["settle_s"] / 2))
    result |= compare(quiet, app)
    result["identical"] = result["identical"] and result.pop("done")
    return {**result, "kills": sum(result["kills"].values()), "kinds": result["kills"], "orders": given.orders,
            "quiet_s": round(calm["settle_s"] + calm["audit_s"], 1)}


def options(words=None):
    parser = argparse.ArgumentParser()
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--affiliates", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=600, help="give up after")
    parser.add_argument("--least", type=float, default=1.0, help="seconds between kills, at least")
    parser.add_argument("--most", type=float, default=2.0)
    return parser.parse_args(words)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="livestall-chaos-settle-"))
    try:
        result = run(folder, options())
        print(json.dumps(result))
        sys.exit(0 if result["identical"] else 1)
    finally:
        if core.db._engine is not None:
            core.db.engine().dispose()
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
