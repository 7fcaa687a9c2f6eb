"""What waits for a person: unknown, refused, contradicted; debts that are let off; accounts to verify; bank files."""
import io
import uuid

import pytest

from affiliates.payouts import accounts, apply, decisions, queries
from affiliates.payouts.errors import NoSuchDebt, NotDecidable, NotRepeatable, SecondPersonNeeded
from affiliates.payouts.providers import Result
from core.db import transaction
from core.errors import KeyConflict, NotFound
from tests import factories
from tests.affiliates.payouts.conftest import IBAN
from tests.affiliates.payouts.test_attempts import sent
from tests.affiliates.payouts.test_files import export, lines
from tests.races.test_last_unit import race


@pytest.fixture
def browser(desk, app):
    return factories.signed_in(app, desk.checker)


def said(desk, outcome, **more):
    with transaction() as db:
        return apply.apply_result(db, desk.attempt("Aiko").id, Result(outcome, **more))


def decide(desk, outcome, note="Spoke with the bank."):
    with transaction() as db:
        return decisions.decide(db, desk.attempt("Aiko").id, outcome, desk.checker, note)


def troubled():
    with transaction() as db:
        return [attempt.failure for _payout, attempt in queries.troubled(db)]


def test_paid_then_refused_may_stand_or_have_come_back(desk):
    sent(desk)
    said(desk, "rejected")
    assert troubled() == ["paid_then_rejected"]
    for outcome, note in (("paid", "x"), ("rejected", "x"), ("stands", " ")):
        with pytest.raises(NotDecidable):
            decide(desk, outcome, note)
    assert decide(desk, "stands").state == "paid" and troubled() == [] and desk.stands("Aiko") == (0, 0, 0)
    said(desk, "rejected")
    assert decide(desk, "returned").state == "returned" and desk.stands("Aiko") == (1200, 0, 1200)
    with pytest.raises(NotDecidable):
        decide(desk, "returned")


def test_refused_then_paid_is_taken_from_the_party_again_as_a_debt_if_need_be(desk):
    payout = sent(desk, "rejected")
    said(desk, "paid")
    with pytest.raises(NotRepeatable), transaction() as db:
        apply.try_again(db, payout.id, desk.checker)
    desk.earn("Aiko", -500, "gone")
    assert decide(desk, "paid").state == "paid"
    assert desk.stands("Aiko") == (-500, 0, 500) and troubled() == []
    with transaction() as db:
        assert [(one.n, one.state) for one in queries.attempts_of(db, payout.id)] == [(1, "rejected"), (2, "paid")]
        assert queries.access_batch(db, payout.batch_id).state == "done"


def test_what_left_the_bank_waits_until_the_partys_other_payout_has_ended(desk):
    payout = sent(desk, "rejected")
    said(desk, "paid")
    with transaction() as db:
        attempt = queries.attempts_of(db, payout.id)[0]
    desk.draft()
    with pytest.raises(NotDecidable, match="under_way"), transaction() as db:
        decisions.decide(db, attempt.id, "paid", desk.checker, "They say so.")
    with transaction() as db:
        decisions.decide(db, attempt.id, "stands", desk.checker, "They were wrong.")


def test_an_earlier_attempt_that_was_paid_after_all_is_shown(desk):
    """Refused, sent again and paid, and then the first one was paid too: the party has it twice, so somebody looks."""
    payout = sent(desk, "rejected")
    with transaction() as db:
        first = queries.attempts_of(db, payout.id)[0]
        apply.try_again(db, payout.id, desk.checker)
    said(desk, "paid")
    with transaction() as db:
        assert apply.apply_result(db, first.id, Result("paid")) == "conflict"
    assert troubled() == ["rejected_then_paid"]
    with transaction() as db:
        assert decisions.choices(queries.access_payout(db, payout.id), first) == ()  # what was read before
        first = queries.attempts_of(db, payout.id)[0]
        assert decisions.choices(queries.access_payout(db, payout.id), first) == ("stands",)
        decisions.decide(db, first.id, "stands", desk.checker, "The bank takes it back.")
    assert troubled() == []


