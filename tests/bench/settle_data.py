"""A campaign of any size, made inside PostgreSQL from row numbers, so that every run has the same rows to the bit.

Of its orders all are paid, 97 % delivered long ago, 4 % partly refunded; 1.54 commissions an order, shared unevenly
over the affiliates, 2 % held. Foreign keys are not looked up while loading (a superuser's replica mode), so holds and
stock are left out.
"""
import uuid

from sqlalchemy import text

CAMPAIGN = uuid.UUID("00000000-0000-7000-8000-00000000ca01")
MERCHANT = uuid.UUID("00000000-0000-7000-8000-00000000ca02")
RULE = uuid.UUID("00000000-0000-7000-8000-00000000ca03")


def _id(kind: str, number: str) -> str:
    """SQL of a UUID that grows with its number, as real ones do."""
    return f"('0000{kind}-0000-7000-8000-' || lpad(to_hex(({number})::bigint), 12, '0'))::uuid"


# A few large affiliates and many small ones: the square of an even spread.
# In float8: the same in numeric takes ten times as long as all the rest of the row.
_WHO = "floor(:affiliates * power((n::bigint * 2654435761 % 4294967296)::float8 / 4294967296, 2))::bigint"
_PAID = "(300 + n::bigint * 7919 % 19700)"
STEPS = (
    ("one row each", f"""
        INSERT INTO members (id, email, name, password_hash, simulated)
        SELECT {_id('0a01', 'n')}, 'a' || n || '@example.test', 'Affiliate ' || n, '!', true
        FROM generate_series(0, :affiliates) n"""),
    ("merchant", """
        INSERT INTO merchants (id, name, slug, currency, country, contact_email, delivery_note, returns_note)
        VALUES (:merchant, 'Lantern & Larch', 'bench', 'GBP', 'GB', 'b@example.test', '', '')"""),
    ("campaign", """
        INSERT INTO campaigns (id, merchant_id, name, state, currency, hold_seconds, after_sale, ended_at)
        VALUES (:campaign, :merchant, 'Bench', 'ended', 'GBP', 300, 'full_price', now())"""),
    ("affiliates", f"""
        INSERT INTO affiliates (id, member_id, display_name, about, state)
        SELECT {_id('0a02', 'n')}, {_id('0a01', 'n')}, 'Affiliate ' || n, '', 'active'
        FROM generate_series(0, :affiliates - 1) n"""),
    ("rule", """
        INSERT INTO commission_rules (id, merchant_id, campaign_id, version, rate_ppm, level2_ppm, valid, note)
        VALUES (:rule, :merchant, :campaign, 1, 80000, 20000, tstzrange('2026-01-01', NULL), '')"""),
    ("orders", f"""
        INSERT INTO orders (id, member_id, merchant_id, campaign_id, rehearsal, state, fulfilment, currency,
          total_minor, refunded_minor, fee_ppm, address, key, body_hash, paid_at, delivered_at, created_at)
        SELECT {_id('0b01', 'n')}, {_id('0a01', ':affiliates')}, :merchant, :campaign, false, 'paid', 'delivered',
          'GBP', {_PAID}, CASE WHEN n % 25 = 7 THEN {_PAID} / 3 ELSE 0 END, 30000, '{{}}', 'k' || n, '',
          '2026-09-01'::timestamptz, CASE WHEN n % 33 <> 5 THEN '2026-09-05'::timestamptz END, '2026-09-01'
        FROM generate_series(1, :orders) n"""),
    ("lines", f"""
        INSERT INTO order_lines (id, order_id, position, offer_id, stock_id, variant_id, hold_id, title, sku, quantity,
          unit_price_minor, discount_minor, terms, refunded_quantity, returned_quantity)
        SELECT {_id('0b02', 'n')}, {_id('0b01', 'n')}, 0, :campaign, :campaign, :campaign, {_id('0b03', 'n')},
          'Candle', 'SKU', 1, {_PAID}, 0, '{{}}', 0, 0 FROM generate_series(1, :orders) n"""),
    ("commissions", f"""
        INSERT INTO commissions (id, order_id, order_line_id, level, kind, affiliate_id, campaign_id, merchant_id,
          rule_id, currency, quantity, base_minor, rate_ppm, hold_days, matures_at, held, reversed_minor, created_at)
        SELECT {_id('0c01', 'n * 2 + level')}, {_id('0b01', 'n')}, {_id('0b02', 'n')}, level, 'sale',
          {_id('0a02', f"({_WHO} + (level - 1) * 17) % :affiliates")}, :campaign, :merchant, :rule, 'GBP', 1, {_PAID},
          CASE level WHEN 1 THEN 80000 ELSE 20000 END, 15,
          CASE WHEN n % 33 <> 5 THEN '2026-09-20'::timestamptz END, n % 50 = 11,
          CASE WHEN n % 25 = 7 THEN {_PAID} / 40 / level ELSE 0 END, '2026-09-01'
        FROM generate_series(1, :orders) n, generate_series(1, CASE WHEN n % 100 < 54 THEN 2 ELSE 1 END) level"""),
    ("adjustments", f"""
        INSERT INTO commission_adjustments (id, commission_id, cause_type, cause_id, amount_minor, basis_minor, note)
        SELECT {_id('0c02', 'n * 2 + level')}, {_id('0c01', 'n * 2 + level')}, 'refund', n::text,
          -({_PAID} / 40 / level), {_PAID} / 3, ''
        FROM generate_series(7, :orders, 25) n, generate_series(1, CASE WHEN n % 100 < 54 THEN 2 ELSE 1 END) level"""),
)


