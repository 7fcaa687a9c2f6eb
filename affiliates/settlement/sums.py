"""Which commissions, adjustments and orders are due, in SQL that the dry run and the run share."""
from sqlalchemy import text

# Every side of a join is bounded by the chunk's range: without it each chunk read all that was settled before it.
# Commissions that are past their days, free, and were not settled.
ITEMS = """
SELECT c.affiliate_id, c.id AS commission_id, c.amount_minor FROM commissions c
LEFT JOIN settlement_items i ON i.affiliate_id = c.affiliate_id AND i.commission_id = c.id
  AND i.affiliate_id BETWEEN :lo AND :hi
WHERE c.campaign_id = :campaign_id AND c.affiliate_id BETWEEN :lo AND :hi AND c.matures_at <= :cutoff AND NOT c.held
  AND i.commission_id IS NULL
ORDER BY c.affiliate_id, c.id"""
# Adjustments of commissions settled now or before, that were not settled themselves. Where nothing is reversed and
# nothing was adjusted in a run before, the sum of what is left out is 0. What is due is settled now, if it was not
# before: to ask the rows just written instead (`items`) took a fifth of the statement.
ADJUSTMENTS = """
SELECT t.affiliate_id, a.id AS adjustment_id, t.id AS commission_id, a.amount_minor FROM (
  SELECT c.affiliate_id, c.id, c.matures_at <= :cutoff AND NOT c.held AS due FROM commissions c
  WHERE c.campaign_id = :campaign_id AND c.affiliate_id BETWEEN :lo AND :hi AND c.reversed_minor > 0
  UNION
  SELECT c.affiliate_id, c.id, c.matures_at <= :cutoff AND NOT c.held
  FROM settlement_adjustments s JOIN commissions c ON c.id = s.commission_id
  WHERE s.affiliate_id BETWEEN :lo AND :hi AND c.campaign_id = :campaign_id) t
JOIN commission_adjustments a ON a.commission_id = t.id
LEFT JOIN settlement_adjustments s ON s.affiliate_id = t.affiliate_id AND s.adjustment_id = a.id
  AND s.affiliate_id BETWEEN :lo AND :hi
WHERE s.adjustment_id IS NULL AND (t.due OR (t.affiliate_id, t.id) IN (
  SELECT affiliate_id, commission_id FROM settlement_items WHERE affiliate_id BETWEEN :lo AND :hi))"""
PER_PARTY = """
SELECT affiliate_id, sum(n)::bigint AS items, sum(m)::bigint AS adjustments, sum(minor)::bigint AS amount_minor,
       sum(gross)::bigint AS gross_minor
FROM (SELECT affiliate_id, 1 AS n, 0 AS m, amount_minor AS minor, amount_minor AS gross FROM items
      UNION ALL
      SELECT affiliate_id, 0, 1, amount_minor, 0 FROM adjustments) both_kinds
GROUP BY affiliate_id"""

# No ON CONFLICT: the chunk's lock keeps others away, a double would be a fault to hear of, and asking costs a third.
TAKE = text(f"""
WITH items AS (
  INSERT INTO settlement_items (affiliate_id, commission_id, run_id, amount_minor)
  SELECT affiliate_id, commission_id, :run_id, amount_minor FROM ({ITEMS}) due
  RETURNING affiliate_id, commission_id, amount_minor),
adjustments AS (
  INSERT INTO settlement_adjustments (affiliate_id, adjustment_id, commission_id, run_id, amount_minor)
  SELECT affiliate_id, adjustment_id, commission_id, :run_id, amount_minor FROM ({ADJUSTMENTS}) due
  RETURNING affiliate_id, amount_minor)
{PER_PARTY} ORDER BY affiliate_id""")  # noqa: S608 - fragments of this file
PREVIEW = text(f"""
WITH items AS MATERIALIZED ({ITEMS}), adjustments AS MATERIALIZED ({ADJUSTMENTS})
{PER_PARTY} ORDER BY amount_minor DESC, affiliate_id""")  # noqa: S608 - fragments of this file

