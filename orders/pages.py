"""The buyer's pages: my orders, one order, its receipt. They work without a script; with one they follow the news."""
import uuid

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from campaigns.catalogue.queries import picture_urls
from core.db import reading, transaction
from core.errors import DomainError
from core.web import check, page_number
from members.access import signed_in
from members.models import Merchant
from orders import actions, cards, checkout, queries, words
from orders.payments import attempts, jobs, name_for
from orders.payments.models import OPEN_STATES
from orders.schemas import PayIn
from orders.views import next_step

pages = Blueprint("orders", __name__)


@pages.context_processor
def helpers():
    return {"words": words}


@pages.get("/orders")
@signed_in
def mine():
    page = page_number()
    with reading() as db:
        found, total = queries.orders_of(db, g.member.id, page)
        pictures = picture_urls(db, [line.variant_id for order in found for line in order.lines])
    return render_template("orders/mine.html", orders=found, total=total, page=page, per_page=queries.PER_PAGE,
                           pictures=pictures)


@pages.get("/orders/<uuid:order_id>")
@signed_in
def show(order_id):
    with reading() as db:
        return render_template("orders/show.html", **_view(db, queries.access_order(db, order_id, g.member)))


def _view(db, order) -> dict:
    tried = queries.payments_of(db, order.id)
    return {"order": order, "shop": db.get(Merchant, order.merchant_id), "payments": tried,
            "last": tried[-1] if tried else None, "refunds": queries.refunds_of(db, order.id),
            "until": queries.held_until(db, order) if order.state == "awaiting_payment" else None,
            "cards": queries.cards_out(db, g.member.id, name_for(order.rehearsal)),
            "can_add_card": name_for(order.rehearsal) == "sandbox",
            "pictures": picture_urls(db, [line.variant_id for line in order.lines]), "key": str(uuid.uuid4()),
            "waits": any(one.state in OPEN_STATES for one in tried[-1:])}


@pages.get("/orders/<uuid:order_id>/receipt")
@signed_in
def receipt(order_id):
    with reading() as db:
        return render_template("orders/receipt.html", **_view(db, queries.access_order(db, order_id, g.member)))


@pages.get("/orders/<uuid:order_id>/returned")
@signed_in
def returned(order_id):
    """Back from the bank: ask it at once, so that buying goes on without webhooks, Redis or a worker."""
    with reading() as db:
        order = queries.access_order(db, order_id, g.member)
        # The last one also when a webhook was faster: the card may still have to be kept.
        tried = queries.payments_of(db, order.id)
        waiting = [one.id for one in tried if one.state in OPEN_STATES or one is tried[-1]]
    for payment_id in waiting:
        attempts.look_up(payment_id)
        attempts.keep_card(payment_id)
    with reading() as db:
        jobs.hurry(queries.pending_refund(db, order_id=order_id))
    return redirect(url_for("orders.show", order_id=order_id))


@pages.post("/orders/<uuid:order_id>/pay")
@signed_in
def pay(order_id):
    data = check(PayIn, {name: value for name, value in request.form.items() if name != "csrf_token" and value})
    with transaction() as db:
        _order, payment, fresh = checkout.try_again(db, order_id, g.member, data)
    if fresh:
        attempts.begin(payment.id)
    with reading() as db:
        step = next_step(db.get(type(payment), payment.id))
    return redirect(step.get("redirect") or url_for("orders.show", order_id=order_id))


@pages.post("/orders/<uuid:order_id>/card")
@signed_in
def add_card(order_id):
    with transaction() as db:
        cards.add_test_card(db, g.member, "approve")
    return redirect(url_for("orders.show", order_id=order_id))


@pages.post("/orders/<uuid:order_id>/cancel")
@signed_in
def cancel(order_id):
    try:
        with transaction() as db:
            actions.cancel(db, order_id, g.member)
            refund_id = queries.pending_refund(db, order_id=order_id)
        jobs.hurry(refund_id)
        flash(_("Your order is cancelled."), "ok")
    except DomainError as error:
        if error.status != 409:
            raise
        flash(error.message, "error")
    return redirect(url_for("orders.show", order_id=order_id))
