"""The shop's commission rules: those that hold, those announced, those of the past; ending one."""
from datetime import timedelta

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate
from sqlalchemy import select

from affiliates.commission.models import CommissionRule
from affiliates.commission.publishing import end_rule
from affiliates.commission.rules import covers, rank
from affiliates.desk import rule_words
from affiliates.desk.doors import shop_desk
from affiliates.people.queries import cut_may_hold
from core.clock import now
from core.db import reading, transaction
from core.errors import DomainError, NotFound
from core.web import In, body
from members.access import staff
from members.queries import current_merchant

MOST_SHOWN = 500  # of all times; a shop changes some rules a year


class EndIn(In):
    note = fields.String(load_default="", validate=validate.Length(max=500))


@shop_desk.get("/rules")
@staff("affiliates")
def rules():
    at = now()
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        found = list(db.scalars(select(CommissionRule).where(CommissionRule.merchant_id == shop.id)
                                .order_by(CommissionRule.id.desc()).limit(MOST_SHOWN)))
        ends_at = cut_may_hold(db, shop.id, at)
        return render_template("affiliates/desk/rules.html", shop=shop, said=rule_words, ends_at=ends_at,
                               names=rule_words.names_of(db, found), days=-((at - ends_at) // timedelta(days=1)),
                               then=lambda rule: _then(rule, found, at), **_by_time(found, at))


def _by_time(found: list[CommissionRule], at) -> dict:
    """{"holding" (the widest first), "coming", "past" (the newest first)}."""
    return {"holding": sorted((rule for rule in found if at in rule.valid), key=rank),
            "coming": sorted((rule for rule in found if rule.valid.lower > at), key=lambda rule: rule.valid.lower),
            "past": [rule for rule in found if rule.valid.upper is not None and rule.valid.upper <= at]}


def _then(rule: CommissionRule, found: list[CommissionRule], at) -> CommissionRule | None:
    """What holds for the sales of a rule when it has ended: of the others that cover them, the narrowest."""
    others = [one for one in found if one is not rule and covers(one, rule) and at in one.valid
              and one.valid.upper is None]
    return max(others, key=rank, default=None)


@shop_desk.post("/rules/<uuid:rule_id>/end")
@staff("affiliates")
def rules_end(rule_id):
    given = body(EndIn)
    try:
        with transaction() as db:
            rule = _own(db, rule_id)
            end_rule(db, rule, g.member, given["note"].strip())
        flash(_("It ends after the notice; the list says when."), "ok")
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
    return redirect(url_for("affiliate_desk.rules"), 303)


def _own(db, rule_id) -> CommissionRule:
    """A rule of the shop. Raises NotFound for another's."""
    rule = db.get(CommissionRule, rule_id)
    if rule is None or rule.merchant_id != current_merchant(db, "affiliates").id:
        raise NotFound
    return rule