# Written without their indexes, which are made at the end: a third of the time. REINDEX makes them valid again.
LARGE = ("orders", "order_lines", "commissions")
_SKIP_INDEXES = ("UPDATE pg_index SET indisready = false WHERE indrelid::regclass::text "
                 "IN ('orders', 'order_lines', 'commissions')")


def make(engine, orders: int, affiliates: int) -> None:
    """Write it all. The database must be empty of such a campaign."""
    values = {"orders": orders, "affiliates": affiliates, "campaign": CAMPAIGN, "merchant": MERCHANT, "rule": RULE}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("SET LOCAL maintenance_work_mem = '512MB'"))
        connection.execute(text(_SKIP_INDEXES))
        for _name, sql in STEPS:
            connection.execute(text(sql), {key: value for key, value in values.items() if f":{key}" in sql})
        for table in LARGE:
            connection.execute(text(f"REINDEX TABLE {table}"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        # As autovacuum does to a table that has grown by a fifth; here there was no time for it.
        connection.execute(text("VACUUM (ANALYZE) orders, order_lines, commissions, commission_adjustments, "
                                "affiliates"))


# What each party must get, computed from the commissions alone.
EXPECTED = """
SELECT 'affiliate:' || affiliate_id AS owner, sum(amount_minor - reversed_minor)::bigint AS minor FROM commissions
WHERE campaign_id = :campaign AND matures_at IS NOT NULL AND NOT held GROUP BY affiliate_id
HAVING sum(amount_minor - reversed_minor) <> 0
UNION ALL
SELECT 'merchant:' || min(o.merchant_id::text), (sum(total_minor - refunded_minor - fee_minor)
  - (SELECT sum(c.amount_minor - c.reversed_minor) FROM commissions c JOIN orders p ON p.id = c.order_id
     WHERE p.delivered_at IS NOT NULL))::bigint
FROM orders o WHERE o.campaign_id = :campaign AND o.delivered_at IS NOT NULL"""
PAID_OUT = """
SELECT a.owner, sum(CASE WHEN t.credit_id = a.id THEN t.amount_minor ELSE -t.amount_minor END)::bigint AS minor
FROM ledger_accounts a JOIN ledger_transfers t ON t.credit_id = a.id WHERE a.kind = 'payable' GROUP BY a.owner"""


def expected(connection) -> dict[str, int]:
    return dict(connection.execute(text(EXPECTED), {"campaign": CAMPAIGN}).all())


def paid_out(connection) -> dict[str, int]:
    return dict(connection.execute(text(PAID_OUT)).all())
