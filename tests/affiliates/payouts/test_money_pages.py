"""What parties see of their own money: a shop's page, its account and statement; an affiliate's payouts."""
import csv
import io

import pytest

from affiliates.payouts import accounts, batches
from affiliates.settlement.books import PAYABLE
from core.db import transaction
from ledger import accounts as ledger_accounts
from ledger import transfers
from members import passwords, throttle
from members.models import Mail
from orders.books import CLEARING, PLATFORM, SALES, merchant
from tests import factories
from tests.affiliates.payouts.conftest import IBAN, PASSWORD

AT = "/studio/affiliates/money"


@pytest.fixture
def shop(desk, app, db):
    """A shop with £40 sold, £30 of it settled; its staff, another's, and one who may not."""
    hashed = passwords.hash_password(PASSWORD)
    mine, other = factories.merchant(db), factories.merchant(db, slug="other", name="Other")
    who = {"ana": factories.member(db, "Ana", roles=[("merchant_staff", mine)], password_hash=hashed),
           "eve": factories.member(db, "Eve", roles=[("merchant_staff", other)], password_hash=hashed),
           "cleo": factories.member(db, "Cleo", roles=[("merchant_staff", mine)]),
           "jun": factories.member(db, "Jun", roles=[("assistant", mine)])}
    db.commit()
    currency = mine.currency
    with transaction() as open_db:
        ids = ledger_accounts.open_all(open_db, [(PLATFORM, CLEARING, currency), (merchant(mine.id), SALES, currency),
                                                 (merchant(mine.id), PAYABLE, currency)])
        clearing, sales, payable = (ids[owner, kind, currency] for owner, kind in (
            (PLATFORM, CLEARING), (merchant(mine.id), SALES), (merchant(mine.id), PAYABLE)))
        transfers.post(open_db, key="pay:1", debit=clearing, credit=sales, amount_minor=40_00, code="payment")
        transfers.post(open_db, key="settle:1:merchant", debit=sales, credit=payable, amount_minor=30_00,
                       code="proceeds", journal="settlement:1")
    browsers = {name: factories.signed_in(app, one) for name, one in who.items()}
    return mine, browsers, who


def test_a_shop_sees_its_own_money_and_nobody_elses(shop):
    mine, browser, _who = shop
    page = browser["ana"].get(AT).text
    assert "30.00" in page and "10.00" in page and "Sales settled" in page and "Nothing was paid out yet" in page
    assert "Without an account nothing can be paid" in page
    other = browser["eve"].get(AT).text
    assert "30.00" not in other and "Sales settled" not in other
    for path in ("", "/account", "/statement.csv"):
        assert browser["jun"].get(AT + path).status_code == 403


def test_its_statement_is_every_move_with_the_balance_after_it(shop):
    mine, browser, _who = shop
    rows = list(csv.DictReader(io.StringIO(browser["ana"].get(f"{AT}/statement.csv").text.removeprefix("\ufeff"))))
    assert [(row["what"], row["change"], row["balance"], row["reference"]) for row in rows] == [
        ("Sales settled", "30.00", "30.00", "settlement:1")]
    empty = browser["eve"].get(f"{AT}/statement.csv").text.strip()
    assert empty == "\ufeffat,what,change,balance,currency,reference"


def test_its_account_needs_the_password_a_letter_and_a_day(shop):
    mine, browser, who = shop
    form = {"holder": "Lantern Ltd", "iban": IBAN, "password": "wrong"}
    refused = browser["ana"].post(f"{AT}/account", data=form)
    assert refused.status_code == 422 and "That is not your password." in refused.text and "wrong" not in refused.text
    for _ in range(throttle.FREE + 2):  # who gives the password may mistype the rest as often as they like
        typo = browser["ana"].post(f"{AT}/account", data={**form, "password": PASSWORD,
                                                          "iban": "GB34BUKB20201555555555"})
        assert typo.status_code == 422 and "typing error" in typo.text
    for method in ("sandbox", "stripe"):  # neither is set up here
        assert browser["ana"].post(f"{AT}/account", data={**form, "password": PASSWORD,
                                                          "method": method}).status_code == 422
    for _ in range(2):
        done = browser["ana"].post(f"{AT}/account", data={**form, "password": PASSWORD}, follow_redirects=True).text
    assert "•••• 5555" in done and IBAN not in done and "used from" in done
    with transaction() as db:
        for name, letters in (("ana", 2), ("cleo", 2), ("jun", 0), ("eve", 0)):
            written = db.query(Mail).filter(Mail.member_id == who[name].id).all()
            assert len(written) == letters and all("Ana set where the money of" in one.body for one in written)
        assert accounts.current(db, merchant(mine.id)).by_member_id == who["ana"].id
    assert "5555" not in browser["eve"].get(AT).text


def test_a_shops_payout_goes_through_a_batch_and_stands_on_its_page(desk, shop):
    mine, browser, who = shop
    with transaction() as db:
        row = accounts.set_account(db, merchant(mine.id), who["ana"], method="bank", holder="Lantern Ltd",
                                   details={"iban": IBAN})
        accounts.verify(db, row.id, desk.checker)
        batch = batches.draft(db, currency=mine.currency, channel="bank", threshold_minor=100, by=desk.maker)
    assert "Nothing was paid out yet" in browser["ana"].get(AT).text
    desk.approve(batch)
    page = browser["ana"].get(AT).text
    assert "On its way" in page and "Payout set aside" in page and "Lantern Ltd" in page


def test_a_shop_in_debt_is_told(shop):
    mine, browser, _who = shop
    with transaction() as db:
        ids = ledger_accounts.open_all(db, [(merchant(mine.id), SALES, mine.currency),
                                            (merchant(mine.id), PAYABLE, mine.currency)])
        transfers.post(db, key="settle:2:merchant", debit=ids[merchant(mine.id), PAYABLE, mine.currency],
                       credit=ids[merchant(mine.id), SALES, mine.currency], amount_minor=35_00, code="proceeds_back")
    assert "Later sales repay it" in browser["ana"].get(AT).text


def test_an_affiliate_sees_what_was_paid_and_why_not(desk, app):
    aiko, bo = (factories.signed_in(app, desk.members[name]) for name in ("Aiko", "Bo"))
    assert "Nothing was paid out yet" in aiko.get("/affiliate/payouts").text
    desk.account("Aiko", "sandbox", outcome="rejected")
    desk.earn("Aiko", 1200)
    desk.batch()
    page = aiko.get("/affiliate/payouts").text
    assert "£12.00" in page and "On its way" in page
    desk.go_on()
    page = aiko.get("/affiliate/payouts").text
    assert "The account is closed. It is owed to you again." in page
    assert "£12.00" not in bo.get("/affiliate/payouts").text
    assert app.test_client().get("/affiliate/payouts").status_code in (302, 401)
