"""What a draft would have cost: past sales replayed through it in one statement; nothing is written."""
import uuid
from dataclasses import dataclass

from sqlalchemy import bindparam, text
from sqlalchemy import types as sql

from affiliates.commission.rules import Draft

# A line takes the draft where the draft covers it and the rule it was paid by is not narrower: the same order as in
# commission/lookup.py. Both sums are net of the money that went back, as it did then.
_REPLAY = text("""
WITH lines AS (
  SELECT a.affiliate_id, a.leader_id, l.total_minor AS base, l.quantity, o.currency,
    c.amount_minor AS was, c.reversed_minor AS back, c2.amount_minor AS was2, c2.reversed_minor AS back2,
    least(l.total_minor, (SELECT coalesce(sum((e->>'amount_minor')::bigint), 0) FROM refunds r
      CROSS JOIN jsonb_array_elements(r.lines) e WHERE r.order_id = o.id AND e->>'line_id' = l.id::text)) AS gone,
    (:product IS NULL OR p.id = :product) AND (:category IS NULL OR p.category = :category)
      AND (:anywhere OR :campaign IS NULL OR o.campaign_id = :campaign) AND (:tier IS NULL OR a.tier = :tier)
      AND (:currency IS NULL OR o.currency = :currency)
      AND (r.id IS NULL OR (:product IS NOT NULL, :category IS NOT NULL, :campaign IS NOT NULL, :tier IS NOT NULL)
        >= (r.product_id IS NOT NULL, r.category IS NOT NULL, r.campaign_id IS NOT NULL, r.tier IS NOT NULL)) AS hit
  FROM attributions a JOIN orders o ON o.id = a.order_id JOIN order_lines l ON l.order_id = o.id
  JOIN variants v ON v.id = l.variant_id JOIN products p ON p.id = v.product_id
  LEFT JOIN commissions c ON c.order_line_id = l.id AND c.level = 1 AND c.kind = 'sale'
  LEFT JOIN commissions c2 ON c2.order_line_id = l.id AND c2.level = 2 AND c2.kind = 'sale'
  LEFT JOIN commission_rules r ON r.id = c.rule_id
  WHERE a.merchant_id = :merchant AND a.affiliate_id IS NOT NULL AND o.paid_at IS NOT NULL
    AND (:everything OR a.campaign_id = ANY(:campaigns))
), priced AS (
  SELECT *, coalesce(was - back, 0) AS paid, coalesce(was2 - back2, 0) AS paid2,
    least(CASE WHEN cast(:rate AS int) IS NULL THEN :flat * quantity
               ELSE div(base::numeric * :rate + 500000, 1000000)::bigint END, :cap) AS full1,
    CASE WHEN leader_id IS NULL OR :level2 = 0 THEN 0
         ELSE least(div(base::numeric * :level2 + 500000, 1000000)::bigint, :cap) END AS full2
  FROM lines
), shares AS (
  SELECT affiliate_id, currency, 1 AS level, hit, paid AS before,
    CASE WHEN NOT hit THEN paid WHEN gone >= base THEN 0
         ELSE full1 - div(2 * full1::numeric * gone + base, 2 * base)::bigint END AS after FROM priced
  UNION ALL
  SELECT leader_id, currency, 2, hit, paid2,
    CASE WHEN NOT hit THEN paid2 WHEN gone >= base THEN 0
         ELSE full2 - div(2 * full2::numeric * gone + base, 2 * base)::bigint END
  FROM priced WHERE leader_id IS NOT NULL
)
SELECT s.affiliate_id, f.display_name, s.currency, count(*) FILTER (WHERE s.hit) AS lines,
  sum(s.before)::bigint AS before_minor, sum(s.after)::bigint AS after_minor
FROM shares s JOIN affiliates f ON f.id = s.affiliate_id GROUP BY 1, 2, 3
ORDER BY sum(s.after) - sum(s.before) DESC, 1""").bindparams(
    bindparam("product", type_=sql.Uuid), bindparam("campaign", type_=sql.Uuid), bindparam("category", type_=sql.Text),
    bindparam("tier", type_=sql.Text), bindparam("currency", type_=sql.Text), bindparam("flat", type_=sql.BigInteger),
    bindparam("cap", type_=sql.BigInteger), bindparam("rate", type_=sql.Integer),
    bindparam("level2", type_=sql.Integer), bindparam("campaigns", type_=sql.ARRAY(sql.Uuid)))


@dataclass(frozen=True)
class Replay:
    """By currency: what it cost, what it would have cost; and each affiliate whose sum would change."""
    totals: list[dict]  # [{"currency", "lines", "before_minor", "after_minor", "change_minor"}]
    winners: list[dict]  # [{"affiliate_id", "name", "currency", "before_minor", "after_minor", "change_minor"}]
    losers: list[dict]
    unchanged: int


def replay(db, merchant_id: uuid.UUID, draft: Draft, campaign_ids: list[uuid.UUID] | None = None, *,
           anywhere: bool = False) -> Replay:
    """Past campaigns of a merchant (all without `campaign_ids`) as if the draft had held.

    With `anywhere` a draft for one campaign is tried as if each of them were it."""
    rows = db.execute(_REPLAY, {
        "merchant": merchant_id, "anywhere": anywhere, "everything": campaign_ids is None,
        "campaigns": campaign_ids or [], "product": draft.product_id, "category": draft.category,
        "campaign": draft.campaign_id, "tier": draft.tier, "currency": draft.currency, "rate": draft.rate_ppm,
        "flat": draft.flat_minor, "cap": draft.cap_minor, "level2": draft.level2_ppm}).mappings().all()
    people = [{"affiliate_id": str(row["affiliate_id"]), "name": row["display_name"], "currency": row["currency"],
               "before_minor": row["before_minor"], "after_minor": row["after_minor"],
               "change_minor": row["after_minor"] - row["before_minor"]} for row in rows]
    totals = {}
    for row, one in zip(rows, people, strict=True):
        total = totals.setdefault(one["currency"], {"currency": one["currency"], "lines": 0, "before_minor": 0,
                                                    "after_minor": 0, "change_minor": 0})
        total["lines"] += row["lines"]
        for name in ("before_minor", "after_minor", "change_minor"):
            total[name] += one[name]
    return Replay(list(totals.values()), [one for one in people if one["change_minor"] > 0],
                  [one for one in reversed(people) if one["change_minor"] < 0],
                  sum(1 for one in people if one["change_minor"] == 0))
