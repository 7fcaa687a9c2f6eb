"""What people decide about commissions: release or reject what is held, correct, budgets, bonuses, hold days."""
import uuid

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select, text, update
from sqlalchemy.dialects.postgresql import insert

from affiliates.commission import tell
from affiliates.commission.accrue import give_back
from affiliates.commission.models import Adjustment, Bonus, Budget, Commission, CommissionHold, HoldPeriod
from affiliates.people import acts
from affiliates.people.models import Affiliate
from campaigns.terms.models import Campaign
from core.clock import now
from core.errors import DomainError, Forbidden, Invalid
from core.ids import new_id
from members.models import Member
from orders.models import Order


class Decided(DomainError):
    code, message = "decided", _l("This was decided already.")


def mature(db, order: Order) -> None:
    """The parcel arrived: its commissions are payable after their days. Twice is once."""
    due = db.scalars(update(Commission).where(Commission.order_id == order.id, Commission.matures_at.is_(None))
                     .values(matures_at=_AFTER_DELIVERY).returning(Commission)
                     .execution_options(populate_existing=True), {"delivered": order.delivered_at}).all()
    tell.changed(db, list(due), order)


_AFTER_DELIVERY = text("cast(:delivered AS timestamptz) + make_interval(days => hold_days)")


def decide(db, hold: CommissionHold, decision: str, by: Member, note: str) -> Commission:
    """Release or reject what one hold keeps back, with a note. Released, it is free when no other hold is open;
    rejected, what is left of it is taken back. Raises Invalid, Decided, Forbidden (nobody decides on their own)."""
    if decision not in ("released", "rejected"):
        raise Invalid
    if not note.strip():
        raise Invalid(fields={"note": [_("Please say why. The affiliate reads it.")]})
    commission = _lock(db, hold.commission_id)
    db.refresh(hold, with_for_update=True)
    if hold.decided_at is not None:
        raise Decided
    if db.scalar(select(Affiliate.member_id).where(Affiliate.id == commission.affiliate_id)) == by.id:
        raise Forbidden
    hold.decided_at, hold.decided_by, hold.decision, hold.note = now(), by.id, decision, note.strip()
    left = commission.amount_minor - commission.reversed_minor
    if decision == "rejected" and left:
        _adjust(db, commission, -left, "rejection", str(hold.id), note.strip(), by)
    acts.note(db, f"hold.{decision}", hold.id, by=by, merchant_id=commission.merchant_id, words=note.strip(),
              commission=str(commission.id), reason=hold.reason)
    return _told(db, commission)


def hold_by_hand(db, commission: Commission, by: Member, note: str) -> CommissionHold:
    """A person doubts a commission: it waits until it is decided."""
    if not note.strip():
        raise Invalid(fields={"note": [_("Please say why. The affiliate reads it.")]})
    row = CommissionHold(commission_id=commission.id, reason=f"by_hand:{new_id().hex[:12]}",
                         evidence={"note": note.strip(), "by": str(by.id)})
    db.add(row)
    db.flush()
    acts.note(db, "hold.opened", row.id, by=by, merchant_id=commission.merchant_id, words=note.strip(),
              commission=str(commission.id))
    _told(db, _lock(db, commission.id))
    return row


def correct(db, commission: Commission, amount_minor: int, by: Member, note: str, key: str) -> Commission:
    """A person changes what an affiliate gets of a line: above 0 gives back what was taken, below 0 takes.

    Never above the amount, never below 0 (Invalid). The same key again changes nothing."""
    commission = _lock(db, commission.id)
    if db.scalar(select(Adjustment.id).where(Adjustment.cause_type == "correction", Adjustment.cause_id == key,
                                             Adjustment.commission_id == commission.id)):
        return commission
    if not note.strip() or not 0 <= commission.reversed_minor - amount_minor <= commission.amount_minor:
        raise Invalid(fields={"amount": [_("It can take all of the commission, and give back what was taken.")]})
    _adjust(db, commission, amount_minor, "correction", key, note.strip(), by)
    acts.note(db, "commission.corrected", commission.id, by=by, merchant_id=commission.merchant_id,
              words=note.strip(), amount_minor=amount_minor)
    return _told(db, commission)


def _adjust(db, commission, amount_minor: int, cause: str, cause_id: str, note: str, by: Member) -> None:
    db.add(Adjustment(commission_id=commission.id, cause_type=cause, cause_id=cause_id, amount_minor=amount_minor,
                      note=note, by_member_id=by.id))
    db.flush()
    give_back(db, commission.campaign_id, -amount_minor)


def _lock(db, commission_id: uuid.UUID) -> Commission:
    return db.scalar(select(Commission).where(Commission.id == commission_id).with_for_update(key_share=True)
                     .execution_options(populate_existing=True))


def _told(db, commission: Commission) -> Commission:
    db.flush()
    db.refresh(commission)
    tell.changed(db, [commission])
    return commission


# -- Budgets, bonuses, hold days