def test_another_amount_is_decided_by_a_person(desk):
    sent(desk, "time_out")
    said(desk, "paid", amount_minor=1, currency="GBP")
    assert decide(desk, "paid").state == "paid" and desk.stands("Aiko") == (0, 0, 0)


def test_a_refused_payout_waits_until_a_later_one_has_taken_its_money(desk):
    sent(desk, "rejected")
    assert troubled() == ["account_closed"]
    desk.draft()
    assert troubled() == []


def test_pages_say_what_is_wrong_and_take_a_decision_with_a_note(desk, browser):
    assert "Nothing waits for you" in browser.get("/operator/payouts/troubled").text
    payout = sent(desk, "time_out")
    assert "The bank did not answer" in browser.get("/operator/payouts/troubled").text
    page = browser.get(f"/operator/payouts/{payout.id}").text
    assert "What became of it?" in page and "Payout set aside" in page and "Send it once more" not in page
    at = f"/operator/payouts/{payout.id}/attempts/{desk.attempt('Aiko').id}/decide"
    assert browser.post(at, data={"outcome": "paid", "note": ""}, follow_redirects=True).status_code == 422
    assert "waits for no decision" in browser.post(at, data={"outcome": "stands", "note": "x"},
                                                   follow_redirects=True).text
    done = browser.post(at, data={"outcome": "rejected", "note": "Mr. Bell, 14:05"}, follow_redirects=True).text
    assert "Mr. Bell, 14:05" in done and "It was refused" in done and "Ida" in done
    assert desk.stands("Aiko")[:2] == (1200, 0)
    assert "Send it once more" in done
    assert "It is sent once more" in browser.post(f"/operator/payouts/{payout.id}/again", follow_redirects=True).text
    assert desk.stands("Aiko")[:2] == (0, 1200)
    assert "Only a rejected payout" in browser.post(f"/operator/payouts/{payout.id}/again", follow_redirects=True).text


def test_an_attempt_of_another_payout_is_not_found(desk, browser):
    payout = sent(desk, "time_out")
    at = f"/operator/payouts/{uuid.uuid4()}/attempts/{desk.attempt('Aiko').id}/decide"
    assert browser.post(at, data={"outcome": "paid", "note": "x"}).status_code == 404
    assert desk.payout("Aiko").state == "unknown"
    with pytest.raises(NotFound), transaction() as db:
        queries.access_payout(db, payout.id, "affiliate:other")


# -- Debts

def let_off(desk, minor, key=None, owner=None, note="Closed for good."):
    with transaction() as db:
        decisions.write_off(db, owner or desk.owner("Aiko"), "GBP", minor, desk.checker, note, key or str(uuid.uuid4()))


def test_a_debt_is_let_off_once_and_never_more_than_it_is(desk):
    desk.earn("Aiko", -500)
    for minor, owner, note in ((501, None, "x"), (0, None, "x"), (-1, None, "x"), (500, None, " "),
                               (1, desk.owner("Bo"), "x"), (1, "nobody", "x")):
        with pytest.raises(NoSuchDebt):
            let_off(desk, minor, owner=owner, note=note)
    let_off(desk, 200, "key")
    let_off(desk, 200, "key")
    assert desk.stands("Aiko")[0] == -300
    with pytest.raises(KeyConflict):
        let_off(desk, 100, "key")
    let_off(desk, 300)
    assert desk.stands("Aiko")[0] == 0


def test_two_who_let_the_same_debt_off_at_once_let_it_off_once(desk):
    desk.earn("Aiko", -500)
    results = race([lambda: let_off(desk, 400)] * 4)
    assert sum(isinstance(one, NoSuchDebt) for one in results) == 3 and desk.stands("Aiko")[0] == -100


