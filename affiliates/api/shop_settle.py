"""Settling the shop's campaigns: dry run, run, progress, parties, retry, audit."""
from flask import g

from affiliates.api import lists
from affiliates.api import settle_schemas as schemas
from affiliates.api.schemas import PayoutOut
from affiliates.api.shop import campaign_of, shop_of
from affiliates.api.spec import Doors, page_of
from affiliates.settlement import actions, jobs, queries
from affiliates.settlement.books import PAYABLE
from core.api import PageIn, page, page_of_list
from core.db import reading, supposing
from core.errors import Busy
from ledger import balances
from members.keys.doors import keyed
from members.keys.once import then, writes
from orders import books

api = Doors("api_settlement", "Shop: settlement", "What a campaign owes whom, posted exactly once.", "/shop")
RUN = ("id", "campaign_id", "merchant_id", "seq", "state", "currency", "cutoff", "opened_at", "settled_at",
       "audited_at", "result")
PROGRESS = ("chunks", "done", "failed", "parties", "items", "amount_minor")


def _run(db, run_id):
    return queries.access_run(db, run_id, g.api_key.merchant_id)


def run_whole(db, run) -> dict:
    """A run with its progress, what failed, and the merchant's part."""
    progress = queries.progress(db, run)
    return {**{name: getattr(run, name) for name in RUN}, "progress": {name: progress[name] for name in PROGRESS},
            "failed_chunks": queries.failed_chunks(db, run.id), "merchant": queries.merchant_statement(db, run.id)}


@api.get("/campaigns/<uuid:campaign_id>/settlement-preview")
@keyed("shop:read")
@api.arguments(schemas.PreviewIn, location="query")
@api.response(200, schemas.PreviewOut)
def preview(given, campaign_id):
    """Every figure of a settlement before anything is posted."""
    with supposing() as db:
        plan = queries.dry_run(db, campaign_of(db, campaign_id).id, given.get("cutoff"))
        rows = page_of_list([row._asdict() for row in plan.parties], "affiliate_id", given)
        return {**rows, "cutoff": plan.cutoff, "currency": plan.currency, "parties": len(plan.parties),
                "commissions_minor": plan.commissions_minor, "merchant": plan.merchant}


@api.get("/campaigns/<uuid:campaign_id>/settlement-runs")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.RunOut))
def runs_of_campaign(given, campaign_id):
    """The runs of a campaign, the newest first."""
    with reading() as db:
        return page(db, lists.runs(campaign_id=campaign_of(db, campaign_id).id), lists.RUN_KEY, given)


@api.post("/campaigns/<uuid:campaign_id>/settlement-runs")
@keyed("shop:write")
@writes
@api.response(201, schemas.RunWholeOut)
@api.alt_response(200, schema=schemas.RunWholeOut, description="The run under way", success=True)
def settle(campaign_id, db):
    """Settle a campaign that has ended. An unfinished run is the answer to a second call (200). A settled campaign
    may be settled again: the run takes what changed since, mostly nothing."""
    run, is_new = actions.open_run(db, campaign_of(db, campaign_id).id, by=g.member)
    then(lambda: jobs.wake(run.id))
    return run_whole(db, run), 201 if is_new else 200


@api.get("/settlement-runs")
@keyed("shop:read")
@api.arguments(schemas.RunsIn, location="query")
@api.response(200, page_of(schemas.RunOut))
def shop_runs(given):
    """All runs of the shop, the newest first."""
    with reading() as db:
        found = lists.runs(merchant_id=g.api_key.merchant_id, **({"state": given["state"]} if "state" in given else {}))
        return page(db, found, lists.RUN_KEY, given)


@api.get("/settlement-runs/<uuid:run_id>")
@keyed("shop:read")
@api.response(200, schemas.RunWholeOut)
def run(run_id):
    """How far a run is, what failed, and its result."""
    with reading() as db:
        return run_whole(db, _run(db, run_id))


@api.get("/settlement-runs/<uuid:run_id>/parties")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.PartyOut))
def parties(given, run_id):
    """Who got how much in a run."""
    names = ("affiliate_id", "display_name", "items", "adjustments", "amount_minor")
    with reading() as db:
        return page(db, lists.parties(_run(db, run_id).id), lists.AFFILIATE_KEY, given,
                    lambda *row: dict(zip(names, row, strict=True)), rising=True)


@api.post("/settlement-runs/<uuid:run_id>/retry")
@keyed("shop:write")
@writes
@api.response(200, schemas.RunWholeOut)
def retry(run_id, db):
    """Have failed parts done again."""
    found = _run(db, run_id)
    actions.retry(db, found.id, g.member)
    then(lambda: jobs.wake(run_id))
    return run_whole(db, found)


@api.post("/settlement-runs/<uuid:run_id>/audit")
@keyed("shop:write")
@api.response(202, schemas.RunWholeOut)
def audit(run_id):
    """Have every amount of a settled or blocked run computed again by the worker; the result appears in the run."""
    with reading() as db:
        told = run_whole(db, _run(db, run_id))
    if not jobs.wake(run_id):
        raise Busy(retry_ms=5000)
    return told


@api.get("/balance")
@keyed("shop:read")
@api.response(200, schemas.BalanceOut)
def balance():
    """What the shop is owed, and what is not settled yet."""
    with reading() as db:
        found = shop_of(db)
        stands = {(row.kind, row.currency): int(row.balance_minor)
                  for row in balances.of_owner(db, books.merchant(found.id))}
        return {"currency": found.currency, "payable_minor": stands.get((PAYABLE, found.currency), 0),
                "sales_minor": stands.get((books.SALES, found.currency), 0)}


@api.get("/payouts")
@keyed("shop:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(PayoutOut))
def shop_payouts(given):
    """The shop's payouts, the newest first."""
    with reading() as db:
        return page(db, lists.payouts_of(books.merchant(g.api_key.merchant_id)), lists.PAYOUT_KEY, given)
