"""What the bank did, as its file says: all of it is applied, or nothing."""
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from affiliates.desk.doors import operator_desk
from affiliates.payouts import console, reconcile
from affiliates.payouts.errors import FileRefused
from core.db import reading, transaction
from core.errors import Invalid
from members.access import operator


def _page(problems=(), name="", error="", status=200):
    with reading() as db:
        return render_template("operator/payouts_reconciliation.html", problems=problems, name=name, error=error,
                               head=reconcile.HEAD, done=console.reconciliations(db)), status


@operator_desk.get("/payouts/reconciliation")
@operator
def payouts_reconciliation():
    return _page()


@operator_desk.post("/payouts/reconciliation")
@operator
def payouts_reconcile():
    file = request.files.get("file")
    if not file or not file.filename:
        return _page(error=_("Choose a file."), status=Invalid.status)
    data = file.read(reconcile.MOST_BYTES + 1)
    try:
        with transaction() as db:
            done, fresh = reconcile.apply_file(db, file.filename, data, g.member)
            flash(*_said(done, fresh))
    except FileRefused as error:
        return _page(error.extra["lines"], file.filename, status=error.status)
    return redirect(url_for(".payouts_reconciliation"), 303)


def _said(done, fresh: bool) -> tuple[str, str]:
    if not fresh:
        return _("This file was applied before. Nothing changed."), "info"
    return ngettext("%(num)s payout is brought up to date.", "%(num)s payouts are brought up to date.",
                    done.changed), "ok"
