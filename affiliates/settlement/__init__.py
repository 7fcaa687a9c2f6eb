"""When a campaign is over: who gets how much, posted exactly once, and audited."""
from affiliates.settlement import models  # noqa: F401
from affiliates.settlement.checks import CHECKS
from core.checks import register


def take_part() -> None:
    """Rules, ticks, and what the sums of affiliates say of what they are owed; again changes nothing."""
    from affiliates.commission.queries import MORE_TOTALS
    from affiliates.settlement import jobs, queries  # noqa: F401
    register(CHECKS)
    if queries.totals not in MORE_TOTALS:
        MORE_TOTALS.append(queries.totals)
