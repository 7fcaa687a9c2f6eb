"""RQ entry point and tick of payouts: what is due stands in payout_attempts; a job only does it sooner."""
import uuid

from affiliates.payouts import accounts, attempts
from core import jobs
from core.db import reading, transaction
from core.ticks import every

PATH = "affiliates.payouts.jobs.go_on"


def go_on(attempt_id: str) -> None:
    """Send an attempt, or ask what became of it, if that is due. Safe beside itself."""
    attempts.go_on(uuid.UUID(attempt_id))


@every(5)
def go_on_with_due() -> None:
    """Hand out what is due; without Redis it waits for the next tick."""
    with reading() as db:
        due = attempts.due(db)
    for attempt_id in due:
        if not jobs.enqueue(PATH, str(attempt_id), timeout_seconds=60):
            return


@every(600)
def reseal() -> None:
    """Account numbers from before there were seals, or under a key that is on its way out."""
    with transaction() as db:
        accounts.reseal(db)


def hurry() -> None:
    """What was just approved need not wait for the tick. Call it after the commit."""
    go_on_with_due()
