"""Deeds in words. A kind that has none is shown as it is written down."""
from flask_babel import gettext as _

from core.i18n import money_text


def groups() -> dict[str, str]:
    """{group of deeds: its name}."""
    return {"people": _("Affiliates"), "rules": _("Commission rules"), "review": _("Review"),
            "settlement": _("Settlement"), "payouts": _("Payouts")}


def sentence(act) -> str:
    """What was done, with the one figure that matters of its detail."""
    found, more = deeds().get(act.kind), act.detail
    if act.kind in ("budget.set", "bonus.added", "commission.corrected") and act.currency:
        return f"{found}: {money_text(more['amount_minor'], act.currency)}"
    if act.kind == "hold_days.set":
        return _("Days until payable set for %(category)s: %(days)s", category=more["category"], days=more["days"])
    if act.kind in ("rule.published", "policy.published") and "version" in more:
        return _("%(what)s, version %(version)s", what=found, version=more["version"])
    if act.kind == "settlement.opened":
        return _("Settlement %(number)s begun", number=more["seq"])
    if said := more.get("code") or act.kind == "affiliation.tier" and more["tier"] or more.get("number"):
        return f"{found or act.kind}: {said}"
    return found or act.kind


def deeds() -> dict[str, str]:
    """{kind of a deed: what was done}."""
    return {"settlement.opened": _("Settlement begun"), "hold_days.set": _("Days until payable set"),
            **_people(), **_rules(), **_review(), **_payouts()}


def _people() -> dict[str, str]:
    return {
        "affiliate.applied": _("Became an affiliate"), "affiliate.active": _("Affiliate approved for the platform"),
        "affiliate.frozen": _("Affiliate frozen on the platform"),
        "affiliate.closed": _("Affiliate closed on the platform"),
        "affiliate.invitation_withdrawn": _("Invitation withdrawn"), "affiliate.invited": _("Affiliate invited"),
        "affiliation.applied": _("Asked to promote the shop"), "affiliation.active": _("Affiliate approved"),
        "affiliation.frozen": _("Affiliate frozen"), "affiliation.closed": _("Affiliate closed"),
        "affiliation.tier": _("Level set"), "program.changed": _("Terms for affiliates changed"),
        "team.joined": _("Joined a team"), "team.left": _("Left a team")}


def _rules() -> dict[str, str]:
    return {
        "rule.published": _("Commission rule published"), "rule.ended": _("Commission rule ended"),
        "policy.published": _("Order of ways published"), "coupon.made": _("Coupon made"),
        "coupon.closed": _("Coupon closed"), "budget.set": _("Budget set"), "bonus.added": _("Bonus added")}


def _review() -> dict[str, str]:
    return {
        "hold.opened": _("Line held"), "hold.released": _("Held line released"),
        "hold.rejected": _("Held line rejected"),
        "commission.corrected": _("Commission corrected"), "appeal.made": _("Appeal made"),
        "appeal.answered": _("Appeal answered"), "settlement.retried": _("Failed parts tried again")}


def _payouts() -> dict[str, str]:
    return {
        "payout_account.set": _("Payout account given"), "payout_account.verified": _("Payout account verified"),
        "payout_batch.made": _("Payouts drafted, batch"), "payout_batch.approved": _("Payouts approved, batch"),
        "payout_batch.exported": _("Payouts exported, batch"), "payout_batch.cancelled": _("Payouts cancelled, batch"),
        "payouts.reconciled": _("Bank's file compared"), "payout.again": _("Payout tried again"),
        "payout.paid": _("Payout decided: paid"), "payout.rejected": _("Payout decided: rejected"),
        "payout.returned": _("Payout decided: returned"), "payout.stands": _("Payout decided: it stands as it is"),
        "debt.written_off": _("Debt let off")}
