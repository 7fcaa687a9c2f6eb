"""Who is owed an order: the shop's stated policy, another for a campaign, and all versions there were."""
import uuid

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError, fields, post_load

from affiliates.attribution.actions import publish_policy
from affiliates.attribution.policy import SOURCES
from affiliates.attribution.queries import policies_of, policy_for
from affiliates.desk.doors import shop_desk
from affiliates.desk.inputs import Choice, Whole
from affiliates.desk.people_queries import open_campaigns
from affiliates.portal.words import ways
from campaigns.terms.models import Campaign
from campaigns.terms.queries import access_campaign
from core.db import reading, transaction
from core.web import In, body
from members.access import staff
from members.forms import page_with_form
from members.models import Member
from members.queries import current_merchant

PLACES = tuple(f"place{n}" for n in range(1, len(SOURCES) + 1))


class PolicyIn(In):
    """`place1` … are the ways, the strongest first; an empty one counts for nothing."""
    campaign_id = Choice(load_default=None)
    place1 = fields.String(load_default="")
    place2 = fields.String(load_default="")
    place3 = fields.String(load_default="")
    place4 = fields.String(load_default="")
    window_days = Whole(1, 90, required=True)
    bind_days = Whole(0, 3650, required=True)

    @post_load
    def sources(self, data, **_more):
        data["sources"] = [way for way in (data.pop(place) for place in PLACES) if way]
        if not data["sources"] or set(data["sources"]) - set(SOURCES) or len(set(data["sources"])) < len(
                data["sources"]):
            raise ValidationError(_("Name each way once, and one at least."), "place1")
        for name in ("window_days", "bind_days"):
            if data[name] is None:
                raise ValidationError(_("Fill this in."), name)
        return data


def _policy_page(errors, message, values):
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        wanted = _wanted(db, shop.id, values.get("campaign_id") or request.args.get("campaign", ""))
        versions = policies_of(db, shop.id)
        names = dict(db.query(Campaign.id, Campaign.name).where(
            Campaign.id.in_({one.campaign_id for one in versions if one.campaign_id})).all())
        by = {one.created_by: db.get(Member, one.created_by).name for one in versions if one.created_by}
        return render_template(
            "affiliates/desk/policy.html", shop=shop, versions=versions, names=names, by=by, wanted=wanted, ways=ways(),
            now=policy_for(db, shop.id, wanted), of_shop=policy_for(db, shop.id, None), ranks=PLACES,
            campaigns=[(one.id, one.name or _("Without a name")) for one in open_campaigns(db, shop.id)],
            errors=errors, message=message, values=values)


def _wanted(db, merchant_id: uuid.UUID, text: str) -> uuid.UUID | None:
    """The campaign that the page was opened for. Raises NotFound for another shop's."""
    try:
        return access_campaign(db, uuid.UUID(text), {merchant_id}).id if text else None
    except ValueError:
        return None


@shop_desk.get("/rules/policy")
@staff("affiliates")
def rules_policy():
    return _policy_page({}, "", {})


@shop_desk.post("/rules/policy")
@staff("affiliates")
@page_with_form(_policy_page)
def rules_policy_publish():
    given = body(PolicyIn)
    with transaction() as db:
        shop = current_merchant(db, "affiliates")
        if given["campaign_id"]:
            access_campaign(db, given["campaign_id"], {shop.id})
        publish_policy(db, shop.id, g.member, **given)
    flash(_("Stated. Orders made from now on are decided by it."), "ok")
    return redirect(url_for("affiliate_desk.rules_policy", campaign=given["campaign_id"]), 303)
