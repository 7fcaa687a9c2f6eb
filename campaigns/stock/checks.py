"""What must always be true of stock and holds, in SQL that shares nothing with the code that keeps it so."""

CHECKS = [
    ("an offer never promises more than its allotment", """
        SELECT offer_id, rehearsal, allotment, reserve, "left", held, sold FROM offer_stock
        WHERE reserve < 0 OR "left" < 0 OR held < 0 OR sold < 0 OR reserve + "left" + held + sold <> allotment"""),
    ("held units are exactly the running holds", """
        SELECT s.offer_id, s.rehearsal, s.held, coalesce(sum(h.quantity), 0) AS holds
        FROM offer_stock s LEFT JOIN holds h ON h.stock_id = s.id AND h.state = 'held'
        GROUP BY s.id HAVING s.held <> coalesce(sum(h.quantity), 0)"""),
    ("no running hold is over for more than a minute", """
        SELECT id, offer_id, expires_at FROM holds
        WHERE state = 'held' AND expires_at < now() - interval '1 minute'"""),
    ("a member's counted units are held or bought units, within the limit", """
        SELECT m.stock_id, m.member_id, m.units, m.unit_limit, coalesce(a.units, 0) AS found
        FROM offer_members m FULL JOIN (
          SELECT stock_id, member_id, sum(quantity) AS units FROM (
            SELECT stock_id, member_id, quantity FROM holds WHERE state = 'held'
            UNION ALL
            SELECT l.stock_id, o.member_id, l.quantity - l.returned_quantity FROM order_lines l
            JOIN orders o ON o.id = l.order_id WHERE o.paid_at IS NOT NULL) u
          GROUP BY stock_id, member_id) a USING (stock_id, member_id)
        WHERE coalesce(m.units, 0) <> coalesce(a.units, 0) OR m.units > m.unit_limit"""),
    ("every answered claim has its hold, and every claimed hold its answer", """
        SELECT c.member_id, c.key, c.hold_id FROM claims c LEFT JOIN holds h ON h.id = c.hold_id
        WHERE c.outcome = 'held' AND (h.id IS NULL OR h.member_id <> c.member_id OR h.quantity <> c.quantity)
        UNION ALL
        SELECT h.member_id, NULL, h.id FROM holds h LEFT JOIN claims c ON c.hold_id = h.id
        WHERE h.source = 'claim' AND c.hold_id IS NULL AND h.created_at > now() - interval '89 days'"""),
    ("holds, counts and answers belong to an offer's stock and to a member", """
        SELECT 'hold' AS what, h.id::text, h.stock_id, h.member_id FROM holds h
        LEFT JOIN offer_stock s ON s.id = h.stock_id AND s.offer_id = h.offer_id
        LEFT JOIN members m ON m.id = h.member_id
        WHERE s.id IS NULL OR m.id IS NULL
        UNION ALL
        SELECT 'count', '', o.stock_id, o.member_id FROM offer_members o
        LEFT JOIN offer_stock s ON s.id = o.stock_id LEFT JOIN members m ON m.id = o.member_id
        WHERE s.id IS NULL OR m.id IS NULL
        UNION ALL
        SELECT 'answer', c.key, c.stock_id, c.member_id FROM claims c
        LEFT JOIN offer_stock s ON s.id = c.stock_id LEFT JOIN members m ON m.id = c.member_id
        WHERE s.id IS NULL OR m.id IS NULL"""),
    ("the line is as long as the offer says, and each who was served has a hold", """
        SELECT s.offer_id, s.waiting, count(w.id) AS found FROM offer_stock s
        LEFT JOIN waitlist w ON w.stock_id = s.id AND w.state = 'waiting' GROUP BY s.id HAVING s.waiting <> count(w.id)
        UNION ALL
        SELECT w.offer_id, w.quantity, 0 FROM waitlist w JOIN holds h ON h.id = w.hold_id
        WHERE h.member_id <> w.member_id OR h.quantity > w.quantity OR h.source <> 'waitlist'"""),
    ("nobody waits while units are on sale", """
        SELECT offer_id, "left", waiting FROM offer_stock WHERE "left" > 0 AND waiting > 0"""),
    ("stock on hand is the sum of its moves", """
        SELECT v.id, v.sku, v.on_hand, coalesce(sum(m.delta), 0) AS moves FROM variants v
        LEFT JOIN stock_moves m ON m.variant_id = v.id GROUP BY v.id HAVING v.on_hand <> coalesce(sum(m.delta), 0)"""),
    ("an allotment is what was taken out of stock for it", """
        SELECT s.offer_id, s.allotment, -coalesce(sum(m.delta), 0) AS taken FROM offer_stock s
        LEFT JOIN stock_moves m ON m.offer_id = s.offer_id WHERE NOT s.rehearsal
        GROUP BY s.id HAVING s.allotment <> -coalesce(sum(m.delta), 0)"""),
    ("numbers in a stream have no gap and no repeat", """
        SELECT s.name, s.seq, count(e.id) AS events, max(e.seq) AS last FROM streams s
        LEFT JOIN events e ON e.stream = s.name AND e.seq IS NOT NULL
        GROUP BY s.name HAVING s.seq <> count(e.id) OR s.seq <> max(e.seq)"""),
]
