"""Why a line waits, said to the staff who decide."""
from flask_babel import gettext as _
from flask_babel import ngettext


def reasons() -> dict[str, str]:
    """{reason: a word or two}."""
    return {"own_purchase": _("Own purchase"), "same_card": _("Same card"), "same_device": _("Same device"),
            "same_address": _("Same address"), "late_click": _("Late click"), "by_hand": _("By hand")}


def evidence(row: dict) -> str:
    """What was found, as a sentence; who earns is the affiliate or the leader of the team."""
    found = row["evidence"]
    if row["reason"] == "late_click":
        return _late(float(found["seconds"]))
    if row["reason"] == "by_hand":
        return _("%(name)s doubts it: “%(note)s”", name=row["doubted_by"] or "–", note=found.get("note", ""))
    return {
        "own_purchase": _("The buyer is the one who earns by it."),
        "same_card": _("Paid with a card that is also saved by the one who earns by it, ending in %(last4)s.",
                       last4=found.get("last4", "")),
        "same_device": _("Bought in a browser in which the one who earns by it has signed in too."),
        "same_address": _("Sent to an address that is also saved by the one who earns by it."),
    }.get(row["reason"], row["reason"])


def _late(seconds: float) -> str:
    if seconds < 0:
        return ngettext("The link was opened %(num)s second after the units were claimed.",
                        "The link was opened %(num)s seconds after the units were claimed.", round(-seconds))
    return ngettext("The link was opened %(num)s second before the units were claimed; people need longer to choose.",
                    "The link was opened %(num)s seconds before the units were claimed; people need longer to choose.",
                    round(seconds))
