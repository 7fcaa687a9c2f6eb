"""Every amount of a run computed again, from the commissions and not from what the run wrote; and the ledger beside it.

Each statement counts what is wrong and names one; nothing wrong is 0.
"""
from sqlalchemy import text

ITEMS = """
SELECT count(*) AS wrong, min(i.commission_id::text) AS example FROM settlement_items i
LEFT JOIN commissions c ON c.id = i.commission_id
WHERE i.run_id = :run_id AND (c.id IS NULL OR (c.affiliate_id, c.campaign_id) IS DISTINCT FROM
    (i.affiliate_id, cast(:campaign_id AS uuid)) OR NOT coalesce(c.matures_at <= :cutoff, false)
  OR i.amount_minor IS DISTINCT FROM least(CASE WHEN c.rate_ppm IS NULL THEN c.flat_minor * c.quantity
       WHEN c.base_minor < 4000000000000 THEN (2 * c.base_minor * c.rate_ppm + 1000000) / 2000000  -- fits in 8 bytes
       ELSE floor(c.base_minor::numeric * c.rate_ppm / 1000000 + 0.5)::bigint END, c.cap_minor))"""
ADJUSTMENTS = """
SELECT count(*) AS wrong, min(s.adjustment_id::text) AS example FROM settlement_adjustments s
LEFT JOIN commission_adjustments a ON a.id = s.adjustment_id
LEFT JOIN settlement_items i ON i.affiliate_id = s.affiliate_id AND i.commission_id = s.commission_id
WHERE s.run_id = :run_id AND (a.id IS NULL OR i.commission_id IS NULL
  OR (a.commission_id, a.amount_minor) <> (s.commission_id, s.amount_minor))"""
PARTIES = """
SELECT count(*) AS wrong, min(coalesce(s.owner, l.owner)) AS example
FROM (SELECT 'affiliate:' || affiliate_id AS owner, sum(amount_minor) AS minor FROM (
        SELECT affiliate_id, amount_minor FROM settlement_items WHERE run_id = :run_id
        UNION ALL
        SELECT affiliate_id, amount_minor FROM settlement_adjustments WHERE run_id = :run_id) taken
      GROUP BY affiliate_id HAVING sum(amount_minor) <> 0) s
FULL JOIN (
  SELECT a.owner, sum(t.minor) AS minor FROM (
    SELECT credit_id AS id, amount_minor AS minor FROM ledger_transfers
    WHERE journal = 'settlement:' || cast(:run_id AS text) AND journal <> ''
    UNION ALL
    SELECT debit_id, -amount_minor FROM ledger_transfers
    WHERE journal = 'settlement:' || cast(:run_id AS text) AND journal <> '') t
  JOIN ledger_accounts a ON a.id = t.id AND a.kind = 'payable' AND a.owner LIKE 'affiliate:%'
  GROUP BY a.owner) l ON l.owner = s.owner
WHERE s.minor IS DISTINCT FROM l.minor"""
MERCHANT = """
SELECT count(*) AS wrong, min(m.merchant_id::text) AS example FROM settlement_merchants m
LEFT JOIN ledger_transfers t ON t.key = concat('settle:', m.run_id, ':', 'merchant')
WHERE m.run_id = :run_id AND m.amount_minor <> coalesce(CASE t.code WHEN 'proceeds' THEN t.amount_minor
                                                          ELSE -t.amount_minor END, 0)"""
CHUNKS = """
SELECT count(*) AS wrong, cast(:run_id AS text) AS example
FROM (SELECT coalesce(sum(items), 0) AS n, coalesce(sum(amount_minor), 0) AS minor FROM settlement_chunks
      WHERE run_id = :run_id) c
CROSS JOIN (SELECT count(*) AS n, coalesce(sum(amount_minor), 0) AS minor FROM settlement_items
            WHERE run_id = :run_id) i
CROSS JOIN (SELECT coalesce(sum(amount_minor), 0) AS minor FROM settlement_adjustments WHERE run_id = :run_id) a
WHERE c.n <> i.n OR c.minor <> i.minor + a.minor"""
RULES = (("an item is its commission, recomputed", ITEMS), ("an adjustment is its own, of a settled commission",
         ADJUSTMENTS), ("a party's sum is its transfer", PARTIES), ("the merchant's sum is its transfer", MERCHANT),
         ("the chunks add up", CHUNKS))


def problems(db, run) -> list[dict]:
    """[{"rule", "wrong", "example"}]: how many rows break a rule, and one of them."""
    values = {"run_id": run.id, "campaign_id": run.campaign_id, "cutoff": run.cutoff}
    found = []
    for name, sql in RULES:
        row = db.execute(text(sql), {key: value for key, value in values.items() if f":{key}" in sql}).one()
        if row.wrong:
            found.append({"rule": name, "wrong": row.wrong, "example": row.example})
    return found
