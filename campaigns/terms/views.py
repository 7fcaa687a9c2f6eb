"""Pages of campaigns in the studio."""
from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from campaigns.terms import actions, publishing, queries, words
from campaigns.terms.models import CAMPAIGN_STATES
from campaigns.terms.schemas import CreateIn, EndIn, NothingIn
from campaigns.terms.sheet import sheet
from core.db import reading, transaction
from core.errors import DomainError, Invalid, NotFound
from core.web import body, page_number
from members.access import staff
from members.queries import current_merchant, my_merchants

bp = Blueprint("campaigns", __name__)


def campaign_of(db, campaign_id):
    """The campaign, if it is of a shop for which the member may do campaigns. NotFound otherwise."""
    return queries.access_campaign(db, campaign_id, {merchant.id for merchant in my_merchants(db, "campaigns")})


@bp.app_template_global("campaign_words")
def campaign_words():
    return words


@bp.get("/studio/campaigns")
@staff("campaigns")
def index():
    state = request.args.get("state")
    state = state if state in CAMPAIGN_STATES else None
    page = page_number()
    with reading() as db:
        merchant = current_merchant(db, "campaigns")
        return render_template("campaigns/index.html", merchant=merchant, state=state, page=page,
                               counts=queries.state_counts(db, merchant.id), per_page=queries.PER_PAGE,
                               rows=queries.campaigns(db, merchant.id, state, page))


@bp.post("/studio/campaigns")
@staff("campaigns")
def create():
    values = body(CreateIn)
    with transaction() as db:
        campaign = actions.create(db, current_merchant(db, "campaigns"), **values, by=g.member)
    return redirect(url_for("campaigns.editor", campaign_id=campaign.id))


@bp.get("/studio/campaigns/<uuid:campaign_id>")
@staff("campaigns")
def editor(campaign_id):
    with reading() as db:
        campaign = campaign_of(db, campaign_id)
        page = "campaigns/editor.html" if campaign.state == "draft" else "campaigns/published.html"
        return render_template(page, campaign=campaign, sheet=sheet(db, campaign), states=CAMPAIGN_STATES)


@bp.post("/studio/campaigns/<uuid:campaign_id>/duplicate")
@staff("campaigns")
def duplicate(campaign_id):
    body(NothingIn)
    with transaction() as db:
        copy = actions.duplicate(db, campaign_of(db, campaign_id), g.member)
    flash(_("This is the copy. It is a draft; change what you like."), "ok")
    return redirect(url_for("campaigns.editor", campaign_id=copy.id))


@bp.post("/studio/campaigns/<uuid:campaign_id>/discard")
@staff("campaigns")
def discard(campaign_id):
    body(NothingIn)
    if not _tried(lambda db: actions.discard(db, campaign_of(db, campaign_id))):
        return redirect(url_for("campaigns.editor", campaign_id=campaign_id))
    flash(_("The draft was thrown away."), "ok")
    return redirect(url_for("campaigns.index"))


@bp.post("/studio/campaigns/<uuid:campaign_id>/end")
@staff("campaigns")
def end(campaign_id):
    typed = body(EndIn)["confirm"]
    if _tried(lambda db: _end(db, campaign_of(db, campaign_id), typed)):
        flash(_("The campaign has ended. What was not sold is back in stock."), "ok")
    return redirect(url_for("campaigns.editor", campaign_id=campaign_id))


def _end(db, campaign, typed: str) -> None:
    if typed.strip().upper() != words.end_word().upper():
        raise Invalid(_("Type %(word)s to confirm.", word=words.end_word()))
    publishing.end(db, campaign, g.member)


def _tried(act) -> bool:
    """Do it in a transaction of its own. A refusal undoes it and is said on the next page; whether it was done."""
    try:
        with transaction() as db:
            act(db)
    except NotFound:
        raise
    except DomainError as error:
        flash(error.message, "error")
        return False
    return True
