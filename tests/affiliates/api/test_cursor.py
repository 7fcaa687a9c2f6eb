"""Pages by cursor: nothing twice, nothing left out, whatever comes meanwhile."""
import pytest

from core.db import transaction
from tests import factories
from tests.affiliates.api.conftest import all_of


@pytest.fixture
def many(desk):
    """Seven more affiliates of the shop."""
    with transaction() as db:
        return [str(factories.affiliate(db, factories.member(db, f"A{n}"), desk.counter.shop).id) for n in range(7)]


@pytest.mark.parametrize("limit", [1, 2, 3, 8, 100])
def test_every_row_comes_once_whatever_the_size_of_a_page(desk, staff, many, limit):
    rows = [row["id"] for row in all_of(staff, "/shop/affiliates", limit)]
    assert rows == [*reversed(many), str(desk.affiliate.id)]


def test_rows_that_come_meanwhile_neither_repeat_nor_hide_one(desk, staff, many):
    first = staff.get("/shop/affiliates?limit=3").json
    with transaction() as db:
        late = str(factories.affiliate(db, factories.member(db, "Late"), desk.counter.shop).id)
    rest = staff.get(f"/shop/affiliates?limit=100&cursor={first['next_cursor']}").json
    seen = [row["id"] for row in first["data"] + rest["data"]]
    assert seen == [*reversed(many), str(desk.affiliate.id)] and late not in seen
    assert rest["next_cursor"] is None
    assert all_of(staff, "/shop/affiliates")[0]["id"] == late


def test_a_cursor_of_another_list_or_a_changed_one_is_refused(desk, staff, many):
    cursor = staff.get("/shop/affiliates?limit=1").json["next_cursor"]
    for path, sent in (("/shop/log", cursor), ("/shop/affiliates", ("A" if cursor[0] != "A" else "B") + cursor[1:]),
                       ("/shop/affiliates", "WzFd"), ("/shop/affiliates", "x" * 401)):
        answer = staff.get(path, query_string={"cursor": sent})
        assert (answer.status_code, list(answer.json["fields"])) == (422, ["cursor"]), path
    assert str(many[-1]) not in cursor


@pytest.mark.parametrize("limit", ["0", "101", "-1", "x", "1e9"])
def test_a_page_is_bounded(staff, limit):
    assert staff.get(f"/shop/affiliates?limit={limit}").json["fields"].keys() == {"limit"}


def test_a_list_from_the_oldest_goes_on_the_same_way(desk, staff):
    desk.came()
    for _ in range(3):
        desk.buy()
    from sqlalchemy import select

    from affiliates.commission.models import Commission, CommissionHold
    with transaction() as db:
        for line in db.scalars(select(Commission)):
            db.add(CommissionHold(commission_id=line.id, reason="late_click", evidence={"seconds": 3}))
    rows = all_of(staff, "/shop/holds", 1)
    assert len(rows) == 3 and [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    assert all_of(staff, "/shop/holds", 2) == rows


def test_campaigns_are_cut_the_same_way(desk, aiko):
    with transaction() as db:
        shop = factories.merchant(db)
        for _ in range(4):
            factories.campaign(db, shop, state="live")
    rows = all_of(aiko, "/campaigns", 2)
    assert len(rows) == 5 == len({row["id"] for row in rows})
    assert aiko.get("/campaigns?cursor=WzFd").status_code == 422
