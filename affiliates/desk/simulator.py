"""A draft of a rule: when it would hold, what it would have cost in past sales, who wins and who loses; publishing."""
from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from affiliates.commission.publishing import holds_from, publish
from affiliates.desk import drafts, people_queries, rule_words
from affiliates.desk.doors import shop_desk
from core.clock import now
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.web import body, check
from members.access import staff
from members.forms import page_with_form
from members.queries import current_merchant


def _draft_page(errors, message, values, seen=None):
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        rules = [rule for rule in (seen.draft, seen.cut_of, seen.replaces) if rule] if seen else []
        return render_template(
            "affiliates/desk/draft.html", shop=shop, errors=errors, message=message, values=values, seen=seen,
            said=rule_words, names=rule_words.names_of(db, rules), categories=drafts.categories(db, shop.id),
            tiers=people_queries.tiers_at(db, shop.id), products=drafts.products(db, shop.id),
            campaigns=[(one.id, one.name or _("Without a name")) for one in people_queries.open_campaigns(db, shop.id)],
            past=drafts.tried_on(db, shop.id))


@shop_desk.get("/rules/new")
@staff("affiliates")
def rules_new():
    """The empty form; with a draft in the address, what it would do. Looking writes nothing."""
    values = {name: request.args[name] for name in drafts.DraftIn().fields if name in request.args}
    if "try" not in request.args:
        return _draft_page({}, "", values)
    try:
        with reading() as db:
            seen = drafts.preview(db, current_merchant(db, "affiliates"), check(drafts.DraftIn, values))
    except Invalid as error:
        return _draft_page(error.body()["fields"], str(error.message), values), error.status
    return _draft_page({}, "", values, seen)


@shop_desk.post("/rules")
@staff("affiliates")
@page_with_form(_draft_page)
def rules_publish():
    given = body(drafts.PublishIn)
    with transaction() as db:
        shop = current_merchant(db, "affiliates")
        draft = drafts.draft_of(db, shop, given)
        _as_announced(db, shop, draft, given["announced"])
        publish(db, shop, draft, g.member, given["note"].strip())
    if given["announced"] == "later":
        flash(_("Announced; the list says from when on it holds."), "ok")
    else:
        flash(_("It holds from now on."), "ok")
    return redirect(url_for("affiliate_desk.rules"), 303)


def _as_announced(db, shop, draft, announced: str) -> None:
    """Raises DomainError if it would begin otherwise than the page said: somebody changed a rule meanwhile."""
    _start, cut_of = holds_from(db, shop, draft, now())
    if ("later" if cut_of else "now") != announced:
        raise DomainError(_("A rule was changed meanwhile, so this one would begin at another time than you were told. "
                            "Please look at it again."), code="changed_meanwhile")
