"""A campaign moves by the table, and says so."""
import pytest
from sqlalchemy import select

from campaigns.catalogue.models import PriceRecord
from campaigns.terms import lifecycle
from campaigns.terms.models import CAMPAIGN_STATES, Campaign
from core.events import Event
from tests import factories as make

ALLOWED = {("draft", "scheduled"), ("scheduled", "live"), ("scheduled", "ended"), ("live", "ended"),
           ("ended", "settling"), ("settling", "settled")}
PAIRS = [(before, after) for before in CAMPAIGN_STATES for after in CAMPAIGN_STATES]


def campaign_in(db, state):
    what = make.campaign(db, make.merchant(db))
    make.offer(db, what, make.variant(db, db.get(make.Merchant, what.merchant_id)))
    what.state = state
    db.commit()
    return what


@pytest.mark.parametrize(("before", "after"), PAIRS)
def test_every_pair_of_states_moves_or_is_refused(db, before, after):
    what = campaign_in(db, before)
    if (before, after) in ALLOWED:
        lifecycle.move(db, what, after)
        db.commit()
        assert db.scalar(select(Campaign.state)) == after
        return
    with pytest.raises(lifecycle.WrongState) as refusal:
        lifecycle.move(db, what, after)
    db.rollback()
    assert refusal.value.body()["state"] == before
    assert db.scalar(select(Campaign.state)) == before
    assert db.scalar(select(Event.id)) is None


def test_the_table_knows_every_state_and_no_other():
    assert set(lifecycle.MOVES) == set(CAMPAIGN_STATES)
    assert set().union(*lifecycle.MOVES.values()) <= set(CAMPAIGN_STATES)


def test_a_move_is_told_in_the_same_transaction(db):
    what = campaign_in(db, "draft")
    lifecycle.move(db, what, "scheduled")
    row = db.scalars(select(Event)).one()
    assert (row.stream, row.kind, row.urgent) == (f"campaign:{what.id}", "campaign.changed", True)
    assert row.payload == {"id": str(what.id), "name": what.name, "state": "scheduled"}
    db.rollback()
    assert db.scalar(select(Event.id)) is None


def test_a_move_looks_at_the_row_not_at_what_the_caller_remembers(db):
    what = campaign_in(db, "scheduled")
    stale = Campaign(id=what.id, state="draft")
    with pytest.raises(lifecycle.WrongState):
        lifecycle.move(db, stale, "scheduled")


def test_moves_keep_their_times(db):
    what = campaign_in(db, "draft")
    assert lifecycle.move(db, what, "scheduled").published_at is not None
    assert lifecycle.move(db, what, "ended").ended_at is not None


def test_prices_are_asked_while_the_campaign_is_live(db):
    what = campaign_in(db, "scheduled")
    lifecycle.move(db, what, "live")
    record = db.scalars(select(PriceRecord).where(PriceRecord.source == "offer")).one()
    assert (record.price_minor, record.to_at) == (210, None)
    lifecycle.move(db, what, "ended")
    db.refresh(record)
    assert record.to_at is not None


def test_another_live_campaign_goes_on_asking_its_price(db):
    shop = make.merchant(db)
    goods = make.variant(db, shop)
    first, second = make.campaign(db, shop), make.campaign(db, shop)
    make.offer(db, first, goods, price_minor=210)
    make.offer(db, second, goods, price_minor=190)
    first.state = second.state = "scheduled"
    db.flush()
    lifecycle.move(db, second, "live")
    lifecycle.move(db, first, "live")
    lifecycle.move(db, first, "ended")
    open_now = db.scalars(select(PriceRecord).where(PriceRecord.source == "offer", PriceRecord.to_at.is_(None))).one()
    assert open_now.price_minor == 190
