"""The command line: the books are proved and printed."""
from click.testing import CliRunner

from core.commands import COMMANDS
from ledger import transfers


def run(*words):
    return CliRunner().invoke(COMMANDS, ["ledger", *words])


def test_check_prints_a_trial_balance_and_ends_well(db, book):
    transfers.post(db, key="a", debit=book.cash, credit=book.ann, amount_minor=1250, code="in")
    db.commit()
    said = run("check")
    assert said.exit_code == 0, said.output
    assert "GBP test_cash (1)" in said.output and "12.50" in said.output and "0 broken" in said.output


def test_a_statement_is_found_by_name_or_id_and_ends_at_a_moment(db, book):
    transfers.post(db, key="a", debit=book.cash, credit=book.ann, amount_minor=1250, code="in")
    db.commit()
    assert "Balance: 12.50 GBP" in run("statement", "ann/test_owed/GBP").output
    assert run("statement", str(book.ann)).output == run("statement", "ann/test_owed/GBP").output
    assert "Balance: 0.00 GBP" in run("statement", str(book.ann), "--as-of", "2001-01-01T00:00:00Z").output


def test_a_wrong_account_or_moment_is_said(book):
    assert "no such account" in run("statement", "nobody/cash/GBP").output
    assert "2026-11-22" in run("statement", str(book.ann), "--as-of", "yesterday").output
