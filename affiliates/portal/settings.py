"""The affiliate's account and team: name, shops, the leader's board, joining and leaving, invitations of shops."""
import uuid

from flask import current_app, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

from affiliates.links.views import address_of
from affiliates.people import actions as people
from affiliates.people import queries as people_queries
from affiliates.people.errors import InvitationOver
from affiliates.people.models import Affiliate
from affiliates.portal import payout, queries
from affiliates.portal.doors import own, portal
from affiliates.portal.schemas import NameIn
from core.db import reading, transaction
from core.errors import NotFound
from core.web import body
from members.access import signed_in
from members.models import Merchant

TEAM_DAYS = 14  # how long a link into a team is good for


@portal.get("/affiliate/settings")
@signed_in
def settings():
    with reading() as db:
        affiliate = own(db)
        leader = db.get(Affiliate, affiliate.parent_id) if affiliate.parent_id else None
        return render_template("affiliates/settings.html", affiliate=affiliate, leader=leader,
                               shops=people_queries.merchants_of(db, affiliate.id),
                               leads=bool(queries.team(db, affiliate.id)), **payout.account_view(db, affiliate))


@portal.post("/affiliate/settings")
@signed_in
def save_settings():
    given = body(NameIn)
    with transaction() as db:
        people.describe(db, own(db), **given)
    flash(_("Saved."), "ok")
    return redirect(url_for("affiliate.settings"), 303)


@portal.post("/affiliate/shops/<uuid:merchant_id>/leave")
@signed_in
def leave_shop(merchant_id):
    with transaction() as db:
        people.leave(db, people_queries.access_affiliation(db, merchant_id, own(db).id), g.member)
    return redirect(url_for("affiliate.settings"), 303)


# -- The team

@portal.get("/affiliate/team")
@signed_in
def team():
    with reading() as db:
        affiliate = own(db)
        invite = url_for("affiliate.join_team", token=team_token(affiliate.id))
        base = address_of("").rpartition("/r/")[0]
        return render_template("affiliates/team.html", affiliate=affiliate, people=queries.team(db, affiliate.id),
                               invite=base + invite, days=TEAM_DAYS)


@portal.get("/affiliate/team/join/<token>")
@signed_in
def join_team(token):
    with reading() as db:
        return render_template("affiliates/join_team.html", leader=_leader(db, token), token=token,
                               affiliate=people_queries.affiliate_of(db, g.member.id))


@portal.post("/affiliate/team/join/<token>")
@signed_in
def do_join_team(token):
    with transaction() as db:
        leader = _leader(db, token)
        people.join_team(db, own(db), leader, g.member)
        said = _("You are in the team of %(name)s.", name=leader.display_name)
    flash(said, "ok")
    return redirect(url_for("affiliate.settings"), 303)


@portal.post("/affiliate/team/leave")
@signed_in
def leave_team():
    with transaction() as db:
        people.leave_team(db, own(db), g.member)
    return redirect(url_for("affiliate.settings"), 303)


def team_token(leader_id: uuid.UUID) -> str:
    """What the link into a leader's team carries."""
    return _signer().dumps(leader_id.hex)


def _leader(db, token: str) -> Affiliate:
    """Who made a link into a team. Raises NotFound if it is too old or not ours."""
    try:
        return people_queries.access_affiliate(db, uuid.UUID(_signer().loads(token, max_age=TEAM_DAYS * 86400)))
    except (BadSignature, ValueError):
        raise NotFound from None


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="team")


# -- A shop's invitation

@portal.get("/affiliate/invitations/<token>")
@signed_in
def invitation(token):
    """The letter's link. Looking takes nothing; a button says yes."""
    with reading() as db:
        row = people_queries.open_invitation(db, token)
        if row is None or row.email != g.member.email:
            raise InvitationOver
        return render_template("affiliates/invitation.html", shop=db.get(Merchant, row.merchant_id), token=token,
                               affiliate=None)


@portal.post("/affiliate/invitations/<token>")
@signed_in
def accept_invitation(token):
    with transaction() as db:
        people.accept(db, token, g.member)
    return redirect(url_for("affiliate.campaigns"), 303)
