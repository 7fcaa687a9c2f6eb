"""The queue of held lines: evidence, release or reject with a note, and a new decision where one was wrong."""
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from affiliates.commission import actions
from affiliates.commission.models import Commission, CommissionHold
from affiliates.commission.queries import access_hold
from affiliates.desk import hold_queries as lists
from affiliates.desk import hold_words
from affiliates.desk.doors import shop_desk
from affiliates.desk.schemas import DecideIn, HoldIn, NoteIn
from affiliates.people.queries import access_affiliate
from affiliates.settlement.queries import settled_ids
from core.db import reading, transaction
from core.errors import DomainError, Forbidden, NotFound
from core.web import body, check, page_number
from members.access import staff
from members.queries import current_merchant

MOST_SAID = 3


@shop_desk.get("/holds")
@staff("affiliates")
def holds():
    show, page = request.args.get("show", "waiting"), page_number()
    show = show if show in ("waiting", "decided") else "waiting"
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        rows = lists.page_of(db, shop.id, show, page)
        return render_template("affiliates/desk/holds.html", rows=rows, show=show, page=page, said=hold_words,
                               counts=lists.counts(db, shop.id), per_page=lists.PER_PAGE,
                               total=rows[0]["total"] if rows else 0)


@shop_desk.post("/holds/decide")
@staff("affiliates")
def holds_decide():
    """Each line is decided by itself: one that somebody else decided meanwhile keeps no other from it."""
    form = request.form
    given = check(DecideIn, {"id": form.getlist("id"), "decision": form.get("decision", ""),
                             "note": form.get("note", "")})
    done, refused = 0, []
    for hold_id in given["id"]:
        try:
            with transaction() as db:
                hold = access_hold(db, hold_id, current_merchant(db, "affiliates").id)
                actions.decide(db, hold, given["decision"], g.member, given["note"])
            done += 1
        except NotFound:
            raise
        except DomainError as error:
            refused.append(str(error.message))
    if done:
        flash(ngettext("%(num)s line was released.", "%(num)s lines were released.", done)
              if given["decision"] == "released" else
              ngettext("%(num)s line was rejected.", "%(num)s lines were rejected.", done), "ok")
    for message in dict.fromkeys(refused[:MOST_SAID]):
        flash(message, "error")
    return redirect(url_for(".holds"), 303)


@shop_desk.post("/holds/<uuid:hold_id>/undo")
@staff("affiliates")
def holds_undo(hold_id):
    """A decision stays as it is; against it stands a new one: given back after a rejection, held again after a
    release as long as the line is not settled."""
    note = body(NoteIn)["note"]
    return _tried(lambda db: _undo(db, access_hold(db, hold_id, current_merchant(db, "affiliates").id), note))


def _undo(db, hold: CommissionHold, note: str) -> str:
    commission = _not_own(db, db.get(Commission, hold.commission_id))
    if hold.decision == "released":
        if settled_ids(db, commission.affiliate_id, [commission.id]):
            raise actions.Decided(_("The line is settled. It can only be corrected."))
        actions.hold_by_hand(db, commission, g.member, note)
        return _("The line waits again.")
    taken = lists.taken_by(db, hold.id)
    if not taken:
        raise actions.Decided(_("This decision took nothing, so there is nothing to give back."))
    actions.correct(db, commission, taken, g.member, note, f"undo:{hold.id}")
    return _("What was taken is given back.")


def _not_own(db, commission: Commission) -> Commission:
    """Forbidden to who earns by it."""
    if access_affiliate(db, commission.affiliate_id).member_id == g.member.id:
        raise Forbidden
    return commission


@shop_desk.post("/holds/by-hand")
@staff("affiliates")
def holds_by_hand():
    given = body(HoldIn)
    return _tried(lambda db: _hold(db, given["number"], given["note"]))


def _hold(db, number: int, note: str) -> str:
    ids = lists.open_commissions(db, current_merchant(db, "affiliates").id, number)
    if not ids:
        raise NotFound(_("There is no order with this number whose commission could still be held."))
    for id_ in ids:
        actions.hold_by_hand(db, _not_own(db, db.get(Commission, id_)), g.member, note)
    return ngettext("%(num)s line waits for a decision now.", "%(num)s lines wait for a decision now.", len(ids))


def _tried(act):
    """Do it in one transaction and show the queue again, with what was done or refused."""
    try:
        with transaction() as db:
            said = act(db)
        flash(said, "ok")
    except DomainError as error:
        if error.status not in (403, 404, 409, 422) or type(error) is NotFound and error.message is NotFound.message:
            raise
        flash(" ".join([str(error.message), *(str(text) for texts in error.fields.values() for text in texts)]),
              "error")
    return redirect(url_for(".holds", show=request.args.get("show")), 303)
