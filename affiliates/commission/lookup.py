"""The rule of each line of an order, found in one statement when the order is made."""
import uuid
from datetime import datetime

from sqlalchemy import text

# hold_days: the rule's, else the category's, else the program's, else 15.
_RULES = text("""
SELECT l.id AS line_id, r.id AS rule_id, coalesce(r.hold_days, h.days, g.hold_days, 15) AS hold_days
FROM order_lines l JOIN variants v ON v.id = l.variant_id JOIN products p ON p.id = v.product_id
JOIN orders o ON o.id = l.order_id
CROSS JOIN LATERAL (
  SELECT id, hold_days FROM commission_rules r
  WHERE r.merchant_id = o.merchant_id AND r.valid @> cast(:at AS timestamptz)
    AND (r.campaign_id IS NULL OR r.campaign_id = o.campaign_id) AND (r.product_id IS NULL OR r.product_id = p.id)
    AND (r.category IS NULL OR r.category = p.category) AND (r.tier IS NULL OR r.tier = :tier)
    AND (r.currency IS NULL OR r.currency = o.currency)
  ORDER BY r.product_id IS NOT NULL DESC, r.category IS NOT NULL DESC, r.campaign_id IS NOT NULL DESC,
    r.tier IS NOT NULL DESC LIMIT 1) r
LEFT JOIN commission_hold_periods h ON h.merchant_id = o.merchant_id AND h.category = p.category
LEFT JOIN affiliate_programs g ON g.merchant_id = o.merchant_id
WHERE l.order_id = :order_id ORDER BY l.id""")


def rules_of_lines(db, order_id: uuid.UUID, tier: str, at: datetime) -> list[dict]:
    """[{"line_id", "rule_id", "hold_days"}] of the lines that a rule covers; the narrowest rule of each."""
    return [{"line_id": str(row.line_id), "rule_id": str(row.rule_id), "hold_days": row.hold_days}
            for row in db.execute(_RULES, {"order_id": order_id, "tier": tier, "at": at})]