def set_budget(db, campaign: Campaign, amount_minor: int, by: Member) -> Budget:
    """What the campaign may cost in commissions from now on. Raises Invalid below what it has cost already."""
    db.execute(insert(Budget).values(campaign_id=campaign.id, merchant_id=campaign.merchant_id, spent_minor=0,
                                     currency=campaign.currency, amount_minor=amount_minor, created_by=by.id)
               .on_conflict_do_nothing())
    row = db.scalar(select(Budget).where(Budget.campaign_id == campaign.id).with_for_update(key_share=True)
                    .execution_options(populate_existing=True))
    spent = db.scalar(text("SELECT coalesce(sum(amount_minor - reversed_minor), 0) FROM commissions "
                           "WHERE campaign_id = :id AND kind = 'sale'"), {"id": campaign.id})
    if amount_minor < spent:
        raise Invalid(fields={"amount": [_("The campaign has cost more than that already.")]})
    row.amount_minor, row.spent_minor = amount_minor, int(spent)
    acts.note(db, "budget.set", campaign.id, by=by, merchant_id=campaign.merchant_id, amount_minor=amount_minor)
    db.flush()
    return row


def add_bonus(db, campaign: Campaign, by: Member, *, measure: str, threshold: int, amount_minor: int) -> Bonus:
    """A sum for everybody who reaches a goal in this campaign; awarded when it is closed. Raises Invalid, Decided."""
    if campaign.state in ("ended", "settling", "settled"):
        raise Decided
    if threshold < 1 or amount_minor < 1:
        raise Invalid
    row = Bonus(merchant_id=campaign.merchant_id, campaign_id=campaign.id, measure=measure, threshold=threshold,
                amount_minor=amount_minor, currency=campaign.currency, created_by=by.id)
    db.add(row)
    db.flush()
    acts.note(db, "bonus.added", row.id, by=by, merchant_id=campaign.merchant_id, measure=measure,
              threshold=threshold, amount_minor=amount_minor)
    return row


_REACHED = text("""
SELECT last.order_id, last.order_line_id, s.affiliate_id, b.campaign_id, b.merchant_id, b.id AS bonus_id, b.currency,
  s.revenue::bigint AS base_minor, b.amount_minor AS flat_minor
FROM commission_bonuses b
JOIN (SELECT c.affiliate_id, c.campaign_id, count(DISTINCT c.order_id) FILTER (WHERE k.units > 0) AS orders,
        sum(k.units) AS units, sum(k.money) AS revenue
      FROM commissions c JOIN order_lines l ON l.id = c.order_line_id
      CROSS JOIN LATERAL (SELECT l.quantity - l.refunded_quantity AS units, l.total_minor - least(l.total_minor, (
        SELECT coalesce(sum(a.basis_minor), 0) FROM commission_adjustments a
        WHERE a.commission_id = c.id AND a.cause_type IN ('refund', 'dispute'))) AS money) k
      WHERE c.campaign_id = :campaign_id AND c.level = 1 AND c.kind = 'sale' AND NOT c.held
        AND NOT EXISTS (SELECT FROM commission_adjustments a WHERE a.commission_id = c.id
                        AND a.cause_type = 'rejection')
      GROUP BY 1, 2) s
  ON s.campaign_id = b.campaign_id
  AND CASE b.measure WHEN 'units' THEN s.units WHEN 'orders' THEN s.orders ELSE s.revenue END >= b.threshold
CROSS JOIN LATERAL (SELECT order_id, order_line_id FROM commissions c WHERE c.campaign_id = b.campaign_id
  AND c.affiliate_id = s.affiliate_id AND c.kind = 'sale' AND c.level = 1 ORDER BY c.id DESC LIMIT 1) last
WHERE b.campaign_id = :campaign_id AND b.withdrawn_at IS NULL ORDER BY s.affiliate_id, b.id""")


def award_bonuses(db, campaign_id: uuid.UUID) -> list[Commission]:
    """Give every bonus of a closed campaign to who reached its goal, net of what went back and of what is held.

    Again gives nothing new. A later refund does not take a bonus back."""
    rows = [{**row, "id": new_id(), "level": 1, "kind": "bonus", "quantity": 1, "hold_days": 0, "matures_at": now()}
            for row in db.execute(_REACHED, {"campaign_id": campaign_id}).mappings()]
    made = list(db.scalars(insert(Commission).values(rows).on_conflict_do_nothing().returning(Commission))) \
        if rows else []
    tell.changed(db, made)
    return made


def set_hold_days(db, merchant_id: uuid.UUID, category: str, days: int, by: Member) -> None:
    """Days between delivery and payable for a category, for orders made from now on."""
    if not category or not 0 <= days <= 365:
        raise Invalid
    db.execute(insert(HoldPeriod).values(merchant_id=merchant_id, category=category, days=days)
               .on_conflict_do_update(index_elements=[HoldPeriod.merchant_id, HoldPeriod.category],
                                      set_={"days": days}))
    acts.note(db, "hold_days.set", merchant_id, by=by, merchant_id=merchant_id, category=category, days=days)
