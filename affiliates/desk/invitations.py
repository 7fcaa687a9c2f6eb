"""The shop's invitations: by letter, and by a link or a QR code that are shown once, as only their hash is kept."""
import base64

from flask import current_app, flash, g, redirect, render_template, session, url_for
from flask_babel import gettext as _
from marshmallow import fields, validate

from affiliates.desk import people_queries
from affiliates.desk.doors import shop_desk
from affiliates.desk.inputs import tier_of
from affiliates.links.qr import qr
from affiliates.people import actions
from affiliates.people.models import STANDARD
from affiliates.people.queries import access_invitation, invitations_of
from core.clock import now
from core.db import reading, transaction
from core.web import In, body
from members import post, throttle
from members.access import staff
from members.forms import page_with_form
from members.queries import current_merchant

# Per shop and hour: a season's partners are invited in one go, an address list is not.
INVITES_FREE = 60
FRESH_KEY = "fresh_invitation"
MOST_SHOWN = 200


class InviteIn(In):
    email = fields.Email(required=True, validate=validate.Length(max=254))
    tier = fields.String(load_default="")


def _invitations_page(errors, message, values):
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        fresh = session.pop(FRESH_KEY, None)
        return render_template("affiliates/desk/invitations.html", shop=shop, errors=errors, message=message,
                               values=values, rows=invitations_of(db, shop.id)[:MOST_SHOWN], now=now(), fresh=fresh,
                               code=_picture(fresh["link"]) if fresh else "",
                               tiers=people_queries.tiers_at(db, shop.id))


def _picture(link: str) -> str:
    """The QR code of a link as an address that holds the picture itself: it is made for one look."""
    data, media_type = qr(link, "svg")
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


@shop_desk.get("/invitations")
@staff("affiliates")
def people_invitations():
    return _invitations_page({}, "", {})


@shop_desk.post("/invitations")
@staff("affiliates")
@page_with_form(_invitations_page)
def people_invite():
    given = body(InviteIn)
    tier = tier_of(given["tier"]) if given["tier"].strip() else STANDARD
    with transaction() as db:
        shop = current_merchant(db, "affiliates")
        throttle.limit("affiliate-invite", str(shop.id), INVITES_FREE)
        made = []
        row = actions.invite(db, shop, given["email"], g.member, lambda token: made.append(_link(token)) or made[0],
                             tier=tier)
    post.ask_worker()
    # Shown once, in the browser that asked: whoever reads the database finds no link.
    session[FRESH_KEY] = {"email": row.email, "link": made[0]}
    return redirect(url_for("affiliate_desk.people_invitations"), 303)


def _link(token: str) -> str:
    return current_app.config["LIVESTALL"].base_url + url_for("affiliate.invitation", token=token)


@shop_desk.post("/invitations/<uuid:invitation_id>/withdraw")
@staff("affiliates")
def people_invitation_withdraw(invitation_id):
    with transaction() as db:
        row = access_invitation(db, current_merchant(db, "affiliates").id, invitation_id)
        actions.withdraw_invitation(db, row, g.member)
    flash(_("The invitation to %(email)s is withdrawn.", email=row.email), "ok")
    return redirect(url_for("affiliate_desk.people_invitations"), 303)
