"""The log of who did what, with what each deed was about, for a shop's page and the operator's."""
import uuid

from sqlalchemy import text

PER_PAGE = 50
# {group: beginnings of the kinds of deeds in it}
GROUPS = {"people": ("affiliate", "affiliation", "team", "program"),
          "rules": ("rule", "policy", "budget", "bonus", "hold_days", "coupon"),
          "review": ("hold", "commission", "appeal"), "settlement": ("settlement",),
          "payouts": ("payout", "payouts", "payout_batch", "payout_account", "debt")}

# What a deed was about is looked up by the id it names, whatever that is of.
_ACTS = text("""
SELECT a.id, a.kind, a.note, a.detail, a.created_at, a.subject_id, a.merchant_id, b.name AS by_name, m.name AS shop,
  f.display_name AS affiliate, o.id AS order_id, o.number, r.id AS run_id, r.seq, p.id AS campaign_id,
  p.name AS campaign, coalesce(c.currency, p.currency) AS currency, count(*) OVER () AS total
FROM affiliate_acts a LEFT JOIN members b ON b.id = a.by_member_id LEFT JOIN merchants m ON m.id = a.merchant_id
LEFT JOIN commission_holds h ON h.id = a.subject_id LEFT JOIN commission_appeals q ON q.id = a.subject_id
LEFT JOIN commissions c ON c.id = coalesce(h.commission_id, q.commission_id, a.subject_id)
LEFT JOIN affiliates f ON f.id = coalesce(c.affiliate_id, a.subject_id) LEFT JOIN orders o ON o.id = c.order_id
LEFT JOIN settlement_runs r ON r.id = a.subject_id LEFT JOIN commission_bonuses g ON g.id = a.subject_id
LEFT JOIN campaigns p ON p.id = coalesce(r.campaign_id, g.campaign_id, a.subject_id)
WHERE (:everywhere OR a.merchant_id IS NOT DISTINCT FROM cast(:merchant_id AS uuid))
  AND (cast(:kinds AS text[]) IS NULL OR split_part(a.kind, '.', 1) = ANY(:kinds))
  AND (cast(:by AS uuid) IS NULL OR a.by_member_id = :by) AND (NOT :by_rules OR a.by_member_id IS NULL)
ORDER BY a.id DESC LIMIT :limit OFFSET :offset""")
_WHO = text("""
SELECT DISTINCT b.id, b.name FROM affiliate_acts a JOIN members b ON b.id = a.by_member_id
WHERE :everywhere OR a.merchant_id = :merchant_id ORDER BY b.name, b.id LIMIT 200""")


def acts(db, *, merchant_id: uuid.UUID | None = None, everywhere: bool = False, group: str = "",
         by: str = "", page: int = 1) -> list:
    """Deeds at a merchant (None: the platform's own), or everywhere; newest first; each row has the `total`.

    `by` is a member's id, or "rule" for what nobody pressed."""
    return db.execute(_ACTS, {
        "merchant_id": merchant_id, "everywhere": everywhere, "kinds": list(GROUPS[group]) if group in GROUPS else None,
        "by": _id(by), "by_rules": by == "rule", "limit": PER_PAGE, "offset": (page - 1) * PER_PAGE}).all()


def people(db, merchant_id: uuid.UUID | None = None, everywhere: bool = False) -> list:
    """Who is in the log: rows with id and name."""
    return db.execute(_WHO, {"merchant_id": merchant_id, "everywhere": everywhere}).all()


def _id(value: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(value)
    except ValueError:
        return None
