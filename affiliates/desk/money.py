"""A shop's own money: what it is owed, where it goes, what was paid, and every move of it in the ledger."""
import csv
import io

from flask import Response, flash, g, redirect, render_template, stream_with_context, url_for
from flask_babel import gettext as _

from affiliates.desk.doors import shop_desk
from affiliates.payouts import accounts, entering, queries, words
from affiliates.portal.schemas import PayoutIn
from affiliates.settlement.books import PAYABLE
from core import clock
from core.db import reading, transaction
from core.money import plain
from core.web import body, page_number
from ledger import balances
from members.access import staff
from members.account import ask_password
from members.forms import page_with_form
from members.queries import current_merchant
from orders import books
from orders.exports import safe_text

RIGHT, LINES = "affiliates", 50
HEAD = ("at", "what", "change", "balance", "currency", "reference")


@shop_desk.context_processor
def payout_helpers():
    return {"payout_words": words}


def _shop(db):
    """(the current shop, its name in the ledger)."""
    shop = current_merchant(db, RIGHT)
    return shop, books.merchant(shop.id)


@shop_desk.get("/money")
@staff(RIGHT)
def money():
    page = page_number()
    with reading() as db:
        shop, owner = _shop(db)
        rows, total = queries.history(db, owner, page)
        standing = _standing(db, shop, owner)
        lines = {row.currency: list(balances.statement(db, row.id))[::-1] for row in standing["accounts"]}
        return render_template("affiliates/desk/money.html", shop=shop, rows=rows, total=total, page=page,
                               per_page=queries.PER_PAGE, lines=lines, most=LINES, now=clock.now(),
                               account=accounts.current(db, owner), **standing)


def _standing(db, shop, owner: str) -> dict:
    """What the shop is owed and what is not settled, in its own currency; its accounts of what is owed in all."""
    stands = {(row.kind, row.currency): int(row.balance_minor) for row in balances.of_owner(db, owner)}
    return {"payable_minor": stands.get((PAYABLE, shop.currency), 0),
            "sales_minor": stands.get((books.SALES, shop.currency), 0),
            "sums": queries.sums_of(db, owner, shop.currency),
            "accounts": [row for row in balances.of_owner(db, owner) if row.kind == PAYABLE]}


def _form(errors, message, values):
    with reading() as db:
        shop, owner = _shop(db)
        return render_template("affiliates/desk/money_account.html", shop=shop, errors=errors, message=message,
                               values=values, methods=entering.methods(), account=accounts.current(db, owner))


@shop_desk.route("/money/account", methods=["GET", "POST"])
@staff(RIGHT)
@page_with_form(_form)
def money_account():
    given = body(PayoutIn)
    ask_password(given["password"], "password")
    with transaction() as db:
        entering.set_account(db, _shop(db)[1], g.member, given)
    flash(_("Saved. We have written to you about it."), "ok")
    return redirect(url_for(".money"), 303)


@shop_desk.get("/money/statement.csv")
@staff(RIGHT)
def money_statement():
    with reading() as db:
        shop, owner = _shop(db)

    def pieces():
        with reading() as db:
            yield from _statement(db, owner)
    return Response(stream_with_context(pieces()), mimetype="text/csv; charset=utf-8", headers={
        "Content-Disposition": f'attachment; filename="money-{shop.slug}-{clock.now():%Y-%m-%d}.csv"',
        "Cache-Control": "no-store"})


def _statement(db, owner: str):
    """Every transfer of what the shop is owed, oldest first, with the balance after it; no cell runs as a formula."""
    yield "\ufeff" + _cells(HEAD)
    said = words.transfers()
    for account in balances.of_owner(db, owner):
        if account.kind != PAYABLE:
            continue
        for line in balances.statement(db, account.id):
            yield _cells((f"{line.at:%Y-%m-%dT%H:%M:%SZ}", safe_text(said.get(line.code, line.code)),
                          plain(line.change_minor, account.currency), plain(line.balance_minor, account.currency),
                          account.currency, safe_text(line.journal)))


def _cells(cells) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(cells)
    return out.getvalue()
