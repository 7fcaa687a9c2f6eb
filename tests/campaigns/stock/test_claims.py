import time
import uuid

import pytest
from sqlalchemy import text

from campaigns.stock import actions, claims, line, queries
from campaigns.stock.checks import CHECKS
from campaigns.stock.claims import claim
from campaigns.stock.errors import NotOpen, OverLimit, SoldOut, UnknownOffer
from campaigns.stock.models import Hold, OfferStock
from core import events
from core.db import engine
from core.errors import Invalid, KeyConflict
from tests.factories import member, open_show


@pytest.fixture
def show(db):
    shop, host, session, offer, stock = open_show(db, units=5, limit=3)
    buyers = [member(db, f"Buyer {n}") for n in range(4)]
    db.commit()
    return session, offer, stock, buyers


def fresh(db, stock) -> OfferStock:
    db.rollback()
    return db.get(OfferStock, stock.id, populate_existing=True)


def test_a_claim_moves_units_from_left_to_held(db, show):
    _, offer, stock, (ann, *_rest) = show
    hold = claim(ann.id, "k1", offer.id, 2)
    assert (hold["quantity"], hold["price_minor"], hold["currency"], hold["state"]) == (2, 210, "GBP", "held")
    row = fresh(db, stock)
    assert (row.left, row.held, row.sold, row.version) == (3, 2, 0, 1)


def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(db, show):
    _, offer, stock, (ann, *_rest) = show
    first = claim(ann.id, "k1", offer.id, 2)
    assert claim(ann.id, "k1", offer.id, 2) == first
    with pytest.raises(KeyConflict):
        claim(ann.id, "k1", offer.id, 1)
    assert fresh(db, stock).held == 2


def test_the_limit_counts_all_claims_of_a_member(db, show):
    _, offer, _, (ann, ben, *_rest) = show
    claim(ann.id, "k1", offer.id, 2)
    with pytest.raises(OverLimit) as refusal:
        claim(ann.id, "k2", offer.id, 2)
    assert refusal.value.extra == {"limit": 3, "units": 2}
    assert claim(ann.id, "k3", offer.id, 1)["quantity"] == 1
    assert claim(ben.id, "k1", offer.id, 1)["quantity"] == 1


def test_too_many_is_sold_out_and_says_what_is_left(db, show):
    _, offer, _, (ann, ben, *_rest) = show
    claim(ann.id, "k1", offer.id, 3)
    with pytest.raises(SoldOut) as refusal:
        claim(ben.id, "k1", offer.id, 3)
    assert refusal.value.extra == {"left": 2}


def test_a_refusal_is_an_answer_too(db, show):
    _, offer, _, (ann, ben, *_rest) = show
    claim(ann.id, "k1", offer.id, 3)
    with pytest.raises(SoldOut):
        claim(ben.id, "k1", offer.id, 3)
    hold = queries.mine(db, ann.id, [offer.id])["holds"][0]
    actions.release(db, uuid.UUID(hold["id"]), ann.id)
    db.commit()
    with pytest.raises(SoldOut):
        claim(ben.id, "k1", offer.id, 3)
    assert claim(ben.id, "k2", offer.id, 3)["quantity"] == 3


def test_a_winner_who_asks_again_after_the_last_unit_still_has_it(db, show):
    _, offer, _, (ann, ben, cem, _) = show
    claim(ann.id, "k1", offer.id, 3)
    won = claim(ben.id, "k1", offer.id, 2)
    with pytest.raises(SoldOut):
        claim(cem.id, "k1", offer.id, 1)
    assert claim(ben.id, "k1", offer.id, 2) == won


@pytest.mark.parametrize("quantity", [0, -1, 1001, 2**63])
def test_senseless_quantities_are_refused(show, quantity):
    _, offer, _, (ann, *_rest) = show
    with pytest.raises(Invalid):
        claim(ann.id, "k", offer.id, quantity)


