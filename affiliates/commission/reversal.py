"""Taking commission back when the money of a line is gone: to a target, so that no two causes take the same twice."""
import uuid

from sqlalchemy import func, select

from affiliates.commission import tell
from affiliates.commission.accrue import give_back
from affiliates.commission.models import Adjustment, Commission
from affiliates.commission.rules import gone
from core.money import split
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
    return take_back(db, order.id, "dispute", dispute_id, _shares(order, amount_minor))


def dispute_won(db, order: Order, dispute_id: str, amount_minor: int) -> list[Commission]:
    """The bank gave that money back: so does the commission, down to what other causes still ask for.

    What a person has rejected, and not given back since, stays rejected. Again changes nothing; `disputed` must have
    been told before."""
    lines = {line_id: -share for line_id, share in _shares(order, amount_minor).items()}
    return take_back(db, order.id, "dispute", f"{dispute_id}:won", lines)


def _shares(order: Order, amount_minor: int) -> dict[uuid.UUID, int]:
    shares = split(min(amount_minor, order.total_minor), [line.total_minor for line in order.lines])
    return {line.id: share for line, share in zip(order.lines, shares, strict=True) if share}


def take_back(db, order_id: uuid.UUID, cause_type: str, cause_id: str, lines: dict[uuid.UUID, int]) -> list[Commission]:
    """Take back of each line's commissions what its money that is gone asks for (`lines`: minor units by line; below
    0 came back, and the commission is given back)."""
    changed, freed = [], 0
    for commission, money_gone in _with_gone(db, order_id, cause_type, cause_id, lines):
        moved = lines[commission.order_line_id]
        target = gone(commission.amount_minor, commission.base_minor, money_gone + moved)
        step = _step(db, commission, target, moved)
        db.add(Adjustment(commission_id=commission.id, cause_type=cause_type, cause_id=cause_id, amount_minor=-step,
                          basis_minor=moved))
        freed += step
        changed.append(commission)
    db.flush()
    for commission in changed:
        db.refresh(commission)
    if freed:
        give_back(db, changed[0].campaign_id, freed)
    tell.changed(db, changed)
    return changed


def _step(db, commission: Commission, target: int, moved: int) -> int:
    """How much more is taken; below 0 is given. In the direction of the money only, within what there is."""
    step = target - _taken(db, commission.id)
    if moved > 0:
        return max(0, min(step, commission.amount_minor - commission.reversed_minor))
    by_hand = db.scalar(select(Adjustment.cause_type).where(
        Adjustment.commission_id == commission.id, (Adjustment.cause_type == "rejection") | (
            (Adjustment.cause_type == "correction") & (Adjustment.amount_minor > 0)))
        .order_by(Adjustment.id.desc()).limit(1))
    return 0 if by_hand == "rejection" else min(0, max(step, -commission.reversed_minor))


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
