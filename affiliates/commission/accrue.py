"""Commissions of a paid order, in the payment's own transaction; once a line, however often the money is reported."""
import uuid

from sqlalchemy import Integer, Uuid, cast, column, exists, func, select, text, true
from sqlalchemy.dialects.postgresql import JSONB, insert

from affiliates.attribution import actions as attribution
from affiliates.attribution.models import Attribution, Binding
from affiliates.commission import suspicion, tell
from affiliates.commission.models import Budget, Commission, CommissionHold, CommissionRule
from affiliates.commission.rules import amount
from core.clock import now
from core.ids import new_id
from orders.models import Order
from orders.payments.models import Payment


def accrue(db, order: Order, payment: Payment) -> list[Commission]:
    """What each line of the order earns its affiliate and that one's leader, by the rules fixed at the order.

    Paying twice or being told twice gives nothing new. Suspicious ones are held with the evidence, never left out."""
    known = _known(db, order)
    if not known or known[0][0].affiliate_id is None:
        return []
    found, has_budget = known[0][0], known[0].has_budget
    if not known[0].is_bound:
        attribution.bind(db, found, order.member_id)
    rows = _rows(order, found, {row[1].id: row[1] for row in known if row[1]})
    if rows and has_budget:
        _stay_within_budget(db, order, rows)
    made = list(db.scalars(insert(Commission).values(rows).on_conflict_do_nothing().returning(Commission))) \
        if rows else []
    if made:
        _hold(db, made, suspicion.reasons(db, order, payment, found))
        tell.changed(db, made, order)
    return made


def _known(db, order: Order) -> list:
    """To whom the order is owed with each rule of its lines, whether the campaign has a budget and the buyer belongs to
    somebody by now: all that is read before anything is written, in one statement."""
    line = func.jsonb_array_elements(Attribution.rules).table_valued(column("value", JSONB)).lateral("line")
    days = func.make_interval(0, 0, 0, cast(Attribution.policy["bind_days"].astext, Integer))
    return db.execute(
        select(Attribution, CommissionRule,
               exists().where(Budget.campaign_id == order.campaign_id).label("has_budget"),
               exists().where(Binding.merchant_id == order.merchant_id, Binding.member_id == order.member_id,
                              Binding.bound_at > func.now() - days).label("is_bound"))
        .select_from(Attribution).outerjoin(line, true())
        .outerjoin(CommissionRule, CommissionRule.id == cast(line.c.value["rule_id"].astext, Uuid))
        .where(Attribution.order_id == order.id)).all()


def _rows(order: Order, found: Attribution, rules: dict[uuid.UUID, CommissionRule]) -> list[dict]:
    terms, rows = {uuid.UUID(one["line_id"]): one for one in found.rules}, []
    for line in order.lines:
        if line.id not in terms:
            continue
        rule = rules[uuid.UUID(terms[line.id]["rule_id"])]
        shared = {"order_id": order.id, "order_line_id": line.id, "kind": "sale", "campaign_id": order.campaign_id,
                  "merchant_id": order.merchant_id, "rule_id": rule.id, "currency": order.currency,
                  "quantity": line.quantity, "base_minor": line.total_minor, "cap_minor": rule.cap_minor,
                  "capped_by": "rule" if rule.cap_minor is not None else None,
                  "hold_days": terms[line.id]["hold_days"], "created_at": order.paid_at or now()}
        rows.append({**shared, "id": new_id(), "level": 1, "affiliate_id": found.affiliate_id,
                     "rate_ppm": rule.rate_ppm, "flat_minor": rule.flat_minor})
        if found.leader_id and rule.level2_ppm:
            rows.append({**shared, "id": new_id(), "level": 2, "affiliate_id": found.leader_id,
                         "rate_ppm": rule.level2_ppm, "flat_minor": None})
    return rows


class _Row:
    """A row as `rules.amount` reads it."""

    def __init__(self, row: dict):
        self.rate_ppm, self.flat_minor, self.cap_minor = row["rate_ppm"], row["flat_minor"], row["cap_minor"]


def _stay_within_budget(db, order: Order, rows: list[dict]) -> None:
    """Cap what goes beyond the campaign's budget. Its row is locked last and shortly: only campaigns with a budget
    make their payments wait for one another."""
    budget = db.scalar(select(Budget).where(Budget.campaign_id == order.campaign_id).with_for_update(key_share=True)
                       .execution_options(populate_existing=True))
    if budget is None or budget.currency != order.currency:
        return
    known = set(db.execute(select(Commission.order_line_id, Commission.level).where(
        Commission.order_id == order.id)).all())
    for row in rows:
        if (row["order_line_id"], row["level"]) in known:
            continue
        full, left = amount(row["base_minor"], row["quantity"], _Row(row)), budget.amount_minor - budget.spent_minor
        if full > left:
            row["cap_minor"], row["capped_by"] = left, "budget"
        budget.spent_minor += min(full, left)
    db.flush()


_GIVE_BACK = text("""UPDATE commission_budgets
SET spent_minor = least(amount_minor, greatest(0, spent_minor - :freed)) WHERE campaign_id = :campaign_id""")


def give_back(db, campaign_id: uuid.UUID, amount_minor: int) -> None:
    """What a reversal frees of a campaign's budget; below 0 takes from it, as far as there is any."""
    db.execute(_GIVE_BACK, {"freed": amount_minor, "campaign_id": campaign_id})


def _hold(db, made: list[Commission], reasons: list[tuple[str, dict]]) -> None:
    for commission in made:
        for reason, evidence in reasons:
            db.add(CommissionHold(commission_id=commission.id, reason=reason, evidence=evidence))
    if reasons:
        db.flush()
        for commission in made:
            db.refresh(commission)  # a trigger set `held`