def test_an_offer_that_is_not_there_or_not_open(db, show):
    _, offer, stock, (ann, *_rest) = show
    with pytest.raises(UnknownOffer):
        claim(ann.id, "k", uuid.uuid4(), 1)
    actions.close_sale(db, stock.id)
    db.commit()
    with pytest.raises(NotOpen):
        claim(ann.id, "k2", offer.id, 1)


def test_a_hold_ends_once(db, show):
    _, offer, stock, (ann, *_rest) = show
    hold_id = uuid.UUID(claim(ann.id, "k1", offer.id, 2)["id"])
    assert actions.consume(db, hold_id) is True
    assert actions.consume(db, hold_id) is False
    assert actions.expire_due(db, stock.id) == 0
    db.commit()
    row = fresh(db, stock)
    assert (row.left, row.held, row.sold) == (3, 0, 2)


def test_returned_units_go_to_the_line_in_order_and_to_nobody_else(db, show):
    _, offer, stock, (ann, ben, cem, dan) = show
    hold = claim(ann.id, "k1", offer.id, 3)
    claim(ben.id, "k1", offer.id, 2)
    assert line.join(db, stock.id, cem.id, 2)["place"] == 1
    assert line.join(db, stock.id, dan.id, 2)["place"] == 2
    assert line.join(db, stock.id, cem.id, 2)["place"] == 1
    db.commit()
    actions.release(db, uuid.UUID(hold["id"]), ann.id)
    db.commit()
    row = fresh(db, stock)
    assert (row.left, row.held, row.waiting) == (0, 5, 0)
    mine = {who: queries.mine(db, who.id, [offer.id]) for who in (cem, dan)}
    assert [h["quantity"] for h in mine[cem]["holds"]] == [2]
    assert [h["quantity"] for h in mine[dan]["holds"]] == [1]
    with pytest.raises(SoldOut):
        claim(ben.id, "k2", offer.id, 1)


def test_a_closed_offer_keeps_what_comes_back_in_reserve(db, show):
    _, offer, stock, (ann, *_rest) = show
    hold = claim(ann.id, "k1", offer.id, 3)
    actions.close_sale(db, stock.id)
    actions.release(db, uuid.UUID(hold["id"]), ann.id)
    db.commit()
    row = fresh(db, stock)
    assert (row.reserve, row.left, row.held) == (5, 0, 0)


def test_a_late_payment_takes_units_again_only_if_there_are_any(db, show):
    _, offer, stock, (ann, ben, *_rest) = show
    hold = claim(ann.id, "k1", offer.id, 3)
    actions.release(db, uuid.UUID(hold["id"]), ann.id)
    assert actions.reclaim(db, stock.id, ann.id, 3, 199).price_minor == 199
    db.commit()
    assert fresh(db, stock).sold == 3
    assert actions.reclaim(db, stock.id, ben.id, 3, 199) is None
    assert actions.reclaim(db, stock.id, ann.id, 1, 199) is None  # over the limit


def test_the_stock_of_a_rehearsal_leaves_the_real_one_alone(db, show):
    session, offer, stock, (ann, *_rest) = show
    actions.start_rehearsal(db, offer.id, session.id)
    play = queries.stock_of(db, offer.id, rehearsal=True)
    actions.open_shelf(db, play.id, live_session_id=session.id)
    db.commit()
    claim(ann.id, "k1", offer.id, 3, rehearsal=True)
    assert (fresh(db, stock).left, fresh(db, stock).held) == (5, 0)
    actions.drop_rehearsal(db, offer.id)
    db.commit()
    assert db.query(Hold).count() == 0
    assert fresh(db, stock).version > 0


@pytest.mark.parametrize("key", ["", "x" * 65, "\ud800", "a\x00b", "\u00e9", "a\nb"])
def test_a_key_that_no_page_makes_is_refused_before_it_reaches_others(show, key):
    _, offer, _, (ann, *_rest) = show
    with pytest.raises(Invalid):
        claim(ann.id, key, offer.id, 1)


