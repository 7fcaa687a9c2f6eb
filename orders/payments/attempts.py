"""Calling a provider for one attempt. The attempt's row is committed before; no transaction is open meanwhile."""
import uuid

import structlog
from flask import current_app
from sqlalchemy import select

from campaigns.stock.models import Hold
from core.db import reading, transaction
from members.models import Member, Merchant
from orders import cards
from orders.models import Order, OrderLine
from orders.payments import Ask, NoAnswer, Result, apply, named
from orders.payments.models import OPEN_STATES, Payment, SavedCard

log = structlog.get_logger("payments")


def begin(payment_id: uuid.UUID) -> None:
    """Make the provider's call of a new attempt, once, and apply what it says."""
    _call(payment_id, "create")


def look_up(payment_id: uuid.UUID) -> None:
    """Ask what became of an open attempt and apply it. Moves no money, so it may be done at any time."""
    with transaction() as db:
        payment = db.get(Payment, payment_id)
        if payment is None or payment.state not in OPEN_STATES or payment.failure == "amount_mismatch":
            return
        payment.checks += 1
    _call(payment_id, "lookup")


def keep_card(payment_id: uuid.UUID) -> None:
    """Keep the card of a payment on the provider's page, if the buyer ticked that there. Not worth a second try."""
    with reading() as db:
        payment = db.get(Payment, payment_id)
        if payment.state != "succeeded" or payment.method != "bank_page":
            return
        member_id = db.get(Order, payment.order_id).member_id
        ask = _ask(db, payment)
    try:
        card = named(payment.provider).lookup(ask).card
    except NoAnswer:
        return
    if card:
        with transaction() as db:
            cards.keep(db, member_id, payment.provider, card)


def _call(payment_id: uuid.UUID, what: str) -> None:
    with reading() as db:
        payment = db.get(Payment, payment_id)
        ask = _ask(db, payment)
        provider = named(payment.provider)
    if what == "create" and payment.method == "card":
        what = "charge_card"
    try:
        result: Result = getattr(provider, what)(ask)
    except NoAnswer as silence:
        log.warning("no answer from the provider", payment=str(payment_id), call=what, error=str(silence))
        with transaction() as db:
            apply.no_answer(db, payment_id)
        return
    with transaction() as db:
        apply.apply_result(db, payment_id, result)


def _ask(db, payment: Payment) -> Ask:
    order = db.get(Order, payment.order_id)
    card = db.get(SavedCard, payment.saved_card_id) if payment.saved_card_id else None
    shop = db.get(Merchant, order.merchant_id)
    email = db.scalar(select(Member.email).where(Member.id == order.member_id))
    base_url = current_app.config["LIVESTALL"].base_url
    return Ask(key=payment.key, amount_minor=payment.amount_minor, currency=payment.currency,
               description=f"{shop.name} · {order.number}", email=email,
               return_url=f"{base_url}/orders/{order.id}/returned", card_ref=card and card.provider_ref,
               expires_at=_held_until(db, order.id), made_at=payment.created_at,
               provider_ref=payment.provider_ref)


def _held_until(db, order_id):
    return db.scalar(select(Hold.expires_at).join(OrderLine, OrderLine.hold_id == Hold.id)
                     .where(OrderLine.order_id == order_id).order_by(Hold.expires_at).limit(1))
