"""The payout console: what is owed, batches, the second person, files for the bank."""
from flask import Response, current_app, flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from affiliates.desk.doors import operator_desk
from affiliates.desk.schemas_payouts import BatchIn
from affiliates.payouts import batches, console, exports, jobs, providers, queries, words
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.money import parse
from core.web import body, page_number
from members.access import operator
from members.forms import page_with_form
from members.models import Member

FORMS = ("csv", "pain.001")


@operator_desk.context_processor
def payout_helpers():
    return {"payout_words": words}


def channels() -> list[tuple[str, str]]:
    """Ways to pay that are set up, with their words."""
    said = words.methods() | {"sandbox": words.account_kinds()["sandbox"]}
    return [(name, said[name]) for name in said if providers.offered(name)]


def _index(errors, message, values):
    page = page_number()
    with reading() as db:
        owed = console.owed(db)
        rows, total = console.batch_rows(db, page)
        return render_template("operator/payouts.html", owed=owed, rows=rows, total=total, page=page, errors=errors,
                               per_page=console.PER_PAGE, waiting=console.waiting(db), values=values, message=message,
                               currencies=[(one.currency, one.currency) for one in owed if one.owed_minor],
                               channels=channels())


@operator_desk.route("/payouts", methods=["GET", "POST"])
@operator
@page_with_form(_index)
def payouts():
    given = body(BatchIn)
    try:
        threshold = parse(given["threshold"], given["currency"])
    except ValueError as error:
        raise Invalid(fields={"threshold": [_("We cannot read that.")]}) from error
    if threshold < 1:
        raise Invalid(fields={"threshold": [_("More than nothing.")]})
    with transaction() as db:
        batch = batches.draft(db, currency=given["currency"], channel=given["channel"], threshold_minor=threshold,
                              by=g.member)
    return redirect(url_for(".payouts_batch", batch_id=batch.id), 303)


@operator_desk.get("/payouts/batches/<uuid:batch_id>")
@operator
def payouts_batch(batch_id):
    with reading() as db:
        return render_template("operator/payout_batch.html", **_batch_view(db, queries.access_batch(db, batch_id)))


def _batch_view(db, batch) -> dict:
    show, page = request.args.get("show", ""), page_number()
    rows, count = console.who_is_in(db, batch, page if show == "in" else 1)
    out, out_count = console.who_is_out(db, batch, page if show == "out" else 1)
    totals = queries.totals_of_batch(db, batch.id)
    return {"batch": batch, "rows": rows, "count": count, "left_out": out, "out_count": out_count, "show": show,
            "page": page, "per_page": console.LINES,
            "sum_minor": sum(minor for state, (_count, minor) in totals.items()
                             if state != "dropped" or batch.state == "cancelled"),
            "names": console.names(db, {one.owner for one in [*(one for one, _account in rows), *out]}),
            "maker": db.get(Member, batch.created_by),
            "checker": batch.approved_by and db.get(Member, batch.approved_by), "stamp": stamp(db, batch),
            "mine": batch.created_by == g.member.id,
            "has_debtor": bool(current_app.config["LIVESTALL"].payout_debtor_iban)}


def stamp(db, batch) -> str:
    """What a page that shows a batch compares, to know that it is behind."""
    totals = queries.totals_of_batch(db, batch.id)
    return f"{batch.state} " + " ".join(f"{state}:{totals[state][0]}" for state in sorted(totals))


@operator_desk.get("/payouts/batches/<uuid:batch_id>/state.json")
@operator
def payouts_batch_state(batch_id):
    with reading() as db:
        return jsonify(stamp=stamp(db, queries.access_batch(db, batch_id)))


def _change(batch_id, change, said: str):
    """Do one thing to a batch and show it, with what was refused."""
    try:
        with transaction() as db:
            change(db)
        flash(said, "ok")
    except DomainError as error:
        if error.status not in (403, 409, 422):
            raise
        flash(error.message, "error")
    return redirect(url_for(".payouts_batch", batch_id=batch_id), 303)


@operator_desk.post("/payouts/batches/<uuid:batch_id>/approve")
@operator
def payouts_approve(batch_id):
    answer = _change(batch_id, lambda db: batches.approve(db, batch_id, g.member),
                     _("Approved. The money is set aside."))
    jobs.hurry()
    return answer


@operator_desk.post("/payouts/batches/<uuid:batch_id>/cancel")
@operator
def payouts_cancel(batch_id):
    return _change(batch_id, lambda db: batches.cancel(db, batch_id, g.member), _("Given up. Nothing was moved."))


@operator_desk.post("/payouts/batches/<uuid:batch_id>/export")
@operator
def payouts_export(batch_id):
    """A file for the bank; the first one says that the payouts are at the bank."""
    form = request.form.get("form")
    if form not in FORMS:
        raise Invalid
    with transaction() as db:
        name, text = exports.export(db, batch_id, g.member, form, exports.debtor(current_app.config["LIVESTALL"], form))
    return Response(text, mimetype="text/csv" if form == "csv" else "application/xml", headers={
        "Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"})
