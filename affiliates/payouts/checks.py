"""What must always be true of payouts, as plain SQL that knows nothing of the code that writes them."""

CHECKS: list[tuple[str, str]] = [
    ("money in transit is what reserved, submitted and unknown payouts hold", """
        SELECT coalesce(p.currency, l.currency) AS currency, p.minor AS payouts, l.minor AS ledger
        FROM (SELECT currency, sum(amount_minor) AS minor FROM payouts
              WHERE state IN ('reserved', 'submitted', 'unknown') GROUP BY currency) p
        FULL JOIN (SELECT a.currency, b.posted_minor AS minor FROM ledger_accounts a
                   JOIN ledger_balances b ON b.account_id = a.id WHERE a.kind = 'in_transit') l USING (currency)
        WHERE coalesce(p.minor, 0) <> coalesce(l.minor, 0)"""),
    ("a payout took from its party what its state says, and no more", """
        SELECT p.id, p.state, p.amount_minor, coalesce(l.minor, 0) AS taken FROM payouts p
        LEFT JOIN (SELECT t.journal, a.owner, sum(CASE WHEN t.debit_id = a.id THEN t.amount_minor
                                                       ELSE -t.amount_minor END) AS minor
                   FROM ledger_transfers t JOIN ledger_accounts a ON a.id IN (t.debit_id, t.credit_id)
                   WHERE t.journal LIKE 'payout:%' AND a.kind = 'payable' GROUP BY t.journal, a.owner) l
          ON l.journal = 'payout:' || p.id AND l.owner = p.owner
        WHERE coalesce(l.minor, 0) <> CASE WHEN p.state IN ('reserved', 'submitted', 'unknown', 'paid')
                                           THEN p.amount_minor ELSE 0 END"""),
    ("a batch was approved by somebody else than who made it", """
        SELECT id, number FROM payout_batches WHERE approved_by = created_by"""),
    ("a payout has at most one attempt that was paid", """
        SELECT payout_id, count(*) FROM payout_attempts WHERE state = 'paid' GROUP BY payout_id HAVING count(*) > 1"""),
]
