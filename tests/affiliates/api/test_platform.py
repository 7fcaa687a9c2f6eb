"""Operators' programs: batches with a second person, files, decisions, reconciliation, people, the log."""
import csv
import dataclasses
import io

import pytest
from sqlalchemy import text

import core.db
from core.db import transaction
from tests import factories
from tests.affiliates.api.conftest import all_of
from tests.affiliates.payouts.conftest import IBAN

BATCH = {"currency": "GBP", "channel": "bank", "threshold_minor": 500}


@pytest.fixture
def maker(finance, program):
    return program(finance.maker)


@pytest.fixture
def checker(finance, program):
    return program(finance.checker)


@pytest.fixture
def owed(finance):
    """Aiko and Bo are owed money and have accounts, Cy has none."""
    finance.account("Aiko", "bank", iban=IBAN)
    finance.account("Bo", "bank", number="12345678", bank_code="202015")
    for name, minor in (("Aiko", 1200), ("Bo", 700), ("Cy", 900)):
        finance.earn(name, minor)
    return finance


def test_a_batch_is_made_by_one_and_approved_by_another(owed, maker, checker):
    made = maker.post("/platform/payout-batches", json=BATCH)
    assert made.status_code == 201
    assert made.json["totals"] == [{"state": "draft", "count": 2, "amount_minor": 1900}]
    to = f"/platform/payout-batches/{made.json['id']}"
    assert maker.get(f"{to}/left-out").json["data"] == [
        {"owner": owed.owner("Cy"), "balance_minor": 900, "reason": "no_account"}]
    first = maker.post(f"{to}/approve")
    assert (first.status_code, first.json["code"]) == (403, "second_person")
    assert checker.post(f"{to}/approve").json["state"] == "approved"
    assert checker.post(f"{to}/approve").json["code"] == checker.post(f"{to}/cancel").json["code"] == "batch_closed"
    rows = all_of(maker, f"/platform/payouts?batch_id={made.json['id']}", 1)
    assert {(row["amount_minor"], row["state"], row["account"][-4:]) for row in rows} == {
        (1200, "reserved", "5555"), (700, "reserved", "5678")}
    assert [row["id"] for row in maker.get("/platform/payout-batches").json["data"]] == [made.json["id"]]
    assert IBAN not in maker.get(f"/platform/payouts?batch_id={made.json['id']}").text


def test_a_batch_that_nobody_wants_is_cancelled(owed, maker):
    made = maker.post("/platform/payout-batches", json=BATCH).json
    assert maker.post(f"/platform/payout-batches/{made['id']}/cancel").json["state"] == "cancelled"


@pytest.mark.parametrize(("body", "field"), [
    ({"currency": "gbp"}, "currency"), ({"channel": "cash"}, "channel"), ({"threshold_minor": 0}, "threshold_minor"),
    ({"threshold_minor": "5"}, "threshold_minor"), ({"threshold_minor": 2**70}, "threshold_minor")])
def test_a_batch_out_of_bounds_is_refused(maker, body, field):
    answer = maker.post("/platform/payout-batches", json={**BATCH, **body})
    assert (answer.status_code, list(answer.json["fields"])) == (422, [field])


def test_the_files_for_the_bank_and_its_answer(owed, maker, checker, app, monkeypatch):
    made = maker.post("/platform/payout-batches", json=BATCH).json
    to = f"/platform/payout-batches/{made['id']}"
    early = maker.post(f"{to}/export", json={"form": "csv"})
    assert (early.status_code, early.json["code"]) == (409, "not_exportable")
    checker.post(f"{to}/approve")
    sheet = maker.post(f"{to}/export", json={"form": "csv"})
    assert sheet.mimetype == "text/csv" and IBAN in sheet.text
    assert maker.post(f"{to}/export", json={"form": "csv"}).text == sheet.text
    assert maker.post(f"{to}/export", json={"form": "xls"}).json["fields"].keys() == {"form"}
    settings = app.config["LIVESTALL"]
    monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(settings, payout_debtor_iban=""))
    assert maker.post(f"{to}/export", json={"form": "pain.001"}).json["code"] == "no_debtor"
    monkeypatch.setitem(app.config, "LIVESTALL", dataclasses.replace(settings, payout_debtor_iban=IBAN))
    assert "CstmrCdtTrfInitn" in maker.post(f"{to}/export", json={"form": "pain.001"}).text
    keys = [row["payout"] for row in csv.DictReader(io.StringIO(sheet.text.lstrip("\ufeff")))]
    amounts = {row["key"]: row["amount_minor"] for row in maker.get("/platform/payouts").json["data"]}
    lines = ["payout,outcome,amount,currency,reference"]
    lines += [f"{key},paid,{amounts[key] / 100:.2f},GBP,ref-{n}" for n, key in enumerate(keys)]
    wrong = maker.post("/platform/reconciliations", json={"filename": "bank.csv", "csv": "\n".join([
        *lines, "total,2,1.00,GBP,"])})
    assert (wrong.status_code, wrong.json["code"]) == (422, "file_refused") and wrong.json["lines"][0]["line"] == 4
    assert maker.get("/platform/reconciliations").json["data"] == []
    right = {"filename": "bank.csv", "csv": "\n".join([*lines, "total,2,19.00,GBP,"])}
    done = maker.post("/platform/reconciliations", json=right)
    assert (done.status_code, done.json["changed"]) == (201, 2)
    again = maker.post("/platform/reconciliations", json=right)
    assert (again.status_code, again.json["id"]) == (200, done.json["id"])
    assert maker.get(to).json["totals"] == [{"state": "paid", "count": 2, "amount_minor": 1900}]


