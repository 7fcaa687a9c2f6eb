"""Runs, chunks and what an audit finds, in words."""
from flask_babel import gettext as _


def run_states() -> dict[str, tuple[str, str]]:
    """{state of a run: (word, kind of chip)}."""
    return {"open": (_("Begins"), "calm"), "running": (_("At work"), "calm"), "settled": (_("Being checked"), "calm"),
            "audited": (_("Settled and checked"), "stock"), "blocked": (_("Blocked"), "urgent")}


def problems() -> dict[str, str]:
    """{rule of the audit: what is wrong where it is broken}."""
    return {
        "an item is its commission, recomputed": _("An amount is not what its commission comes to."),
        "an adjustment is its own, of a settled commission": _("A change does not belong to what was settled."),
        "a party's sum is its transfer": _("What an affiliate was given is not what was posted."),
        "the merchant's sum is its transfer": _("What the shop was given is not what was posted."),
        "the chunks add up": _("The parts do not add up to what was taken.")}


def kinds() -> dict[str, str]:
    """What a line of a party's statement is."""
    return {"commission": _("Commission"), "refund": _("Refund to the buyer"),
            "dispute": _("The buyer's bank took the money back"), "rejection": _("Refused after review"),
            "correction": _("Corrected by the shop")}
