"""Statements that anybody can compute again, appeals, the team, and the account for payouts."""
import csv
import io
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from affiliates import verify
from affiliates.appeals.models import Appeal
from affiliates.commission import actions as commission
from affiliates.commission import reversal
from affiliates.commission.models import Commission, CommissionHold
from affiliates.payouts.models import PayoutAccount
from core.clock import now
from core.db import transaction
from members import passwords
from members.models import Member
from orders.models import Order
from tests import factories
from tests.factories import signed_in

PASSWORD = "a green lamp at noon"


@pytest.fixture
def aiko(desk, app):
    return signed_in(app, desk.member)


@pytest.fixture
def ana(desk, app):
    return signed_in(app, desk.staff)


def run(path: Path, *flags):
    """As anybody would: Python alone, without our packages."""
    return subprocess.run([sys.executable, "-I", "-S", *flags, verify.__file__, str(path)], capture_output=True,
                          text=True, check=False)


@pytest.fixture
def statement(desk, aiko, tmp_path):
    """The file after a sale with a partial refund and then a dispute, one corrected by hand, one whole."""
    desk.came()
    first, second, _third = (desk.buy(quantity=quantity) for quantity in (3, 1, 2))
    desk.refund(first, 1)
    with transaction() as db:
        reversal.disputed(db, db.get(Order, first), "chargeback-1", 300)
        corrected = db.get(Commission, desk.commissions(second)[0].id)
        commission.correct(db, corrected, -5, desk.staff, "half of it", "correction-1")
    answer = aiko.get("/affiliate/statement.csv")
    assert answer.mimetype == "text/csv"
    path = tmp_path / "statement.csv"
    path.write_bytes(answer.data)
    return path


def test_a_statement_agrees_with_itself_and_with_the_books(desk, statement):
    done = run(statement)
    left = sum(one.amount_minor - one.reversed_minor for one in desk.commissions())
    assert (done.returncode, done.stderr) == (0, "")
    assert f"GBP: 3 lines, earned 1.26, changed -0.56, left {left / 100:.2f}" in done.stdout
    assert verify.main([str(statement)]) == 0


def cells(path):
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, verify.COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def test_every_amount_that_is_changed_is_found_on_its_line(statement):
    whole, tried = cells(statement), 0
    for place, row in enumerate(whole):
        for name in ("quantity", "unit_price", "discount", "base", "rate_percent", "amount", "left", "money_gone"):
            if row[name] in ("", None):
                continue
            wrong = [dict(one) for one in whole]
            wrong[place][name] = str(float(row[name]) + 1)
            write(statement, wrong)
            done = run(statement)
            assert done.returncode == 1 and "WRONG, line" in done.stderr, (name, row)
            # A change that no longer follows may be told by the line it belongs to, or by the sum.
            assert f"line {place + 2}:" in done.stderr or row["record"] != "sale", (name, done.stderr)
            tried += 1
    assert tried > 30


def test_a_line_that_was_cut_out_is_missed(statement):
    whole = cells(statement)
    write(statement, whole[:-2] + whole[-1:])
    assert "should be 2" in run(statement).stderr
    write(statement, whole[:-1])
    assert "the file was cut off" in run(statement).stderr
    statement.write_text("a,b\n1,2\n")
    assert run(statement).returncode == 1
    assert run(statement.parent / "none.csv").returncode == 1


def test_a_product_named_like_a_formula_stays_text(desk, aiko):
    desk.came()
    order = desk.buy()
    with transaction() as db:
        db.get(Order, order).lines[0].title = "=HYPERLINK(1)"
    row, = (one for one in csv.DictReader(io.StringIO(aiko.get("/affiliate/statement.csv").text)) if one["what"])
    assert row["what"] == "'=HYPERLINK(1)"


def test_a_month_has_its_lines_and_a_wrong_one_is_not_found(desk, aiko, statement):
    month = f"{now():%Y-%m}"
    page = aiko.get("/affiliate/statements").text
    assert month in page and "£0.70" in page
    assert len(aiko.get(f"/affiliate/statement.csv?month={month}").text.splitlines()) == len(cells(statement)) + 1
    assert len(aiko.get("/affiliate/statement.csv?month=2001-01").text.splitlines()) == 1
    for wrong in ("2026-13", "x", "2026-1-1"):
        assert aiko.get(f"/affiliate/statement.csv?month={wrong}").status_code == 404


@pytest.mark.parametrize(("language", "font"), [("en", b"Helvetica"), ("zh", b"STSong-Light")])
def test_a_pdf_in_each_language(desk, aiko, language, font):
    desk.came()
    desk.buy()
    with transaction() as db:
        db.get(Member, desk.member.id).language = language
    answer = aiko.get("/affiliate/statement.pdf")
    assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
    assert font in answer.data and (b"STSong" in answer.data) == (language == "zh")


