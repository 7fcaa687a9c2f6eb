"""Sending: every outcome, silence, death in the call, a webhook, and a person's word. Nothing is paid twice."""
import json

import pytest
from sqlalchemy import text

import core.db
from affiliates.payouts import apply, attempts, queries
from affiliates.payouts.errors import NotDecidable, NotRepeatable
from affiliates.payouts.models import SandboxPayout
from affiliates.payouts.moves import PAYOUTS, move
from affiliates.payouts.providers import Result, named
from core.db import transaction
from core.errors import DomainError


def sent(desk, outcome="paid", minor=1200):
    desk.account("Aiko", outcome=outcome)
    desk.earn("Aiko", minor)
    desk.batch()
    desk.go_on()
    return desk.payout("Aiko")


def sandbox_books():
    with transaction() as db:
        return {row.key: (row.state, row.amount_minor) for row in db.query(SandboxPayout)}


def test_a_rejection_gives_the_money_back_and_may_be_tried_again_under_a_new_key(desk):
    payout = sent(desk, "rejected")
    assert (payout.state, payout.failure, desk.stands("Aiko")[:2]) == ("rejected", "account_closed", (1200, 0))
    with transaction() as db:
        again = apply.try_again(db, payout.id, desk.checker)
    assert again.n == 2 and desk.stands("Aiko")[:2] == (0, 1200)
    desk.go_on()
    assert desk.payout("Aiko").state == "rejected" and desk.stands("Aiko")[:2] == (1200, 0)
    assert len(sandbox_books()) == 2
    desk.earn("Aiko", -1200, "gone")
    with pytest.raises(NotRepeatable), transaction() as db:
        apply.try_again(db, payout.id, desk.checker)


def test_a_time_out_is_unknown_then_asked_about_and_never_sent_again(desk):
    payout = sent(desk, "time_out")
    assert (payout.state, desk.stands("Aiko")[:2]) == ("unknown", (0, 1200))
    with pytest.raises(NotRepeatable), transaction() as db:
        apply.try_again(db, payout.id, desk.checker)
    desk.later()
    desk.go_on()
    assert desk.payout("Aiko").state == "paid" and desk.stands("Aiko") == (0, 0, 0)
    assert list(sandbox_books().values()) == [("paid", 1200)]


def test_money_that_comes_back_is_owed_again(desk):
    payout = sent(desk, "returned")
    assert payout.state == "paid"
    with transaction() as db:
        effects = [apply.apply_result(db, desk.attempt("Aiko").id, Result("returned")) for _ in range(2)]
    assert effects == ["returned", "repeat"]
    assert desk.payout("Aiko").state == "returned" and desk.stands("Aiko") == (1200, 0, 1200)


def test_a_process_that_dies_in_the_call_leaves_an_unknown_payout_not_a_second_one(desk, monkeypatch):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    desk.batch()
    bank = named("sandbox")
    real = bank.send

    def die(ask):
        real(ask)
        raise KeyboardInterrupt
    monkeypatch.setattr(bank, "send", die)
    with pytest.raises(KeyboardInterrupt):
        attempts.go_on(desk.attempt("Aiko").id)
    assert desk.attempt("Aiko").state == "calling"
    monkeypatch.setattr(bank, "send", real)
    desk.later()
    desk.go_on()
    assert desk.payout("Aiko").state == "paid" and len(sandbox_books()) == 1


def test_an_attempt_that_never_arrived_stays_unknown_until_a_person_decides(desk, monkeypatch):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    desk.batch()
    bank = named("sandbox")
    monkeypatch.setattr(bank, "send", lambda ask: (_ for _ in ()).throw(apply_silence()))
    desk.go_on()
    desk.later()
    desk.go_on()
    payout = desk.payout("Aiko")
    assert payout.state == "unknown" and desk.attempt("Aiko").failure == "missing"
    with transaction() as db:
        assert [one.id for one, _attempt in queries.troubled(db)] == [payout.id]
    for outcome, note in (("paid", ""), ("lost", "x")):
        with pytest.raises(NotDecidable), transaction() as db:
            apply.decide(db, payout.id, outcome, desk.checker, note)
    with transaction() as db:
        apply.decide(db, payout.id, "rejected", desk.checker, "The bank has never seen it.")
    assert desk.stands("Aiko")[:2] == (1200, 0)


