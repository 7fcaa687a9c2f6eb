"""What must always be true of orders and money, as plain SQL that knows nothing of the code that writes them.

Each statement returns the rows that break its rule. Rehearsals obey the same rules.
"""

CHECKS: list[tuple[str, str]] = [
    ("a paid order has exactly one kept payment, of its own amount and currency", """
        SELECT o.id, o.number, o.total_minor, o.currency, count(p.id) AS payments, sum(p.amount_minor) AS taken
        FROM orders o LEFT JOIN payments p ON p.order_id = o.id AND p.state = 'succeeded'
        WHERE o.paid_at IS NOT NULL GROUP BY o.id
        HAVING count(p.id) <> 1 OR sum(p.amount_minor) <> o.total_minor OR min(p.currency) <> o.currency"""),
    ("a kept payment belongs to an order that was paid", """
        SELECT p.id, p.order_id, o.state FROM payments p JOIN orders o ON o.id = p.order_id
        WHERE p.state = 'succeeded' AND (o.paid_at IS NULL OR o.state NOT IN ('paid', 'cancelled'))"""),
    ("money that an order could not keep goes back whole", """
        SELECT p.id, p.order_id, p.amount_minor, coalesce(sum(r.amount_minor), 0) AS going_back
        FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id
        WHERE p.state = 'returned' GROUP BY p.id HAVING coalesce(sum(r.amount_minor), 0) <> p.amount_minor"""),
    ("a payment's amount is its order's", """
        SELECT p.id, p.amount_minor, o.total_minor FROM payments p JOIN orders o ON o.id = p.order_id
        WHERE p.amount_minor <> o.total_minor OR p.currency <> o.currency"""),
    ("an order's total is the sum of its lines", """
        SELECT o.id, o.number, o.total_minor, sum(l.quantity * l.unit_price_minor - l.discount_minor) AS lines
        FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id
        HAVING sum(l.quantity * l.unit_price_minor - l.discount_minor) IS DISTINCT FROM o.total_minor"""),
    ("an order's discount is the sum of its lines' shares", """
        SELECT o.id, o.number, o.discount_minor, sum(l.discount_minor) AS lines
        FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id GROUP BY o.id
        HAVING sum(l.discount_minor) IS DISTINCT FROM o.discount_minor"""),
    ("an order's refunded sum is that of its refunds that were not refused", """
        SELECT o.id, o.number, o.refunded_minor, coalesce(sum(r.amount_minor), 0) AS refunds
        FROM orders o LEFT JOIN (refunds r JOIN payments p ON p.id = r.payment_id AND p.state = 'succeeded')
          ON r.order_id = o.id AND r.state <> 'failed'
        GROUP BY o.id HAVING o.refunded_minor <> coalesce(sum(r.amount_minor), 0)"""),
    ("a payment's refunded sum is that of its refunds that were not refused, and never more than was paid", """
        SELECT p.id, p.refunded_minor, p.amount_minor, coalesce(sum(r.amount_minor), 0) AS refunds
        FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id AND r.state <> 'failed'
        GROUP BY p.id
        HAVING p.refunded_minor <> coalesce(sum(r.amount_minor), 0) OR p.refunded_minor > p.amount_minor"""),
    ("a refund of a kept payment is the sum of its lines", """
        SELECT r.id, r.amount_minor, r.lines FROM refunds r JOIN payments p ON p.id = r.payment_id
        WHERE p.state = 'succeeded' AND r.amount_minor <>
          (SELECT coalesce(sum((l->>'amount_minor')::bigint), 0) FROM jsonb_array_elements(r.lines) l)"""),
    ("no line is refunded or returned beyond its units, nor other than its refunds say", """
        SELECT l.id, l.quantity, l.refunded_quantity, l.returned_quantity FROM order_lines l
        LEFT JOIN LATERAL (
          SELECT sum((e->>'quantity')::int) AS units,
                 sum((e->>'quantity')::int) FILTER (WHERE (e->>'restock')::bool) AS restocked
          FROM refunds r CROSS JOIN jsonb_array_elements(r.lines) e
          WHERE r.order_id = l.order_id AND e->>'line_id' = l.id::text) s ON true
        WHERE l.refunded_quantity <> coalesce(s.units, 0) OR l.returned_quantity <> coalesce(s.restocked, 0)
           OR l.refunded_quantity > l.quantity OR l.returned_quantity > l.refunded_quantity"""),
    ("a consumed hold has exactly one line, of an order that was paid, with its units and price", """
        SELECT h.id, h.quantity, h.price_minor, count(l.id) AS lines FROM holds h
        LEFT JOIN (order_lines l JOIN orders o ON o.id = l.order_id AND o.paid_at IS NOT NULL) ON l.hold_id = h.id
        WHERE h.state = 'consumed' GROUP BY h.id
        HAVING count(l.id) <> 1 OR min(l.quantity) <> h.quantity OR min(l.unit_price_minor) <> h.price_minor"""),
    ("a paid order's lines have consumed their holds", """
        SELECT l.id, l.order_id, h.state FROM order_lines l JOIN orders o ON o.id = l.order_id
        JOIN holds h ON h.id = l.hold_id WHERE o.paid_at IS NOT NULL AND h.state <> 'consumed'"""),
    ("units sold of an offer are those of paid lines less the returned", """
        SELECT s.id, s.offer_id, s.sold, coalesce(sum(l.quantity - l.returned_quantity), 0) AS lines
        FROM offer_stock s
        LEFT JOIN (order_lines l JOIN orders o ON o.id = l.order_id AND o.paid_at IS NOT NULL) ON l.stock_id = s.id
        GROUP BY s.id HAVING s.sold <> coalesce(sum(l.quantity - l.returned_quantity), 0)"""),
    ("a key made one order", """
        SELECT member_id, key, count(*) FROM orders GROUP BY member_id, key HAVING count(*) > 1"""),
    ("a line and its hold belong to the buyer of the order", """
        SELECT l.id, o.member_id, h.member_id AS holder FROM order_lines l JOIN orders o ON o.id = l.order_id
        JOIN holds h ON h.id = l.hold_id WHERE h.member_id <> o.member_id"""),
    ("a provider's event is kept once, and what was kept was applied", """
        SELECT provider, event_id, count(*) FROM payment_notices GROUP BY provider, event_id
        HAVING count(*) > 1 OR bool_or(applied_at IS NULL)"""),
    ("what came in for an order less what went back is what the ledger says", """
        SELECT o.id, o.number, coalesce(p.came, 0) - coalesce(r.went, 0) - o.disputed_minor AS net,
               coalesce(l.net, 0) AS ledger
        FROM orders o
        LEFT JOIN (SELECT order_id, sum(amount_minor) AS came FROM payments WHERE state IN ('succeeded', 'returned')
                   GROUP BY order_id) p ON p.order_id = o.id
        LEFT JOIN (SELECT order_id, sum(amount_minor) AS went FROM refunds WHERE state <> 'failed'
                   GROUP BY order_id) r ON r.order_id = o.id
        LEFT JOIN (SELECT t.journal, sum(CASE WHEN d.kind = 'clearing' THEN t.amount_minor
                                              WHEN c.kind = 'clearing' THEN -t.amount_minor ELSE 0 END) AS net
                   FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_id
                   JOIN ledger_accounts c ON c.id = t.credit_id
                   WHERE t.journal LIKE 'order:%' AND t.state = 'posted' GROUP BY t.journal) l
          ON l.journal = 'order:' || o.id
        WHERE NOT o.rehearsal
          AND coalesce(p.came, 0) - coalesce(r.went, 0) - o.disputed_minor <> coalesce(l.net, 0)"""),
    ("an order's disputed sum is that of its disputes that were not won", """
        SELECT o.id, o.number, o.disputed_minor, coalesce(sum(d.amount_minor), 0) AS disputes
        FROM orders o LEFT JOIN disputes d ON d.order_id = o.id AND d.state <> 'won'
        GROUP BY o.id HAVING o.disputed_minor <> coalesce(sum(d.amount_minor), 0)"""),
    ("what an order left its merchant in the ledger is its total less refunds, disputes and fee", """
        SELECT o.id, o.number, o.total_minor, o.refunded_minor, o.fee_minor, coalesce(l.net, 0) AS ledger
        FROM orders o
        LEFT JOIN (SELECT t.journal, c.currency,
                          coalesce(max(d.owner) FILTER (WHERE d.kind = 'sales'),
                                   max(c.owner) FILTER (WHERE c.kind = 'sales')) AS owner,
                          sum(CASE WHEN c.kind = 'sales' THEN t.amount_minor WHEN d.kind = 'sales'
                                   THEN -t.amount_minor ELSE 0 END) AS net
                   FROM ledger_transfers t JOIN ledger_accounts d ON d.id = t.debit_id
                   JOIN ledger_accounts c ON c.id = t.credit_id
                   WHERE t.journal LIKE 'order:%' AND t.state = 'posted' GROUP BY t.journal, c.currency) l
          ON l.journal = 'order:' || o.id
        WHERE NOT o.rehearsal AND (coalesce(l.net, 0) <> CASE WHEN o.paid_at IS NULL THEN 0
                                   ELSE o.total_minor - o.refunded_minor - o.disputed_minor - o.fee_minor END
          OR l.currency <> o.currency OR l.owner <> 'merchant:' || o.merchant_id)"""),
    ("only orders that are no rehearsal have transfers", """
        SELECT t.key, t.journal FROM ledger_transfers t LEFT JOIN orders o ON 'order:' || o.id = t.journal
        WHERE t.journal LIKE 'order:%' AND (o.id IS NULL OR o.rehearsal)"""),
    ("only a paid order is packed, sent or delivered", """
        SELECT id, number, state, fulfilment FROM orders
        WHERE fulfilment <> 'none' AND state <> 'paid' OR state = 'paid' AND fulfilment = 'none'"""),
]
