"""What makes a person look before a commission is paid: read at the payment, kept as evidence, never a verdict."""
from datetime import datetime, timedelta

from sqlalchemy import text

from affiliates.attribution.models import Attribution
from core.clock import iso
from orders.models import Order
from orders.payments.models import Payment

# Opening a page, seeing the product and two taps take a person longer than this.
SHORTEST_VISIT = timedelta(seconds=5)

_FACTS = text("""
SELECT a.member_id,
  EXISTS (SELECT FROM visitor_members v WHERE v.member_id = a.member_id AND v.visitor = :visitor) AS same_device,
  (SELECT c.last4 FROM saved_cards c JOIN saved_cards paid ON paid.fingerprint = c.fingerprint
   WHERE c.member_id = a.member_id AND paid.id = :card LIMIT 1) AS same_card,
  (SELECT d.id FROM addresses d WHERE d.member_id = a.member_id AND d.country = :country
   AND lower(regexp_replace(d.line1 || d.postcode, '[^[:alnum:]]', '', 'g'))
     = lower(regexp_replace(:place, '[^[:alnum:]]', '', 'g')) LIMIT 1) AS same_address,
  (SELECT min(h.created_at) FROM holds h JOIN order_lines l ON l.hold_id = h.id WHERE l.order_id = :order_id) AS claimed
FROM affiliates a WHERE a.id = ANY(:affiliates)""")


def reasons(db, order: Order, payment: Payment, found: Attribution) -> list[tuple[str, dict]]:
    """[(reason, evidence)] for which the commissions of this order wait; empty for nearly all.

    own_purchase, same_card, same_device, same_address: the buyer is the affiliate, or very near. late_click: the link
    was opened when the units were claimed already, or a moment before."""
    found_out = []
    place = f"{order.address.get('line1', '')}{order.address.get('postcode', '')}"
    rows = db.execute(_FACTS, {"visitor": found.visitor, "card": payment.saved_card_id, "place": place,
                               "country": order.address.get("country"), "order_id": order.id,
                               "affiliates": [id_ for id_ in (found.affiliate_id, found.leader_id) if id_]}).all()
    for row in rows:
        if row.member_id == order.member_id:
            found_out.append(("own_purchase", {"member_id": str(row.member_id)}))
            continue  # their own card and address say nothing more
        if row.same_card:
            found_out.append(("same_card", {"last4": row.same_card}))
        if row.same_device:
            found_out.append(("same_device", {"visitor": str(found.visitor)}))
        if row.same_address:
            found_out.append(("same_address", {"address_id": str(row.same_address)}))
    found_out += _late_click(rows[0].claimed, found)
    return list({reason: (reason, evidence) for reason, evidence in reversed(found_out)}.values())[::-1]


def _late_click(claimed: datetime | None, found: Attribution) -> list[tuple[str, dict]]:
    if found.source not in ("room", "click"):
        return []
    at = next(one["at"] for one in found.candidates if one["outcome"] == "won")
    clicked = claimed and datetime.fromisoformat(at)
    if claimed is None or claimed - clicked >= SHORTEST_VISIT:
        return []
    return [("late_click", {"clicked_at": at, "claimed_at": iso(claimed),
                            "seconds": round((claimed - clicked).total_seconds(), 1)})]
