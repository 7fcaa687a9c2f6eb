"""Webhooks: repeated, shuffled, forged, about nothing of ours or about another amount; each money has one effect."""
import itertools
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, update

import orders.payments
from core.db import transaction
from members.models import Mail
from orders.payments import Result, apply
from orders.payments.bank import deliver_notices
from orders.payments.models import PaymentNotice, SandboxCharge, SandboxNotice
from orders.payments.sandbox import SIGNATURE


def post_notice(counter, body, *, signature=None, at=None):
    raw = json.dumps(body).encode()
    signature = signature if signature is not None else orders.payments.named("sandbox").signature(raw, at)
    return counter.app.test_client().post("/webhooks/sandbox", data=raw, content_type="application/json",
                                          headers={SIGNATURE: signature})


def notices():
    with transaction() as db:
        return [row.body for row in db.scalars(select(SandboxNotice).order_by(SandboxNotice.due_at))]


@pytest.mark.parametrize("seed", range(6))
def test_webhooks_five_times_and_shuffled_have_one_effect(counter, seed):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "decline" if seed % 3 == 2 else "approve")
    told = notices() * 5
    random.Random(seed).shuffle(told)
    answers = [post_notice(counter, body) for body in told]
    assert {answer.status_code for answer in answers} == {200}
    state = "awaiting_payment" if seed % 3 == 2 else "paid"
    assert counter.order_row(order_id).state == state
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(PaymentNotice)) == 2
        assert db.scalar(select(func.count()).select_from(Mail)) == (state == "paid")


@pytest.mark.parametrize("order", list(itertools.permutations(("pending", "failed", "succeeded"))))
def test_in_whatever_order_it_comes_money_that_came_is_kept(counter, order):
    order_id, _bank = counter.at_the_bank()
    payment = counter.payments(order_id)[0]
    with transaction() as db:
        db.execute(update(SandboxCharge).values(state="approved"))
    for state in order:
        with transaction() as db:
            apply.apply_result(db, payment.id, Result(state, payment.key, 210, "GBP"))
    assert counter.order_row(order_id).state == "paid"
    assert [one.state for one in counter.payments(order_id)] == ["succeeded"]


def test_one_webhook_delivered_at_once_many_times_has_one_effect(counter):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "approve")
    body = notices()[0]
    with ThreadPoolExecutor(5) as pool:
        answers = list(pool.map(lambda _n: post_notice(counter, body), range(5)))
    assert sorted(answer.json["effect"] for answer in answers) == ["paid"] + ["repeat"] * 4
    assert counter.order_row(order_id).state == "paid"


def test_unsigned_altered_and_stale_webhooks_are_refused(counter):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "approve")
    body = notices()[0]
    raw = json.dumps(body).encode()
    good = orders.payments.named("sandbox").signature(raw)
    old, future = int(time.time()) - 301, int(time.time()) + 301
    refused = [post_notice(counter, body, signature=""),
               post_notice(counter, {**body, "amount_minor": 1}, signature=good),
               post_notice(counter, body, at=old), post_notice(counter, body, at=future),
               post_notice(counter, body, signature="t=x,v1=y"), post_notice(counter, body, signature=good[:-1] + "!"),
               post_notice(counter, {"id": "evt_1"})]
    assert [answer.status_code for answer in refused] == [400] * 7
    assert counter.order_row(order_id).state == "awaiting_payment"
    with transaction() as db:
        assert db.scalar(select(func.count()).select_from(PaymentNotice)) == 0
    assert counter.app.test_client().post("/webhooks/nobody", data=raw).status_code == 404
    assert counter.app.test_client().post("/webhooks/stripe", data=raw).status_code == 404


def test_a_webhook_about_nothing_of_ours_is_kept_and_does_nothing(counter):
    body = {"id": "evt_x", "state": "approved", "reference": "nobody", "amount_minor": 1, "currency": "GBP"}
    answer = post_notice(counter, body)
    assert (answer.status_code, answer.json) == (200, {"effect": "unknown_payment"})


@pytest.mark.parametrize("wrong", [{"amount_minor": 209}, {"amount_minor": 211}, {"currency": "JPY"},
                                   {"amount_minor": None}])
def test_another_amount_or_currency_never_pays_an_order(counter, wrong):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "approve")
    answer = post_notice(counter, {**notices()[0], **wrong})
    assert answer.json == {"effect": "amount_mismatch"}
    assert counter.order_row(order_id).state == "awaiting_payment"
    assert counter.payments(order_id)[0].failure == "amount_mismatch"
    assert "reports another amount" in counter.desk.get(f"/studio/orders/{order_id}").text
    assert f"/studio/orders/{order_id}" in counter.desk.get("/studio/orders?show=trouble").text


def test_the_banks_clerk_delivers_over_http_twice_and_out_of_order(counter, live_server):
    order_id, bank = counter.at_the_bank()
    counter.bank(bank, "approve")
    with transaction() as db:
        db.execute(update(SandboxNotice).values(due_at=func.now()))
    deliver_notices()
    assert counter.order_row(order_id).state == "paid"
    with transaction() as db:
        assert db.scalar(select(func.count()).where(SandboxNotice.delivered_at.is_not(None))) == 3
        effects = db.scalars(select(PaymentNotice.effect).order_by(PaymentNotice.received_at)).all()
    assert sorted(effects) in (["open", "paid"], ["paid", "repeat"])


def test_a_notice_that_cannot_be_delivered_is_tried_again_later(counter, nobody_home):
    _order_id, bank = counter.at_the_bank()
    counter.bank(bank, "approve")
    with transaction() as db:
        db.execute(update(SandboxNotice).values(due_at=func.now()))
    deliver_notices()
    later = SandboxNotice.due_at > func.now()
    with transaction() as db:
        rows = db.execute(select(SandboxNotice.delivered_at, SandboxNotice.tries, later)).all()
    assert [tuple(row) for row in rows] == [(None, 1, True)] * 3
