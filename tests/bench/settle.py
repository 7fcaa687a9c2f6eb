"""`make bench-settle`: settle and audit a campaign of 1,000,000 orders and one of 2,000,000, fsync on, in one run.

Beside it, in the same run: an ORM that settles a sample row by row, and orders paid per second with everything that
happens in their transaction. The last line is JSON.
"""
import argparse
import contextlib
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psutil  # noqa: E402
from sqlalchemy import create_engine, select, text  # noqa: E402
from sqlalchemy.orm import Session  # noqa: E402

import core.db  # noqa: E402
from core import config, embedded, migrations  # noqa: E402
from core.ids import new_id  # noqa: E402
from tests.bench import settle_data  # noqa: E402


def fresh_app(database_url: str, redis_url: str, folder: Path, name: str, exists: bool = False):
    """The application on a new, migrated database, or on one that is there."""
    from app import create_app
    admin = create_engine(database_url, isolation_level="AUTOCOMMIT")
    if not exists:
        with admin.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    url = admin.url.set(database=name).render_as_string(hide_password=False)
    settings = config.load({"APP_ENV": "test", "DATABASE_URL": url, "REDIS_URL": redis_url, "SECRET_KEY": "b" * 40,
                            "DATA_DIR": str(folder / "data")}, env_file=None)
    app = create_app(replace(settings, db_pool_size=10), SOCKET_MODE="threading")
    migrations.upgrade(core.db.engine())
    return app


def processor_seconds(folder: Path) -> float:
    """What this process and all of PostgreSQL's have used of the processor so far, in seconds: unlike the clock it does
    not tell what else the machine was doing."""
    server = psutil.Process(int((folder / "postgres/cluster/postmaster.pid").read_text().split("\n")[0]))
    times = [server.cpu_times()]
    for child in server.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times.append(child.cpu_times())
    return time.process_time() + sum(one.user + one.system for one in times) \
        + times[0].children_user + times[0].children_system


def settle(app, folder: Path | None = None) -> dict:
    """Seconds of settling and of auditing, by the job that a worker calls; the figures compared with a plain sum."""
    from affiliates.settlement import actions, jobs
    from core.db import transaction
    with app.app_context():
        begun, used = time.perf_counter(), processor_seconds(folder) if folder else 0
        with transaction() as db:
            run, _fresh = actions.open_run(db, settle_data.CAMPAIGN)
        jobs.begin(run.id)
        chunks = 0
        while jobs._one(run.id):
            chunks += 1
        with transaction() as db:
            actions.finish(db, run.id)
        settled = time.perf_counter()
        jobs.audit(run.id)
        audited = time.perf_counter()
        used = processor_seconds(folder) - used if folder else 0
        with transaction() as db:
            again, _fresh = actions.open_run(db, settle_data.CAMPAIGN)
        jobs.settle(str(again.id))
        second = time.perf_counter()
        with transaction() as db:
            run, again = db.get(type(run), run.id), db.get(type(again), again.id)
    assert run.state == "audited", run.result
    assert (again.result["items"], again.result["adjustments"], again.result["merchant_minor"]) == (0, 0, 0)
    with core.db.engine().connect() as connection:
        assert settle_data.paid_out(connection) == settle_data.expected(connection), "sums differ"
    return {"settle_s": settled - begun, "audit_s": audited - settled, "again_s": second - audited, "chunks": chunks,
            "cpu_s": used, "load": os.getloadavg()[0],
            "items": run.result["items"], "parties": run.result["parties"]}


def rowwise(app, sample: int) -> float:
    """Commissions settled per second the way an ORM invites to: load, add an item, add to a balance, commit."""
    from affiliates.commission.models import Commission
    from affiliates.settlement.models import SettlementItem
    with core.db.engine().begin() as connection:
        connection.execute(text("CREATE TABLE rowwise (affiliate_id uuid PRIMARY KEY, minor bigint NOT NULL)"))
        connection.execute(text("INSERT INTO rowwise SELECT id, 0 FROM affiliates"))
    run_id, begun = new_id(), time.perf_counter()
    with Session(core.db.engine()) as db:
        ids = db.scalars(select(Commission.id).where(Commission.held).limit(sample)).all()
        for id_ in ids:
            one = db.get(Commission, id_)
            db.add(SettlementItem(affiliate_id=one.affiliate_id, commission_id=one.id, run_id=run_id,
                                  amount_minor=one.amount_minor))
            db.execute(text("UPDATE rowwise SET minor = minor + :minor WHERE affiliate_id = :id"),
                       {"minor": one.amount_minor, "id": one.affiliate_id})
            db.commit()
    return len(ids) / (time.perf_counter() - begun)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--orders", type=int, default=1_000_000)
    options.add_argument("--affiliates", type=int, default=20_000)
    options.add_argument("--sample", type=int, default=2_000)
    options.add_argument("--paid", type=int, default=1_500, help="orders of the hot path")
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="livestall-bench-settle-"))
    try:
        print(json.dumps(run(folder, given)))
    finally:
        if core.db._engine is not None:
            core.db.engine().dispose()
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def run(folder: Path, given) -> dict:
    database_url, redis_url = embedded.start(folder)  # fsync on
    sizes = {}
    for times in (1, 2):
        app = fresh_app(database_url, redis_url, folder, f"bench{times}")
        begun = time.perf_counter()
        settle_data.make(core.db.engine(), given.orders * times, given.affiliates)
        print(f"{given.orders * times:,} orders made in {time.perf_counter() - begun:.1f} s", flush=True)
        sizes[times] = settle(app, folder)
        print(f"{given.orders * times:,} orders: " + ", ".join(
            f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value:,}"
            for name, value in sizes[times].items()), flush=True)
        # What the worker itself needed so far; PostgreSQL's own memory is not in it.
        memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        if times == 1:
            slow = rowwise(app, given.sample)
    from tests.bench import settle_hot
    hot = settle_hot.measure(fresh_app(database_url, redis_url, folder, "benchhot"), given.paid,
                             lambda: processor_seconds(folder))
    whole = {times: one["settle_s"] + one["audit_s"] for times, one in sizes.items()}
    # The rows beside it are settled and not audited, so ours are counted that way too.
    fast = sizes[1]["items"] / sizes[1]["settle_s"]
    return {"settle_1m_s": round(whole[1], 2), "audit_s": round(sizes[1]["audit_s"], 2),
            "growth": round(whole[2] / whole[1], 2), "orders_per_s_hot_path": hot["orders_per_s"], "hot_path": hot,
            "cpu_s": round(sizes[1]["cpu_s"], 2), "cpu_growth": round(sizes[2]["cpu_s"] / sizes[1]["cpu_s"], 2),
            "load": [round(one["load"], 1) for one in sizes.values()],
            "rowwise_ratio": round(fast / slow), "rowwise_per_s": round(slow),
            "rowwise_ratio_with_our_audit": round(sizes[1]["items"] / whole[1] / slow), "worker_mb": round(memory_mb),
            "again_s": round(sizes[1]["again_s"], 2), "orders": given.orders, "items": sizes[1]["items"],
            "parties": sizes[1]["parties"]}


if __name__ == "__main__":
    main()
