"""Taking commission back when the money of a line is gone: to a target, so that no two causes take the same twice."""
import uuid

from sqlalchemy import func, select

from affiliates.commission import tell
from affiliates.commission.accrue import give_back
from affiliates.commission.models import Adjustment, Commission
from affiliates.commission.rules import gone
from orders.models import Order, Refund

# What follows the money. A rejection or a correction is a person's word and does not count here.
MONEY_CAUSES = ("refund", "dispute")


def refunded(db, order: Order, refund: Refund) -> list[Commission]:
    """A refund of a paid order, of its lines. The same refund again changes nothing."""
    lines = {uuid.UUID(line["line_id"]): line["amount_minor"] for line in refund.lines}
    return take_back(db, order.id, "refund", str(refund.id), lines)


def disputed(db, order: Order, dispute_id: str, amount_minor: int) -> list[Commission]:
    """The bank took money of the order back (a chargeback): it is shared over the lines by what was paid for each.

    Where a refund has taken a part already, only the rest is taken. The same dispute again changes nothing."""
    from core.money import split
    paid = [line.total_minor for line in order.lines]
    shares = split(min(amount_minor, order.total_minor), paid)
    lines = {line.id: share for line, share in zip(order.lines, shares, strict=True)}
    return take_back(db, order.id, "dispute", dispute_id, lines)


def take_back(db, order_id: uuid.UUID, cause_type: str, cause_id: str, lines: dict[uuid.UUID, int]) -> list[Commission]:
    """Take back of each line's commissions what its money that is gone (`lines`: minor units by line) asks for."""
    changed, freed = [], 0
    for commission, money_gone in _with_gone(db, order_id, cause_type, cause_id, lines):
        taken = _taken(db, commission.id)
        target = gone(commission.amount_minor, commission.base_minor, money_gone + lines[commission.order_line_id])
        step = max(0, min(target - taken, commission.amount_minor - commission.reversed_minor))
        db.add(Adjustment(commission_id=commission.id, cause_type=cause_type, cause_id=cause_id, amount_minor=-step,
                          basis_minor=lines[commission.order_line_id]))
        freed += step
        changed.append(commission)
    db.flush()
    for commission in changed:
        db.refresh(commission)
    if freed:
        give_back(db, changed[0].campaign_id, freed)
    tell.changed(db, changed)
    return changed


def _with_gone(db, order_id, cause_type, cause_id, lines) -> list[tuple[Commission, int]]:
    """Sales of these lines, locked, that this cause has not touched, with the money that is gone already."""
    found = db.scalars(select(Commission).where(
        Commission.order_id == order_id, Commission.kind == "sale", Commission.order_line_id.in_(list(lines)))
        .order_by(Commission.id).with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    known = set(db.scalars(select(Adjustment.commission_id).where(
        Adjustment.cause_type == cause_type, Adjustment.cause_id == cause_id,
        Adjustment.commission_id.in_([one.id for one in found]))))
    basis = dict(db.execute(select(Adjustment.commission_id, func.sum(Adjustment.basis_minor)).where(
        Adjustment.commission_id.in_([one.id for one in found]), Adjustment.cause_type.in_(MONEY_CAUSES))
        .group_by(Adjustment.commission_id)).all())
    return [(one, int(basis.get(one.id, 0))) for one in found if one.id not in known]


def _taken(db, commission_id: uuid.UUID) -> int:
    """What the money's causes took so far."""
    return -int(db.scalar(select(func.coalesce(func.sum(Adjustment.amount_minor), 0)).where(
        Adjustment.commission_id == commission_id, Adjustment.cause_type.in_(MONEY_CAUSES))))
