"""Orders over HTTP for the buyer's pages: JSON in, JSON out, one error body."""
from flask import Blueprint, g, jsonify

from core.db import reading, transaction
from core.web import body
from members.access import signed_in
from orders import actions, cards, checkout, coupons, queries
from orders.payments import attempts, jobs, name_for
from orders.payments.models import Payment
from orders.schemas import CardIn, CheckoutIn, CouponIn, KeyIn, PayIn

api = Blueprint("orders_api", __name__, url_prefix="/api")


@api.post("/orders")
@signed_in
def place():
    data = body(CheckoutIn)
    with transaction() as db:
        _order, payment, fresh = checkout.place(db, g.member, data)
    return _pay(payment.id, fresh)


@api.post("/orders/<uuid:order_id>/pay")
@signed_in
def pay(order_id):
    data = body(PayIn)
    with transaction() as db:
        _order, payment, fresh = checkout.try_again(db, order_id, g.member, data)
    return _pay(payment.id, fresh)


def _pay(payment_id, fresh: bool):
    """Call the provider for a new attempt (outside of any transaction) and say where things stand."""
    if fresh:
        attempts.begin(payment_id)
    with reading() as db:
        payment = db.get(Payment, payment_id)
        order = queries.access_order(db, payment.order_id, g.member)
        jobs.hurry(queries.pending_refund(db, payment.id))
        return jsonify(order=queries.order_out(order, payment), next=next_step(payment)), 201


def next_step(payment: Payment) -> dict:
    """What the page does now: follow a redirect, show paid or failed, or wait for the event."""
    if payment.state == "pending" and payment.redirect_url:
        return {"redirect": payment.redirect_url}
    state = {"succeeded": "paid", "failed": "failed", "returned": "failed"}.get(payment.state, "paying")
    return {"state": state, "failure": payment.failure}


@api.post("/coupons/check")
@signed_in
def check_coupon():
    """What a code takes off, before anything is ordered. Raises CouponRefused."""
    data = body(CouponIn)
    with reading() as db:
        return jsonify(coupon=coupons.coupon_out(coupons.check(db, data["code"], data["offer_id"], g.member)))


@api.get("/orders/<uuid:order_id>")
@signed_in
def show(order_id):
    with reading() as db:
        order = queries.access_order(db, order_id, g.member)
        return jsonify(order=queries.order_out(order, queries.last_payment(db, order.id)))


@api.post("/orders/<uuid:order_id>/cancel")
@signed_in
def cancel(order_id):
    body(KeyIn)
    with transaction() as db:
        order = actions.cancel(db, order_id, g.member)
        refund_id = queries.pending_refund(db, order_id=order.id)
    jobs.hurry(refund_id)
    return jsonify(order=queries.order_out(order))


@api.get("/cards")
@signed_in
def saved_cards():
    with reading() as db:
        return jsonify(cards=queries.cards_out(db, g.member.id, name_for(False)), can_add=name_for(False) == "sandbox")


@api.post("/cards")
@signed_in
def add_card():
    data = body(CardIn)
    with transaction() as db:
        card = cards.add_test_card(db, g.member, data["outcome"])
        return jsonify(card=queries.card_out(card)), 201


@api.delete("/cards/<uuid:card_id>")
@signed_in
def remove_card(card_id):
    with transaction() as db:
        cards.remove(db, cards.access_card(db, card_id, g.member))
    return jsonify(removed=str(card_id))