def apply_silence():
    from affiliates.payouts.providers import NoAnswer
    return NoAnswer("nobody")


@pytest.mark.parametrize("first", ["paid", "rejected"])
def test_a_bank_that_contradicts_itself_moves_nothing_and_is_shown(desk, first):
    payout = sent(desk, first)
    before = desk.stands("Aiko")
    other = {"paid": "rejected", "rejected": "paid"}[first]
    with transaction() as db:
        assert apply.apply_result(db, desk.attempt("Aiko").id, Result(other)) == "conflict"
    assert desk.stands("Aiko") == before and desk.payout("Aiko").state == first
    with transaction() as db:
        assert payout.id in [one.id for one, _attempt in queries.troubled(db)]


def test_another_amount_than_ours_moves_nothing(desk):
    sent(desk, "time_out")
    with transaction() as db:
        assert apply.apply_result(db, desk.attempt("Aiko").id,
                                  Result("paid", amount_minor=1, currency="GBP")) == "conflict"
    assert desk.payout("Aiko").state == "unknown"


def test_the_table_of_moves_is_what_the_database_holds(desk):
    """Every pair of states: the code and the trigger agree."""
    sent(desk)
    id_ = desk.payout("Aiko").id
    for state in PAYOUTS:
        for to in PAYOUTS:
            with core.db.engine().connect() as connection:
                connection.execute(text("SET LOCAL session_replication_role = replica"))
                connection.execute(text("UPDATE payouts SET state = :state"), {"state": state})
                connection.execute(text("SET LOCAL session_replication_role = origin"))
                try:
                    connection.execute(text("UPDATE payouts SET state = :to WHERE id = :id"), {"to": to, "id": id_})
                    allowed = True
                except Exception as error:
                    assert "does not go" in str(error)
                    allowed = False
                connection.rollback()
            assert allowed == (to in PAYOUTS[state] or to == state), (state, to)
    with pytest.raises(DomainError):
        move(desk.payout("Aiko"), "draft")


def notice(desk, client, state, event="evt_1", header=None, **values):
    attempt, payout = desk.attempt("Aiko"), desk.payout("Aiko")
    body = json.dumps({"id": event, "key": attempt.key, "state": state, "amount_minor": payout.amount_minor,
                       "currency": "GBP", **values}).encode()
    bank = named("sandbox")
    return client.post("/webhooks/payouts/sandbox", data=body, headers={
        "Sandbox-Signature": header or bank.signature(body), "Content-Type": "application/json"})


def test_a_webhook_ends_a_payout_once(desk, client):
    sent(desk, "time_out")
    assert notice(desk, client, "paid").json == {"effect": "paid"}
    assert notice(desk, client, "paid").json == {"effect": "repeat"}
    assert notice(desk, client, "paid", "evt_2").json == {"effect": "repeat"}
    assert desk.stands("Aiko") == (0, 0, 0)
    assert notice(desk, client, "paid", "evt_3", key="nobody").json == {"effect": "unknown_payout"}


def test_an_unsigned_altered_or_stale_webhook_is_refused(desk, client):
    sent(desk, "time_out")
    bank = named("sandbox")
    for header in ("t=1,v1=x", "nonsense", bank.signature(b"other"), bank.signature(b"{}", at=1_000_000)):
        assert notice(desk, client, "paid", header=header).status_code == 400
    assert client.post("/webhooks/payouts/nobody", data=b"{}").status_code == 404
    assert desk.payout("Aiko").state == "unknown"
