"""The operator's pages: shops, letters, failed jobs, members. For the platform's own people."""
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from redis.exceptions import RedisError
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer

from core import jobs
from core.db import reading, transaction
from core.errors import Busy, NotFound
from core.web import body, page_number
from members import actions, post, queries
from members.access import operator
from members.countries import countries, country_name
from members.forms import page_with_form
from members.people import grant_or_invite
from members.schemas import CURRENCIES, MerchantIn
from members.words import role_names

desk = Blueprint("operator", __name__, url_prefix="/operator")
PER_PAGE = 50


@desk.get("")
@operator
def overview():
    with reading() as db:
        counts = {"mails": queries.mail_counts(db), **queries.house_counts(db)}
    failed, _rows = _failed_jobs(0)
    return render_template("operator/overview.html", counts=counts, failed=failed, mail_set_up=post.is_set_up())


# -- Shops

def _merchants_page(errors, message, values):
    with reading() as db:
        shops = queries.merchants_with_people(db)
    return render_template("operator/merchants.html", errors=errors, message=message, values=values, shops=shops,
                           countries=countries(), country_name=country_name,
                           currencies=[(code, code) for code in CURRENCIES])


@desk.route("/merchants", methods=["GET", "POST"])
@operator
@page_with_form(_merchants_page)
def merchants():
    given = body(MerchantIn)
    staff_email = given.pop("staff_email")
    with transaction() as db:
        shop = actions.create_merchant(db, **given)
        said = grant_or_invite(db, staff_email, "merchant_staff", shop)
    post.ask_worker()
    flash(_("The shop %(shop)s is made.", shop=shop.name), "ok")
    flash(said, "ok")
    return redirect(url_for("operator.merchants"), 303)


# -- Letters

@desk.get("/mails")
@operator
def mails():
    state = request.args.get("state", "waiting")
    state = state if state in ("waiting", "sent", "failed", "all") else "waiting"
    page = page_number()
    with reading() as db:
        rows, total = queries.mails(db, state, page, PER_PAGE)
        counts = queries.mail_counts(db)
    return render_template("operator/mails.html", mails=rows, total=total, page=page, per_page=PER_PAGE, state=state,
                           counts=counts, mail_set_up=post.is_set_up())


@desk.get("/mails/<uuid:mail_id>")
@operator
def mail(mail_id):
    with reading() as db:
        row = queries.access_mail(db, mail_id)
    # With a mail server the letter goes to its reader alone; without one somebody must be able to hand the link on.
    text = post.without_links(row.body) if post.is_set_up() else row.body
    return render_template("operator/mail.html", mail=row, text=text, mail_set_up=post.is_set_up())


@desk.post("/mails/<uuid:mail_id>/retry")
@operator
def mail_retry(mail_id):
    with transaction() as db:
        actions.try_mail_again(db, queries.access_mail(db, mail_id))
    post.ask_worker()
    flash(_("The letter is tried again."), "ok")
    return redirect(url_for("operator.mails", state="waiting"), 303)


# -- Jobs

def _failed_jobs(most: int = PER_PAGE) -> tuple[int | None, list[dict]]:
    """How many jobs failed (None if Redis is away), and the newest of them."""
    queue = jobs.queue()
    try:
        registry = FailedJobRegistry(queue=queue)
        ids = list(reversed(registry.get_job_ids()))
        found = Job.fetch_many(ids[:most], connection=queue.connection, serializer=JSONSerializer) if most else []
        return len(ids), [_job_out(job) for job in found if job is not None]
    except RedisError:
        return None, []


def _job_out(job: Job) -> dict:
    result = job.latest_result()
    trace = (result.exc_string if result else None) or job.exc_info or ""
    return {"id": job.id, "name": job.func_name, "words": ", ".join(map(repr, job.args)), "at": job.ended_at,
            "error": trace.strip().splitlines()[-1] if trace.strip() else "", "trace": trace.strip()}


@desk.get("/jobs")
@operator
def failed_jobs():
    total, rows = _failed_jobs()
    return render_template("operator/jobs.html", total=total, jobs=rows)


@desk.post("/jobs/<job_id>/retry")
@operator
def job_retry(job_id):
    try:
        FailedJobRegistry(queue=jobs.queue()).requeue(job_id)
    except (NoSuchJobError, InvalidJobOperation):
        raise NotFound(_("That job is not among the failed ones any more.")) from None
    except RedisError:
        raise Busy(_("The queue does not answer. Please try again in a moment.")) from None
    flash(_("The job is tried again."), "ok")
    return redirect(url_for("operator.failed_jobs"), 303)


# -- Members

@desk.get("/members")
@operator
def people():
    text = request.args.get("q", "").strip()[:100]
    with reading() as db:
        found = queries.find_members(db, text, PER_PAGE)
        shops = {shop.id: shop.name for shop in queries.my_merchants(db)}
    return render_template("operator/members.html", members=found, q=text, shops=shops, roles=role_names(),
                           most=PER_PAGE)


@desk.post("/members/<uuid:member_id>/disable")
@operator
def member_disable(member_id):
    with transaction() as db:
        member = queries.access_member(db, member_id)
        actions.disable(db, member, g.member)
    flash(_("%(name)s is signed out everywhere and cannot sign in.", name=member.name), "ok")
    return redirect(url_for("operator.people", q=member.email), 303)


@desk.post("/members/<uuid:member_id>/enable")
@operator
def member_enable(member_id):
    with transaction() as db:
        member = queries.access_member(db, member_id)
        actions.enable(db, member)
    flash(_("%(name)s can sign in again.", name=member.name), "ok")
    return redirect(url_for("operator.people", q=member.email), 303)


def init_app(app) -> None:
    app.register_blueprint(desk)
