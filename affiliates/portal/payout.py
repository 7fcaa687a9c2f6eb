"""Where an affiliate's money goes: seen by its last signs, changed with the password, used a day later; and what was
paid there."""
from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.payouts import accounts, entering, queries
from affiliates.payouts import words as payout_words
from affiliates.people.models import Affiliate
from affiliates.portal.doors import own, portal
from affiliates.portal.schemas import PayoutIn
from affiliates.settlement import books
from core import clock
from core.db import reading, transaction
from core.web import body, page_number
from members.access import signed_in
from members.account import ask_password
from members.forms import page_with_form


def account_view(db, affiliate: Affiliate) -> dict:
    """What pages show of the account."""
    found = accounts.current(db, books.affiliate(affiliate.id))
    return {"account": found, "masked": found and payout_words.account(found), "now": clock.now()}


def _form(form_errors, message, values):
    with reading() as db:
        affiliate = own(db)
        return render_template("affiliates/payout.html", affiliate=affiliate, errors=form_errors, message=message,
                               values=values, methods=entering.methods(), **account_view(db, affiliate))


@portal.route("/affiliate/payout-account", methods=["GET", "POST"])
@signed_in
@page_with_form(_form)
def payout_account():
    given = body(PayoutIn)
    ask_password(given["password"], "password")
    with transaction() as db:
        entering.set_account(db, books.affiliate(own(db).id), g.member, given)
    flash(_("Saved. We have written to you about it."), "ok")
    return redirect(url_for("affiliate.settings"), 303)


@portal.get("/affiliate/payouts")
@signed_in
def payouts():
    page = page_number()
    with reading() as db:
        affiliate = own(db)
        rows, total = queries.history(db, books.affiliate(affiliate.id), page)
        return render_template("affiliates/payouts.html", affiliate=affiliate, rows=rows, total=total, page=page,
                               per_page=queries.PER_PAGE, payout_words=payout_words, **account_view(db, affiliate))
