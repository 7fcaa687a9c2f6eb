"""What must always be true of settlements, as plain SQL that knows nothing of the code that writes them."""

CHECKS: list[tuple[str, str]] = [
    ("what a run took of a party is what it posted", """
        SELECT coalesce(s.key, l.key) AS key, s.minor AS taken, l.minor AS posted
        FROM (SELECT 'settle:' || run_id || ':' || affiliate_id AS key, sum(amount_minor) AS minor FROM (
                SELECT run_id, affiliate_id, amount_minor FROM settlement_items
                UNION ALL
                SELECT run_id, affiliate_id, amount_minor FROM settlement_adjustments) taken
              GROUP BY run_id, affiliate_id HAVING sum(amount_minor) <> 0
              UNION ALL
              SELECT concat('settle:', run_id, ':', 'merchant'), amount_minor FROM settlement_merchants
              WHERE amount_minor <> 0) s
        FULL JOIN (SELECT t.key, CASE d.kind WHEN 'sales' THEN t.amount_minor ELSE -t.amount_minor END AS minor
                   FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_id
                   WHERE t.journal LIKE 'settlement:%') l ON l.key = s.key
        WHERE s.minor IS DISTINCT FROM l.minor"""),
    ("a settled commission is the affiliate's own, with its own amount", """
        SELECT i.commission_id, i.amount_minor, c.amount_minor AS commission FROM settlement_items i
        LEFT JOIN commissions c ON c.id = i.commission_id LEFT JOIN settlement_runs r ON r.id = i.run_id
        WHERE (c.affiliate_id, c.amount_minor, c.campaign_id) IS DISTINCT FROM
              (i.affiliate_id, i.amount_minor, r.campaign_id)"""),
    ("a settled adjustment is its own, of a settled commission", """
        SELECT s.adjustment_id, s.amount_minor, a.amount_minor AS adjustment FROM settlement_adjustments s
        LEFT JOIN commission_adjustments a ON a.id = s.adjustment_id
        LEFT JOIN settlement_items i ON (i.affiliate_id, i.commission_id) = (s.affiliate_id, s.commission_id)
        WHERE i.commission_id IS NULL OR (a.commission_id, a.amount_minor)
              IS DISTINCT FROM (s.commission_id, s.amount_minor)"""),
    ("no commission is settled twice", """
        SELECT commission_id, count(*) FROM settlement_items GROUP BY commission_id HAVING count(*) > 1"""),
    ("an audited run has every chunk done, and a settled campaign an audited run", """
        SELECT r.id, r.state, c.no FROM settlement_runs r JOIN settlement_chunks c ON c.run_id = r.id
        WHERE r.state IN ('settled', 'audited') AND c.state <> 'done'
        UNION ALL
        SELECT c.id, c.state, 0 FROM campaigns c WHERE c.state = 'settled' AND NOT EXISTS (
          SELECT FROM settlement_runs r WHERE r.campaign_id = c.id AND r.state = 'audited')"""),
]