@pytest.mark.parametrize("key", ['a"b', "a\\b", "{a,b}", "NULL", "' OR 1=1 --", "  "])
def test_a_key_is_kept_as_it_is(db, show, key):
    _, offer, _, (ann, *_rest) = show
    first = claim(ann.id, key, offer.id, 1)
    assert claim(ann.id, key, offer.id, 1) == first
    assert db.scalars(text("SELECT key FROM claims")).all() == [key]


def test_one_claim_that_cannot_be_written_spoils_nobody_elses(show):
    """Eight in one batch, one with a number that its column cannot hold."""
    _, offer, _, (ann, ben, *_rest) = show
    batch = [(who.id, f"k{n}", offer.id, 1, False) for n in range(4) for who in (ann, ben)]
    batch[3] = (ben.id, "k1", offer.id, -(2**40), False)
    answers = claims.run_batch(batch)
    assert [type(answer).__name__ for answer in answers] == [
        "dict", "dict", "dict", "NumericValueOutOfRange", "dict", "dict", "OverLimit", "SoldOut"]


def test_claims_go_on_after_the_database_dropped_its_connections(show):
    _, offer, _, (ann, ben, *_rest) = show
    claim(ann.id, "k1", offer.id, 1)
    with engine().connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE datname = current_database() AND pid <> pg_backend_pid()"))
    assert claim(ben.id, "k1", offer.id, 1)["state"] == "held"


def test_refusing_from_memory_survives_a_dropped_connection_too(show):
    _, offer, _, (ann, ben, cem, _) = show
    won = claim(ann.id, "k1", offer.id, 3)
    claim(ben.id, "k1", offer.id, 2)
    with engine().connect() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                "WHERE datname = current_database() AND pid <> pg_backend_pid()"))
    claims._sold_out[offer.id, False] = time.monotonic() + 60
    answers = claims.run_batch([(ann.id, "k1", offer.id, 3, False), (cem.id, "k1", offer.id, 1, False)])
    claims._sold_out.clear()
    assert answers[0] == won
    assert isinstance(answers[1], SoldOut)


def test_two_offers_in_one_batch(db, show):
    session, offer, stock, (ann, ben, *_rest) = show
    _, _, _, other, other_stock = open_show(db, units=1, limit=1)
    db.commit()
    answers = claims.run_batch([(ann.id, "k1", offer.id, 2, False), (ann.id, "k2", other.id, 1, False),
                                (ben.id, "k1", other.id, 1, False), (ben.id, "k2", offer.id, 3, False)])
    assert [answer["quantity"] if isinstance(answer, dict) else type(answer) for answer in answers] == [
        2, 1, SoldOut, 3]
    assert (fresh(db, stock).left, fresh(db, other_stock).left) == (0, 0)


def test_every_winners_other_windows_are_told_in_one_row(db, show):
    _, offer, _, (ann, ben, *_rest) = show
    answers = claims.run_batch([(who.id, "k", offer.id, 1, False) for who in (ann, ben)])
    rows = db.query(events.Event).filter_by(kind="hold.changed").all()
    assert [row.stream for row in rows] == [events.MEMBERS]
    assert events.for_each(rows[0].payload) == [
        (events.member_stream(who.id), {"hold": hold}) for who, hold in zip((ann, ben), answers, strict=True)]


def test_check_names_what_points_nowhere(db, show):
    _, offer, _, (ann, *_rest) = show
    claim(ann.id, "k1", offer.id, 1)
    rule = next(sql for name, sql in CHECKS if name.startswith("holds, counts and answers"))
    assert db.execute(text(rule)).all() == []
    db.execute(text("UPDATE holds SET member_id = gen_random_uuid()"))
    assert [row[0] for row in db.execute(text(rule))] == ["hold"]
    db.execute(text("UPDATE claims SET stock_id = gen_random_uuid()"))
    db.execute(text("UPDATE offer_members SET stock_id = gen_random_uuid()"))
    assert sorted(row[0] for row in db.execute(text(rule))) == ["answer", "count", "hold"]
