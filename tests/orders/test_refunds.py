"""Money back: sums that never pass what was paid, units that return to the line, refusals that stay visible."""
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select, text, update

from campaigns.catalogue.models import Variant
from campaigns.stock.actions import close_sale
from campaigns.stock.checks import CHECKS as STOCK_CHECKS
from campaigns.stock.line import join as join_line
from campaigns.terms.models import Campaign
from campaigns.terms.publishing import end
from core.db import transaction
from members.models import Mail
from orders import actions
from orders.models import Order, Refund
from orders.payments import jobs, returns
from orders.payments.models import SandboxCharge
from tests import factories
from tests.orders.conftest import key, signed_in


def line_of(counter, order_id):
    with transaction() as db:
        return db.get(Order, order_id).lines[0]


def refund(counter, order_id, units=None, *, reason="returned", client=None, **form):
    """Staff send back some units, or everything; the page that follows."""
    line = line_of(counter, order_id)
    form = {"key": key(), "reason": reason, f"line-{line.id}": "0" if units is None else str(units), **form}
    if units is None:
        form["whole"] = "1"
    return (client or counter.desk).post(f"/studio/orders/{order_id}/refund", data=form, follow_redirects=True)


def test_cancelling_before_dispatch_gives_everything_back(counter):
    order_id = counter.paid(3)
    answer = counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    assert (answer.json["order"]["state"], answer.json["order"]["refunded_minor"]) == ("cancelled", 630)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    counter.send_refunds()
    assert counter.units() == {"left": 10, "held": 0, "sold": 0, "reserve": 0}
    assert [(one.state, one.amount_minor, one.reason) for one in counter.refunds(order_id)] == [
        ("succeeded", 630, "cancelled")]
    with transaction() as db:
        assert db.scalars(select(Mail.key).where(Mail.key.like("refund:%"))).all()


def test_cancelled_units_go_to_the_next_in_line(counter, db):
    order_id = counter.paid(3)
    counter.hold(6, member=factories_member(db, "Ann"))
    counter.hold(1, member=factories_member(db, "Bo"))
    waiting = factories_member(db, "Cy")
    with transaction() as other:
        join_line(other, counter.stock_id, waiting.id, 2)
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    assert counter.units() == {"left": 1, "held": 9, "sold": 0, "reserve": 0}


def factories_member(db, name):
    member = factories.member(db, name)
    db.commit()
    return member


def test_part_of_a_line_then_the_rest_and_never_more(counter):
    order_id = counter.paid(3)
    actions_sent(counter, order_id)
    assert "on its way" in refund(counter, order_id, 2, restock="1").text
    order = counter.order_row(order_id)
    assert (order.refunded_minor, order.state, counter.units()["sold"]) == (420, "paid", 1)
    assert refund(counter, order_id, 2).status_code == 200
    assert counter.order_row(order_id).refunded_minor == 420
    refund(counter, order_id, 1, reason="damaged")
    order, line = counter.order_row(order_id), line_of(counter, order_id)
    assert (order.refunded_minor, order.state, order.fulfilment) == (630, "paid", "sent")
    assert (line.refunded_quantity, line.returned_quantity) == (3, 2)
    assert "Nothing of this order" in refund(counter, order_id).text
    counter.send_refunds()
    with transaction() as db:
        assert sum(db.scalar(select(SandboxCharge)).refunds.values()) == 630


def actions_sent(counter, order_id):
    with transaction() as db:
        actions.mark_sent(db, order_id)


def test_all_units_back_before_dispatch_close_the_order(counter):
    order_id = counter.paid(2)
    refund(counter, order_id, restock="1")
    order = counter.order_row(order_id)
    assert (order.state, order.reason, order.fulfilment) == ("cancelled", "staff", "none")
    assert counter.units()["sold"] == 0


def test_without_restock_the_units_stay_sold(counter):
    order_id = counter.paid(2)
    refund(counter, order_id, 2, reason="missing")
    assert counter.units() == {"left": 8, "held": 0, "sold": 2, "reserve": 0}


