"""Rules in words: for what they hold, what they pay, since when."""
from flask_babel import gettext as _
from flask_babel import ngettext, pgettext
from sqlalchemy import select

from affiliates.portal.words import measures, percent
from campaigns.catalogue.models import Product
from campaigns.terms.models import Campaign
from core.i18n import money_text


def names_of(db, rules) -> dict:
    """{id: name} of the products and campaigns that rules or drafts name."""
    found = {}
    for model, column in ((Product, "product_id"), (Campaign, "campaign_id")):
        ids = {getattr(rule, column) for rule in rules} - {None}
        if ids:
            found |= dict(db.execute(select(model.id, model.name).where(model.id.in_(ids))).all())
    return found


def scope_text(rule, names: dict) -> str:
    """For what a rule or a draft holds."""
    parts = []
    if rule.product_id:
        parts.append(_("product “%(name)s”", name=names.get(rule.product_id, "")))
    if rule.category:
        parts.append(_("category “%(name)s”", name=rule.category))
    if rule.campaign_id:
        parts.append(_("campaign “%(name)s”", name=names.get(rule.campaign_id) or _("Without a name")))
    if rule.tier:
        parts.append(_("level “%(name)s”", name=rule.tier))
    return pgettext("list", ", ").join(parts) if parts else _("everything")


def pays_text(rule) -> str:
    """What a rule or a draft pays."""
    if rule.rate_ppm is None:
        return _("%(money)s a unit", money=money_text(rule.flat_minor, rule.currency))
    return percent(rule.rate_ppm)


def extras(rule) -> list[str]:
    """The terms beside the rate."""
    said = []
    if rule.level2_ppm:
        said.append(_("%(rate)s more to the team's leader", rate=percent(rule.level2_ppm)))
    if rule.cap_minor is not None:
        said.append(_("at most %(money)s a line", money=money_text(rule.cap_minor, rule.currency)))
    if rule.hold_days is not None:
        said.append(ngettext("payable %(num)s day after delivery", "payable %(num)s days after delivery",
                             rule.hold_days))
    return said


def bonus_text(bonus) -> str:
    """The goal of a bonus: "30 units sold"."""
    if bonus.measure == "revenue":
        goal = money_text(bonus.threshold, bonus.currency)
    else:
        goal = f"{bonus.threshold:,}"
    return _("%(goal)s %(measure)s", goal=goal, measure=measures()[bonus.measure])
