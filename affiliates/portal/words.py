"""Terms, states and reasons in words, and the few sums a page shows beside them."""
from datetime import datetime
from decimal import Decimal

from flask_babel import gettext as _
from flask_babel import pgettext

from affiliates.people.models import STANDARD
from core.i18n import money_text
from core.money import exponent


def at(moment: str | None) -> datetime | None:
    """A moment of `explain`, for `when()`."""
    return datetime.fromisoformat(moment) if moment else None


def percent(ppm: int) -> str:
    """85000 → "8.5 %"."""
    return f"{(Decimal(ppm) / 10_000).normalize():f} %"


def rate_text(rule: dict, currency: str) -> str:
    """What one rule pays, in a few words."""
    if rule["rate_ppm"] is None:
        pays = _("%(money)s a unit", money=money_text(rule["flat_minor"], currency))
    else:
        pays = percent(rule["rate_ppm"])
    if rule["what"]:
        return _("%(rate)s on %(what)s", rate=pays, what=rule["what"])
    return _("%(rate)s of what is paid", rate=pays) if rule["flat_minor"] is None else pays


def rates_text(rules: list[dict], currency: str) -> str:
    """All that a campaign pays: the narrowest of what everything gets, then what some things get."""
    wide = [rule for rule in rules if not rule["what"]][-1:]
    narrow = [rule for rule in rules if rule["what"]]
    said = [rate_text(rule, currency) for rule in wide + narrow[:2]]
    if len(narrow) > 2:
        said.append(_("and %(count)s more", count=len(narrow) - 2))
    return pgettext("list", ", ").join(said) if said else _("No commission yet")


def states() -> dict[str, tuple[str, str]]:
    """{state: (word, kind of chip)}."""
    return {"pending": (_("On hold"), "calm"), "mature": (_("Payable"), "money"), "settled": (_("Settled"), "stock"),
            "held": (_("In review"), "urgent"), "reversed": (_("Taken back"), "")}


def sources() -> dict[str, str]:
    """How a buyer came, as the affiliate's own way."""
    return {"coupon": _("The buyer used your coupon."), "room": _("The buyer came over your link to this show."),
            "click": _("The buyer came over your link."),
            "bound": _("The buyer first came to this shop through you.")}


def ways() -> dict[str, str]:
    """How somebody was considered, whoever it was."""
    return {"coupon": _("coupon"), "room": _("link to this show"), "click": _("link"),
            "bound": _("brought the buyer to the shop before")}


def outcomes() -> dict[str, str]:
    """What became of a candidate."""
    return {"won": _("gets the commission"), "weaker": _("a stronger way won"), "older": _("another came later"),
            "too_old": _("too long ago"), "not_in_policy": _("does not count here"),
            "affiliate_frozen": _("frozen then"), "affiliate_closed": _("closed then"),
            "affiliate_applied": _("not approved yet"), "approval_missing": _("not approved by this shop"),
            "approval_applied": _("not approved by this shop yet"), "approval_frozen": _("frozen by this shop"),
            "approval_closed": _("no longer with this shop")}


def reasons() -> dict[str, str]:
    """Why a line waits for a person."""
    return {"own_purchase": _("You bought this yourself."), "same_card": _("Paid with a card that is yours too."),
            "same_device": _("Bought on a device you use too."), "same_address": _("Sent to an address of yours."),
            "late_click": _("Your link was opened only seconds before the units were claimed."),
            "by_hand": _("The shop wants to look at it.")}


def causes() -> dict[str, str]:
    """What changed a line afterwards."""
    return {"refund": _("Refund to the buyer"), "dispute": _("The buyer's bank took the money back"),
            "dispute_won": _("The buyer's bank gave the money back"),
            "rejection": _("Refused after review"), "correction": _("Corrected by the shop")}


def policy_text(policy: dict) -> str:
    """A policy's order of ways in words: "coupon > link to this show > …"."""
    said = ways()
    return " > ".join(said[name] for name in policy["sources"])


def measures() -> dict[str, str]:
    """What a bonus counts."""
    return {"units": _("units sold"), "orders": _("orders"), "revenue": _("paid by buyers")}


def flow(totals: list[dict], currency: str) -> dict:
    """Where the money of one currency is: {"earned", "hold", "payable", "paid", "waits"} in minor units.

    hold: not past its days, or in review. waits: past its days, not settled yet (below 0: will be taken back)."""
    one = next((row for row in totals if row["currency"] == currency), None) or dict.fromkeys(
        ("earned", "held", "mature", "payable", "paid"), 0)
    moved = one["payable"] + one["paid"] + one.get("on_the_way", 0)
    return {"earned": one["earned"], "hold": one["earned"] - one["mature"], "payable": one["payable"],
            "paid": one["paid"], "waits": one["mature"] - moved}


def times_text(formula: dict, currency: str) -> str:
    """The multiplication of a rate with what it was before it was rounded."""
    digits = exponent(currency)
    exact = (Decimal(formula["exact_millionths"]) / 10 ** (6 + digits)).normalize()
    if formula["exact_millionths"] % 1_000_000 == 0:
        return _("× %(rate)s", rate=percent(formula["rate_ppm"]))
    return _("× %(rate)s, rounded half up from %(exact)s", rate=percent(formula["rate_ppm"]), exact=f"{exact:f}")


def rule_text(rule: dict, shop: str, campaign: str) -> str:
    """For what a rule holds, as a sentence."""
    if rule["product_id"]:
        what = _("%(shop)s, this product.", shop=shop)
    elif rule["category"]:
        what = _("%(shop)s, category %(category)s.", shop=shop, category=rule["category"])
    else:
        what = _("%(shop)s, everything.", shop=shop)
    if rule["campaign_id"]:
        what += " " + _("Only in %(campaign)s.", campaign=campaign)
    if rule["tier"] and rule["tier"] != STANDARD:
        what += " " + _("For partners of the level %(tier)s.", tier=rule["tier"])
    return what
