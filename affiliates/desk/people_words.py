"""States of affiliates and deeds about them in words."""
from flask_babel import gettext as _
from flask_babel import pgettext

from affiliates.portal.words import percent
from core.i18n import money_text


def states() -> dict[str, tuple[str, str]]:
    """{state: (word, kind of chip)}."""
    return {"applied": (_("asks"), "calm"), "active": (_("approved"), "stock"),
            "frozen": (pgettext("person", "frozen"), "urgent"), "closed": (_("over"), "")}


def filters() -> dict[str, str]:
    return {"all": _("All"), "applied": _("Asking"), "active": _("Approved"), "frozen": pgettext("person", "Frozen"),
            "closed": _("Over")}


def reasons() -> dict[str, str]:
    """Why somebody is where they are, where a rule or an invitation decided."""
    return {"approved_all": _("let in by the rule that lets everybody in"),
            "approved_orders": _("let in because they bought here before"), "invited": _("came by your invitation"),
            "left": _("stopped by themselves")}


def deeds() -> dict[str, str]:
    """The log of one affiliate at a shop."""
    return {"affiliation.applied": _("Asked to promote"), "affiliation.active": _("Approved"),
            "affiliation.frozen": pgettext("person", "Frozen"), "affiliation.closed": _("Ended"),
            "affiliation.tier": _("New level")}


def code_text(coupon) -> str:
    """What a code takes off."""
    if coupon.percent_ppm:
        return _("%(rate)s off", rate=percent(coupon.percent_ppm))
    if coupon.amount_minor:
        return _("%(money)s off", money=money_text(coupon.amount_minor, coupon.currency))
    return _("nothing off: it only says who sent the buyer")
