"""What campaigns may cost in commissions: the list, a campaign's budget as it is used up, its bonuses."""
from flask import flash, g, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from affiliates.attribution.queries import policy_for
from affiliates.commission import actions, burn
from affiliates.commission.models import MEASURES
from affiliates.commission.publishing import rules_at
from affiliates.desk import budget_queries, rule_words
from affiliates.desk.doors import shop_desk
from affiliates.desk.inputs import Whole, minor
from affiliates.portal.words import measures
from campaigns.terms.queries import access_campaign
from core.clock import now
from core.db import reading, transaction
from core.errors import Invalid
from core.money import plain
from core.web import In, body, check, page_number
from members.access import staff
from members.forms import page_with_form
from members.queries import current_merchant


class BudgetIn(In):
    amount = fields.String(required=True)


class BonusIn(In):
    """`goal` is a number of units or orders; for revenue an amount of the campaign's money."""
    measure = fields.String(required=True, validate=validate.OneOf(MEASURES))
    goal = fields.String(required=True)
    pays = fields.String(required=True)


class GoalIn(In):
    goal = Whole(1, 1_000_000)


@shop_desk.get("/rules/campaigns")
@staff("affiliates")
def rules_campaigns():
    page = page_number()
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        rows, total = budget_queries.page_of(db, shop.id, page)
        return render_template("affiliates/desk/campaigns.html", shop=shop, rows=rows, total=total, page=page,
                               per_page=budget_queries.PER_PAGE,
                               costs=budget_queries.costs(db, [campaign.id for campaign, _budget in rows]))


def _campaign(db, campaign_id):
    """A campaign of the current shop. Raises NotFound for another's."""
    return access_campaign(db, campaign_id, {current_merchant(db, "affiliates").id})


def _campaign_page(errors, message, values, campaign_id):
    with reading() as db:
        campaign = _campaign(db, campaign_id)
        data = burn.snapshot(db, campaign)
        holding = [rule for rule in rules_at(db, campaign.merchant_id) if now() in rule.valid
                   and rule.campaign_id in (None, campaign.id)]
        return render_template(
            "affiliates/desk/campaign.html", campaign=campaign, data=data, rules=holding,
            cost=budget_queries.costs(db, [campaign.id]).get(campaign.id), top=budget_queries.top(db, campaign.id),
            bonuses=budget_queries.bonuses(db, campaign.id), measures=measures(), said=rule_words,
            names=rule_words.names_of(db, holding), policy=policy_for(db, campaign.merchant_id, campaign.id),
            is_open=campaign.state in ("draft", "scheduled", "live"),
            budget_text=plain(data["amount_minor"], campaign.currency) if data["amount_minor"] is not None else "",
            errors=errors, message=message, values=values)


@shop_desk.get("/rules/campaigns/<uuid:campaign_id>")
@staff("affiliates")
def rules_campaign(campaign_id):
    return _campaign_page({}, "", {}, campaign_id)


@shop_desk.get("/rules/campaigns/<uuid:campaign_id>/budget.json")
@staff("affiliates")
def budget_state(campaign_id):
    """The snapshot, for a page that missed something, and for the card on the control page."""
    with reading() as db:
        return jsonify(burn.snapshot(db, _campaign(db, campaign_id)))


@shop_desk.post("/rules/campaigns/<uuid:campaign_id>/budget")
@staff("affiliates")
@page_with_form(_campaign_page)
def rules_budget(campaign_id):
    given = body(BudgetIn)
    with transaction() as db:
        campaign = _campaign(db, campaign_id)
        amount = minor(given["amount"], campaign.currency, "amount")
        if amount is None:
            raise Invalid(fields={"amount": [_("Enter an amount above 0.")]})
        actions.set_budget(db, campaign, amount, g.member)
    flash(_("The budget is set."), "ok")
    return redirect(url_for("affiliate_desk.rules_campaign", campaign_id=campaign_id), 303)


@shop_desk.post("/rules/campaigns/<uuid:campaign_id>/bonuses")
@staff("affiliates")
@page_with_form(_campaign_page)
def rules_bonus(campaign_id):
    given = body(BonusIn)
    with transaction() as db:
        campaign = _campaign(db, campaign_id)
        pays = minor(given["pays"], campaign.currency, "pays")
        if pays is None:
            raise Invalid(fields={"pays": [_("Enter an amount above 0.")]})
        actions.add_bonus(db, campaign, g.member, measure=given["measure"], amount_minor=pays,
                          threshold=_goal(given, campaign.currency))
    flash(_("The bonus is promised."), "ok")
    return redirect(url_for("affiliate_desk.rules_campaign", campaign_id=campaign_id, _anchor="bonuses"), 303)


def _goal(given: dict, currency: str) -> int:
    """The goal in units, orders, or minor units of revenue. Raises Invalid."""
    if given["measure"] == "revenue":
        goal = minor(given["goal"], currency, "goal")
    else:
        goal = check(GoalIn, {"goal": given["goal"]})["goal"]
    if goal is None:
        raise Invalid(fields={"goal": [_("Fill this in.")]})
    return goal
