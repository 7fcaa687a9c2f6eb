"""The settlement console: dry run, settle, progress, result; and the list of all runs for operators."""
from flask import Response, flash, g, redirect, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from affiliates.desk import settlement_files as files
from affiliates.desk import settlement_queries as lists
from affiliates.desk.doors import operator_desk, shop_desk
from affiliates.people.queries import access_affiliate
from affiliates.settlement import actions, audit, jobs, queries, words
from campaigns.terms.models import Campaign
from campaigns.terms.queries import access_campaign
from core.db import reading, supposing, transaction
from core.errors import NotFound
from core.web import page_number
from members.access import operator, staff
from members.models import Merchant
from members.queries import access_merchant, current_merchant, my_merchants

PER_PAGE = 100
# On the page of one party; the file has all.
MOST_LINES = 500


@shop_desk.context_processor
@operator_desk.context_processor
def helpers():
    return {"run_words": words}


def _campaign(db, campaign_id) -> Campaign:
    """A campaign of a shop where the member does affiliates. NotFound otherwise."""
    return access_campaign(db, campaign_id, {one.id for one in my_merchants(db, "affiliates")})


def _run(db, run_id):
    """A run of such a shop. NotFound otherwise."""
    run = queries.access_run(db, run_id)
    access_merchant(db, run.merchant_id, "affiliates")
    return run


# -- A shop's campaigns, the dry run, and settling

@shop_desk.get("/settlements")
@staff("affiliates")
def settlements():
    page = page_number()
    with reading() as db:
        rows = lists.campaigns(db, current_merchant(db, "affiliates").id, page)
        return render_template("affiliates/desk/settlements.html", rows=rows, page=page, per_page=lists.PER_PAGE,
                               total=rows[0].total if rows else 0)


@shop_desk.get("/settlements/<uuid:campaign_id>")
@staff("affiliates")
def settlements_of(campaign_id):
    with reading() as db:
        campaign, run = _campaign(db, campaign_id), queries.newest_run(db, campaign_id)
        now = queries.progress(db, run) if run and run.state != "audited" else None
        return render_template("affiliates/desk/settlements_of.html", campaign=campaign, run=run, progress=now,
                               sums=lists.sums(db, campaign_id), runs=lists.runs_of(db, campaign_id))


@shop_desk.get("/settlements/<uuid:campaign_id>/dry-run")
@staff("affiliates")
def settlements_dry_run(campaign_id):
    page = page_number()
    with supposing() as db:
        campaign = _over(db, campaign_id)
        plan = queries.dry_run(db, campaign_id)
        shown = plan.parties[(page - 1) * PER_PAGE:page * PER_PAGE]
        return render_template("affiliates/desk/settlements_dry_run.html", campaign=campaign, plan=plan, shown=shown,
                               page=page, per_page=PER_PAGE, run=queries.newest_run(db, campaign_id),
                               names=lists.names_of(db, [row.affiliate_id for row in shown]))


def _over(db, campaign_id) -> Campaign:
    """As _campaign; NotEnded while it runs."""
    campaign = _campaign(db, campaign_id)
    if campaign.state not in ("ended", "settling", "settled"):
        raise actions.NotEnded
    return campaign


@shop_desk.get("/settlements/<uuid:campaign_id>/dry-run.csv")
@staff("affiliates")
def settlements_dry_run_csv(campaign_id):
    with supposing() as db:
        campaign = _over(db, campaign_id)
        plan = queries.dry_run(db, campaign_id)
        shop = db.get(Merchant, campaign.merchant_id)
        text = "".join(files.parties_csv(
            plan.parties, lists.names_of(db, [row.affiliate_id for row in plan.parties]),
            (shop.id, shop.name, plan.merchant["orders"], plan.merchant["amount_minor"]), plan.currency))
    return _file(text, f"dry-run-{plan.cutoff:%Y-%m-%d}")


def _file(text, name: str) -> Response:
    return Response(text, mimetype="text/csv; charset=utf-8", headers={
        "Content-Disposition": f'attachment; filename="{name}.csv"', "Cache-Control": "no-store",
        "X-Accel-Buffering": "no"})


@shop_desk.post("/settlements/<uuid:campaign_id>/settle")
@staff("affiliates")
def settlements_settle(campaign_id):
    with transaction() as db:
        run, is_new = actions.open_run(db, _over(db, campaign_id).id, by=g.member)
    jobs.wake(run.id)
    if not is_new:
        flash(_("This campaign is being settled already. Here is how far it is."), "")
    return redirect(url_for("affiliate_desk.settlements_run", run_id=run.id), 303)


