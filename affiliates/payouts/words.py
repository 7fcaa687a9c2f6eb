"""Payouts in words: states, why somebody is left out, why the bank said no."""
from flask_babel import gettext as _
from flask_babel import pgettext

from affiliates.payouts import bank_details, sealing


def states() -> dict[str, tuple[str, str]]:
    """{state of a payout: (word, kind of chip)}."""
    return {"draft": (_("Waits for approval"), "calm"), "reserved": (pgettext("payout", "Set aside"), "money"),
            "submitted": (_("At the bank"), "calm"), "unknown": (_("No answer yet"), "urgent"),
            "paid": (_("Paid"), "stock"), "rejected": (_("The bank said no"), "urgent"),
            "returned": (_("Came back"), "urgent"), "dropped": (_("Left out"), "")}


def party_states() -> dict[str, tuple[str, str]]:
    """The same for who gets the money: what the bank does not answer yet is at the bank."""
    return states() | {"reserved": (_("On its way"), "money"), "unknown": states()["submitted"]}


def batch_states() -> dict[str, tuple[str, str]]:
    return {"draft": (_("Waits for approval"), "calm"), "approved": (pgettext("payouts", "On their way"), "money"),
            "done": (_("Done"), "stock"), "cancelled": (_("Given up"), "")}


def attempt_states() -> dict[str, str]:
    return {"created": _("ready"), "calling": _("being sent"), "sent": _("at the bank"), "unknown": _("no answer"),
            "paid": _("paid"), "rejected": _("refused"), "returned": _("came back")}


def methods() -> dict[str, str]:
    """How money goes out."""
    return {"bank": _("Bank file"), "sandbox": _("Sandbox"), "stripe": "Stripe"}


def account_kinds() -> dict[str, str]:
    """What kind of account somebody has."""
    return {"bank": _("Bank account"), "sandbox": _("Sandbox: pays nothing real"), "stripe": "Stripe"}


def reasons() -> dict[str, str]:
    """Why a party is in no batch."""
    return {"debt": _("Owes us"), "below_threshold": _("Less than the least amount"),
            "frozen": pgettext("person", "Frozen"),
            "no_account": _("Has given no account"), "unverified": _("The account is not verified"),
            "account_new": _("The account was changed less than 24 hours ago"),
            "other_method": _("Wants the money another way"), "under_way": _("Another payout is not finished"),
            "balance_changed": _("Is owed less than when the batch was made"), **_more()}


def _more() -> dict[str, str]:
    return {"account_closed": _("The account is closed"), "returned_by_bank": _("The bank sent it back"),
            "reversed": _("Taken back at Stripe"), "decided": _("Decided by hand"),
            "missing": _("The bank has not heard of it"), "balance_insufficient": _("Too little money at the provider"),
            "rejected": _("The bank said no"), "returned": _("The bank sent it back"),
            "amount_mismatch": _("The bank named another amount"),
            "paid_then_rejected": _("First paid, later refused"), "returned_then_paid": _("First returned, later paid"),
            "rejected_then_paid": _("First refused, later paid"),
            "returned_then_rejected": _("First returned, later refused"),
            "rejected_then_returned": _("First refused, later returned")}


def why(reason: str | None) -> str:
    """A reason or a failure in words; a code of a bank as it is."""
    return reasons().get(reason, reason) if reason else ""


def account(row) -> str:
    """An account by its last signs; the sandbox's by what it does when it does not simply pay."""
    try:
        details = row.details
    except sealing.Unreadable:
        return "••••"
    if row.method != "sandbox":
        return bank_details.masked(row.method, details)
    outcome = details.get("outcome", "paid")
    return _("Sandbox") if outcome == "paid" else f"{_('Sandbox')}: {outcome}"


def party_kind(owner: str) -> str:
    return _("Affiliate") if owner.startswith("affiliate:") else _("Shop")


def deeds() -> dict[str, str]:
    """{kind of an act about a payout: what was done}."""
    return {"payout.paid": _("It was paid"), "payout.rejected": _("It was refused"),
            "payout.returned": _("It came back"), "payout.stands": _("It stands as it is"),
            "payout.again": _("Sent once more")}


def transfers() -> dict[str, str]:
    """{code of a transfer: what it was}, as its party reads it."""
    return {"commission": _("Commissions settled"), "clawback": _("Commissions taken back"),
            "proceeds": _("Sales settled"), "proceeds_back": _("Sales taken back"), "payout": _("Payout set aside"),
            "payout_paid": _("Payout paid"), "payout_back": _("Payout did not go through"),
            "payout_returned": _("Payout came back"), "write_off": _("Debt let off")}
