"""Accounts that wait to be compared with who gave them."""
from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.desk.doors import operator_desk
from affiliates.payouts import accounts, console, queries
from core.clock import now
from core.db import reading, transaction
from core.errors import DomainError
from members.access import operator
from members.models import Member


@operator_desk.get("/payouts/accounts")
@operator
def payouts_accounts():
    with reading() as db:
        rows = queries.accounts_to_verify(db)
        return render_template(
            "operator/payouts_accounts.html", rows=rows, now=now(),
            names=console.names(db, {one.owner for one in rows}),
            by={one.by_member_id: db.get(Member, one.by_member_id) for one in rows},
            before={one.id: console.account_before(db, one) for one in rows})


@operator_desk.post("/payouts/accounts/<uuid:account_id>/verify")
@operator
def payouts_verify(account_id):
    try:
        with transaction() as db:
            accounts.verify(db, account_id, g.member)
        flash(_("Verified. The next batch can pay there."), "ok")
    except DomainError as error:
        if error.status not in (403, 404):
            raise
        flash(_("This account was replaced by another. Look at that one.") if error.status == 404 else error.message,
              "error")
    return redirect(url_for(".payouts_accounts"), 303)