# Orders that are through: every commission of them is past its days, held or not; without one, the merchant's days
# after delivery. An order that went back whole, to the buyer or to the buyer's bank, is through at once.
# Nearly all orders are through, so the few that are not are looked for, and taken off the sums of all.
MERCHANT = text("""
WITH waiting AS MATERIALIZED (
  SELECT DISTINCT order_id FROM commissions
  WHERE campaign_id = :campaign_id AND kind = 'sale' AND (matures_at IS NULL OR matures_at > :cutoff)),
later AS MATERIALIZED (
  SELECT o.id, o.total_minor, o.refunded_minor, o.disputed_minor, o.fee_minor FROM orders o
  WHERE o.campaign_id = :campaign_id AND o.paid_at IS NOT NULL AND NOT o.rehearsal AND NOT coalesce(
    o.paid_at <= :cutoff AND (o.refunded_minor + o.disputed_minor >= o.total_minor
      OR o.delivered_at <= :cutoff AND NOT EXISTS (SELECT FROM waiting w WHERE w.order_id = o.id) AND (
        o.delivered_at + make_interval(days => :hold_days) <= :cutoff
        OR EXISTS (SELECT FROM commissions c WHERE c.order_id = o.id AND c.kind = 'sale'))), false)),
paid AS (
  SELECT count(*) AS orders, count(*) FILTER (WHERE total_minor > refunded_minor + disputed_minor) AS worth,
    coalesce(sum(total_minor), 0) AS sales, coalesce(sum(refunded_minor), 0) AS refunds,
    coalesce(sum(disputed_minor), 0) AS disputes, coalesce(sum(fee_minor), 0) AS fees
  FROM orders WHERE campaign_id = :campaign_id AND paid_at IS NOT NULL AND NOT rehearsal),
not_yet AS (
  SELECT count(*) AS orders, count(*) FILTER (WHERE total_minor > refunded_minor + disputed_minor) AS worth,
    coalesce(sum(total_minor), 0) AS sales, coalesce(sum(refunded_minor), 0) AS refunds,
    coalesce(sum(disputed_minor), 0) AS disputes, coalesce(sum(fee_minor), 0) AS fees
  FROM later)
SELECT p.orders - n.orders AS orders, p.worth - n.worth AS through, (p.sales - n.sales)::bigint AS sales_minor,
  (p.refunds - n.refunds)::bigint AS refunds_minor, (p.disputes - n.disputes)::bigint AS disputes_minor,
  (p.fees - n.fees)::bigint AS fees_minor,
  ((SELECT coalesce(sum(amount_minor - reversed_minor), 0) FROM commissions WHERE campaign_id = :campaign_id)
   - (SELECT coalesce(sum(c.amount_minor - c.reversed_minor), 0) FROM later JOIN commissions c ON c.order_id = later.id
      WHERE c.campaign_id = :campaign_id))::bigint AS commissions_minor,
  (SELECT coalesce(sum(m.amount_minor), 0) FROM settlement_merchants m
   JOIN settlement_runs r ON r.id = m.run_id WHERE r.campaign_id = :campaign_id)::bigint AS before_minor
FROM paid p, not_yet n""")
# What a run leaves for later: held or unripe commissions, and orders that are not through.
LEFT_OVER = text("""
SELECT (SELECT count(*) FROM commissions WHERE campaign_id = :campaign_id AND amount_minor > reversed_minor
        AND (held OR matures_at IS NULL OR matures_at > :cutoff)) AS commissions,
       (SELECT count(*) FROM orders o WHERE o.campaign_id = :campaign_id AND o.paid_at IS NOT NULL AND NOT o.rehearsal
        AND o.total_minor > o.refunded_minor + o.disputed_minor) - :through AS orders""")
# The same in detail, for the dry run: what waits for a person, for the parcel, for its days.
WAITING = text("""
SELECT count(*) FILTER (WHERE held) AS held, coalesce(sum(minor) FILTER (WHERE held), 0)::bigint AS held_minor,
  count(*) FILTER (WHERE NOT held AND matures_at IS NULL) AS undelivered,
  coalesce(sum(minor) FILTER (WHERE NOT held AND matures_at IS NULL), 0)::bigint AS undelivered_minor,
  count(*) FILTER (WHERE NOT held AND matures_at > :cutoff) AS days,
  coalesce(sum(minor) FILTER (WHERE NOT held AND matures_at > :cutoff), 0)::bigint AS days_minor,
  min(matures_at) FILTER (WHERE NOT held AND matures_at > :cutoff) AS next_at,
  (SELECT count(*) FROM orders o WHERE o.campaign_id = :campaign_id AND o.paid_at IS NOT NULL AND NOT o.rehearsal
   AND o.total_minor > o.refunded_minor + o.disputed_minor) - :through AS orders
FROM (SELECT held, matures_at, amount_minor - reversed_minor AS minor FROM commissions
      WHERE campaign_id = :campaign_id AND amount_minor > reversed_minor) c""")


def prepare(db) -> None:
    """For statements that read much and run rarely, in this transaction: hash tables of a million rows stay in memory
    (64 MB, twice that for a hash) instead of on disk, no second goes to compiling, and each is planned for the tables
    as they are: a plan kept from the first chunks, when few accounts existed, looked through all of them for each
    party (32 s of processor time instead of 0.2 at 300,000 orders)."""
    db.execute(text("SET LOCAL work_mem = '64MB'"))
    db.execute(text("SET LOCAL jit = off"))
    db.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
