"""What affiliates do in the moments of an order, inside its transaction (orders/moments.py)."""
from affiliates.attribution import actions as attribution
from affiliates.commission import accrue, reversal
from affiliates.commission import actions as commission
from affiliates.commission.lookup import rules_of_lines
from affiliates.links import visitors
from orders import moments


def placed(db, order) -> None:
    """Decide to whom the order is owed, and fix the rule of each line."""
    attribution.attribute(db, order, visitors.current(),
                          lambda tier: rules_of_lines(db, order.id, tier, order.created_at))


def paid(db, order, payment) -> None:
    accrue.accrue(db, order, payment)


def refunded(db, order, refund) -> None:
    reversal.refunded(db, order, refund)


def disputed(db, order, dispute) -> None:
    reversal.disputed(db, order, str(dispute.id), dispute.amount_minor)


def dispute_won(db, order, dispute) -> None:
    reversal.dispute_won(db, order, str(dispute.id), dispute.amount_minor)


def delivered(db, order) -> None:
    commission.mature(db, order)


def take_part() -> None:
    """From now on; again changes nothing."""
    moments.PLACED.add(placed)
    moments.PAID.add(paid)
    moments.REFUNDED.add(refunded)
    moments.DISPUTED.add(disputed)
    moments.DISPUTE_WON.add(dispute_won)
    moments.DELIVERED.add(delivered)
