"""Moments of an order in which upper packages take part, inside the order's own transaction.

What must be true together with the order (a commission of a paid line, a posting in the ledger) cannot wait for an
event row. A package registers a function at start (`PAID.add(accrue)`); orders call it and know nothing of it. The
functions flush, never commit, lock no stock, and let no error of theirs pass for a refusal: what they raise undoes
the whole transaction. Rehearsal orders have no moments.
"""
from collections.abc import Callable

from orders.models import Order


class Moment:
    """One kind of moment and who takes part in it, in the order in which they were added."""

    def __init__(self, name: str):
        self.name = name
        self.calls: list[Callable] = []

    def add(self, call: Callable) -> None:
        """Take part from now on; adding the same function again changes nothing."""
        if call not in self.calls:
            self.calls.append(call)

    def tell(self, db, order: Order, *what) -> None:
        """Call everybody: `call(db, order, *what)`."""
        if not order.rehearsal:
            for call in self.calls:
                call(db, order, *what)


PLACED = Moment("placed")  # (db, order): made, with its lines; in the buyer's request
PAID = Moment("paid")  # (db, order, payment): the payment is kept; before any stock is locked
RETURNED = Moment("returned")  # (db, order, payment, refund): money came that the order could not keep
REFUNDED = Moment("refunded")  # (db, order, refund): of a kept payment; once a refund, before any stock is locked
REFUND_REFUSED = Moment("refund refused")  # (db, order, refund): the provider did not send it; its sum is not counted
REFUND_AGAIN = Moment("refund again")  # (db, order, refund): a refused one is tried and counted anew
DISPUTED = Moment("disputed")  # (db, order, dispute): the buyer's bank took money of the kept payment; once a dispute
DISPUTE_WON = Moment("dispute won")  # (db, order, dispute): and gave it back
DELIVERED = Moment("delivered")  # (db, order)
