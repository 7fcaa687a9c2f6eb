"""The key's shop: its affiliates, invitations, coupons, terms, and who did what."""
from flask import current_app, g, url_for

from affiliates.api import lists
from affiliates.api import shop_schemas as schemas
from affiliates.api.spec import Doors, page_of
from affiliates.links import actions as linking
from affiliates.links.queries import access_coupon
from affiliates.people import actions as people
from affiliates.people.models import Affiliate
from affiliates.people.queries import access_affiliation, terms_of
from campaigns.terms.queries import access_campaign
from core.api import PageIn, page
from core.db import reading
from members import post
from members.keys.doors import keyed
from members.keys.once import then, writes
from members.models import Merchant
from members.queries import public_merchant

api = Doors("api_shop", "Shop", "What a shop's staff see and do about affiliates.", "/shop")


def shop_of(db) -> Merchant:
    """The key's own shop: the door has checked that its member may act for it now."""
    return public_merchant(db, g.api_key.merchant_id)


def campaign_of(db, campaign_id):
    """A campaign of the key's shop. Raises NotFound for another's."""
    return access_campaign(db, campaign_id, {g.api_key.merchant_id})


@api.get("")
@keyed("shop:read")
@api.response(200, schemas.ShopOut)
def shop():
    """The shop that the key is for."""
    with reading() as db:
        found = shop_of(db)
        return {"id": found.id, "name": found.name, "currency": found.currency, "program": terms_of(db, found.id)}


@api.put("/program")
@keyed("shop:write")
@writes
@api.arguments(schemas.ProgramIn)
@api.response(200, schemas.ProgramOut)
def set_program(given, db):
    """The shop's terms for affiliates; they hold for what comes after."""
    found = shop_of(db)
    people.set_program(db, found, g.member, **given)
    return terms_of(db, found.id)


@api.get("/campaigns")
@keyed("shop:read")
@api.arguments(schemas.CampaignsIn, location="query")
@api.response(200, page_of(schemas.CampaignOut))
def shop_campaigns(given):
    """The shop's campaigns, the newest first."""
    with reading() as db:
        return page(db, lists.campaigns(g.api_key.merchant_id, given), lists.CAMPAIGN_KEY, given)


def _person(affiliation, affiliate) -> dict:
    return {"id": affiliate.id, "display_name": affiliate.display_name, "about": affiliate.about,
            "platform_state": affiliate.state, "state": affiliation.state, "tier": affiliation.tier,
            "reason": affiliation.reason, "created_at": affiliation.created_at, "state_at": affiliation.state_at}


@api.get("/affiliates")
@keyed("shop:read")
@api.arguments(schemas.PeopleIn, location="query")
@api.response(200, page_of(schemas.PersonOut))
def people_of_shop(given):
    """The shop's affiliates, who came last first."""
    with reading() as db:
        return page(db, lists.people(g.api_key.merchant_id, given), lists.AFFILIATE_KEY, given, _person)


@api.get("/affiliates/<uuid:affiliate_id>")
@keyed("shop:read")
@api.response(200, schemas.PersonOut)
def person(affiliate_id):
    """One of the shop's affiliates."""
    with reading() as db:
        found = access_affiliation(db, g.api_key.merchant_id, affiliate_id)
        return _person(found, db.get(Affiliate, affiliate_id))


@api.post("/affiliates/<uuid:affiliate_id>/decision")
@keyed("shop:write")
@writes
@api.arguments(schemas.DecisionIn)
@api.response(200, schemas.PersonOut)
def decide_person(given, affiliate_id, db):
    """Approve, freeze or close what the shop has with an affiliate."""
    found = access_affiliation(db, g.api_key.merchant_id, affiliate_id)
    people.decide_affiliation(db, found, given["to"], g.member, given["note"])
    return _person(found, db.get(Affiliate, affiliate_id))


@api.put("/affiliates/<uuid:affiliate_id>/tier")
@keyed("shop:write")
@writes
@api.arguments(schemas.TierIn)
@api.response(200, schemas.PersonOut)
def set_tier(given, affiliate_id, db):
    """How good a partner they are; orders made before keep their tier."""
    found = access_affiliation(db, g.api_key.merchant_id, affiliate_id)
    people.set_tier(db, found, given["tier"], g.member)
    return _person(found, db.get(Affiliate, affiliate_id))


@api.get("/invitations")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.InvitationOut))
def invitations(given):
    """Who was invited, the newest first."""
    with reading() as db:
        return page(db, lists.invitations(g.api_key.merchant_id), lists.INVITATION_KEY, given)


@api.post("/invitations")
@keyed("shop:write")
@writes
@api.arguments(schemas.InviteIn)
@api.response(201, schemas.InvitationOut)
def invite(given, db):
    """Invite somebody by letter. A new invitation takes the place of an open one."""
    base = current_app.config["LIVESTALL"].base_url
    then(post.ask_worker)
    return people.invite(db, shop_of(db), given["email"], g.member,
                         lambda token: base + url_for("affiliate.invitation", token=token), tier=given["tier"])


@api.get("/coupons")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.CouponOut))
def coupons(given):
    """Codes that belong to affiliates, the newest first."""
    with reading() as db:
        return page(db, lists.coupons(g.api_key.merchant_id), lists.COUPON_KEY, given)


@api.post("/coupons")
@keyed("shop:write")
@writes
@api.arguments(schemas.CouponIn)
@api.response(201, schemas.CouponOut)
def make_coupon(given, db):
    """Give an affiliate a code, with a discount or without."""
    found = shop_of(db)
    return linking.make_coupon(db, given.pop("affiliate_id"), found.id, by=g.member, currency=found.currency, **given)


@api.post("/coupons/<uuid:coupon_id>/close")
@keyed("shop:write")
@writes
@api.response(200, schemas.CouponOut)
def close_coupon(coupon_id, db):
    """The code is refused from now on; orders made with it stay as they are."""
    found = access_coupon(db, coupon_id, g.api_key.merchant_id)
    linking.close_coupon(db, found, g.member)
    return found


def act_out(act, name) -> dict:
    """A deed with the name of who did it."""
    return {**{column: getattr(act, column) for column in (
        "id", "kind", "subject_id", "by_member_id", "note", "detail", "created_at")}, "by_name": name}


@api.get("/log")
@keyed("shop:read")
@api.arguments(schemas.LogIn, location="query")
@api.response(200, page_of(schemas.ActOut))
def shop_log(given):
    """Who did what about the shop's affiliates, rules, holds and settlements, the newest first."""
    with reading() as db:
        return page(db, lists.acts(g.api_key.merchant_id, given), lists.ACT_KEY, given, act_out)
