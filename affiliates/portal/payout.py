"""Where an affiliate's money goes: seen by its last signs, changed with the password, used a day later."""
from flask import current_app, flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.payouts import accounts, bank_details, errors
from affiliates.people.models import Affiliate
from affiliates.portal.doors import own, portal
from affiliates.portal.schemas import PayoutIn
from affiliates.settlement import books
from core import clock
from core.db import reading, transaction
from core.errors import Invalid
from core.web import body
from members import throttle
from members.access import signed_in
from members.forms import page_with_form


def account_view(db, affiliate: Affiliate) -> dict:
    """What pages show of the account."""
    found = accounts.current(db, books.affiliate(affiliate.id))
    return {"account": found, "masked": found and bank_details.masked(found.method, found.details), "now": clock.now()}


def _form(form_errors, message, values):
    with reading() as db:
        affiliate = own(db)
        return render_template("affiliates/payout.html", affiliate=affiliate, errors=form_errors, message=message,
                               values=values, sandbox=current_app.config["LIVESTALL"].demo,
                               **account_view(db, affiliate))


@portal.route("/affiliate/payout-account", methods=["GET", "POST"])
@signed_in
@page_with_form(_form)
def payout_account():
    given = body(PayoutIn)
    sandbox = given["method"] == "sandbox"
    if sandbox and not current_app.config["LIVESTALL"].demo:
        raise Invalid
    tries = [throttle.Bucket(f"password:{g.member.id}", throttle.FREE)]
    throttle.take(tries)
    details = {} if sandbox else {name: given[name] for name in ("iban", "number", "bank_code", "bic")}
    try:
        with transaction() as db:
            accounts.set_account(db, books.affiliate(own(db).id), g.member, method=given["method"],
                                 holder=given["holder"], details=details, password=given["password"])
    except errors.WrongPassword as error:
        raise Invalid(fields={"password": [error.message]}) from error
    throttle.forgive(tries)
    flash(_("Saved. We have written to you about it."), "ok")
    return redirect(url_for("affiliate.settings"), 303)
