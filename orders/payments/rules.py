"""What a provider's word means for an order, whenever and however often it comes. Pure."""

# Money that this order cannot keep goes back whole; the word is the refund's reason.
SEND_BACK = ("second_payment", "cancelled", "late_payment")


def effect(order_state: str, was_paid: bool, payment_state: str, said: str, *, sum_fits: bool,
           never_arrived: bool) -> str:
    """repeat | open | failed | amount_mismatch | second_payment | cancelled | take.

    `take`: turn the order's holds into sold units; if that cannot be, the money goes back as a late payment.
    `never_arrived`: a call that the provider has not heard of can no longer reach it.
    """
    if payment_state in ("succeeded", "returned"):
        return "repeat"  # money that came stays come; a "failed" after it is older news
    if said != "succeeded":
        if payment_state == "failed":
            return "repeat"
        return "failed" if said == "failed" or said == "missing" and never_arrived else "open"
    if not sum_fits:
        return "amount_mismatch"
    if order_state == "paid":
        return "second_payment"
    if order_state == "cancelled":
        # Paid before and cancelled since: a second payment. Never paid: the buyer let go first.
        return "second_payment" if was_paid else "cancelled"
    return "take"


def dispute_effect(known: str, said: str) -> str:
    """repeat | won | lost. What is won stays won; a bank may change its mind about what was lost."""
    if said == known or said == "open" or known == "won":
        return "repeat"
    return said
