"""Play a whole file of invoices through orders and affiliates and compare every affiliate's sum with plain Python.

    python scripts/replay.py FILE      on a private database that is thrown away; exit 1 if one penny differs
"""
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def main(arguments: list[str]) -> int:
    """Play the file; the last line says how many parties differ."""
    if len(arguments) != 1 or not Path(arguments[0]).is_file():
        print(__doc__)
        return 2
    from core import embedded
    folder = Path(tempfile.mkdtemp(prefix="livestall-replay-"))
    try:
        return compare(Path(arguments[0]), embedded.start(folder, durable=False), folder)
    finally:
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


def compare(path: Path, urls: tuple[str, str], folder: Path) -> int:
    from sqlalchemy.orm import Session

    from app import create_app
    from campaigns.catalogue import checks as catalogue
    from campaigns.stock import checks as stock
    from core import config, db, migrations
    from core.checks import violations
    from tests.affiliates.replay import Sale, play, read, reckon
    settings = config.load({"APP_ENV": "test", "DATABASE_URL": urls[0], "REDIS_URL": urls[1], "SECRET_KEY": "t" * 40,
                            "BASE_URL": "http://127.0.0.1:8000", "DATA_DIR": str(folder)}, env_file=None)
    app = create_app(settings, TESTING=True, SOCKET_MODE="threading")
    migrations.upgrade(db.engine())
    events, lost = read(path)
    sales = sum(isinstance(event, Sale) for event in events)
    print(f"{sales} sales, {len(events) - sales} returns; {lost} cancelled units are of sales before the file")
    with app.app_context(), Session(db.engine(), expire_on_commit=False) as session:
        began = time.monotonic()
        stage, raised_after = play(session, events)
        print(f"played in {time.monotonic() - began:.0f} s")
        ours, expected = stage.sums(), reckon(events, raised_after)
        # The file's units were neither counted into a shop nor claimed in a show: rules of stock do not apply.
        of_stock = {rule for rule, _sql in (*catalogue.CHECKS, *stock.CHECKS)}
        broken = [(rule, row) for rule, row in violations(session) if rule not in of_stock]
    apart = {who: (ours.get(who, 0), expected.get(who, 0)) for who in {*ours, *expected}
             if ours.get(who, 0) != expected.get(who, 0)}
    for who, (has, should) in sorted(apart.items()):
        print(f"promoter {who}: {has} here, {should} in plain Python")
    for rule, row in broken[:5]:
        print(f"BROKEN {rule}: {row}")
    print(f"{len(expected)} parties, {sum(expected.values())} pence, {len(apart)} apart, {len(broken)} rules broken")
    return 1 if apart or broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
