"""What affiliates do by the clock."""
from affiliates.commission.burn import tell_budgets
from affiliates.commission.tell import tell_totals
from affiliates.links.actions import sweep_clicks
from core.db import transaction
from core.ticks import every


@every(0.5)
def tell_sums() -> None:
    """Sums of those whose commissions changed, at most twice a second each."""
    with transaction() as db:
        tell_totals(db)


@every(0.5)
def tell_what_budgets_have_left() -> None:
    """Budgets of running campaigns that moved, at most twice a second each."""
    with transaction() as db:
        tell_budgets(db)


@every(3600)
def forget_old_clicks() -> None:
    """In pieces of 10,000; the next hour takes the next."""
    with transaction() as db:
        sweep_clicks(db)
