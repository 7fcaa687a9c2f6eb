"""The shop's rules of commission: publish, end, try on past campaigns; policies, budgets, bonuses."""
from flask import g

from affiliates.api import lists
from affiliates.api import shop_schemas as schemas
from affiliates.api.shop import campaign_of, shop_of
from affiliates.api.spec import Doors, page_of
from affiliates.attribution import actions as attribution
from affiliates.commission import actions as commission
from affiliates.commission import publishing, simulate
from affiliates.commission.queries import budget_of
from affiliates.commission.rules import SCOPES, Draft
from core.api import PageIn, page
from core.db import reading
from core.errors import NotFound
from members.keys.doors import keyed
from members.keys.once import writes

api = Doors("api_rules", "Shop: commission", "What a shop pays affiliates, and what it may cost.", "/shop")
MOST_PARTIES = 100  # of a simulation, on each side


def _rule_out(rule) -> dict:
    return {**{name: getattr(rule, name) for name in (
        "id", "version", *SCOPES, "currency", "rate_ppm", "flat_minor", "level2_ppm", "cap_minor", "hold_days",
        "published_at", "note")}, "valid_from": rule.valid.lower, "valid_until": rule.valid.upper}


@api.get("/rules")
@keyed("shop:read")
@api.arguments(schemas.RulesIn, location="query")
@api.response(200, page_of(schemas.RuleOut))
def rules(given):
    """Rules that hold now or soon, the newest first; with `past` all that ever were."""
    with reading() as db:
        return page(db, lists.rules(g.api_key.merchant_id, given["past"]), lists.RULE_KEY, given, _rule_out)


@api.post("/rules")
@keyed("shop:write")
@writes
@api.arguments(schemas.RuleIn)
@api.response(201, schemas.RuleOut)
def publish_rule(given, db):
    """Publish a rule: a raise holds at once, a cut after the notice (`valid_from` says when)."""
    note = given.pop("note")
    return _rule_out(publishing.publish(db, shop_of(db), Draft(**given), g.member, note))


@api.post("/rules/<uuid:rule_id>/end")
@keyed("shop:write")
@writes
@api.arguments(schemas.NoteIn)
@api.response(200, schemas.RuleOut)
def end_rule(given, rule_id, db):
    """End a rule after its notice."""
    rule = lists.access_rule(db, rule_id, g.api_key.merchant_id)
    publishing.end_rule(db, rule, g.member, given["note"])
    return _rule_out(rule)


@api.post("/rules/simulate")
@keyed("shop:read")
@api.arguments(schemas.SimulateIn)
@api.response(200, schemas.SimulatedOut)
def simulate_rule(given):
    """What a draft would have cost on past campaigns, who would have won and who lost. Nothing is written."""
    campaign_ids = given.pop("campaign_ids")
    with reading() as db:
        for id_ in campaign_ids or ():
            campaign_of(db, id_)
        found = simulate.replay(db, g.api_key.merchant_id, Draft(**given), campaign_ids)
        return {"totals": found.totals, "winners": found.winners[:MOST_PARTIES],
                "losers": found.losers[:MOST_PARTIES], "unchanged": found.unchanged}


@api.get("/policies")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.PolicyOut))
def policies(given):
    """Who gets an order, by version, the newest first. Without any the built-in policy holds."""
    with reading() as db:
        return page(db, lists.policies(g.api_key.merchant_id), lists.POLICY_KEY, given)


@api.post("/policies")
@keyed("shop:write")
@writes
@api.arguments(schemas.PolicyIn)
@api.response(201, schemas.PolicyOut)
def publish_policy(given, db):
    """A new version of a policy, for orders made from now on."""
    if given["campaign_id"]:
        campaign_of(db, given["campaign_id"])
    return attribution.publish_policy(db, g.api_key.merchant_id, g.member, **given)


@api.put("/hold-days")
@keyed("shop:write")
@writes
@api.arguments(schemas.HoldDaysIn)
@api.response(200, schemas.HoldDaysOut)
def set_hold_days(given, db):
    """Days between delivery and payable for a category, for orders made from now on."""
    commission.set_hold_days(db, g.api_key.merchant_id, given["category"], given["days"], g.member)
    return given


@api.get("/campaigns/<uuid:campaign_id>/budget")
@keyed("shop:read")
@api.response(200, schemas.BudgetOut)
def budget(campaign_id):
    """What a campaign may cost in commissions, and what it has. 404 where none is set."""
    with reading() as db:
        found = budget_of(db, campaign_of(db, campaign_id).id)
        if found is None:
            raise NotFound
        return found


@api.put("/campaigns/<uuid:campaign_id>/budget")
@keyed("shop:write")
@writes
@api.arguments(schemas.BudgetIn)
@api.response(200, schemas.BudgetOut)
def set_budget(given, campaign_id, db):
    """Set what a campaign may cost in commissions; never below what it has cost."""
    return commission.set_budget(db, campaign_of(db, campaign_id), given["amount_minor"], g.member)


@api.get("/campaigns/<uuid:campaign_id>/bonuses")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.BonusOut))
def bonuses(given, campaign_id):
    """Sums for those who reach a goal in a campaign, the newest first."""
    with reading() as db:
        return page(db, lists.bonuses(campaign_of(db, campaign_id).id), lists.BONUS_KEY, given)


@api.post("/campaigns/<uuid:campaign_id>/bonuses")
@keyed("shop:write")
@writes
@api.arguments(schemas.BonusIn)
@api.response(201, schemas.BonusOut)
def add_bonus(given, campaign_id, db):
    """Promise a sum to everybody who reaches a goal; awarded when the campaign is settled."""
    return commission.add_bonus(db, campaign_of(db, campaign_id), g.member, **given)
