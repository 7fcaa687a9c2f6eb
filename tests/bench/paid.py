"""Orders paid a second, with attribution and commission in the payment's transaction and without.

    python tests/bench/paid.py [ORDERS]      last line JSON; fsync on, one process, one order at a time by turns
"""
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))


def main(arguments: list[str]) -> int:
    """Both kinds by turns, so that whatever else the machine does falls on both."""
    count = int(arguments[0]) if arguments else 400
    from core import embedded
    folder = Path(tempfile.mkdtemp(prefix="livestall-bench-"))
    try:
        print(json.dumps(measure(count, embedded.start(folder, durable=True), folder)))
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def measure(count: int, urls: tuple[str, str], folder: Path) -> dict:
    from sqlalchemy import text
    from sqlalchemy.orm import Session

    from app import create_app
    from core import config, db, migrations
    from orders import moments
    from tests.affiliates.replay import Sale, Stage
    settings = config.load({"APP_ENV": "test", "DATABASE_URL": urls[0], "REDIS_URL": urls[1], "SECRET_KEY": "t" * 40,
                            "BASE_URL": "http://127.0.0.1:8000", "DATA_DIR": str(folder)}, env_file=None)
    app = create_app(settings, TESTING=True, SOCKET_MODE="threading")
    migrations.upgrade(db.engine())
    sales = [Sale(f"{100000 + n}", str(1 + n % 200), [(f"CODE{n % 50}", 1, 210)]) for n in range(2 * count)]
    ours = {moment: [call for call in moment.calls if call.__module__ == "affiliates.hooks"]
            for moment in (moments.PLACED, moments.PAID)}
    spent = {True: 0.0, False: 0.0}
    with app.app_context(), Session(db.engine(), expire_on_commit=False) as session:
        stage = Stage(session, sales)
        for place, sale in enumerate(sales):
            taking_part = place % 2 == 0
            for moment, calls in ours.items():
                moment.calls[:] = [call for call in moment.calls if call not in calls] + (calls if taking_part else [])
            began = time.perf_counter()
            stage.sell(sale)
            spent[taking_part] += time.perf_counter() - began
        earned = session.scalar(text("SELECT count(DISTINCT order_id) FROM commissions"))
    return {"orders": count, "with_commission": earned, "orders_per_s_hot_path": round(count / spent[True], 1),
            "orders_per_s_without": round(count / spent[False], 1),
            "ms_more_an_order": round((spent[True] - spent[False]) / count * 1000, 2)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
