"""The operator's payouts: batches that a second person approves, files, states, decisions, reconciliation."""
from flask import Response, current_app, g

from affiliates.api import lists
from affiliates.api import settle_schemas as schemas
from affiliates.api.spec import Doors, page_of
from affiliates.payouts import accounts, apply, batches, console, decisions, exports, queries, reconcile, words
from affiliates.payouts.models import Payout
from core.api import PageIn, page, page_of_list
from core.db import reading, transaction
from core.errors import NotFound
from members.keys.doors import keyed
from members.keys.once import own_key, writes

api = Doors("api_payouts", "Payouts", "Paying parties what they are owed, with two persons.", "/platform")
BATCH = tuple(schemas.BatchOut._declared_fields)
ATTEMPT = tuple(name for name in schemas.AttemptOut._declared_fields if name != "choices")


def _batch(db, batch) -> dict:
    return {**{name: getattr(batch, name) for name in BATCH}, "totals": [
        {"state": state, "count": count, "amount_minor": sum_}
        for state, (count, sum_) in sorted(queries.totals_of_batch(db, batch.id).items())]}


@api.get("/payout-batches")
@keyed("payouts:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.BatchOut))
def payout_batches(given):
    """Batches, the newest first."""
    with reading() as db:
        return page(db, lists.batches(), lists.BATCH_KEY, given)


@api.post("/payout-batches")
@keyed("payouts:write")
@writes
@api.arguments(schemas.BatchIn)
@api.response(201, schemas.BatchWholeOut)
def draft_batch(given, db):
    """Everybody who is owed at least the threshold; all others with the reason. Nothing is moved yet."""
    return _batch(db, batches.draft(db, **given, by=g.member))


@api.get("/payout-batches/<uuid:batch_id>")
@keyed("payouts:read")
@api.response(200, schemas.BatchWholeOut)
def payout_batch(batch_id):
    """A batch with its sums by state."""
    with reading() as db:
        return _batch(db, queries.access_batch(db, batch_id))


@api.get("/payout-batches/<uuid:batch_id>/left-out")
@keyed("payouts:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.ExclusionOut))
def left_out(given, batch_id):
    """Who is not in a batch, and why."""
    with reading() as db:
        return page(db, lists.left_out(queries.access_batch(db, batch_id).id), lists.LEFT_OUT_KEY, given, rising=True)


@api.post("/payout-batches/<uuid:batch_id>/approve")
@keyed("payouts:write")
@writes
@api.response(200, schemas.BatchWholeOut)
def approve_batch(batch_id, db):
    """Say yes, as somebody else than who made the batch; the money is set aside."""
    return _batch(db, batches.approve(db, batch_id, g.member))


@api.post("/payout-batches/<uuid:batch_id>/cancel")
@keyed("payouts:write")
@writes
@api.response(200, schemas.BatchWholeOut)
def cancel_batch(batch_id, db):
    """Give up a batch that nobody approved."""
    return _batch(db, batches.cancel(db, batch_id, g.member))


@api.post("/payout-batches/<uuid:batch_id>/export")
@keyed("payouts:write")
@api.arguments(schemas.ExportIn)
@api.response(200, {"type": "string"}, content_type="text/csv")
@api.alt_response(200, schema={"type": "string"}, content_type="application/xml", success=True)
def export_batch(given, batch_id):
    """The file for the bank, CSV or ISO 20022 pain.001. From the first export on its payouts are submitted; the same
    batch gives the same file."""
    with transaction() as db:
        name, text = exports.export(db, batch_id, g.member, given["form"],
                                  exports.debtor(current_app.config["LIVESTALL"], given["form"]))
    media_type = "text/csv; charset=utf-8" if given["form"] == "csv" else "application/xml"
    return Response(text, mimetype=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _payout(payout, account, attempt) -> dict:
    return {**{name: getattr(payout, name) for name in (
        "id", "batch_id", "owner", "currency", "amount_minor", "state", "failure", "attempt", "created_at",
        "ended_at")}, "holder": account.holder, "account": words.account(account),
        "key": attempt and attempt.key, "attempt_state": attempt and attempt.state,
        "attempt_failure": attempt and attempt.failure}


@api.get("/payouts")
@keyed("payouts:read")
@api.arguments(schemas.PayoutsIn, location="query")
@api.response(200, page_of(schemas.PlatformPayoutOut))
def all_payouts(given):
    """Payouts by batch, state or party, the newest first."""
    with reading() as db:
        return page(db, lists.payouts(given), lists.PAYOUT_KEY, given, _payout)


def _whole(db, payout_id) -> dict:
    """A payout with all its attempts. Raises NotFound."""
    found = db.execute(lists.payouts({}).where(Payout.id == payout_id)).first()
    if found is None:
        raise NotFound
    return {**_payout(*found), "attempts": [
        {**{name: getattr(one, name) for name in ATTEMPT}, "choices": decisions.choices(found[0], one)}
        for one in queries.attempts_of(db, payout_id)]}


@api.get("/payouts/<uuid:payout_id>")
@keyed("payouts:read")
@api.response(200, schemas.PayoutWholeOut)
def payout(payout_id):
    """One payout with every attempt, and what a person may decide."""
    with reading() as db:
        return _whole(db, payout_id)


@api.post("/payouts/<uuid:payout_id>/decision")
@keyed("payouts:write")
@writes
@api.arguments(schemas.OutcomeIn)
@api.response(200, schemas.PayoutWholeOut)
def decide_payout(given, payout_id, db):
    """End what waits for a person: an unknown outcome, or a bank that contradicted itself."""
    attempt = queries.access_attempt(db, given["attempt_id"], payout_id) if given["attempt_id"] else \
        apply.running(db, payout_id)
    decisions.decide(db, attempt.id, given["outcome"], g.member, given["note"])
    return _whole(db, payout_id)


@api.post("/payouts/<uuid:payout_id>/again")
@keyed("payouts:write")
@writes
@api.response(200, schemas.PayoutWholeOut)
def payout_again(payout_id, db):
    """Send a rejected payout once more, under a new key."""
    apply.try_again(db, payout_id, g.member)
    return _whole(db, payout_id)


@api.get("/owed")
@keyed("payouts:read")
@api.response(200, schemas.AllOwedOut)
def owed():
    """What is owed and what is on the way, by currency."""
    with reading() as db:
        return {"data": console.owed(db)}


@api.get("/debts")
@keyed("payouts:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.DebtOut))
def debts(given):
    """Parties that owe us, because money went back after it was paid out."""
    with reading() as db:
        found = console.debts(db)
        names = console.names(db, {owner for owner, *_rest in found})
        rows = [{"key": f"{owner} {currency}", "owner": owner, "name": names[owner], "currency": currency,
                 "debt_minor": minor} for owner, currency, minor in found]
        return page_of_list(rows, "key", given)


@api.post("/debts/write-off")
@keyed("payouts:write")
@writes
@api.arguments(schemas.WriteOffIn)
@api.response(200, schemas.AllOwedOut)
def write_off(given, db):
    """Let a party off a debt, in whole or in part; the platform bears it. The Idempotency-Key is the books' own key
    too."""
    decisions.write_off(db, given["owner"], given["currency"], given["amount_minor"], g.member, given["note"],
                        own_key())
    return {"data": console.owed(db)}


def _account(account) -> dict:
    return {**{name: getattr(account, name) for name in (
        "id", "owner", "method", "holder", "created_at", "usable_from", "verified_at")},
        "account": words.account(account)}


@api.get("/payout-accounts")
@keyed("payouts:read")
@api.arguments(schemas.AccountsIn, location="query")
@api.response(200, page_of(schemas.AccountOut))
def payout_accounts(given):
    """Accounts that nobody verified yet, the oldest first; with `verified` the others."""
    with reading() as db:
        return page(db, lists.accounts(given["verified"]), lists.ACCOUNT_KEY, given, _account, rising=True)


@api.post("/payout-accounts/<uuid:account_id>/verify")
@keyed("payouts:write")
@writes
@api.response(200, schemas.AccountOut)
def verify_account(account_id, db):
    """Staff have seen that holder and account belong together."""
    return _account(accounts.verify(db, account_id, g.member))


@api.get("/reconciliations")
@keyed("payouts:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.ReconciliationOut))
def reconciliations(given):
    """Banks' files that were applied, the newest first."""
    with reading() as db:
        return page(db, lists.reconciliations(), lists.RECONCILIATION_KEY, given)


@api.post("/reconciliations")
@keyed("payouts:write")
@writes
@api.arguments(schemas.ReconciliationIn)
@api.response(201, schemas.ReconciliationOut)
@api.alt_response(200, schema=schemas.ReconciliationOut, description="The same file was applied before", success=True)
def apply_reconciliation(given, db):
    """Apply a bank's file: all of it, or nothing with `lines` that say what is wrong where."""
    made, is_new = reconcile.apply_file(db, given["filename"], given["csv"].encode(), g.member)
    return made, 201 if is_new else 200
