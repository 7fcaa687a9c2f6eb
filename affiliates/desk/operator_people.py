"""The operator's affiliates: who may be one on the platform, and the platform's own terms."""
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from affiliates.desk import people_queries, people_words
from affiliates.desk.doors import operator_desk
from affiliates.desk.people import DecideIn
from affiliates.desk.settings import ProgramIn
from affiliates.people import actions
from affiliates.people.models import AFFILIATE_STATES
from affiliates.people.queries import access_affiliate, terms_of
from core.db import reading, transaction
from core.web import body, page_number
from members import post
from members.access import operator
from members.forms import page_with_form


def _page(errors, message, values, **_more):
    state, words = request.args.get("state", "all"), request.args.get("q", "").strip()[:80]
    state, page = state if state in AFFILIATE_STATES else "all", page_number()
    with reading() as db:
        rows, total = people_queries.platform_page(db, state, words, page)
        return render_template("affiliates/desk/operator_people.html", rows=rows, total=total, page=page, state=state,
                               q=words, per_page=people_queries.PER_PAGE, counts=people_queries.platform_counts(db),
                               said=people_words, terms=terms_of(db, None), errors=errors, message=message,
                               values=values)


@operator_desk.get("/affiliates")
@operator
def people():
    return _page({}, "", {})


@operator_desk.post("/affiliates/<uuid:affiliate_id>/decide")
@operator
@page_with_form(_page)
def people_decide(affiliate_id):
    given = body(DecideIn)
    with transaction() as db:
        found = actions.decide_affiliate(db, access_affiliate(db, affiliate_id), given["to"], g.member,
                                         given["words"].strip())
    post.ask_worker()
    flash({"active": _("%(name)s may promote on this platform. A letter says so.", name=found.display_name),
           "frozen": _("%(name)s is frozen in every shop. A letter says so.", name=found.display_name),
           "closed": _("%(name)s is shut out. A letter says so.", name=found.display_name)}[given["to"]], "ok")
    return redirect(url_for("affiliate_operator.people"), 303)


@operator_desk.post("/affiliates/program")
@operator
@page_with_form(_page)
def people_program():
    given = body(ProgramIn(only=("approval", "min_paid_orders")))
    with transaction() as db:
        actions.set_program(db, None, g.member, **given)
    flash(_("Saved. It holds for what comes from now on."), "ok")
    return redirect(url_for("affiliate_operator.people"), 303)
