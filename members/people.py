"""Pages of a shop about itself: who works there, its settings, and which shop one works for now."""
from flask import current_app, flash, g, redirect, render_template, session, url_for
from flask_babel import gettext as _

from core.db import reading, transaction
from core.errors import Invalid
from core.web import body
from members import actions, invites, post, queries, throttle
from members.access import require, staff
from members.forms import page_with_form
from members.models import MERCHANT_ROLES
from members.paths import local_path
from members.schemas import GrantIn, RevokeIn, ShopIn, SwitchIn
from members.views import members
from members.words import role_names, role_notes

# Per shop and hour: a team is invited in one go, an address list is not.
INVITES_FREE = 30
REVOKED_KEY = "revoked"
# What a menu holds on a phone; an operator's other shops are on the operator's page.
MOST_IN_MENU = 8


def _people_page(errors, message, values):
    with reading() as db:
        shop = queries.current_merchant(db, "people")
        people = queries.people_of(db, shop.id)
    return render_template("members/people.html", errors=errors, message=message, values=values, shop=shop,
                           people=people, roles=role_names(), notes=role_notes(), order=MERCHANT_ROLES,
                           revoked=session.pop(REVOKED_KEY, None))


@members.get("/studio/people")
@staff("people")
def people():
    return _people_page({}, "", {})


@members.post("/studio/people")
@staff("people")
@page_with_form(_people_page)
def people_grant():
    given = body(GrantIn)
    with transaction() as db:
        shop = queries.access_merchant(db, given["merchant_id"], "people")
        said = grant_or_invite(db, given["email"], given["kind"], shop)
    post.ask_worker()
    flash(said, "ok")
    return redirect(url_for("members.people"), 303)


def grant_or_invite(db, email: str, kind: str, shop) -> str:
    """Give the role to whom the e-mail belongs, or write an invitation; what to tell the one who did it."""
    role = role_names()[kind]
    member = queries.member_by_email(db, email)
    if member and (member.disabled_at or member.simulated):
        raise Invalid(fields={"email": [_("That account was shut.")]})
    if member is None:
        throttle.limit("invite", str(shop.id), INVITES_FREE)
        token = invites.make(email=email, kind=kind, merchant=shop, by=g.member)
        actions.write_invitation(db, email=email, shop=shop, role=role, by=g.member, link=_invite_link(token))
        return _("%(email)s has no account yet. We sent an invitation.", email=email)
    if not actions.grant(db, member, kind, shop, g.member):
        return _("%(name)s has that role already.", name=member.name)
    actions.write_welcome(db, member=member, shop=shop, kind=kind, by=g.member)
    return _("%(name)s can work for %(shop)s now.", name=member.name, shop=shop.name)


def _invite_link(token: str) -> str:
    return current_app.config["LIVESTALL"].base_url + url_for("members.sign_up", invite=token)


@members.post("/studio/people/revoke")
@staff("people")
@page_with_form(_people_page)
def people_revoke():
    given = body(RevokeIn)
    with transaction() as db:
        shop = queries.access_merchant(db, given["merchant_id"], "people")
        gone = actions.revoke(db, shop, given["member_id"], given["kind"])
    if gone.id == g.member.id:
        return redirect(url_for("members.account"), 303)
    # For the page's Undo, shown once: kept in the browser that did it, as the page's address could be made up.
    session[REVOKED_KEY] = {"name": gone.name, "email": gone.email, "kind": given["kind"]}
    return redirect(url_for("members.people"), 303)


# -- Settings

def _shop_page(errors, message, values):
    with reading() as db:
        shop = queries.current_merchant(db, "people")
    return render_template("members/shop.html", errors=errors, message=message, values=values, shop=shop)


@members.route("/studio/shop", methods=["GET", "POST"])
@staff("people")
@page_with_form(_shop_page)
def shop():
    given = body(ShopIn)
    with transaction() as db:
        actions.change_merchant(db, queries.access_merchant(db, given.pop("merchant_id"), "people"), **given)
    flash(_("The shop's settings are saved."), "ok")
    return redirect(url_for("members.shop"), 303)


@members.post("/studio/merchant")
@staff("shows")
def switch_merchant():
    given = body(SwitchIn)
    with reading() as db:
        shop = queries.public_merchant(db, given["merchant_id"])
    require("shows", shop.id)
    session[queries.MERCHANT_KEY] = str(shop.id)
    # To the start of the place one is in: what is on the page itself belongs to the other shop.
    return redirect(local_path(given["next"]), 303)


def my_shops() -> list:
    """For the menu: [(merchant, whether it is the current one)] of who works for several; no query for the others."""
    if "my_shops" not in g:
        roles = g.member.roles if g.get("member") else ()
        several = len({role.merchant_id for role in roles}) > 1 or any(role.kind == "operator" for role in roles)
        g.my_shops = _read_shops() if several else []
    return g.my_shops


def _read_shops() -> list:
    with reading() as db:
        shops = queries.my_merchants(db)
        now = queries.current_merchant(db).id if shops else None
    others = [shop for shop in shops if shop.id != now][:MOST_IN_MENU - 1]
    return [(shop, shop.id == now) for shop in shops if shop.id == now or shop in others] if others else []
