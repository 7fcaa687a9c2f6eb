"""Paying parties what they are owed: accounts, batches with two persons, banks, reconciliation."""
from affiliates.payouts import models  # noqa: F401
from affiliates.payouts.checks import CHECKS
from core.checks import register


def take_part(app) -> None:
    """Rules, ticks, providers, addresses, and what the sums of affiliates say of what was paid."""
    from affiliates.commission.queries import MORE_TOTALS
    from affiliates.payouts import jobs, providers, queries, sealing  # noqa: F401
    from affiliates.payouts.webhooks import payout_webhooks
    sealing.init(app.config["LIVESTALL"])
    providers.init(app.config["LIVESTALL"])
    app.register_blueprint(payout_webhooks)
    register(CHECKS)
    if queries.totals not in MORE_TOTALS:
        MORE_TOTALS.append(queries.totals)