# -- A run: progress, result, files

@shop_desk.get("/settlements/runs/<uuid:run_id>")
@staff("affiliates")
def settlements_run(run_id):
    page = page_number()
    with reading() as db:
        run = _run(db, run_id)
        now = queries.progress(db, run)
        return render_template(
            "affiliates/desk/settlements_run.html", run=run, campaign=db.get(Campaign, run.campaign_id), progress=now,
            failed=queries.failed_chunks(db, run_id), merchant=queries.merchant_statement(db, run_id), page=page,
            per_page=PER_PAGE, parties=queries.parties_of(db, run_id, PER_PAGE, (page - 1) * PER_PAGE))


@shop_desk.get("/settlements/runs/<uuid:run_id>/parties.csv")
@staff("affiliates")
def settlements_run_csv(run_id):
    with reading() as db:
        run = _run(db, run_id)
        shop, merchant = db.get(Merchant, run.merchant_id), queries.merchant_statement(db, run_id)
        rows = queries.parties_of(db, run_id, limit=1_000_000)
        text = "".join(files.parties_csv(
            rows, {row.affiliate_id: row.display_name for row in rows},
            (shop.id, shop.name, merchant.orders if merchant else 0, merchant.amount_minor if merchant else 0),
            run.currency))
    return _file(text, f"settlement-{run.seq}-{run.cutoff:%Y-%m-%d}")


def _party(db, run_id, affiliate_id) -> tuple:
    """(the run, an affiliate who got something of it). NotFound otherwise."""
    run = _run(db, run_id)
    if queries.lines_of(db, affiliate_id, run_id).first() is None:
        raise NotFound
    return run, access_affiliate(db, affiliate_id)


@shop_desk.get("/settlements/runs/<uuid:run_id>/parties/<uuid:affiliate_id>")
@staff("affiliates")
def settlements_party(run_id, affiliate_id):
    with reading() as db:
        run, party = _party(db, run_id, affiliate_id)
        rows = list(queries.lines_of(db, affiliate_id, run_id))
        return render_template("affiliates/desk/settlements_party.html", run=run, party=party, rows=rows[:MOST_LINES],
                               campaign=db.get(Campaign, run.campaign_id), total=len(rows),
                               amount=sum(row.amount_minor for row in rows))


@shop_desk.get("/settlements/runs/<uuid:run_id>/parties/<uuid:affiliate_id>/lines.csv")
@staff("affiliates")
def settlements_party_csv(run_id, affiliate_id):
    with reading() as db:
        run, party = _party(db, run_id, affiliate_id)

    def pieces():
        with reading() as db:
            yield from files.lines_csv(queries.lines_of(db, party.id, run.id))
    return _file(stream_with_context(pieces()), f"settlement-{run.seq}-lines")


@shop_desk.post("/settlements/runs/<uuid:run_id>/retry")
@staff("affiliates")
def settlements_retry(run_id):
    with transaction() as db:
        count = actions.retry(db, _run(db, run_id).id, g.member)
    jobs.wake(run_id)
    flash(ngettext("%(num)s part is done again.", "%(num)s parts are done again.", count), "ok")
    return redirect(url_for(".settlements_run", run_id=run_id), 303)


@shop_desk.post("/settlements/runs/<uuid:run_id>/audit")
@staff("affiliates")
def settlements_audit(run_id):
    """What is settled or blocked is audited by the worker, which may unblock it; an audited run is only read again."""
    with reading() as db:
        run = _run(db, run_id)
        found = audit.problems(db, run) if run.state == "audited" else None
    if found is None:
        is_asked = jobs.wake(run_id)
        flash(_("Every amount is computed again. The result appears here.") if is_asked else
              _("The queue does not answer. Please try again in a moment."), "ok" if is_asked else "error")
    elif found:
        flash(_("Something is wrong now: %(what)s", what=" ".join(words.problems()[one["rule"]] for one in found)),
              "error")
    else:
        flash(_("Every amount was computed again just now, and all are right."), "ok")
    return redirect(url_for(".settlements_run", run_id=run_id), 303)


# -- The operator

@operator_desk.get("/settlements", endpoint="settlements")
@operator
def all_settlements():
    show, page = request.args.get("show", "all"), page_number()
    show = show if show in ("all", "working", "trouble") else "all"
    with reading() as db:
        rows = lists.all_runs(db, show, page)
        return render_template("operator/settlements.html", rows=rows, show=show, page=page, counts=lists.counts(db),
                               per_page=lists.PER_PAGE, total=rows[0].total if rows else 0)
