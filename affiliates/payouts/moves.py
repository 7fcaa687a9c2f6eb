"""Where a payout, a batch and an attempt may go. The database holds the same table (models.py)."""
from core.errors import DomainError

PAYOUTS = {
    "draft": {"reserved", "dropped"},
    "reserved": {"submitted", "unknown", "paid", "rejected", "returned"},
    "submitted": {"paid", "rejected", "returned", "unknown"},
    "unknown": {"submitted", "paid", "rejected", "returned"},  # only by asking, or by a person
    "paid": {"returned"},
    "rejected": {"reserved"},  # tried again, as another attempt
    "returned": set(),
    "dropped": set(),
}
PAYOUT_STATES = tuple(PAYOUTS)
OPEN = {"draft", "reserved", "submitted", "unknown"}
ENDED = {"paid", "rejected", "returned", "dropped"}
BATCH_STATES = ("draft", "approved", "done", "cancelled")
ATTEMPT_STATES = ("created", "calling", "sent", "unknown", "paid", "rejected", "returned")


class WrongPayoutMove(DomainError):
    code = "wrong_move"


def move(payout, to: str) -> None:
    """Move a payout on. Raises WrongPayoutMove if the table does not allow it."""
    if to not in PAYOUTS[payout.state]:
        raise WrongPayoutMove(state=payout.state)
    payout.state = to
