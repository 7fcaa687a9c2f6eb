"""One payout and what waits for a person: unknown, refused, contradicted; debts that are let off."""
import uuid

from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.desk.doors import operator_desk
from affiliates.desk.schemas_payouts import DecideIn, WriteOffIn
from affiliates.payouts import apply, books, console, decisions, jobs, queries
from affiliates.payouts.models import PayoutAccount
from affiliates.people import acts
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.money import parse, plain
from core.web import body
from ledger import balances
from members.access import operator
from members.forms import page_with_form
from members.models import Member


@operator_desk.get("/payouts/troubled")
@operator
def payouts_troubled():
    with reading() as db:
        rows = queries.troubled(db)
        return render_template("operator/payouts_troubled.html", rows=rows, contradicted=decisions.contradicted,
                               names=console.names(db, {payout.owner for payout, _attempt in rows}))


@operator_desk.get("/payouts/<uuid:payout_id>")
@operator
def payouts_one(payout_id):
    with reading() as db:
        return render_template("operator/payout.html", **_view(db, queries.access_payout(db, payout_id)))


def _view(db, payout) -> dict:
    attempts = queries.attempts_of(db, payout.id)
    running = attempts[-1] if attempts else None
    deeds = acts.acts(db, None, subject_id=payout.id)
    return {"payout": payout, "attempts": attempts, "batch": queries.access_batch(db, payout.batch_id),
            "names": console.names(db, [payout.owner]), "account": db.get(PayoutAccount, payout.account_id),
            "transfers": balances.of_journal(db, books.journal(payout)), "deeds": deeds,
            "people": {one.by_member_id: db.get(Member, one.by_member_id).name for one in deeds if one.by_member_id},
            "open": [(one, choices) for one in attempts if (choices := decisions.choices(payout, one))],
            "again": running is not None and apply.repeatable(payout, running)}


def _change(payout_id, change, said: str):
    """Do one thing about a payout and show it, with what was refused."""
    try:
        with transaction() as db:
            change(db)
        flash(said, "ok")
    except DomainError as error:
        if error.status not in (409, 422):
            raise
        flash(error.message, "error")
    return redirect(url_for(".payouts_one", payout_id=payout_id), 303)


@operator_desk.post("/payouts/<uuid:payout_id>/attempts/<uuid:attempt_id>/decide")
@operator
def payouts_decide(payout_id, attempt_id):
    given = body(DecideIn)

    def change(db):
        queries.access_attempt(db, attempt_id, payout_id)
        decisions.decide(db, attempt_id, given["outcome"], g.member, given["note"])
    return _change(payout_id, change, _("Decided, and written down with your note."))


@operator_desk.post("/payouts/<uuid:payout_id>/again")
@operator
def payouts_again(payout_id):
    answer = _change(payout_id, lambda db: apply.try_again(db, payout_id, g.member), _("It is sent once more."))
    jobs.hurry()
    return answer


# -- Debts

def _debts(errors, message, _values):
    with reading() as db:
        rows = console.debts(db)
        return render_template("operator/payouts_debts.html", rows=rows, errors=errors, message=message,
                               names=console.names(db, {owner for owner, *_rest in rows}), new_key=uuid.uuid4,
                               plain=plain)


@operator_desk.route("/payouts/debts", methods=["GET", "POST"])
@operator
@page_with_form(_debts)
def payouts_debts():
    given = body(WriteOffIn)
    try:
        minor = parse(given["amount"], given["currency"])
    except ValueError as error:
        raise Invalid(fields={"amount": [_("We cannot read that.")]}) from error
    with transaction() as db:
        decisions.write_off(db, given["owner"], given["currency"], minor, g.member, given["note"], str(given["key"]))
    flash(_("The debt is let off. The platform bears it."), "ok")
    return redirect(url_for(".payouts_debts"), 303)
