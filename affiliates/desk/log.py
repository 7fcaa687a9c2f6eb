"""Who did what: a shop's log, and the operator's over all shops and the platform."""
from flask import render_template, request
from sqlalchemy import select

from affiliates.desk import log_queries as lists
from affiliates.desk import log_words
from affiliates.desk.doors import operator_desk, shop_desk
from core.db import reading
from core.web import page_number
from members.access import operator, staff
from members.models import Merchant
from members.queries import current_merchant

PLATFORM = "platform"


def _wanted() -> dict:
    """What the address asks for; what is not known asks for all."""
    group = request.args.get("group", "")
    return {"group": group if group in lists.GROUPS else "", "by": request.args.get("by", "")[:40],
            "page": page_number()}


@shop_desk.get("/log")
@staff("affiliates")
def log():
    what = _wanted()
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        rows = lists.acts(db, merchant_id=shop.id, **what)
        return render_template("affiliates/desk/log.html", rows=rows, what=what, said=log_words,
                               people=lists.people(db, shop.id), per_page=lists.PER_PAGE,
                               total=rows[0].total if rows else 0)


@operator_desk.get("/log", endpoint="log")
@operator
def log_of_all():
    what, of = _wanted(), request.args.get("shop", "")[:40]
    with reading() as db:
        shops = db.execute(select(Merchant.id, Merchant.name).order_by(Merchant.name, Merchant.id)).all()
        chosen = next((one.id for one in shops if str(one.id) == of), None)
        rows = lists.acts(db, merchant_id=chosen, everywhere=chosen is None and of != PLATFORM, **what)
        return render_template("operator/log.html", rows=rows, what={**what, "shop": of}, said=log_words, shops=shops,
                               people=lists.people(db, everywhere=True), per_page=lists.PER_PAGE,
                               total=rows[0].total if rows else 0)
