"""The payout console: who may, the second person, and what each step shows."""
import pytest

from affiliates.payouts import console
from core.db import transaction
from tests import factories
from tests.affiliates.payouts.conftest import IBAN


@pytest.fixture
def two(desk, app):
    """Browsers of who makes batches and who approves them."""
    return factories.signed_in(app, desk.maker), factories.signed_in(app, desk.checker)


def made(browser, **values):
    wanted = {"currency": "GBP", "channel": "sandbox", "threshold": "5", **values}
    answer = browser.post("/operator/payouts", data=wanted)
    assert answer.status_code == 303, answer.text
    return answer.location


def test_strangers_see_none_of_it(desk, app, client):
    batch = desk.draft()
    shop = factories.signed_in(app, desk.members["Aiko"])
    for path in ("", f"/batches/{batch.id}", f"/batches/{batch.id}/state.json"):
        assert client.get(f"/operator/payouts{path}").status_code in (302, 401)
        assert shop.get(f"/operator/payouts{path}").status_code == 403
    for act in ("approve", "cancel", "export"):
        assert shop.post(f"/operator/payouts/batches/{batch.id}/{act}").status_code == 403


def test_before_anything_is_owed_the_console_says_so(two):
    page = two[0].get("/operator/payouts").text
    assert "Nothing is owed" in page and "New batch" not in page


def test_two_people_pay_through_the_sandbox(desk, two):
    maker, checker = two
    desk.account("Aiko")
    desk.earn("Aiko", 1234_00)
    desk.earn("Bo", 300)
    assert "£1,237.00" in maker.get("/operator/payouts").text
    at = made(maker)
    page = maker.get(at).text
    assert "somebody else has to approve it" in page and "Approve £" not in page
    assert "Less than the least amount" in page and "Bo" in page
    refused = maker.post(f"{at}/approve", follow_redirects=True).text
    assert "Somebody else than who made the batch" in refused and desk.stands("Aiko")[1] == 0
    assert "Approve £1,234.00" in checker.get(at).text
    assert "The money is set aside" in checker.post(f"{at}/approve", follow_redirects=True).text
    assert desk.stands("Aiko") == (0, 1234_00, 1237_00)
    shown = checker.get(at).text
    assert "data-stamp" in shown
    assert checker.get(f"{at}/state.json").json["stamp"] in shown
    desk.go_on()
    assert checker.get(f"{at}/state.json").json["stamp"] not in shown
    after = checker.get(at).text
    assert ">Paid<" in after and ">Done<" in after and "data-stamp" not in after
    assert "was decided already" in checker.post(f"{at}/approve", follow_redirects=True).text


def test_a_batch_is_given_up_once(desk, two):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    at = made(two[0])
    assert "Nothing was moved" in two[1].post(f"{at}/cancel", follow_redirects=True).text
    assert "was decided already" in two[1].post(f"{at}/approve", follow_redirects=True).text
    page = two[0].get(at).text
    assert ">Given up<" in page and "Left out" in page and desk.stands("Aiko")[:2] == (1200, 0)


@pytest.mark.parametrize(("values", "said"), [
    ({"threshold": "0"}, "More than nothing."), ({"threshold": "abc"}, "We cannot read that."),
    ({"currency": "XXX"}, "We cannot read that."), ({"channel": "stripe"}, "This way to pay is not set up."),
    ({"more": "1"}, "Please check what you entered.")])
def test_a_draft_of_nonsense_is_refused(desk, two, values, said):
    desk.earn("Aiko", 1200)
    answer = two[0].post("/operator/payouts", data={"currency": "GBP", "channel": "bank", "threshold": "5", **values})
    assert answer.status_code == 422 and said in answer.text
    with transaction() as db:
        assert console.batch_rows(db) == ([], 0)


def test_a_file_for_the_bank_needs_the_platforms_own_account_for_pain_001(desk, two, app, monkeypatch):
    desk.account("Aiko", "bank", iban=IBAN)
    desk.earn("Aiko", 1200)
    at = made(two[0], channel="bank")
    assert two[1].post(f"{at}/export", data={"form": "csv"}).status_code == 409
    two[1].post(f"{at}/approve")
    assert "pain.001)" not in two[1].get(at).text
    refused = two[1].post(f"{at}/export", data={"form": "pain.001"})
    assert refused.status_code == 409 and desk.payout("Aiko").state == "reserved"
    given = two[1].post(f"{at}/export", data={"form": "csv"})
    assert given.mimetype == "text/csv" and IBAN in given.text
    assert "payouts-1.csv" in given.headers["Content-Disposition"]
    assert desk.payout("Aiko").state == "submitted"
    config = app.config["LIVESTALL"]
    monkeypatch.setitem(app.config, "LIVESTALL", type(config)(**{**vars(config), "payout_debtor_iban": IBAN}))
    assert "pain.001)" in two[1].get(at).text
    given = two[1].post(f"{at}/export", data={"form": "pain.001"})
    assert given.mimetype == "application/xml" and IBAN in given.text
    assert two[1].post(f"{at}/export", data={"form": "xls"}).status_code == 422


def test_a_batch_that_is_not_there_is_404(two):
    nobody = "/operator/payouts/batches/00000000-0000-7000-8000-000000000000"
    assert two[0].get(nobody).status_code == 404 and two[0].post(f"{nobody}/approve").status_code == 404


def test_names_of_owners_that_nobody_knows_stay_as_written(desk):
    with transaction() as db:
        said = console.names(db, [desk.owner("Aiko"), "merchant:x", "affiliate:00000000-0000-7000-8000-000000000000"])
    assert said[desk.owner("Aiko")] == "Aiko" and said["merchant:x"] == "merchant:x"


def test_a_long_batch_is_shown_in_pages(desk, two, monkeypatch):
    monkeypatch.setattr(console, "LINES", 1)
    for name, minor in (("Aiko", 1200), ("Bo", 900), ("Cy", 100)):
        desk.earn(name, minor)
        if name != "Cy":
            desk.account(name)
    at = made(two[0])
    page = two[1].get(at).text
    assert "Aiko Ltd" in page and "Bo Ltd" not in page and "All 2" in page and "2 payouts" in page
    assert "Approve £21.00" in page and "Less than the least amount" in page
    second = two[1].get(f"{at}?show=in&page=2").text
    assert "Bo Ltd" in second and "Aiko Ltd" not in second and "Less than the least amount" not in second
    out = two[1].get(f"{at}?show=out").text
    assert "Aiko Ltd" not in out and "Less than the least amount" in out
