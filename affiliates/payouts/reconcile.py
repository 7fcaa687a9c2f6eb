"""The bank's answer as a file: all of it is applied, or nothing.

A CSV with the head `payout,outcome,amount,currency,reference`. `payout` is the key of our export, `outcome` paid,
rejected or returned. The last line is `total,<how many>,<sum>,<currency>,`.
"""
import csv
import hashlib
import io
import uuid
from dataclasses import dataclass

from flask_babel import gettext as _
from sqlalchemy import func, select

from affiliates.payouts import apply
from affiliates.payouts.errors import FileRefused
from affiliates.payouts.models import Payout, PayoutAttempt, Reconciliation
from affiliates.payouts.providers import Result
from affiliates.people import acts
from core.money import parse, plain

HEAD = ["payout", "outcome", "amount", "currency", "reference"]
OUTCOMES = ("paid", "rejected", "returned")
MOST_BYTES = 10_000_000


@dataclass(frozen=True)
class Row:
    line: int
    attempt_id: uuid.UUID
    result: Result


def apply_file(db, filename: str, data: bytes, by) -> tuple[Reconciliation, bool]:
    """Apply a bank's file: (what was done, whether it is new). Raises FileRefused with `lines`: nothing was done."""
    digest = hashlib.sha256(data).hexdigest()
    # The same file from two hands at once: the second finds it applied.
    db.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(digest, 0))))
    known = db.scalar(select(Reconciliation).where(Reconciliation.digest == digest))
    if known:
        return known, False
    rows, total_minor, problems = read(db, data)
    if problems:
        raise FileRefused(lines=problems)
    changed = 0
    with db.begin_nested() as point:
        for row in sorted(rows, key=lambda row: row.attempt_id):
            effect = apply.apply_result(db, row.attempt_id, row.result)
            if effect == "conflict":
                problems.append(_problem(row.line, _("This payout has ended differently before.")))
            changed += effect in OUTCOMES
        if problems:
            point.rollback()
    if problems:
        raise FileRefused(lines=problems)
    made = Reconciliation(digest=digest, filename=filename[:200], rows=len(rows), changed=changed,
                          total_minor=total_minor, by_member_id=by.id)
    db.add(made)
    db.flush()
    acts.note(db, "payouts.reconciled", made.id, by=by, rows=len(rows), changed=changed)
    return made, True


def read(db, data: bytes) -> tuple[list[Row], int, list[dict]]:
    """(rows, their sum in minor units, [{"line", "problem"}]). Nothing is changed."""
    try:
        text = data[:MOST_BYTES + 1].decode("utf-8-sig")
        lines = [line for line in csv.reader(io.StringIO(text), strict=True) if line]
    except (UnicodeDecodeError, csv.Error):
        return [], 0, [_problem(1, _("This is not a CSV file in UTF-8."))]
    if len(data) > MOST_BYTES or not lines or lines[0] != HEAD:
        return [], 0, [_problem(1, _("The first line has to be: %(head)s", head=",".join(HEAD)))]
    keys = [line[0] for line in lines[1:]]
    known = {attempt.key: (attempt, payout) for attempt, payout in db.execute(
        select(PayoutAttempt, Payout).join(Payout, Payout.id == PayoutAttempt.payout_id)
        .where(PayoutAttempt.key.in_(keys)))}
    rows, problems, total, seen, currencies = [], [], 0, set(), set()
    for number, line in enumerate(lines[1:-1], 2):
        row, problem = _row(number, line, known, seen)
        if problem:
            problems.append(_problem(number, problem))
            continue
        rows.append(row)
        total += row.result.amount_minor
        currencies.add(row.result.currency)
    problems += _check_total(len(lines), lines[-1], len(lines) - 2, total, currencies)
    return rows, total, problems


def _row(number: int, line: list[str], known: dict, seen: set) -> tuple[Row | None, str | None]:
    if len(line) != len(HEAD):
        return None, _("This line has %(found)s fields instead of %(wanted)s.", found=len(line), wanted=len(HEAD))
    key, outcome, amount, currency, reference = (cell.strip() for cell in line)
    if key not in known:
        return None, _("We do not know this payout.")
    if key in seen:
        return None, _("This payout is in the file twice.")
    seen.add(key)
    attempt, payout = known[key]
    if attempt.state in ("created", "calling"):
        return None, _("This payout was not sent yet.")
    if outcome not in OUTCOMES:
        return None, _("The outcome has to be paid, rejected or returned.")
    try:
        minor = parse(amount, payout.currency)
    except ValueError:
        minor = None
    if (minor, currency) != (payout.amount_minor, payout.currency):
        return None, _("The amount is not that of the payout, %(amount)s %(currency)s.",
                       amount=plain(payout.amount_minor, payout.currency), currency=payout.currency)
    failure = None if outcome == "paid" else outcome
    return Row(number, attempt.id, Result(outcome, reference or None, failure, minor, currency)), None


def _check_total(number: int, line: list[str], count: int, total: int, currencies: set) -> list[dict]:
    """The last line has to be the sum of the others; one currency a file."""
    if count < 1:
        return [_problem(number, _("The file has no payouts."))]
    if not currencies:
        return []  # none of its lines could be read, and all of them are listed
    if len(currencies) > 1:
        return [_problem(number, _("A file has one currency."))]
    currency = currencies.pop()
    try:
        right = line[0] == "total" and int(line[1]) == count and (
            parse(line[2], currency), line[3]) == (total, currency)
    except (ValueError, IndexError):
        right = False
    return [] if right else [_problem(number, _("The last line has to be the total of the lines above."))]


def _problem(line: int, problem: str) -> dict:
    return {"line": line, "problem": problem}
