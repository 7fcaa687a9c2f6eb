"""What the editor sends as it is used. Every answer but the search is the whole sheet: values, never deltas."""
from flask import Blueprint, g, jsonify, request
from flask_babel import gettext as _

from campaigns.terms import actions, publishing, queries
from campaigns.terms.imports import import_offers
from campaigns.terms.schemas import AddIn, FixIn, NothingIn, OfferIn, OfferUpdateIn, OrderIn, UpdateIn, printable
from campaigns.terms.sheet import sheet
from campaigns.terms.views import campaign_of
from core.db import reading, transaction
from core.errors import Invalid
from core.web import body
from members.access import staff

bp = Blueprint("campaigns_api", __name__, url_prefix="/api/campaigns/<uuid:campaign_id>")


def _changed(campaign_id, change, status: int = 200):
    """Do it in one transaction; the sheet afterwards, with what `change` has to add."""
    with transaction() as db:
        campaign = campaign_of(db, campaign_id)
        more = change(db, campaign)
        return jsonify({**sheet(db, campaign), **(more if isinstance(more, dict) else {})}), status


@bp.get("")
@staff("campaigns")
def show(campaign_id):
    with reading() as db:
        return jsonify(sheet(db, campaign_of(db, campaign_id)))


@bp.patch("")
@staff("campaigns")
def update(campaign_id):
    values = body(UpdateIn)
    return _changed(campaign_id, lambda db, campaign: actions.update_terms(db, campaign, values, g.member))


@bp.get("/search")
@staff("campaigns")
def search(campaign_id):
    words = request.args.get("q", "")[:200]
    if not printable(words):
        raise Invalid(fields={"q": [_("Use letters, digits and signs only.")]})
    with reading() as db:
        return jsonify(variants=queries.search(db, campaign_of(db, campaign_id), words))


@bp.post("/offers")
@staff("campaigns")
def add(campaign_id):
    values = body(AddIn)
    return _changed(campaign_id, lambda db, campaign: actions.add_offers(db, campaign, by=g.member, **values), 201)


@bp.post("/offers/restore")
@staff("campaigns")
def restore(campaign_id):
    values = body(OfferIn)
    return _changed(campaign_id, lambda db, campaign: actions.restore_offer(db, campaign, values, g.member), 201)


@bp.patch("/offers/<uuid:offer_id>")
@staff("campaigns")
def update_offer(campaign_id, offer_id):
    values = body(OfferUpdateIn)
    return _changed(campaign_id, lambda db, campaign: actions.update_offer(db, campaign, offer_id, values, g.member))


@bp.delete("/offers/<uuid:offer_id>")
@staff("campaigns")
def remove(campaign_id, offer_id):
    return _changed(campaign_id, lambda db, campaign: {
        "removed": actions.remove_offer(db, campaign, offer_id, g.member)})


@bp.post("/order")
@staff("campaigns")
def order(campaign_id):
    ids = body(OrderIn)["ids"]
    return _changed(campaign_id, lambda db, campaign: actions.reorder(db, campaign, ids, g.member))


@bp.post("/fix")
@staff("campaigns")
def fix(campaign_id):
    values = body(FixIn)
    return _changed(campaign_id, lambda db, campaign: actions.apply_fix(db, campaign, by=g.member, **values))


@bp.post("/import")
@staff("campaigns")
def import_csv(campaign_id):
    file = request.files.get("file")
    if file is None:
        raise Invalid(fields={"file": [_("Choose a file.")]})
    data = file.read()
    return _changed(campaign_id, lambda db, campaign: {"imported": import_offers(db, campaign, data, g.member)})


@bp.post("/publish")
@staff("campaigns")
def publish(campaign_id):
    body(NothingIn)
    return _changed(campaign_id, lambda db, campaign: publishing.publish(db, campaign, g.member) and None)
