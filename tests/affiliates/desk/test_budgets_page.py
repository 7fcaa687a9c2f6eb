"""A campaign's budget on its page and over the socket, and its bonuses."""
import re
import time

import pytest
from sqlalchemy import select

from affiliates.commission import burn
from affiliates.commission.models import Bonus, Budget
from core.db import transaction
from core.events import Event
from core.sockets import sids, socketio
from tests import factories
from tests.factories import signed_in


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


@pytest.fixture
def path(desk):
    return f"/studio/affiliates/rules/campaigns/{desk.counter.show.campaign_id}"


@pytest.fixture(autouse=True)
def nothing_told():
    burn._told.clear()


def words(answer) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def told() -> list:
    with transaction() as db:
        burn.tell_budgets(db)
        return [event.payload for event in db.scalars(select(Event).where(Event.kind == "budget.moved")
                                                      .order_by(Event.id))]


def test_a_campaign_without_a_budget_shows_its_cost(desk, ana, path):
    assert "0 0 £0.00 no limit" in words(ana.get("/studio/affiliates/rules/campaigns"))
    desk.came()
    desk.buy(quantity=3)
    page = words(ana.get("/studio/affiliates/rules/campaigns"))
    assert "Winter kitchen" in page and "1 1 £0.63 no limit" in page
    state = ana.get(f"{path}/budget.json").json
    assert (state["amount_minor"], state["spent_minor"], [spent for _at, spent in state["points"]]) == (None, 63, [63])
    assert state["points"][0][0] <= time.time(), "a point is where money moved, not where its bin ends"
    assert told() == []


def test_a_budget_is_used_up_gives_back_and_is_told(desk, ana, path):
    assert ana.post(f"{path}/budget", data={"amount": "1.00"}).status_code == 303
    desk.came()
    first = desk.buy(quantity=3)  # £0.63
    told()
    desk.buy(quantity=1)  # £0.21
    told()
    desk.refund(first, 1)  # £0.21 back
    seen = told()
    assert [one["spent_minor"] for one in seen] == [63, 84, 63]
    assert {one["amount_minor"] for one in seen} == {100}
    assert len(told()) == 3  # nothing moved: nothing more is told
    state = ana.get(f"{path}/budget.json").json
    assert (state["amount_minor"], state["spent_minor"], state["points"][-1][1]) == (100, 63, 63)
    assert "£0.63 of £1.00" in words(ana.get("/studio/affiliates/rules/campaigns"))


def test_what_the_budget_capped_is_said(desk, ana, path):
    ana.post(f"{path}/budget", data={"amount": "0.50"})
    desk.came()
    desk.buy(quantity=3)
    assert "1 line earned less because the budget was used up." in words(ana.get(path))
    refused = ana.post(f"{path}/budget", data={"amount": "0.49"})
    assert refused.status_code == 422 and "has cost more than that already" in refused.text


@pytest.mark.parametrize("amount", ["", "0", "-5", "many", "1.001", "9" * 30])
def test_a_budget_that_is_no_amount_is_refused(desk, ana, path, amount):
    assert ana.post(f"{path}/budget", data={"amount": amount}).status_code == 422
    with transaction() as db:
        assert db.scalars(select(Budget)).all() == []


def test_a_bonus_is_promised_with_its_goal(desk, ana, path):
    for data in ({"measure": "units", "goal": "30", "pays": "5"}, {"measure": "revenue", "goal": "99.50", "pays": "7"}):
        assert ana.post(f"{path}/bonuses", data=data).status_code == 303
    with transaction() as db:
        rows = [(one.measure, one.threshold, one.amount_minor) for one in db.scalars(select(Bonus).order_by(Bonus.id))]
    assert rows == [("units", 30, 500), ("revenue", 9950, 700)]
    page = words(ana.get(path))
    assert "30 units sold £5.00" in page and "£99.50 paid by buyers £7.00" in page


@pytest.mark.parametrize(("measure", "goal", "pays"), [
    ("units", "1.5", "5"), ("units", "0", "5"), ("units", "5", ""), ("clicks", "5", "5"), ("revenue", "", "5")])
def test_a_wrong_bonus_is_refused(desk, ana, path, measure, goal, pays):
    data = {"measure": measure, "goal": goal, "pays": pays}
    assert ana.post(f"{path}/bonuses", data=data).status_code == 422
    with transaction() as db:
        assert db.scalars(select(Bonus)).all() == []


def test_only_the_shops_own_people_see_and_hear_it(desk, ana, app, path):
    campaign_id = str(desk.counter.show.campaign_id)
    with transaction() as db:
        stranger = factories.member(db, "Ida", roles=[("merchant_staff", factories.merchant(db))])
        assistant = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    for address in (path, f"{path}/budget.json"):
        assert signed_in(app, stranger).get(address).status_code == 404
        assert signed_in(app, assistant).get(address).status_code == 403
    assert signed_in(app, stranger).post(f"{path}/budget", data={"amount": "5"}).status_code == 404
    lines = {}
    for name, client in (("ana", ana), ("stranger", signed_in(app, stranger)), ("assistant", signed_in(app, assistant)),
                         ("nobody", app.test_client())):
        lines[name] = socketio.test_client(app, flask_test_client=client)
    answers = {name: line.emit("join_budget", {"campaign_id": campaign_id}, callback=True)
               for name, line in lines.items()}
    assert answers["ana"]["ok"] and answers["ana"]["amount_minor"] is None
    assert [answers[name]["code"] for name in ("stranger", "assistant", "nobody")] == [
        "not_found", "forbidden", "sign_in_needed"]
    assert len(sids(burn.stream(desk.counter.show.campaign_id))) == 1
    for line in lines.values():
        line.disconnect()
