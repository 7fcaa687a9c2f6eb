"""on_hand has one writer, is never negative, and is always the sum of its moves."""
import threading

import pytest
from sqlalchemy import func, select

from campaigns.catalogue import actions, queries
from campaigns.catalogue.models import StockMove, Variant
from core.db import transaction
from core.errors import Invalid, KeyConflict, NotFound
from core.ids import new_id
from tests import factories


def on_hand(db, goods):
    return db.scalar(select(Variant.on_hand).where(Variant.id == goods.id).execution_options(populate_existing=True))


def sum_of_moves(db, goods):
    return db.scalar(select(func.sum(StockMove.delta)).where(StockMove.variant_id == goods.id))


@pytest.fixture
def goods(db):
    row = factories.variant(db, factories.merchant(db), on_hand=10)
    db.commit()
    return row


def test_a_move_changes_what_is_on_hand_and_leaves_a_row(db, goods):
    assert actions.move_stock(db, goods.id, -4, "allot", "k1", offer_id=new_id()) == 6
    assert goods.on_hand == 6  # the variant that the session holds knows it too
    assert on_hand(db, goods) == sum_of_moves(db, goods) == 6


def test_the_same_key_moves_once(db, goods):
    offer_id = new_id()
    for _ in range(3):
        assert actions.move_stock(db, goods.id, -4, "allot", "k1", offer_id=offer_id) == 6
    assert sum_of_moves(db, goods) == 6


@pytest.mark.parametrize("other", [{"delta": -5}, {"reason": "count"}, {"offer_id": new_id()}])
def test_the_same_key_for_something_else_is_refused(db, goods, other):
    first = {"delta": -4, "reason": "allot", "key": "k1", "offer_id": new_id()}
    actions.move_stock(db, goods.id, **first)
    with pytest.raises(KeyConflict):
        actions.move_stock(db, goods.id, **{**first, **other})
    assert on_hand(db, goods) == 6


def test_more_than_there_is_cannot_leave_and_the_transaction_stays_usable(db, goods):
    with pytest.raises(actions.NotEnoughStock) as refusal:
        actions.move_stock(db, goods.id, -11, "allot", "k1", offer_id=new_id())
    assert refusal.value.body()["on_hand"] == 10
    assert on_hand(db, goods) == sum_of_moves(db, goods) == 10
    assert actions.move_stock(db, goods.id, -10, "allot", "k1", offer_id=new_id()) == 0


@pytest.mark.parametrize("delta", [actions.MAX_ON_HAND, actions.MAX_ON_HAND + 1, 2**63])
def test_a_move_beyond_what_can_be_kept_is_refused(db, goods, delta):
    with pytest.raises(actions.NotEnoughStock):
        actions.move_stock(db, goods.id, delta, "count", "k1")
    assert on_hand(db, goods) == sum_of_moves(db, goods) == 10


def test_a_move_of_nothing_writes_nothing(db, goods):
    assert actions.move_stock(db, goods.id, 0, "count", "k1") == 10
    assert db.scalar(select(func.count()).select_from(StockMove)) == 1


def test_an_unknown_variant_is_not_found(db, empty):
    with pytest.raises(NotFound):
        actions.move_stock(db, new_id(), 0, "count", "k1")


def test_a_count_becomes_the_difference(db, goods):
    who = factories.member(db)
    assert actions.set_count(db, goods, 7, "k1", who, seen=10, note="three broke") == 7
    row = queries.stock_history(db, [goods.id])[0]
    assert (row.move.delta, row.after, row.by, row.move.note) == (-3, 7, who.name, "three broke")


def test_a_count_sent_twice_counts_once(db, goods):
    who = factories.member(db)
    actions.set_count(db, goods, 7, "k1", who, seen=10)
    actions.move_stock(db, goods.id, -2, "allot", "k2", offer_id=new_id())
    assert actions.set_count(db, goods, 7, "k1", who, seen=10) == 5


def test_a_count_on_top_of_a_change_that_was_not_seen_is_refused(db, goods):
    actions.move_stock(db, goods.id, -2, "allot", "k2", offer_id=new_id())
    with pytest.raises(actions.CountChanged) as refusal:
        actions.set_count(db, goods, 12, "k1", None, seen=10)
    assert refusal.value.body()["on_hand"] == 8
    assert on_hand(db, goods) == 8


@pytest.mark.parametrize("count", [-1, 2**31, 2**63])
def test_a_count_that_cannot_be_is_refused_at_its_field(db, goods, count):
    with pytest.raises(Invalid) as refusal:
        actions.set_count(db, goods, count, "k1", None)
    assert "on_hand" in refusal.value.fields


def race(*works):
    """Run the functions at once, each in a thread; what each returned or raised."""
    start, answers = threading.Barrier(len(works)), [None] * len(works)

    def run(place, work):
        start.wait()
        try:
            answers[place] = work()
        except Exception as error:  # the test looks at it
            answers[place] = error
    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return answers


def taking(variant_id, units, key):
    def work():
        with transaction() as db:
            return actions.move_stock(db, variant_id, -units, "allot", key, offer_id=None)
    return work


def test_of_many_who_take_at_once_only_as_many_get_as_there_are(db, goods):
    answers = race(*(taking(goods.id, 3, f"k{n}") for n in range(8)))
    won = [answer for answer in answers if isinstance(answer, int)]
    lost = [answer for answer in answers if isinstance(answer, actions.NotEnoughStock)]
    assert (len(won), len(lost)) == (3, 5), answers
    assert on_hand(db, goods) == sum_of_moves(db, goods) == 1


def test_without_the_guard_the_same_race_loses_units(db, goods):
    """The control: read, compute, write, as a naive writer would. It must lose units, or the test above is empty."""
    looked = threading.Barrier(2)

    def naive():
        with transaction() as other:
            row = other.get(Variant, goods.id)
            looked.wait()
            row.on_hand -= 6  # SQLAlchemy writes the number it computed
    race(naive, naive)
    assert on_hand(db, goods) == 4  # 12 of 10 units left the shelf, and 4 remain


def test_one_key_sent_by_many_at_once_moves_once(db, goods):
    answers = race(*(taking(goods.id, 4, "same") for _ in range(6)))
    assert answers == [6] * 6
    assert on_hand(db, goods) == sum_of_moves(db, goods) == 6


def test_counts_at_once_end_with_one_of_them_and_true_moves(db, goods):
    def counting(number):
        def work():
            with transaction() as other:
                return actions.set_count(other, other.get(Variant, goods.id), number, f"k{number}", None)
        return work
    answers = race(*(counting(number) for number in (3, 8, 15, 40)))
    assert sorted(answers) == [3, 8, 15, 40]
    assert on_hand(db, goods) == sum_of_moves(db, goods) in (3, 8, 15, 40)