@pytest.mark.parametrize("paid", [True, False])
def test_after_the_campaign_units_return_to_the_shops_own_stock(counter, paid):
    order_id = counter.paid(2) if paid else counter.at_the_bank(2)[0]
    with transaction() as db:
        close_sale(db, counter.stock_id)
        end(db, db.get(Campaign, counter.order_row(order_id).campaign_id), counter.host)
        variant_id = db.get(Order, order_id).lines[0].variant_id
    before = counter.get(Variant, variant_id).on_hand
    counter.client.post(f"/api/orders/{order_id}/cancel", json={"key": key()})
    assert counter.get(Variant, variant_id).on_hand == before + 2
    assert counter.units() == {"left": 0, "held": 0, "sold": 0, "reserve": 0}
    with transaction() as db:
        assert {name: rows for name, sql in STOCK_CHECKS if (rows := db.execute(text(sql)).all())} == {}


def test_the_same_key_is_the_same_refund(counter):
    order_id, once = counter.paid(3), key()
    for _ in range(3):
        refund(counter, order_id, 1, **{"key": once})
    assert counter.order_row(order_id).refunded_minor == 210
    assert "already used for something else" in refund(counter, order_id, 2, **{"key": once}).text
    assert len(counter.refunds(order_id)) == 1


@pytest.mark.parametrize("units", ["-1", "1.5", "9223372036854775808", "NaN", "x", "4"])
def test_nonsense_units_move_nothing(counter, units):
    order_id = counter.paid(3)
    refund(counter, order_id, units)
    assert counter.refunds(order_id) == [] and counter.order_row(order_id).refunded_minor == 0


def test_a_machines_reason_a_foreign_line_and_an_unpaid_order_are_refused(counter):
    order_id = counter.paid()
    assert refund(counter, order_id, 1, reason="late_payment").status_code == 422
    foreign = counter.desk.post(f"/studio/orders/{order_id}/refund", data={
        "key": key(), "reason": "returned", f"line-{uuid.uuid4()}": "1"}, follow_redirects=True)
    assert "Please check what you entered" in foreign.text
    unpaid, _bank = counter.at_the_bank()
    assert "Nothing of this order" in refund(counter, unpaid).text
    assert counter.refunds(order_id) == counter.refunds(unpaid) == []


def test_many_hands_refund_at_once_and_the_sum_holds(counter):
    order_id = counter.paid(5)
    clients = [signed_in(counter.app, counter.host) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda client: refund(counter, order_id, 2, client=client, restock="1"), clients))
    line = line_of(counter, order_id)
    assert (line.refunded_quantity, counter.order_row(order_id).refunded_minor) == (4, 840)
    counter.send_refunds()
    with transaction() as db:
        assert sum(db.scalar(select(SandboxCharge)).refunds.values()) == 840


def test_a_refused_refund_is_seen_tried_again_and_counted_once(counter):
    order_id = counter.paid(2, outcome="no_refund")
    actions_sent(counter, order_id)
    refund(counter, order_id, 1)
    counter.send_refunds()
    row = counter.refunds(order_id)[0]
    assert (row.state, row.failure, counter.order_row(order_id).refunded_minor) == ("failed", "card_closed", 0)
    assert f"/studio/orders/{order_id}" in counter.desk.get("/studio/orders?show=trouble").text
    # The refused units cannot be refunded beside it: only trying again sends their money.
    refund(counter, order_id, 2)
    assert counter.order_row(order_id).refunded_minor == 0
    again = f"/studio/orders/{order_id}/refunds/{row.id}/again"
    counter.desk.post(again)
    assert counter.order_row(order_id).refunded_minor == 210
    counter.desk.post(again)
    counter.send_refunds()
    row = counter.refunds(order_id)[0]
    assert (row.state, row.attempt, counter.order_row(order_id).refunded_minor) == ("succeeded", 2, 210)
    assert counter.client.post(again).status_code == 403


def test_a_refund_is_sent_once_however_many_send_it(counter):
    order_id = counter.paid(2)
    refund(counter, order_id)
    id_ = counter.refunds(order_id)[0].id
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda _n: with_context(counter, id_), range(6)))
    row = counter.refunds(order_id)[0]
    assert (row.state, row.tries) == ("succeeded", 1)


def with_context(counter, id_):
    with counter.app.app_context():
        returns.send(id_)


def test_the_tick_sends_what_nobody_sent(counter):
    order_id = counter.paid(2)
    refund(counter, order_id)
    with transaction() as db:
        db.execute(update(Refund).values(next_at=func.now() - func.make_interval(0, 0, 0, 0, 0, 0, 20)))
    jobs.send_refunds()
    assert counter.refunds(order_id)[0].state == "succeeded"