def test_the_page_of_debts_lets_off(desk, browser):
    assert "Nobody owes us" in browser.get("/operator/payouts/debts").text
    desk.earn("Aiko", -500)
    page = browser.get("/operator/payouts/debts").text
    assert "£5.00" in page and 'value="5.00"' in page
    form = {"owner": desk.owner("Aiko"), "currency": "GBP", "note": "Gone.", "key": str(uuid.uuid4())}
    assert browser.post("/operator/payouts/debts", data={**form, "amount": "6"}).status_code == 409
    assert browser.post("/operator/payouts/debts", data={**form, "amount": "much"}).status_code == 422
    done = browser.post("/operator/payouts/debts", data={**form, "amount": "5.00"}, follow_redirects=True).text
    assert "The debt is let off" in done and "Nobody owes us" in done


# -- Accounts

def test_accounts_are_shown_whole_to_be_compared_and_verified_once(desk, browser):
    assert "No account waits" in browser.get("/operator/payouts/accounts").text
    desk.account("Aiko", "bank", verified=False, number="31926819")
    first = desk.account("Aiko", "bank", verified=False, iban=IBAN)
    page = browser.get("/operator/payouts/accounts").text
    assert IBAN in page and "Aiko Ltd" in page and "It replaces •••• 6819" in page and "31926819" not in page
    second = desk.account("Aiko", "bank", verified=False, iban=IBAN, bic="BUKBGB22")
    gone = browser.post(f"/operator/payouts/accounts/{first.id}/verify", follow_redirects=True).text
    assert "replaced by another" in gone
    done = browser.post(f"/operator/payouts/accounts/{second.id}/verify", follow_redirects=True).text
    assert "Verified" in done and "No account waits" in done


def test_nobody_verifies_an_account_that_they_gave(desk):
    row = desk.account("Aiko", "bank", verified=False, iban=IBAN)
    with pytest.raises(SecondPersonNeeded), transaction() as db:
        accounts.verify(db, row.id, desk.members["Aiko"])


# -- The bank's file

def upload(browser, data, name="answer.csv"):
    return browser.post("/operator/payouts/reconciliation", data={"file": (io.BytesIO(data), name)},
                        content_type="multipart/form-data", follow_redirects=True)


def test_a_banks_file_is_applied_by_upload_whole_or_not_at_all(desk, browser):
    assert "Files that were applied" not in browser.get("/operator/payouts/reconciliation").text
    desk.account("Aiko", "bank", iban=IBAN)
    desk.account("Bo", "bank", iban=IBAN)
    desk.earn("Aiko", 900)
    desk.earn("Bo", 700)
    batch = desk.batch("bank")
    export(desk, batch, "csv")
    wrong = upload(browser, lines(desk, ("Aiko", "paid", "9.00"), ("Bo", "paid", "7.01")))
    assert wrong.status_code == 422 and "The amount is not that of the payout" in wrong.text
    assert desk.payout("Aiko").state == "submitted"
    right = lines(desk, ("Aiko", "paid", "9.00"), ("Bo", "rejected", "7.00"))
    assert "2 payouts are brought up to date" in upload(browser, right).text
    assert "applied before" in upload(browser, right, "again.csv").text
    assert "again.csv" not in browser.get("/operator/payouts/reconciliation").text
    assert (desk.payout("Aiko").state, desk.payout("Bo").state) == ("paid", "rejected")
    assert upload(browser, b"").status_code == 422
    assert browser.post("/operator/payouts/reconciliation", data={}).status_code == 422


def test_strangers_get_none_of_these_pages(desk, app):
    stranger = factories.signed_in(app, desk.members["Bo"])
    payout = sent(desk, "time_out")
    for path in ("troubled", "debts", "accounts", "reconciliation", str(payout.id)):
        assert stranger.get(f"/operator/payouts/{path}").status_code == 403
    for path in (f"{payout.id}/again", f"{payout.id}/attempts/{desk.attempt('Aiko').id}/decide", "debts",
                 "reconciliation", f"accounts/{uuid.uuid4()}/verify"):
        assert stranger.post(f"/operator/payouts/{path}").status_code == 403
