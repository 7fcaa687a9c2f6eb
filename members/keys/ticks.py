"""What keys do by the clock."""
from core.db import transaction
from core.ticks import every
from members.keys import actions


@every(3600)
def forget_old_answers() -> None:
    with transaction() as db:
        actions.forget_answers(db)
