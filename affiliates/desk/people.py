"""The shop's affiliates: who asks, who promotes, what each brought; decisions with a note, levels, coupon codes."""
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from affiliates.desk import people_queries, people_words
from affiliates.desk.doors import shop_desk
from affiliates.desk.inputs import Choice, Percent, minor, tier_of
from affiliates.links import actions as links
from affiliates.links.queries import access_coupon
from affiliates.links.views import address_of
from affiliates.people import actions, acts
from affiliates.people.models import AFFILIATE_STATES, Affiliate
from affiliates.people.queries import access_affiliation
from core.db import reading, transaction
from core.errors import Invalid
from core.web import In, body, page_number
from members import post
from members.access import staff
from members.forms import page_with_form
from members.models import Member
from members.queries import current_merchant


class DecideIn(In):
    """Where an affiliate shall be; `words` go into the letter and the log."""
    to = fields.String(required=True, validate=validate.OneOf(("active", "frozen", "closed")))
    words = fields.String(load_default="", validate=validate.Length(max=500))


class TierIn(In):
    tier = fields.String(required=True)


class CodeIn(In):
    """A coupon code; `off` is a percentage, `amount` a sum of the shop's money, both empty takes nothing off."""
    code = fields.String(required=True, validate=validate.Length(1, 40))
    off = Percent(load_default=None)
    amount = fields.String(load_default="")
    campaign_id = Choice(load_default=None)


@shop_desk.get("")
@staff("affiliates")
def people():
    state, words = request.args.get("state", "all"), request.args.get("q", "").strip()[:80]
    state, page = state if state in AFFILIATE_STATES else "all", page_number()
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        rows, total = people_queries.page_of(db, shop.id, state, words, page)
        return render_template("affiliates/desk/people.html", shop=shop, rows=rows, total=total, page=page, state=state,
                               q=words, per_page=people_queries.PER_PAGE, counts=people_queries.counts(db, shop.id),
                               said=people_words,
                               brought=people_queries.brought(db, shop.id, [one.id for _tie, one in rows]))


def _person_page(errors, message, values, affiliate_id, **_more):
    queries = people_queries
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        tie = access_affiliation(db, shop.id, affiliate_id)
        person = db.get(Affiliate, affiliate_id)
        found, codes, ways = queries.links_and_codes(db, shop.id, affiliate_id)
        log = acts.acts(db, shop.id, subject_id=affiliate_id, limit=20)
        names = {act.by_member_id: db.get(Member, act.by_member_id).name for act in log if act.by_member_id}
        return render_template(
            "affiliates/desk/person.html", shop=shop, tie=tie, person=person, links=found, codes=codes, ways=ways,
            leader=db.get(Affiliate, person.parent_id) if person.parent_id else None, log=log, names=names,
            totals=queries.brought(db, shop.id, [affiliate_id])[affiliate_id], said=people_words,
            tiers=queries.tiers_at(db, shop.id), address_of=address_of, errors=errors, message=message,
            may_earn=tie.state == "active" and person.state == "active", values=values,
            campaign_choices=[(one.id, one.name or _("Without a name")) for one in queries.open_campaigns(db, shop.id)])


@shop_desk.get("/<uuid:affiliate_id>")
@staff("affiliates")
def people_one(affiliate_id):
    return _person_page({}, "", {}, affiliate_id)


@shop_desk.post("/<uuid:affiliate_id>/decide")
@staff("affiliates")
@page_with_form(_person_page)
def people_decide(affiliate_id):
    given = body(DecideIn)
    with transaction() as db:
        tie = access_affiliation(db, current_merchant(db, "affiliates").id, affiliate_id)
        actions.decide_affiliation(db, tie, given["to"], g.member, given["words"].strip())
        name = db.get(Affiliate, affiliate_id).display_name
    post.ask_worker()
    flash(_decided(given["to"], name), "ok")
    back = request.args.get("from") == "list"
    return redirect(url_for("affiliate_desk.people") if back else
                    url_for("affiliate_desk.people_one", affiliate_id=affiliate_id), 303)


def _decided(to: str, name: str) -> str:
    return {"active": _("%(name)s promotes your shows now. A letter says so.", name=name),
            "frozen": _("%(name)s is frozen: new sales earn nothing. A letter says so.", name=name),
            "closed": _("%(name)s no longer promotes your shows. A letter says so.", name=name)}[to]


@shop_desk.post("/<uuid:affiliate_id>/tier")
@staff("affiliates")
@page_with_form(_person_page)
def people_tier(affiliate_id):
    tier = tier_of(body(TierIn)["tier"])
    with transaction() as db:
        tie = access_affiliation(db, current_merchant(db, "affiliates").id, affiliate_id)
        if tie.tier != tier:
            actions.set_tier(db, tie, tier, g.member)
    flash(_("Orders from now on have the level %(tier)s.", tier=tier), "ok")
    return redirect(url_for("affiliate_desk.people_one", affiliate_id=affiliate_id), 303)


@shop_desk.post("/<uuid:affiliate_id>/codes")
@staff("affiliates")
@page_with_form(_person_page)
def people_code(affiliate_id):
    given = body(CodeIn)
    with transaction() as db:
        shop = current_merchant(db, "affiliates")
        access_affiliation(db, shop.id, affiliate_id)
        code = links.make_coupon(db, affiliate_id, shop.id, given["code"], g.member, campaign_id=given["campaign_id"],
                                 **_discount(given, shop.currency)).code
    flash(_("Buyers can type %(code)s from now on.", code=code), "ok")
    return redirect(url_for("affiliate_desk.people_one", affiliate_id=affiliate_id, _anchor="codes"), 303)


def _discount(given: dict, currency: str) -> dict:
    """What the code takes off, for `make_coupon`. Raises Invalid."""
    off, amount = given["off"] or None, minor(given["amount"], currency, "amount")
    if off and amount:
        raise Invalid(fields={"off": [_("Give a percentage or an amount, not both.")]})
    if off and off > 900_000:
        raise Invalid(fields={"off": [_("90 % at most: an order is never free.")]})
    return {"percent_ppm": off, "amount_minor": amount, "currency": currency if amount else None}


@shop_desk.post("/<uuid:affiliate_id>/codes/<uuid:coupon_id>/close")
@staff("affiliates")
def people_code_close(affiliate_id, coupon_id):
    with transaction() as db:
        coupon = access_coupon(db, coupon_id, current_merchant(db, "affiliates").id)
        links.close_coupon(db, coupon, g.member)
    flash(_("The code %(code)s is refused from now on.", code=coupon.code), "ok")
    return redirect(url_for("affiliate_desk.people_one", affiliate_id=affiliate_id, _anchor="codes"), 303)
