"""What a key may do, in words."""
from flask_babel import gettext as _


def areas() -> dict[str, str]:
    return {"affiliate": _("As an affiliate"), "shop": _("For a shop"), "payouts": _("Payouts"),
            "platform": _("The platform")}


def scopes() -> dict[str, str]:
    """{scope: what it lets a program do}."""
    return {"affiliate:read": _("See earnings, links, statements and payouts"),
            "affiliate:write": _("Make and close links, appeal, change the profile"),
            "shop:read": _("See affiliates, rules, holds and settlements"),
            "shop:write": _("Approve affiliates, publish rules, decide holds, settle"),
            "payouts:read": _("See batches, payouts and reconciliations"),
            "payouts:write": _("Make and approve batches, export, reconcile"),
            "platform:read": _("See all affiliates, settlements and the log"),
            "platform:write": _("Approve, freeze and close affiliates")}
