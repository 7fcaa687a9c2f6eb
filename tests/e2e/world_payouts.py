"""Payouts in every state that their pages can show: part of world.py."""
import time
from datetime import timedelta

from sqlalchemy import func, select, update

from affiliates.payouts import accounts, apply, attempts, batches, exports, queries, reconcile
from affiliates.payouts.models import Payout, PayoutAccount, PayoutAttempt
from affiliates.payouts.providers import Result
from affiliates.people.queries import access_own
from affiliates.settlement.books import PAYABLE, affiliate
from core.db import reading, transaction
from core.money import plain
from demo.accounts import AFFILIATES, CHECKER, OPERATOR, STAFF
from ledger import accounts as ledger_accounts
from ledger import transfers
from members.models import Member
from orders.books import SALES, merchant
from tests.e2e.people import HOLDER, LINER

OUTCOMES = {AFFILIATES[0]: "time_out", AFFILIATES[1]: "rejected", LINER: "paid"}
IBAN = "GB82WEST12345698765432"


def make(shop) -> dict:
    """{name: id} of batches and payouts."""
    with transaction() as db:
        who = {one.email: one for one in db.scalars(select(Member))}
        owners = {email: affiliate(access_own(db, who[email]).id) for email in (*OUTCOMES, HOLDER)}
        for place, email in enumerate(OUTCOMES):
            _earn(db, shop, owners[email], 18_40 + 7_15 * place, f"world:{email}")
        _earn(db, shop, owners[HOLDER], -3_20, "world:debt")
        _earn(db, shop, merchant(shop.id), 310_55, "world:shop")
        for email, outcome in OUTCOMES.items():
            _account(db, owners[email], who[email], who[CHECKER], "sandbox", outcome=outcome)
        _account(db, merchant(shop.id), who[STAFF], who[CHECKER], "bank", iban=IBAN)
        accounts.set_account(db, owners[HOLDER], who[HOLDER], method="bank", holder="Kim Ashdown",
                             details={"iban": IBAN, "bic": "WESTGB22"})
    paid = _batch(who, "sandbox")
    _send(paid)
    ids = _by_the_bank(who, shop)
    with transaction() as db:
        rows = {one.owner: one.id for one in db.scalars(select(Payout).where(Payout.batch_id == paid))}
        apply.apply_result(db, apply.running(db, rows[owners[LINER]]).id, Result("rejected"))
        _earn(db, shop, owners[LINER], 12_00, "world:more")
        ids["batch_draft"] = batches.draft(db, currency=shop.currency, channel="sandbox", threshold_minor=500,
                                           by=who[OPERATOR]).id
    return ids | {"batch_done": paid, "payout_unknown": rows[owners[AFFILIATES[0]]],
                  "payout_refused": rows[owners[AFFILIATES[1]]], "payout_twice": rows[owners[LINER]]}


def _earn(db, shop, owner: str, minor: int, key: str) -> None:
    sides = [(merchant(shop.id), SALES, shop.currency), (owner, PAYABLE, shop.currency)]
    ids = ledger_accounts.open_all(db, sides)
    debit, credit = (ids[side] for side in (sides if minor > 0 else sides[::-1]))
    transfers.post(db, key=key, debit=debit, credit=credit, amount_minor=abs(minor),
                   code="commission" if minor > 0 else "clawback")


def _account(db, owner: str, member, checker, method: str, **details) -> None:
    """Verified, and a change that is a day old."""
    row = accounts.set_account(db, owner, member, method=method, holder=f"{member.name} Ashdown", details=details)
    accounts.verify(db, row.id, checker)
    db.execute(update(PayoutAccount).where(PayoutAccount.id == row.id).values(
        usable_from=func.now() - timedelta(hours=1)))


def _batch(who: dict, channel: str):
    with transaction() as db:
        batch = batches.draft(db, currency="GBP", channel=channel, threshold_minor=500, by=who[OPERATOR])
    with transaction() as db:
        return batches.approve(db, batch.id, who[CHECKER]).id


def _send(batch_id) -> None:
    """Here or by the product's own worker, whoever comes first; what the bank does not answer is not asked again."""
    wanted = select(PayoutAttempt).join(Payout, Payout.id == PayoutAttempt.payout_id).where(Payout.batch_id == batch_id)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        with reading() as db:
            waiting = [one.id for one in db.scalars(wanted.where(PayoutAttempt.state.in_(("created", "calling"))))]
        if not waiting:
            break
        for one in waiting:
            attempts.go_on(one)
        time.sleep(0.05)
    with transaction() as db:
        db.execute(update(PayoutAttempt).where(PayoutAttempt.state == "unknown").values(check_at=None))


def _by_the_bank(who: dict, shop) -> dict:
    """A batch that went to the bank by file, and the bank's answer about it."""
    batch_id = _batch(who, "bank")
    with transaction() as db:
        exports.export(db, batch_id, who[OPERATOR], "csv", {})
        rows = [(attempt.key, one) for one, _account in queries.payouts_of_batch(db, batch_id)
                for attempt in queries.attempts_of(db, one.id)]
        lines = [f"{key},paid,{plain(one.amount_minor, one.currency)},{one.currency},WEST-{place}"
                 for place, (key, one) in enumerate(rows)]
        total = plain(sum(one.amount_minor for _key, one in rows), shop.currency)
        text = "\n".join([",".join(reconcile.HEAD), *lines, f"total,{len(rows)},{total},{shop.currency},"])
        reconcile.apply_file(db, "west-bank-2026-11.csv", text.encode(), who[OPERATOR])
    return {"batch_bank": batch_id}
