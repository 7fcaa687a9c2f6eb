"""Who is paid, who is left out and why, and the second person."""
from datetime import timedelta

import pytest
from sqlalchemy import text, update
from sqlalchemy.exc import IntegrityError

import core.db
from affiliates.payouts import accounts, batches, providers, queries
from affiliates.payouts.errors import BatchClosed, SecondPersonNeeded
from affiliates.payouts.models import Payout, PayoutAccount
from affiliates.people.models import Affiliate
from core.clock import now
from core.db import transaction
from core.errors import Invalid
from members.models import Mail
from tests.affiliates.payouts.conftest import IBAN
from tests.races.test_last_unit import race


def reasons(desk, batch):
    with transaction() as db:
        names = {desk.owner(name): name for name in desk.people}
        return {names[row.owner]: row.reason for row in queries.left_out(db, batch.id)}


def test_two_people_pay_and_the_money_is_set_aside(desk):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    batch = desk.draft()
    assert desk.stands("Aiko") == (1200, 0, 1200)
    desk.approve(batch)
    assert desk.stands("Aiko") == (0, 1200, 1200)
    desk.go_on()
    assert desk.stands("Aiko") == (0, 0, 0) and desk.payout("Aiko").state == "paid"
    with transaction() as db:
        assert queries.access_batch(db, batch.id).state == "done"
        assert queries.totals_of_batch(db, batch.id) == {"paid": (1, 1200)}
        assert queries.totals(db, [desk.people["Aiko"].id]) == {
            (desk.people["Aiko"].id, "GBP"): {"paid": 1200, "on_the_way": 0}}


def test_everybody_who_is_left_out_has_a_reason(desk):
    for name, minor in (("Aiko", 900), ("Bo", 499), ("Cy", 900)):
        desk.earn(name, minor)
    desk.account("Cy", verified=False)
    assert reasons(desk, batch := desk.draft()) == {"Aiko": "no_account", "Bo": "below_threshold", "Cy": "unverified"}
    with transaction() as db:
        assert queries.payouts_of_batch(db, batch.id) == []
    desk.account("Aiko", "bank", iban=IBAN)
    desk.account("Bo")
    desk.account("Bo")  # a change
    desk.earn("Bo", 100, "more")
    desk.earn("Cy", -2000, "gone")
    assert reasons(desk, desk.draft()) == {"Aiko": "other_method", "Bo": "account_new", "Cy": "debt"}
    with transaction() as db:
        db.execute(update(Affiliate).where(Affiliate.id == desk.people["Bo"].id).values(state="frozen"))
    assert reasons(desk, desk.draft())["Bo"] == "frozen"


def test_who_made_a_batch_cannot_approve_it_whoever_writes(desk):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    batch = desk.draft()
    with pytest.raises(SecondPersonNeeded), transaction() as db:
        batches.approve(db, batch.id, desk.maker)
    with pytest.raises(IntegrityError, match="second_person"), transaction() as db:
        db.execute(text("UPDATE payout_batches SET state = 'approved', approved_by = created_by"))
    desk.approve(batch)
    with pytest.raises(BatchClosed):
        desk.approve(batch)
    with pytest.raises(BatchClosed), transaction() as db:
        batches.cancel(db, batch.id, desk.maker)


def test_what_changed_between_making_and_approving_falls_out(desk):
    for name in ("Aiko", "Bo", "Cy"):
        desk.account(name)
        desk.earn(name, 900)
    batch = desk.draft()
    desk.earn("Aiko", -100, "refund")
    desk.account("Bo", outcome="rejected")
    desk.approve(batch)
    assert reasons(desk, batch) == {"Aiko": "balance_changed", "Bo": "no_account"}
    assert [desk.payout(name).state for name in ("Aiko", "Bo", "Cy")] == ["dropped", "dropped", "reserved"]
    assert desk.stands("Aiko")[0] == 800


def test_a_cancelled_batch_lets_everybody_into_the_next(desk):
    desk.account("Aiko")
    desk.earn("Aiko", 900)
    batch = desk.draft()
    assert reasons(desk, desk.draft()) == {"Aiko": "under_way"}
    with transaction() as db:
        batches.cancel(db, batch.id, desk.maker)
    assert reasons(desk, desk.draft()) == {}


def test_one_batch_approved_by_many_at_once_reserves_once(desk):
    desk.account("Aiko")
    desk.earn("Aiko", 900)
    batch = desk.draft()
    results = race([lambda: desk.approve(batch)] * 5)
    assert sum(isinstance(one, BatchClosed) for one in results) == 4
    assert desk.stands("Aiko")[:2] == (0, 900)


def test_even_without_the_index_of_open_payouts_the_second_look_keeps_money_from_being_reserved_twice(desk):
    desk.account("Aiko")
    desk.earn("Aiko", 900)
    with core.db.engine().begin() as connection:
        connection.execute(text("DROP INDEX uq_payouts_open"))
    try:
        first = desk.draft()
        with transaction() as db:
            other = batches.draft(db, currency="GBP", channel="sandbox", threshold_minor=500, by=desk.maker)
            db.execute(text("DELETE FROM payout_exclusions"))
            db.add(Payout(batch_id=other.id, owner=desk.owner("Aiko"), currency="GBP", amount_minor=900,
                          account_id=accounts.current(db, desk.owner("Aiko")).id))
        desk.approve(first)
        desk.approve(other)
        assert desk.stands("Aiko")[:2] == (0, 900)
    finally:
        with core.db.engine().begin() as connection:
            connection.execute(text("CREATE UNIQUE INDEX uq_payouts_open ON payouts (owner, currency) "
                                    "WHERE state IN ('draft', 'reserved', 'submitted', 'unknown')"))


# -- accounts

def test_a_changed_account_waits_a_day(desk):
    first = desk.account("Aiko")
    assert first.usable_from <= now()
    second = desk.account("Aiko", "bank", verified=False, iban="gb33 bukb 2020 1555 5555 55")
    assert timedelta(hours=23, minutes=59) < second.usable_from - now() <= timedelta(hours=24)
    assert second.details == {"iban": IBAN} and second.verified_at is None
    with transaction() as db:
        assert accounts.current(db, desk.owner("Aiko")).id == second.id
        assert db.get(PayoutAccount, first.id).replaced_at is not None
        letters = db.query(Mail).filter(Mail.key.like("payout-account:%")).order_by(Mail.id).all()
        assert len(letters) == 2 and "5555" in letters[-1].body and IBAN not in letters[-1].body


@pytest.mark.parametrize(("method", "details"), [
    ("bank", {"iban": "GB33BUKB20201555555556"}), ("bank", {"iban": "x"}), ("bank", {}), ("bank", {"number": "1"}),
    ("bank", {"iban": IBAN, "bic": "NOPE"}), ("bank", {"number": "=1+1"}), ("stripe", {"account": "you"}),
    ("sandbox", {"outcome": "jackpot"}), ("cash", {})])
def test_nonsense_accounts_are_refused(desk, method, details):
    with pytest.raises(Invalid):
        desk.account("Aiko", method, **details)


def test_the_sandbox_pays_nobody_in_a_shop_whose_payments_are_real(desk, monkeypatch):
    """It would call a payout paid that never left."""
    monkeypatch.setattr(providers, "_pretend", False)
    for channel in ("sandbox", "stripe", "pigeon"):
        with pytest.raises(Invalid):
            desk.draft(channel)
    desk.draft("bank")
