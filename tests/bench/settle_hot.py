"""Orders paid per second with all that belongs to it in one transaction: payment, attribution's commissions on two
levels, transfers, stock, letters and events. Two threads, each commit waits for the disk.

    python tests/bench/settle_hot.py [ORDERS]      alone; last line JSON
"""
import json
import shutil
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sqlalchemy import event, text  # noqa: E402

import core.db  # noqa: E402
from core import clock, embedded  # noqa: E402
from core.db import transaction  # noqa: E402
from core.ids import new_id  # noqa: E402
from orders.payments import Result, apply  # noqa: E402
from tests import factories  # noqa: E402

THREADS, OFFERS = 2, 4
ROWS = (
    """INSERT INTO holds (id, stock_id, offer_id, member_id, quantity, price_minor, state, source, created_at,
                          expires_at)
       VALUES (:hold, :stock, :offer, :member, 1, 1999, 'held', 'claim', now(), now() + interval '1 day')""",
    """INSERT INTO orders (id, member_id, merchant_id, campaign_id, rehearsal, state, fulfilment, currency, total_minor,
                           refunded_minor, address, key, body_hash)
       VALUES (:order, :member, :merchant, :campaign, false, 'awaiting_payment', 'none', 'GBP', 1999, 0,
               '{"name": "Bench", "line1": "14 Larch Road", "line2": "", "postcode": "LS1 4AB", "city": "Leeds",
                 "country": "GB", "phone": ""}', :key, '')""",
    """INSERT INTO order_lines (id, order_id, position, offer_id, stock_id, variant_id, hold_id, title, sku, quantity,
                                unit_price_minor, discount_minor, terms, refunded_quantity, returned_quantity)
       VALUES (:line, :order, 0, :offer, :stock, :variant, :hold, 'Candle', 'SKU', 1, 1999, 0, '{}', 0, 0)""",
    """INSERT INTO payments (id, order_id, provider, method, state, amount_minor, currency, refunded_minor, key, checks)
       VALUES (:payment, :order, 'sandbox', 'bank_page', 'pending', 1999, 'GBP', 0, :key, 0)""",
    """INSERT INTO attributions (order_id, merchant_id, campaign_id, affiliate_id, leader_id, tier, source,
                                 policy_version, policy, candidates, rules)
       VALUES (:order, :merchant, :campaign, :affiliate, :leader, 'standard', 'click', 0,
               '{"sources": ["click"], "window_days": 7, "bind_days": 180}',
               cast(:candidates AS jsonb), cast(:rules AS jsonb))""")


def measure(app, count: int, used: Callable[[], float]) -> dict:
    """Prepare `count` orders that wait for their money, then tell of all the money: orders_per_s, statements an order,
    and cpu_ms an order, of this process and PostgreSQL's, by `used()` (seconds so far)."""
    count -= count % OFFERS
    with transaction() as db:
        rows = _rows(db, count)
    with core.db.engine().begin() as connection:
        for sql in ROWS:
            connection.execute(text(sql), rows)
        connection.execute(text('UPDATE offer_stock SET held = (SELECT count(*) FROM holds h WHERE h.stock_id = '
                                'offer_stock.id), "left" = 0'))
        connection.execute(text("ANALYZE"))
    todo, failures, statements = iter(rows), [], [0]

    @event.listens_for(core.db.engine(), "before_cursor_execute")
    def count_one(*_what):
        statements[0] += 1  # some are lost between two threads: a figure for people

    def pay():
        with app.app_context():
            for row in todo:
                try:
                    with transaction() as db:
                        effect = apply.apply_result(db, row["payment"], Result("succeeded", row["key"], 1999, "GBP"))
                    assert effect == "paid", effect
                except Exception as error:
                    failures.append(error)
    threads = [threading.Thread(target=pay) for _ in range(THREADS)]
    begun, used_before = time.perf_counter(), used()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took, spent = time.perf_counter() - begun, used() - used_before
    event.remove(core.db.engine(), "before_cursor_execute", count_one)
    assert not failures, failures[0]
    with core.db.engine().connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM commissions")).scalar() == 2 * count
        assert connection.execute(text("SELECT count(*) FROM ledger_transfers")).scalar() == count
    return {"orders_per_s": round(count / took, 1), "statements": round(statements[0] / count),
            "cpu_ms": round(1000 * spent / count, 1)}


def _rows(db, count: int) -> list[dict]:
    shop = factories.merchant(db)
    leader = factories.affiliate(db, shop=shop)
    people = [factories.affiliate(db, shop=shop, parent=leader) for _ in range(50)]
    buyers = [factories.member(db) for _ in range(50)]
    rule = factories.commission_rule(db, shop, rate_ppm=80_000, level2_ppm=20_000,
                                     since=clock.now() - timedelta(days=1))
    what, offers = factories.campaign(db, shop), []
    for _ in range(OFFERS):
        goods = factories.variant(db, shop, on_hand=count)
        offers.append((factories.offer(db, what, goods, price_minor=1999, allotment=count // OFFERS,
                                       limit_per_member=1000), goods))
    what.state = "live"
    db.flush()
    stocks = [(factories.stock(db, offer), offer, goods) for offer, goods in offers]
    rows = []
    for n in range(count):
        stock, offer, goods = stocks[n % OFFERS]
        line = new_id()
        rows.append({"hold": new_id(), "order": new_id(), "line": line, "payment": new_id(), "key": uuid.uuid4().hex,
                     "stock": stock.id, "offer": offer.id, "variant": goods.id, "member": buyers[n % 50].id,
                     "merchant": shop.id, "campaign": what.id, "affiliate": people[n * 7 % 50].id,
                     "leader": leader.id, "candidates": json.dumps([{
                         "source": "click", "affiliate_id": str(people[n * 7 % 50].id), "outcome": "won",
                         "at": clock.iso(clock.now() - timedelta(hours=5))}]),
                     "rules": f'[{{"line_id": "{line}", "rule_id": "{rule.id}", "hold_days": 15}}]'})
    return rows


def main(arguments: list[str]) -> None:
    from tests.bench.settle import fresh_app, processor_seconds
    folder = Path(tempfile.mkdtemp(prefix="livestall-bench-hot-"))
    try:
        app = fresh_app(*embedded.start(folder), folder, "benchhot")
        print(json.dumps(measure(app, int(arguments[0]) if arguments else 1000, lambda: processor_seconds(folder))))
    finally:
        core.db.engine().dispose()
        embedded.stop(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1:])
