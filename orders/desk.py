"""The desk: pack, send, refund. For who has the right `orders` at the current merchant."""
import uuid

from flask import Response, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from campaigns.catalogue.queries import picture_urls
from core.clock import now
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.web import check, page_number
from members.access import staff
from members.models import Member
from members.queries import current_merchant
from orders import actions, books, desk_queries, exports, queries, refunds, words
from orders.pages import pages
from orders.payments import jobs
from orders.schemas import STAFF_REASONS, RefundIn, SendIn

ROOT = "/studio/orders"


@pages.context_processor
def reasons():
    return {"staff_reasons": [(name, words.REASONS[name]) for name in STAFF_REASONS]}


def _filter() -> desk_queries.Filter:
    show = request.args.get("show", "all")
    return desk_queries.Filter(show if show in desk_queries.SHOWN else "all", request.args.get("q", "")[:80])


@pages.get(ROOT, endpoint="desk")
@staff("orders")
def index():
    what, page = _filter(), page_number()
    with reading() as db:
        shop = current_merchant(db, "orders")
        found, total = desk_queries.orders(db, shop.id, what, page)
        return render_template("orders/desk.html", orders=found, total=total, page=page, what=what, shop=shop,
                               per_page=desk_queries.PER_PAGE, counts=desk_queries.counts(db, shop.id),
                               names=desk_queries.names_of(db, found))


@pages.get(f"{ROOT}/export.csv", endpoint="desk_export")
@staff("orders")
def export():
    with reading() as db:
        shop = current_merchant(db, "orders")
        text = "".join(exports.orders_csv(db, shop.id, _filter()))
    name = f"orders-{shop.slug}-{now():%Y-%m-%d}.csv"
    return Response(text, mimetype="text/csv", headers={"Content-Disposition": f'attachment; filename="{name}"'})


@pages.get(f"{ROOT}/packing", endpoint="desk_packing")
@staff("orders")
def packing():
    ids = _ids(request.args.getlist("id"))
    with reading() as db:
        shop = current_merchant(db, "orders")
        found = desk_queries.to_pack(db, shop.id, ids)
        return render_template("orders/packing.html", orders=found, shop=shop, most=desk_queries.MOST_PACKED,
                               names=desk_queries.names_of(db, found))


@pages.post(f"{ROOT}/sent", endpoint="desk_sent")
@staff("orders")
def sent():
    """Several at once; those that are at another step are left as they are."""
    done = 0
    for order_id in _ids(request.form.getlist("id")):
        with transaction() as db:
            order = queries.access_desk_order(db, order_id, current_merchant(db, "orders").id)
            if order.fulfilment == "to_pack":
                actions.mark_sent(db, order_id)
                done += 1
    flash(ngettext("%(num)s order is marked as sent.", "%(num)s orders are marked as sent.", done), "ok")
    return redirect(url_for(".desk", show="to_pack"))


def _ids(texts: list[str]) -> list[uuid.UUID]:
    try:
        return [uuid.UUID(text) for text in texts[:desk_queries.MOST_PACKED]]
    except ValueError as error:
        raise Invalid from error


@pages.get(f"{ROOT}/<uuid:order_id>", endpoint="desk_order")
@staff("orders")
def show(order_id):
    with reading() as db:
        order = queries.access_desk_order(db, order_id, current_merchant(db, "orders").id)
        return render_template("orders/desk_order.html", **_view(db, order))


def _view(db, order) -> dict:
    back = queries.refunds_of(db, order.id)
    return {"order": order, "buyer": db.get(Member, order.member_id), "payments": queries.payments_of(db, order.id),
            "refunds": back, "disputes": queries.disputes_of(db, order.id), "staff": desk_queries.names_by(db, back),
            "transfers": books.transfers_of(db, order), "key": str(uuid.uuid4()),
            "pictures": picture_urls(db, [line.variant_id for line in order.lines]),
            "can_refund": bool(order.paid_at) and any(line.refunded_quantity < line.quantity for line in order.lines)}


def _change(order_id, change, said: str):
    """Do one thing to an order of the current merchant and show it again, with what was refused."""
    try:
        with transaction() as db:
            order = queries.access_desk_order(db, order_id, current_merchant(db, "orders").id)
            refund = change(db, order)
        jobs.hurry(refund)
        flash(said, "ok")
    except DomainError as error:
        if error.status not in (409, 422):
            raise
        flash(error.message, "error")
    return redirect(url_for(".desk_order", order_id=order_id))


@pages.post(f"{ROOT}/<uuid:order_id>/sent", endpoint="desk_send")
@staff("orders")
def send_one(order_id):
    data = check(SendIn, {name: request.form.get(name, "").strip() for name in ("carrier", "tracking_code")})

    def change(db, order):
        actions.mark_sent(db, order.id, data["carrier"], data["tracking_code"])
    return _change(order_id, change, _("Saved. The buyer has been told."))


@pages.post(f"{ROOT}/<uuid:order_id>/delivered", endpoint="desk_delivered")
@staff("orders")
def delivered(order_id):
    def change(db, order):
        actions.mark_delivered(db, order.id)
    return _change(order_id, change, _("Marked as delivered."))


@pages.post(f"{ROOT}/<uuid:order_id>/refund", endpoint="desk_refund")
@staff("orders")
def refund(order_id):
    """The whole order ("whole" is pressed) or the units written beside its lines."""
    form = request.form
    data = check(RefundIn, {
        "key": form.get("key"), "reason": form.get("reason"), "note": form.get("note", ""),
        "restock": "restock" in form, "lines": {name.removeprefix("line-"): value or 0 for name, value in form.items()
                                                if name.startswith("line-")}})

    def change(db, order):
        wanted = None if "whole" in form else data["lines"]
        return refunds.refund_lines(db, order.id, wanted, reason=data["reason"], restock=data["restock"],
                                    key=data["key"], by=g.member, note=data["note"]).id
    return _change(order_id, change, _("The refund is on its way. The buyer has been told."))


@pages.post(f"{ROOT}/<uuid:order_id>/refunds/<uuid:refund_id>/again", endpoint="desk_refund_again")
@staff("orders")
def refund_again(order_id, refund_id):
    def change(db, order):
        return refunds.try_again(db, order.id, refund_id).id
    return _change(order_id, change, _("We are trying the refund again."))
