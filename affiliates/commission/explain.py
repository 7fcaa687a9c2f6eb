"""Every term of an amount, as data: who, why them, which rule, which base, which rounding, why now, why not yet."""
from affiliates.attribution.models import Attribution
from affiliates.commission import queries
from affiliates.commission.models import Bonus, Commission, CommissionRule
from affiliates.commission.rules import SCOPES
from affiliates.commission.tell import state_of
from core.clock import iso, now
from orders.models import Order, OrderLine


def explain(db, commission: Commission, *, settled: bool = False) -> dict:
    """All that made this commission what it is, in values that can be computed anew from each other.

    base: quantity × unit_price − discount = paid. formula: paid × rate, half up, then capped = amount; amount −
    reversed = left. `when` says what it waits for. Nothing in it names the buyer."""
    order, line = db.get(Order, commission.order_id), db.get(OrderLine, commission.order_line_id)
    holds, adjustments = queries.holds_of(db, commission.id), queries.adjustments_of(db, commission.id)
    return {
        "id": str(commission.id), "kind": commission.kind, "level": commission.level, "currency": commission.currency,
        "state": state_of(commission, settled), "created_at": iso(commission.created_at),
        "order": {"number": order.number, "placed_at": iso(order.created_at), "paid_at": iso(order.paid_at),
                  "delivered_at": iso(order.delivered_at)},
        "base": {"title": line.title, "sku": line.sku, "quantity": line.quantity,
                 "unit_price_minor": line.unit_price_minor, "discount_minor": line.discount_minor,
                 "coupon": order.coupon_code, "paid_minor": commission.base_minor},
        "formula": _formula(commission), "rule": _rule(db, commission), "why_me": _why_me(db, commission),
        "adjustments": [{"cause": one.cause_type, "cause_id": one.cause_id, "amount_minor": one.amount_minor,
                         "money_gone_minor": one.basis_minor, "note": one.note, "at": iso(one.created_at)}
                        for one in adjustments],
        "holds": [{"reason": one.reason.split(":")[0], "opened_at": iso(one.opened_at), "decision": one.decision,
                   "decided_at": iso(one.decided_at), "note": one.note} for one in holds],
        "reversed_minor": commission.reversed_minor,
        "left_minor": commission.amount_minor - commission.reversed_minor,
        "when": _when(commission, order, holds, settled)}


def _formula(commission: Commission) -> dict:
    """The multiplication with its rest: exact is in millionths of a minor unit, so that a reader can round it anew."""
    if commission.rate_ppm is None:
        exact = commission.flat_minor * commission.quantity * 1_000_000
    else:
        exact = commission.base_minor * commission.rate_ppm
    rounded = (exact + 500_000) // 1_000_000
    return {"rate_ppm": commission.rate_ppm, "flat_minor": commission.flat_minor, "quantity": commission.quantity,
            "exact_millionths": exact, "rounded_minor": rounded, "rounding": "half_up",
            "cap_minor": commission.cap_minor, "capped": commission.amount_minor < rounded,
            "capped_by": commission.capped_by if commission.amount_minor < rounded else None,
            "amount_minor": commission.amount_minor}


def _rule(db, commission: Commission) -> dict | None:
    if commission.rule_id is None:
        bonus = db.get(Bonus, commission.bonus_id)
        return {"id": str(bonus.id), "bonus": True, "measure": bonus.measure, "threshold": bonus.threshold,
                "amount_minor": bonus.amount_minor}
    rule = db.get(CommissionRule, commission.rule_id)
    scope = {name: getattr(rule, name) and str(getattr(rule, name)) for name in SCOPES}
    return {"id": str(rule.id), "bonus": False, "version": rule.version, "published_at": iso(rule.published_at),
            "valid_from": iso(rule.valid.lower), "valid_until": iso(rule.valid.upper), "note": rule.note, **scope}


def _why_me(db, commission: Commission) -> dict:
    """Which policy was applied, and everybody who was considered; others than oneself without a name."""
    found = db.get(Attribution, commission.order_id)
    mine = {str(found.affiliate_id)} if commission.level == 1 else {str(found.affiliate_id), str(found.leader_id)}
    return {"source": found.source, "team": commission.level == 2, "policy_version": found.policy_version,
            "policy": found.policy, "tier": found.tier,
            "candidates": [{"source": one["source"], "at": one["at"], "outcome": one["outcome"],
                            "me": one["affiliate_id"] in mine} for one in found.candidates]}


def _when(commission: Commission, order: Order, holds, settled: bool) -> dict:
    """`waits_for`: None when it is settled or payable now; else reversal, decision, delivery or days."""
    open_holds = [one.reason.split(":")[0] for one in holds if one.decided_at is None]
    waits_for = None
    if commission.amount_minor and commission.reversed_minor == commission.amount_minor:
        waits_for = "nothing_left"
    elif settled:
        waits_for = None
    elif open_holds:
        waits_for = "decision"
    elif commission.matures_at is None:
        waits_for = "delivery"
    elif commission.matures_at > now():
        waits_for = "days"
    return {"settled": settled, "payable_from": iso(commission.matures_at), "hold_days": commission.hold_days,
            "delivered_at": iso(order.delivered_at), "waits_for": waits_for, "holds": open_holds}
