"""Where affiliates appeal (on the line's page), and where the shop's staff read and answer."""
from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.appeals import actions, queries
from affiliates.commission.queries import access_commission
from affiliates.people.queries import access_own
from affiliates.portal import words
from affiliates.portal.schemas import AnswerIn, AppealIn
from core.db import reading, transaction
from core.web import body
from members.access import signed_in, staff
from members.queries import current_merchant

appeals = Blueprint("affiliate_appeals", __name__)


@appeals.post("/affiliate/lines/<uuid:commission_id>/appeal")
@signed_in
def make(commission_id):
    given = body(AppealIn)
    with transaction() as db:
        affiliate = access_own(db, g.member)
        actions.appeal(db, access_commission(db, commission_id, affiliate.id), affiliate, given["body"])
    flash(_("The shop looks at it again and answers here."), "ok")
    return redirect(url_for("affiliate.line", commission_id=commission_id), 303)


@appeals.get("/studio/appeals")
@staff("affiliates")
def index():
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        return render_template("affiliates/appeals.html", shop=shop, rows=queries.appeals_at(db, shop.id), words=words)


@appeals.post("/studio/appeals/<uuid:appeal_id>/answer")
@staff("affiliates")
def answer(appeal_id):
    given = body(AnswerIn)
    with transaction() as db:
        shop = current_merchant(db, "affiliates")
        actions.answer(db, queries.access_appeal(db, appeal_id, shop.id), g.member, given["note"],
                       release=given["release"])
    flash(_("Your answer is on its way."), "ok")
    return redirect(url_for("affiliate_appeals.index"), 303)
