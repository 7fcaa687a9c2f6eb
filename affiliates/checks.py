"""What must always be true of affiliates, as plain SQL that knows nothing of the code that writes them."""

CHECKS: list[tuple[str, str]] = [
    ("a team has two levels and no circle", """
        SELECT a.id, a.parent_id, b.parent_id AS above FROM affiliates a JOIN affiliates b ON b.id = a.parent_id
        WHERE b.parent_id IS NOT NULL OR a.parent_id = a.id"""),
    ("rules of one scope never hold at the same time", """
        SELECT a.id, b.id AS other FROM commission_rules a JOIN commission_rules b ON a.id < b.id
          AND a.merchant_id = b.merchant_id AND a.valid && b.valid AND a.campaign_id IS NOT DISTINCT FROM b.campaign_id
          AND a.product_id IS NOT DISTINCT FROM b.product_id AND a.category IS NOT DISTINCT FROM b.category
          AND a.tier IS NOT DISTINCT FROM b.tier"""),
    ("a sale's commission is base × rate (or quantity × sum), half up, capped", """
        SELECT id, base_minor, rate_ppm, flat_minor, quantity, cap_minor, amount_minor FROM commissions
        WHERE amount_minor <> least(coalesce(floor(base_minor::numeric * rate_ppm / 1000000 + 0.5)::bigint,
                                             flat_minor * quantity), coalesce(cap_minor, 9223372036854775807))"""),
    ("a commission's base is what was paid for its line, of a paid order, in its currency", """
        SELECT c.id, c.base_minor, l.total_minor, o.state FROM commissions c JOIN orders o ON o.id = c.order_id
        JOIN order_lines l ON l.id = c.order_line_id
        WHERE c.kind = 'sale' AND (c.base_minor <> l.quantity * l.unit_price_minor - l.discount_minor
          OR c.quantity <> l.quantity OR l.order_id <> c.order_id OR o.paid_at IS NULL OR o.rehearsal
          OR c.currency <> o.currency OR c.campaign_id <> o.campaign_id OR c.merchant_id <> o.merchant_id)"""),
    ("a commission goes to who the order is owed to, by the rule that was fixed at the order", """
        SELECT c.id, c.affiliate_id, c.level FROM commissions c LEFT JOIN attributions a ON a.order_id = c.order_id
        LEFT JOIN commission_rules r ON r.id = c.rule_id
        WHERE c.kind = 'sale' AND (a.order_id IS NULL
          OR c.affiliate_id IS DISTINCT FROM CASE c.level WHEN 1 THEN a.affiliate_id ELSE a.leader_id END
          OR c.rate_ppm IS DISTINCT FROM CASE c.level WHEN 1 THEN r.rate_ppm ELSE r.level2_ppm END
          OR c.flat_minor IS DISTINCT FROM CASE c.level WHEN 1 THEN r.flat_minor END
          OR NOT EXISTS (SELECT FROM jsonb_array_elements(a.rules) e WHERE e->>'line_id' = c.order_line_id::text
                         AND e->>'rule_id' = c.rule_id::text)
          OR NOT r.valid @> (SELECT created_at FROM orders WHERE id = c.order_id))"""),
    ("every line of a paid order that is owed, with a rule, has its commission", """
        SELECT a.order_id, e->>'line_id' AS line FROM attributions a JOIN orders o ON o.id = a.order_id
        CROSS JOIN jsonb_array_elements(a.rules) e
        WHERE a.affiliate_id IS NOT NULL AND o.paid_at IS NOT NULL AND NOT EXISTS (
          SELECT FROM commissions c WHERE c.order_line_id = (e->>'line_id')::uuid AND c.level = 1
          AND c.kind = 'sale')"""),
    ("what is reversed is the sum of the adjustments", """
        SELECT c.id, c.reversed_minor, coalesce(sum(a.amount_minor), 0) AS adjusted
        FROM commissions c LEFT JOIN commission_adjustments a ON a.commission_id = c.id
        GROUP BY c.id HAVING c.reversed_minor <> -coalesce(sum(a.amount_minor), 0)
          OR c.reversed_minor NOT BETWEEN 0 AND c.amount_minor"""),
    ("a refund took of each commission of its lines, once", """
        SELECT c.id, r.id AS refund FROM refunds r JOIN payments p ON p.id = r.payment_id AND p.state = 'succeeded'
        CROSS JOIN jsonb_array_elements(r.lines) e JOIN commissions c ON c.order_line_id = (e->>'line_id')::uuid
        LEFT JOIN commission_adjustments a ON a.commission_id = c.id AND a.cause_type = 'refund'
          AND a.cause_id = r.id::text
        WHERE c.kind = 'sale' AND a.basis_minor IS DISTINCT FROM (e->>'amount_minor')::bigint"""),
    ("money that is gone took its share of a commission, half up, and no more", """
        SELECT c.id, c.amount_minor, s.taken, s.basis FROM commissions c JOIN (
          SELECT commission_id, -coalesce(sum(amount_minor) FILTER (WHERE cause_type IN ('refund', 'dispute')), 0)
              AS taken, coalesce(sum(basis_minor) FILTER (WHERE cause_type IN ('refund', 'dispute')), 0) AS basis,
            bool_or(cause_type IN ('rejection', 'correction')) AS by_hand
          FROM commission_adjustments GROUP BY 1) s ON s.commission_id = c.id
        WHERE c.kind = 'sale' AND NOT s.by_hand AND s.taken <> CASE WHEN s.basis >= c.base_minor THEN c.amount_minor
          ELSE floor(c.amount_minor::numeric * s.basis / greatest(c.base_minor, 1) + 0.5) END"""),
    ("a commission is held exactly while one of its holds is open", """
        SELECT c.id, c.held FROM commissions c WHERE c.held <> EXISTS (
          SELECT FROM commission_holds h WHERE h.commission_id = c.id AND h.decided_at IS NULL)"""),
    ("a rejected commission is taken back whole", """
        SELECT c.id, c.amount_minor, c.reversed_minor FROM commissions c JOIN commission_holds h
          ON h.commission_id = c.id AND h.decision = 'rejected'
        WHERE c.reversed_minor < c.amount_minor AND NOT EXISTS (SELECT FROM commission_adjustments a
          WHERE a.commission_id = c.id AND a.cause_type = 'correction')"""),
    ("a commission matures its days after the delivery, and not before", """
        SELECT c.id, c.matures_at, o.delivered_at FROM commissions c JOIN orders o ON o.id = c.order_id
        WHERE c.kind = 'sale' AND c.matures_at IS DISTINCT FROM o.delivered_at + make_interval(days => c.hold_days)"""),
    ("a campaign's budget was spent by its commissions and never passed", """
        SELECT b.campaign_id, b.amount_minor, b.spent_minor FROM commission_budgets b
        WHERE b.spent_minor > b.amount_minor OR b.spent_minor < 0"""),
    ("an order with an affiliate's coupon considered that affiliate", """
        SELECT o.id, o.coupon_code FROM orders o LEFT JOIN attributions a ON a.order_id = o.id
        WHERE o.coupon_code IS NOT NULL AND NOT o.rehearsal AND NOT EXISTS (
          SELECT FROM jsonb_array_elements(a.candidates) e WHERE e->>'source' = 'coupon')"""),
]
