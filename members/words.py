"""Roles in words."""
from flask_babel import gettext as _


def role_names() -> dict[str, str]:
    return {"host": _("Host"), "assistant": _("Assistant"),
            "merchant_staff": _("Shop staff"), "operator": _("Operator")}


def role_notes() -> dict[str, str]:
    """What each role may do, in a sentence."""
    return {"host": _("Runs shows, sets prices, sees the catalogue and orders."),
            "assistant": _("Helps in a show: all but ending it and setting prices."),
            "merchant_staff": _("Everything in the shop, also letting people in.")}