def test_the_checker_can_be_taken_along(client):
    assert "Every amount agrees" in client.get("/affiliate/verify.py").text


def held_line(desk):
    desk.came()
    desk.buy()
    one, = desk.commissions()
    with transaction() as db:
        commission.hold_by_hand(db, db.get(Commission, one.id), desk.staff, "looks odd")
    return one.id


def test_an_appeal_is_stored_read_by_staff_answered_and_released(desk, app, aiko, ana):
    line = held_line(desk)
    page = aiko.get(f"/affiliate/lines/{line}").text
    assert "What should they know?" in page and "The shop wants to look at it." in page
    assert aiko.post(f"/affiliate/lines/{line}/appeal", data={"body": "It was a friend."}).status_code == 303
    assert aiko.post(f"/affiliate/lines/{line}/appeal", data={"body": "Again."}).status_code == 409
    assert "It was a friend." in ana.get("/studio/appeals").text
    with transaction() as db:
        row = db.query(Appeal).one()
        elsewhere = factories.merchant(db, slug="elsewhere")
        stranger = factories.member(db, "Sam", roles=[("merchant_staff", elsewhere)])
    assert "It was a friend." not in signed_in(app, stranger).get("/studio/appeals").text
    assert signed_in(app, stranger).post(f"/studio/appeals/{row.id}/answer", data={"note": "no"}).status_code == 404
    assert aiko.get("/studio/appeals").status_code == 403
    answer = {"note": "Thank you, it is fine.", "release": "true"}
    assert ana.post(f"/studio/appeals/{row.id}/answer", data=answer).status_code == 303
    assert ana.post(f"/studio/appeals/{row.id}/answer", data=answer).status_code == 409
    page = aiko.get(f"/affiliate/lines/{line}").text
    assert "Thank you, it is fine." in page and "Looked at and released" in page
    with transaction() as db:
        assert not db.get(Commission, line).held
        assert db.query(CommissionHold).one().decision == "released"


def test_what_is_fine_cannot_be_appealed_nor_anothers(desk, app, aiko):
    desk.came()
    desk.buy()
    one, = desk.commissions()
    assert aiko.post(f"/affiliate/lines/{one.id}/appeal", data={"body": "More!"}).status_code == 409
    with transaction() as db:
        other = factories.member(db, "Bea")
        factories.affiliate(db, other)
    bea = signed_in(app, other)
    assert bea.post(f"/affiliate/lines/{one.id}/appeal", data={"body": "Mine."}).status_code == 404
    assert aiko.post(f"/affiliate/lines/{uuid.uuid4()}/appeal", data={"body": "x"}).status_code == 404


def test_a_team_is_joined_by_a_link_and_its_board_shows_what_it_brings(desk, app, aiko):
    page = aiko.get("/affiliate/team").text
    link = page.partition('id="team-link">http://127.0.0.1:8000')[2].partition("<")[0]
    with transaction() as db:
        other = factories.member(db, "Bea")
        factories.affiliate(db, other)
    bea = signed_in(app, other)
    assert "Join the team of Aiko?" in bea.get(link).text
    assert bea.post(link).status_code == 303
    assert "You are in the team of Aiko." in bea.get("/affiliate/settings").text
    assert "Bea" in aiko.get("/affiliate/team").text
    assert aiko.post(link).status_code == 409  # nobody leads themselves
    assert bea.get(link + "x").status_code == 404
    assert bea.post("/affiliate/team/leave").status_code == 303
    assert "Bea" not in aiko.get("/affiliate/team").text


def test_a_payout_account_wants_the_password_and_a_change_waits_a_day(desk, aiko):
    with transaction() as db:
        db.get(Member, desk.member.id).password_hash = passwords.hash_password(PASSWORD)
    form = {"holder": "Aiko", "iban": "DE89 3704 0044 0532 0130 00"}
    assert aiko.get("/affiliate/payout-account").status_code == 200
    wrong = aiko.post("/affiliate/payout-account", data={**form, "password": "nonsense"})
    assert wrong.status_code == 422 and "That is not your password." in wrong.text and "Aiko" in wrong.text
    typo = aiko.post("/affiliate/payout-account", data={**form, "iban": "DE00", "password": PASSWORD})
    assert typo.status_code == 422 and "typing error" in typo.text
    sent = {**form, "password": PASSWORD}
    assert aiko.post("/affiliate/payout-account", data=sent).status_code == 303
    assert aiko.post("/affiliate/payout-account", data=sent).status_code == 303
    page = aiko.get("/affiliate/settings").text
    assert "•••• 3000" in page and "DE89" not in page and "Changed: used from" in page
    with transaction() as db:
        latest = db.query(PayoutAccount).filter(PayoutAccount.replaced_at.is_(None)).one()
        assert (latest.usable_from - now()).total_seconds() > 23 * 3600
    assert aiko.post("/affiliate/payout-account", data={**sent, "method": "sandbox"}).status_code == 422
