"""What the queue of held lines shows: the line, its order, the evidence, and everybody who was considered."""
import uuid

from sqlalchemy import text

from affiliates.desk.settlement_queries import names_of

PER_PAGE = 30

_HOLDS = """
SELECT h.id, split_part(h.reason, ':', 1) AS reason, h.evidence, h.opened_at, h.decided_at, h.decision, h.note,
  d.name AS decided_by, y.name AS doubted_by, c.id AS commission_id, c.affiliate_id, c.kind, c.level, c.currency,
  c.quantity, c.amount_minor, c.reversed_minor, f.display_name, o.id AS order_id, o.number, o.created_at AS ordered_at,
  b.name AS buyer, l.title, p.name AS campaign, t.source, t.candidates,
  i.commission_id IS NOT NULL AS settled, -a.amount_minor AS taken_minor, u.id IS NOT NULL AS given_back,
  EXISTS (SELECT FROM commission_appeals q WHERE q.commission_id = c.id AND q.answered_at IS NULL) AS appealed
FROM commission_holds h JOIN commissions c ON c.id = h.commission_id JOIN affiliates f ON f.id = c.affiliate_id
JOIN orders o ON o.id = c.order_id JOIN members b ON b.id = o.member_id JOIN order_lines l ON l.id = c.order_line_id
JOIN campaigns p ON p.id = c.campaign_id LEFT JOIN attributions t ON t.order_id = o.id
LEFT JOIN members d ON d.id = h.decided_by LEFT JOIN members y ON y.id = cast(h.evidence->>'by' AS uuid)
LEFT JOIN settlement_items i ON i.affiliate_id = c.affiliate_id AND i.commission_id = c.id
LEFT JOIN commission_adjustments a ON a.cause_type = 'rejection' AND a.cause_id = h.id::text
  AND a.commission_id = c.id
LEFT JOIN commission_adjustments u ON u.cause_type = 'correction' AND u.cause_id = 'undo:' || h.id
  AND u.commission_id = c.id
WHERE c.merchant_id = :merchant_id"""
_WAITING = text(f"""SELECT *, count(*) OVER () AS total FROM ({_HOLDS} AND h.decided_at IS NULL) found
ORDER BY opened_at, id LIMIT :limit OFFSET :offset""")  # noqa: S608 - fragments of this file
_DECIDED = text(f"""SELECT *, count(*) OVER () AS total FROM ({_HOLDS} AND h.decided_at IS NOT NULL) found
ORDER BY decided_at DESC, id LIMIT :limit OFFSET :offset""")  # noqa: S608 - fragments of this file
_COUNTS = text("""
SELECT count(*) FILTER (WHERE h.decided_at IS NULL) AS waiting,
  count(*) FILTER (WHERE h.decided_at IS NOT NULL) AS decided
FROM commission_holds h JOIN commissions c ON c.id = h.commission_id WHERE c.merchant_id = :merchant_id""")
_OF_ORDER = text("""
SELECT c.id FROM commissions c JOIN orders o ON o.id = c.order_id
LEFT JOIN settlement_items i ON i.affiliate_id = c.affiliate_id AND i.commission_id = c.id
WHERE c.merchant_id = :merchant_id AND o.number = :number AND c.amount_minor > c.reversed_minor
  AND i.commission_id IS NULL ORDER BY c.id""")

_TAKEN = text("""SELECT coalesce(-sum(amount_minor), 0) FROM commission_adjustments
WHERE cause_type = 'rejection' AND cause_id = :cause""")


def page_of(db, merchant_id: uuid.UUID, show: str, page: int = 1) -> list[dict]:
    """Held lines of a shop: waiting, the oldest first, or decided, the newest first; each row has the `total`."""
    rows = db.execute(_DECIDED if show == "decided" else _WAITING, {
        "merchant_id": merchant_id, "limit": PER_PAGE, "offset": (page - 1) * PER_PAGE}).mappings().all()
    names = names_of(db, {uuid.UUID(seen["affiliate_id"]) for row in rows for seen in row["candidates"] or ()})
    return [{**row, "candidates": [{**seen, "name": names.get(uuid.UUID(seen["affiliate_id"]), "")}
                                   for seen in row["candidates"] or ()]} for row in rows]


def counts(db, merchant_id: uuid.UUID) -> dict[str, int]:
    """How many wait and how many were decided."""
    return dict(db.execute(_COUNTS, {"merchant_id": merchant_id}).mappings().one())


def open_commissions(db, merchant_id: uuid.UUID, number: int) -> list[uuid.UUID]:
    """Lines of one of the shop's orders that can still be held: not settled, and something is left of them."""
    return list(db.scalars(_OF_ORDER, {"merchant_id": merchant_id, "number": number}))


def taken_by(db, hold_id: uuid.UUID) -> int:
    """What the rejection of a hold took, in minor units; 0 if it took nothing."""
    return int(db.scalar(_TAKEN, {"cause": str(hold_id)}))
