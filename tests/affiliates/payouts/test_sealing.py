"""Account numbers at rest: sealed, tied to their owner, moved from key to key, and never guessed at."""
from types import SimpleNamespace

import pytest
from sqlalchemy import text

import core.db
from affiliates.payouts import accounts, sealing, words
from affiliates.payouts.models import PayoutAccount
from core.config import ConfigError, load
from core.db import transaction
from tests import factories
from tests.affiliates.payouts.conftest import IBAN

NEW, OLD = "n" * 40, "t" * 40  # the tests' SECRET_KEY is the old one


@pytest.fixture
def keys(app):
    """keys(…) puts other keys in; the application's own come back afterwards."""
    def put(*secrets):
        sealing.init(SimpleNamespace(payout_keys=secrets, secret_key=OLD))
    yield put
    sealing.init(app.config["LIVESTALL"])


def written() -> list[str]:
    with core.db.engine().connect() as connection:
        return list(connection.scalars(text("SELECT details::text FROM payout_accounts ORDER BY created_at")))


def details(row):
    with transaction() as db:
        return db.get(PayoutAccount, row.id).details


def reseal():
    with transaction() as db:
        return accounts.reseal(db)


def test_no_number_stands_in_the_database(desk):
    row = desk.account("Aiko", "bank", iban=IBAN, bic="BUKBGB22")
    assert "5555" not in written()[0] and "BUKB" not in written()[0]
    assert details(row) == {"iban": IBAN, "bic": "BUKBGB22"}
    desk.account("Bo", "bank", iban=IBAN, bic="BUKBGB22")
    assert written()[0] != written()[1]
    with core.db.engine().connect() as connection:
        dump = " ".join(map(str, connection.execute(text("SELECT * FROM affiliate_acts, mails")).all()))
    assert IBAN not in dump and "5555" in dump


def test_what_lay_open_before_is_read_and_sealed(desk):
    row = desk.account("Aiko", "bank", iban=IBAN)
    with transaction() as db:
        db.execute(text("UPDATE payout_accounts SET details = jsonb_build_object('iban', cast(:iban AS text))"),
                   {"iban": IBAN})
    assert details(row) == {"iban": IBAN} and IBAN in written()[0]
    assert [reseal(), reseal()] == [1, 0]
    assert details(row) == {"iban": IBAN} and IBAN not in written()[0]


def test_a_new_key_takes_over_and_the_old_one_may_go(desk, keys):
    row = desk.account("Aiko", "bank", iban=IBAN)
    keys(NEW, OLD)
    assert details(row) == {"iban": IBAN} and [reseal(), reseal()] == [1, 0]
    keys(NEW)
    assert details(row) == {"iban": IBAN}


def test_without_the_key_pages_show_dots_and_nothing_is_approved(desk, keys, app):
    row = desk.account("Aiko")
    desk.earn("Aiko", 1200)
    batch = desk.draft()
    keys(NEW)
    with pytest.raises(sealing.Unreadable):
        details(row)
    assert reseal() == 0
    browser = factories.signed_in(app, desk.checker)
    page = browser.get(f"/operator/payouts/batches/{batch.id}")
    assert page.status_code == 200 and "••••" in page.text
    with pytest.raises(sealing.Unreadable):
        desk.approve(batch)
    assert browser.post(f"/operator/payouts/batches/{batch.id}/approve").status_code == 503
    assert desk.stands("Aiko")[:2] == (1200, 0)
    keys(NEW, OLD)
    desk.approve(batch)
    assert desk.payout("Aiko").state == "reserved"


def test_an_attempt_whose_account_cannot_be_read_was_never_called(desk, keys):
    desk.account("Aiko")
    desk.earn("Aiko", 1200)
    desk.batch()
    keys(NEW)
    with pytest.raises(sealing.Unreadable):
        desk.go_on()
    assert desk.attempt("Aiko").state == "created"
    keys()
    desk.go_on()
    assert desk.payout("Aiko").state == "paid"


def test_a_box_of_another_party_or_one_that_was_touched_does_not_open(desk):
    mine, other = desk.account("Aiko", "bank", iban=IBAN), desk.account("Bo", "bank", number="31926819")
    with transaction() as db:
        db.execute(text("UPDATE payout_accounts SET details = (SELECT details FROM payout_accounts WHERE id = :other) "
                        "WHERE id = :mine"), {"other": other.id, "mine": mine.id})
    with pytest.raises(sealing.Unreadable):
        details(mine)
    with transaction() as db:
        assert words.account(db.get(PayoutAccount, mine.id)) == "••••"
    box = dict(other.sealed)
    box["box"] = box["box"][:-8] + ("AAAA" if box["box"][-8:-4] != "AAAA" else "BBBB") + box["box"][-4:]
    with pytest.raises(sealing.Unreadable):
        sealing.unseal(box, other.owner)


def test_short_keys_are_refused(tmp_path):
    settings = {"APP_ENV": "test", "SECRET_KEY": OLD, "DATA_DIR": str(tmp_path), "BASE_URL": "http://127.0.0.1:8000"}
    assert load({**settings, "PAYOUT_KEYS": f"{NEW}, {OLD}"}, env_file=None).payout_keys == (NEW, OLD)
    assert load(settings, env_file=None).payout_keys == ()
    with pytest.raises(ConfigError, match="PAYOUT_KEYS"):
        load({**settings, "PAYOUT_KEYS": "short"}, env_file=None)