def test_an_unknown_payout_is_decided_by_a_person(finance, maker):
    finance.account("Aiko", outcome="time_out")
    finance.earn("Aiko", 1200)
    finance.batch()
    finance.go_on()
    row, = maker.get("/platform/payouts?state=unknown").json["data"]
    to = f"/platform/payouts/{row['id']}"
    assert maker.post(f"{to}/again").json["code"] == "not_repeatable"
    assert maker.post(f"{to}/decision", json={"outcome": "paid"}).json["fields"].keys() == {"note"}
    said = {"outcome": "rejected", "note": "The bank says no"}
    assert maker.post(f"{to}/decision", json=said).json["state"] == "rejected"
    assert maker.post(f"{to}/decision", json=said).json["code"] == "not_decidable"
    again = maker.post(f"{to}/again").json
    assert (again["state"], again["attempt"]) == ("reserved", 2)
    assert maker.get(f"/platform/payouts?owner={finance.owner('Aiko')}").json["data"][0]["id"] == row["id"]
    assert maker.get("/platform/payouts?owner=somebody").json["fields"].keys() == {"owner"}


def test_accounts_are_verified(finance, maker):
    finance.account("Aiko", "bank", verified=False, iban=IBAN)
    row, = maker.get("/platform/payout-accounts").json["data"]
    assert row["account"] == "•••• 5555"
    assert maker.post(f"/platform/payout-accounts/{row['id']}/verify").json["verified_at"]
    assert maker.get("/platform/payout-accounts").json["data"] == []
    assert len(maker.get("/platform/payout-accounts?verified=true").json["data"]) == 1


def test_affiliates_of_the_platform_and_its_log(desk, operator, staff):
    with transaction() as db:
        new = factories.affiliate(db, factories.member(db, "Cleo"), state="applied")
    row, = operator.get("/platform/affiliates?state=applied").json["data"]
    assert row["id"] == str(new.id) and row["email"]
    to = f"/platform/affiliates/{new.id}/decision"
    assert operator.post(to, json={"to": "active"}).json["state"] == "active"
    assert operator.post(to, json={"to": "frozen", "note": "Spam"}).json["state"] == "frozen"
    log = operator.get("/platform/log").json["data"]
    assert [(one["kind"], one["note"], one["by_name"]) for one in log[:2]] == [
        ("affiliate.frozen", "Spam", "Op"), ("affiliate.active", "", "Op")]
    assert len(all_of(operator, "/platform/affiliates", 1)) == 2


def test_the_platforms_terms(desk, operator, program):
    assert operator.get("/platform/program").json["approval"] == "all"
    done = operator.put("/platform/program", json={"approval": "manual"})
    assert done.json["approval"] == operator.get("/platform/program").json["approval"] == "manual"
    assert operator.put("/platform/program", json={"approval": "some"}).json["fields"].keys() == {"approval"}


@pytest.mark.parametrize("path", ["payout-batches", "payouts", "payout-accounts", "reconciliations", "affiliates",
                                  "settlement-runs", "log", "program", "owed", "debts"])
def test_staff_of_a_shop_have_no_key_to_the_platform(desk, staff, path):
    with core.db.engine().begin() as connection:  # as if the key had the scopes by mistake
        connection.execute(text("UPDATE api_keys SET scopes = ARRAY['payouts:read', 'platform:read']"))
    answer = staff.get(f"/platform/{path}")
    assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_what_is_owed_and_debts_that_are_let_off(finance, maker, program):
    finance.earn("Aiko", 900)
    finance.earn("Bo", 500)
    finance.earn("Bo", -1700, "gone")
    assert maker.get("/platform/owed").json["data"] == [
        {"currency": "GBP", "parties": 1, "owed_minor": 900, "debtors": 1, "debt_minor": 1200, "transit_minor": 0}]
    debt, = maker.get("/platform/debts").json["data"]
    assert (debt["name"], debt["debt_minor"]) == ("Bo", 1200)
    body = {"owner": debt["owner"], "currency": "GBP", "amount_minor": 700, "note": "Illness"}
    sent = {"Idempotency-Key": "let-bo-off-1"}
    for _ in range(2):
        assert maker.post("/platform/debts/write-off", json=body, headers=sent).json["data"][0]["debt_minor"] == 500
    with core.db.engine().begin() as connection:  # the answer was forgotten, the books were not
        connection.execute(text("DELETE FROM api_answers"))
    assert maker.post("/platform/debts/write-off", json=body, headers=sent).json["data"][0]["debt_minor"] == 500
    assert maker.post("/platform/debts/write-off", json=body).json["code"] == "no_such_debt"
    nobody = maker.post("/platform/debts/write-off", json={**body, "owner": "platform"})
    assert nobody.json["fields"].keys() == {"owner"}


def test_attempts_are_told_with_what_can_be_decided(finance, maker):
    finance.account("Aiko", outcome="time_out")
    finance.earn("Aiko", 1200)
    finance.batch()
    finance.go_on()
    row, = maker.get("/platform/payouts").json["data"]
    attempt, = maker.get(f"/platform/payouts/{row['id']}").json["attempts"]
    assert attempt["choices"] == ["paid", "rejected", "returned"] and attempt["key"] == row["key"]
    said = {"outcome": "paid", "note": "Seen in the bank's list", "attempt_id": attempt["id"]}
    assert maker.post(f"/platform/payouts/{row['batch_id']}/decision", json=said).status_code == 404
    done = maker.post(f"/platform/payouts/{row['id']}/decision", json=said).json
    assert done["state"] == "paid" and done["attempts"][0]["choices"] == []
