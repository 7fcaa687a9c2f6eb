"""What must always be true of the ledger, as plain SQL that uses none of the code that writes it.

Each statement returns the rows that break its rule.
"""

CHECKS: list[tuple[str, str]] = [
    ("debits equal credits in every currency", """
        SELECT currency, sum(minor) AS difference FROM (
          SELECT a.currency, t.amount_minor AS minor FROM ledger_transfers t
          JOIN ledger_accounts a ON a.id = t.debit_id WHERE t.state = 'posted'
          UNION ALL
          SELECT a.currency, -t.amount_minor FROM ledger_transfers t
          JOIN ledger_accounts a ON a.id = t.credit_id WHERE t.state = 'posted') both_sides
        GROUP BY currency HAVING sum(minor) <> 0"""),
    ("a transfer and both its accounts have one currency, and two sides", """
        SELECT t.id, t.key, t.currency, d.currency AS debit, c.currency AS credit FROM ledger_transfers t
        LEFT JOIN ledger_accounts d ON d.id = t.debit_id LEFT JOIN ledger_accounts c ON c.id = t.credit_id
        WHERE (d.currency, c.currency) IS DISTINCT FROM (t.currency, t.currency) OR t.debit_id = t.credit_id
           OR t.amount_minor <= 0"""),
    ("a kept balance is its transfers replayed, and not below zero", """
        SELECT a.id, a.owner, a.kind, b.posted_minor, r.posted, b.reserved_minor, r.reserved
        FROM ledger_accounts a LEFT JOIN ledger_balances b ON b.account_id = a.id
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(minor) FILTER (WHERE state = 'posted'), 0) AS posted,
                 coalesce(-sum(minor) FILTER (WHERE state = 'pending' AND open AND minor < 0), 0) AS reserved
          FROM (
            SELECT t.state, CASE a.side WHEN 'debit' THEN t.amount_minor ELSE -t.amount_minor END AS minor,
                   NOT EXISTS (SELECT FROM ledger_transfers n WHERE n.of_id = t.id) AS open
            FROM ledger_transfers t WHERE t.debit_id = a.id
            UNION ALL
            SELECT t.state, CASE a.side WHEN 'credit' THEN t.amount_minor ELSE -t.amount_minor END,
                   NOT EXISTS (SELECT FROM ledger_transfers n WHERE n.of_id = t.id)
            FROM ledger_transfers t WHERE t.credit_id = a.id) moves) r
        WHERE a.floor AND ((b.posted_minor, b.reserved_minor) IS DISTINCT FROM (r.posted, r.reserved)
                           OR r.posted - r.reserved < 0)"""),
    ("a snapshot is the sum of the transfers up to it", """
        SELECT s.account_id, s.through_seq, s.debits_minor, s.credits_minor, s.transfers, r.debits, r.credits, r.n
        FROM (SELECT DISTINCT ON (account_id) * FROM ledger_snapshots ORDER BY account_id, through_seq DESC) s
        CROSS JOIN LATERAL (
          SELECT coalesce(sum(amount_minor) FILTER (WHERE debit_id = s.account_id), 0) AS debits,
                 coalesce(sum(amount_minor) FILTER (WHERE credit_id = s.account_id), 0) AS credits, count(*) AS n
          FROM ledger_transfers WHERE s.account_id IN (debit_id, credit_id) AND state = 'posted'
            AND seq <= s.through_seq) r
        WHERE (s.debits_minor, s.credits_minor, s.transfers) <> (r.debits, r.credits, r.n)"""),
    ("a pending transfer is finished once, by one that fits it", """
        SELECT n.id, n.key, p.key AS pending FROM ledger_transfers n JOIN ledger_transfers p ON p.id = n.of_id
        WHERE p.state <> 'pending' OR n.state = 'pending' OR (n.debit_id, n.credit_id, n.amount_minor)
              <> (p.debit_id, p.credit_id, p.amount_minor)
        UNION ALL
        SELECT min(n.id::text)::uuid, min(n.key), n.of_id::text FROM ledger_transfers n
        WHERE n.of_id IS NOT NULL GROUP BY n.of_id HAVING count(*) > 1"""),
    ("no transfer is reversed by more than it was, nor between other accounts", """
        SELECT t.id, t.key, t.amount_minor, sum(r.amount_minor) AS reversed FROM ledger_transfers t
        JOIN ledger_transfers r ON r.reverses_id = t.id GROUP BY t.id
        HAVING sum(r.amount_minor) > t.amount_minor OR t.state <> 'posted'
            OR bool_or((r.debit_id, r.credit_id) <> (t.credit_id, t.debit_id))"""),
    ("a key made one transfer", """
        SELECT key, count(*) FROM ledger_transfers GROUP BY key HAVING count(*) > 1"""),
    ("the database lets the ledger only grow, and keeps the balances with a floor", """
        SELECT v.name, v.on_table FROM (VALUES
          ('ledger_only_grows', 'ledger_transfers'), ('ledger_only_grows', 'ledger_accounts'),
          ('ledger_only_grows', 'ledger_snapshots'), ('ledger_no_truncate', 'ledger_transfers'),
          ('ledger_links_fit', 'ledger_transfers'), ('ledger_keep_balances', 'ledger_transfers'),
          ('ledger_open_balance', 'ledger_accounts')) v(name, on_table)
        LEFT JOIN pg_trigger t ON t.tgname = v.name AND t.tgrelid = to_regclass(v.on_table)
          AND t.tgenabled IN ('O', 'A')
        WHERE t.oid IS NULL"""),
]
