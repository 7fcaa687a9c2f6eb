"""Where an affiliate, or its approval by a merchant, may go from where it is. Nothing else sets these states."""
MOVES = {
    "applied": {"active", "closed"},
    "active": {"frozen", "closed"},
    "frozen": {"active", "closed"},
    "closed": {"active"},  # only by an invitation, or by whoever closed it
}


def may_move(state: str, to: str) -> bool:
    """Whether the table allows it."""
    return to in MOVES[state]


def approves(approval: str, min_paid_orders: int, paid_orders: int) -> str | None:
    """The reason for which an application is approved by rule at once; None if a person has to look."""
    if approval == "all":
        return "approved_all"
    if approval == "paid_orders" and paid_orders >= min_paid_orders:
        return "approved_orders"
    return None
