"""The merchant's and the operator's side of affiliates: people, rules, holds, settlement, payouts, and who did what."""


def init_app(app) -> None:
    """Register the pages of both desks."""
    from affiliates.desk import (  # noqa: F401
        accounts,
        budgets,
        holds,
        invitations,
        log,
        money,
        operator_people,
        payout,
        payouts,
        people,
        policy,
        reconciliation,
        rules,
        settings,
        settlements,
        simulator,
        sockets,
    )
    from affiliates.desk.doors import operator_desk, shop_desk
    app.register_blueprint(shop_desk)
    app.register_blueprint(operator_desk)
