"""The queue of held lines: why, of which order, who else was considered; decided with a note, several at once. And the
log of who did it."""
import re
from pathlib import Path

import pytest
from sqlalchemy import select

from affiliates.commission.models import CommissionHold
from affiliates.desk import log_queries, log_words
from core.db import transaction
from members import actions
from members.models import Member
from orders.models import Order
from tests import factories
from tests.factories import signed_in

PATH = "/studio/affiliates/holds"


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


@pytest.fixture
def held(desk):
    """Two orders whose link was opened a moment before the units were claimed: (ids of the holds, orders)."""
    orders = []
    for _n in range(2):
        desk.came(seconds=0)
        orders.append(desk.buy())
    return [str(one.id) for one in holds()], orders


def holds():
    with transaction() as db:
        return list(db.scalars(select(CommissionHold).order_by(CommissionHold.id)))


def said(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def decide(client, ids, decision, note="We asked; it was a friend."):
    return client.post(f"{PATH}/decide", data={"id": ids, "decision": decision, "note": note})


def test_a_held_line_shows_evidence_order_and_candidates(desk, ana, held):
    page = said(ana.get(PATH))
    assert "Late click" in page and "before the units were claimed; people need longer to choose" in page
    assert "1 way to this order was considered" in page and "Aiko, link to this show" in page
    with transaction() as db:
        numbers = [db.get(Order, id_).number for id_ in held[1]]
    assert all(f"Order {number}" in page for number in numbers) and "Waiting 2" in page


def test_several_are_released_at_once_and_the_note_stands_with_them(desk, ana, held):
    ids, _orders = held
    assert decide(ana, ids, "released").status_code == 303
    assert [one.decision for one in holds()] == ["released", "released"]
    assert not any(one.held for one in desk.commissions())
    page = said(ana.get(f"{PATH}?show=decided"))
    assert page.count("We asked; it was a friend.") == 2 and "Hold it again" in page
    assert "2 lines were released." in page
    assert "Nothing waits for you" in said(ana.get(PATH))


def test_what_somebody_else_decided_meanwhile_keeps_no_other_from_it(desk, ana, held):
    ids, _orders = held
    decide(ana, ids[:1], "rejected")
    decide(ana, ids, "released", "All fine.")
    assert [one.decision for one in holds()] == ["rejected", "released"]
    page = said(ana.get(PATH))
    assert "1 line was released." in page and "This was decided already." in page


def test_a_rejection_is_undone_by_giving_back_once(desk, ana, held):
    ids, _orders = held
    decide(ana, ids[:1], "rejected")
    assert desk.commissions()[0].reversed_minor == desk.commissions()[0].amount_minor == 21
    assert "Give £0.21 back" in said(ana.get(f"{PATH}?show=decided"))
    for _twice in range(2):
        assert ana.post(f"{PATH}/{ids[0]}/undo", data={"note": "It was their sister."}).status_code == 303
    assert desk.commissions()[0].reversed_minor == 0
    assert "It was given back later." in said(ana.get(f"{PATH}?show=decided"))
    assert [one.amount_minor for one in desk.adjustments()] == [-21, 21]


def test_a_release_is_undone_by_holding_again(desk, ana, held):
    ids, _orders = held
    decide(ana, ids[:1], "released")
    ana.post(f"{PATH}/{ids[0]}/undo", data={"note": "A second order came the same way."})
    assert desk.commissions()[0].held
    page = said(ana.get(PATH))
    assert "By hand" in page and "A second order came the same way." in page


def test_an_order_is_held_by_hand_by_its_number(desk, ana):
    desk.came()
    order_id = desk.buy()
    with transaction() as db:
        number = db.get(Order, order_id).number
    ana.post(f"{PATH}/by-hand", data={"number": number, "note": "Two names, one parcel."})
    assert desk.commissions()[0].held and "Two names, one parcel." in said(ana.get(PATH))
    ana.post(f"{PATH}/by-hand", data={"number": 7, "note": "x"})
    assert "There is no order with this number" in said(ana.get(PATH))


def test_a_note_is_needed_and_a_decision_is_one_of_two(desk, ana, held):
    ids, _orders = held
    assert decide(ana, ids, "released", "").status_code == 422
    assert decide(ana, ids, "maybe").status_code == 422
    assert decide(ana, [], "released").status_code == 422
    assert decide(ana, ["no-id"], "released").status_code == 422
    assert [one.decision for one in holds()] == [None, None]


def test_only_staff_of_the_shop_decide_and_nobody_on_their_own(desk, app, held):
    ids, _orders = held
    with transaction() as db:
        otto = factories.member(db, "Otto", roles=[("merchant_staff", factories.merchant(db))])
        jun = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    otto, jun, buyer = (signed_in(app, one) for one in (otto, jun, desk.counter.buyer))
    assert (jun.get(PATH).status_code, buyer.get(PATH).status_code) == (403, 403)
    assert "Nothing waits for you" in said(otto.get(PATH))
    assert decide(otto, ids, "released").status_code == 404
    assert otto.post(f"{PATH}/{ids[0]}/undo", data={"note": "x"}).status_code == 404
    assert decide(jun, ids, "released").status_code == 403
    with transaction() as db:
        actions.grant(db, db.get(Member, desk.member.id), "merchant_staff", desk.counter.shop, None)
    aiko = signed_in(app, desk.member)
    decide(aiko, ids, "released")
    assert "You may not do that." in said(aiko.get(PATH)) and [one.decision for one in holds()] == [None, None]


def test_the_log_says_who_did_what_and_is_filtered(desk, app, ana, held):
    ids, _orders = held
    decide(ana, ids[:1], "rejected", "The same flat.")
    page = said(ana.get("/studio/affiliates/log"))
    assert "Held line rejected" in page and "Ana" in page and "The same flat." in page and "Order" in page
    assert "The same flat." not in said(ana.get("/studio/affiliates/log?group=rules"))
    assert "The same flat." in said(ana.get(f"/studio/affiliates/log?group=review&by={desk.staff.id}"))
    assert "The same flat." not in said(ana.get("/studio/affiliates/log?by=rule"))
    assert ana.get("/studio/affiliates/log?by=nonsense&group=none&page=-3").status_code == 200
    with transaction() as db:
        op = factories.member(db, "Op", roles=[("operator", None)])
        otto = factories.member(db, "Otto", roles=[("merchant_staff", factories.merchant(db))])
        jun = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    op, otto, jun = (signed_in(app, one) for one in (op, otto, jun))
    assert "The same flat." in said(op.get("/operator/log"))
    assert "The same flat." in said(op.get(f"/operator/log?shop={desk.counter.shop.id}"))
    assert "The same flat." not in said(op.get("/operator/log?shop=platform"))
    assert "The same flat." not in said(otto.get("/studio/affiliates/log"))
    assert (jun.get("/studio/affiliates/log").status_code, ana.get("/operator/log").status_code) == (403, 403)


def test_every_deed_that_is_written_down_has_words(app):
    root = Path(log_words.__file__).parents[2]
    kinds = set()
    for path in [*root.glob("affiliates/**/*.py"), *root.glob("members/**/*.py")]:
        kinds |= set(re.findall(r'acts\.note\(\s*db, f?"([a-z_]+\.[a-z_{}]+|\{what\}\.\{to\})"', path.read_text()))
    plain = {kind for kind in kinds if "{" not in kind}
    assert kinds - plain == {"hold.{decision}", "payout.{outcome}", "{what}.{to}"}
    plain |= {"hold.released", "hold.rejected"}
    plain |= {f"payout.{one}" for one in ("paid", "rejected", "returned", "stands")}
    plain |= {f"{what}.{to}" for what in ("affiliate", "affiliation") for to in ("active", "frozen", "closed")}
    with app.test_request_context():
        assert plain - set(log_words.deeds()) == set() and len(plain) > 30
        groups = {kind.partition(".")[0] for kind in log_words.deeds()}
    assert groups == {start for starts in log_queries.GROUPS.values() for start in starts}
