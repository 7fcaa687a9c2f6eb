"""A dispute takes commission once, also beside a refund; won, it gives back what nothing else asks for."""
import subprocess
import sys

import pytest

from affiliates import verify
from affiliates.commission import actions as commission
from affiliates.commission.models import Commission
from affiliates.settlement.actions import merchant_part
from core.clock import now
from core.db import transaction
from orders.payments import DisputeFacts, disputes
from tests.factories import signed_in


def say(desk, order_id, state, minor, ref="dp_1"):
    with transaction() as db:
        disputes.apply_dispute(db, desk.counter.payments(order_id)[0].id, DisputeFacts(ref, state, minor, "GBP"))


def reversed_minor(desk, order_id):
    return [one.reversed_minor for one in desk.commissions(order_id)]


@pytest.mark.parametrize("refund_first", [True, False])
def test_a_refund_and_a_dispute_of_the_same_money_take_it_once(desk, refund_first):
    desk.came()
    order_id = desk.buy(2)  # 4.20, of which 0.42 is commission
    steps = [lambda: desk.refund(order_id, 1), lambda: say(desk, order_id, "open", 420)]
    for step in steps if refund_first else steps[::-1]:
        step()
    assert reversed_minor(desk, order_id) == [42]
    say(desk, order_id, "won", 420)
    say(desk, order_id, "won", 420)
    assert reversed_minor(desk, order_id) == [21]  # the refund's half
    desk.refund(order_id, 1)
    assert reversed_minor(desk, order_id) == [42]


def test_two_disputes_of_parts_are_won_and_lost_apart(desk):
    desk.came()
    order_id = desk.buy(2)
    say(desk, order_id, "open", 105, "dp_1")
    say(desk, order_id, "lost", 210, "dp_2")
    assert reversed_minor(desk, order_id) == [32]  # 31.5, half up
    say(desk, order_id, "won", 105, "dp_1")
    assert reversed_minor(desk, order_id) == [21]


def test_what_a_person_rejected_stays_rejected_when_a_dispute_is_won(desk):
    desk.came()
    order_id = desk.buy(2)
    say(desk, order_id, "open", 210)
    with transaction() as db:
        line = db.get(Commission, desk.commissions(order_id)[0].id)
        hold = commission.hold_by_hand(db, line, desk.staff, "Looked odd.")
        commission.decide(db, hold, "rejected", desk.staff, "It was.")
    say(desk, order_id, "won", 210)
    assert reversed_minor(desk, order_id) == [42]


def test_what_a_person_rejected_and_gave_back_is_given_back_whole_when_a_dispute_is_won(desk):
    desk.came()
    order_id = desk.buy(2)
    say(desk, order_id, "open", 210)
    with transaction() as db:
        line = db.get(Commission, desk.commissions(order_id)[0].id)
        hold = commission.hold_by_hand(db, line, desk.staff, "Looked odd.")
        commission.decide(db, hold, "rejected", desk.staff, "It was.")
    with transaction() as db:
        commission.correct(db, db.get(Commission, line.id), 21, desk.staff, "It was not.", "again-1")
    say(desk, order_id, "won", 210)
    assert reversed_minor(desk, order_id) == [0]


def test_the_shops_settlement_tells_disputes_from_refunds(desk):
    desk.came()
    order_id = desk.buy(2)
    desk.refund(order_id, 1)
    say(desk, order_id, "open", 210)  # with it all went back, so the order is through
    with transaction() as db:
        order = desk.counter.order_row(order_id)
        part = merchant_part(db, order.campaign_id, order.merchant_id, now())
    assert (part["orders"], part["sales_minor"], part["refunds_minor"], part["disputes_minor"]) == (1, 420, 210, 210)
    assert part["due_minor"] == -part["fees_minor"] - part["commissions_minor"] and part["commissions_minor"] == 0


def test_a_statement_with_a_dispute_that_was_won_can_be_computed_again(desk, app, tmp_path):
    desk.came()
    first, second = desk.buy(2), desk.buy(1)
    desk.refund(first, 1)
    say(desk, first, "open", 420)
    say(desk, first, "won", 420)
    say(desk, second, "open", 210, "dp_2")
    aiko = signed_in(app, desk.member)
    path = tmp_path / "statement.csv"
    path.write_bytes(aiko.get("/affiliate/statement.csv").data)
    done = subprocess.run([sys.executable, "-I", "-S", verify.__file__, str(path)], capture_output=True, text=True,
                          check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "left 0.21" in done.stdout
    page = aiko.get(f"/affiliate/lines/{desk.commissions(first)[0].id}").text
    assert "gave the money back" in page and "-£" not in page
