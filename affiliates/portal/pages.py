"""The portal's pages and the snapshot that they follow. Another's things are not found."""
from flask import flash, g, jsonify, redirect, render_template, url_for
from flask_babel import gettext as _

from affiliates.appeals.queries import appeals_of
from affiliates.commission import explain as explained
from affiliates.commission.queries import access_commission
from affiliates.links import actions as links
from affiliates.links import queries as link_queries
from affiliates.links.views import address_of
from affiliates.people import actions as people
from affiliates.people.queries import affiliate_of, merchants_of
from affiliates.portal import queries, schemas, words
from affiliates.portal.doors import own, portal, sums
from affiliates.settlement.queries import settled_ids
from campaigns.catalogue.queries import picture_urls
from campaigns.terms.models import Campaign
from core.db import reading, transaction
from core.errors import NotFound
from core.web import body, page_number
from members.access import signed_in
from members.models import Merchant
from orders.models import OrderLine

PER_PAGE = 50


@portal.get("/affiliate")
@signed_in
def home():
    with reading() as db:
        affiliate = affiliate_of(db, g.member.id)
        if affiliate is None or affiliate.state == "applied":
            return render_template("affiliates/join.html", affiliate=affiliate)
        totals, currency = sums(db, affiliate)
        shops = merchants_of(db, affiliate.id)
        mine = _newest_link(db, affiliate)
        return render_template("affiliates/home.html", affiliate=affiliate, shops=shops, totals=totals, link=mine,
                               currency=currency, flow=words.flow(totals, currency),
                               data=queries.snapshot(db, affiliate, totals, currency))


def _newest_link(db, affiliate) -> dict | None:
    found = [one for one in link_queries.links_of(db, affiliate.id) if one.closed_at is None][:1]
    return _links_out(db, affiliate, found)[0] if found else None


@portal.get("/api/affiliate")
@signed_in
def state():
    """The home page's snapshot, for when it missed something."""
    with reading() as db:
        affiliate = own(db)
        totals, currency = sums(db, affiliate)
        return jsonify(queries.snapshot(db, affiliate, totals, currency))


@portal.post("/affiliate/apply")
@signed_in
def apply():
    given = body(schemas.ApplyIn)
    with transaction() as db:
        people.apply(db, g.member, display_name=given["display_name"].strip() or g.member.name,
                     about=given["about"].strip())
    return redirect(url_for("affiliate.home"), 303)


# -- Campaigns and links

@portal.get("/affiliate/campaigns")
@signed_in
def campaigns():
    with reading() as db:
        affiliate = own(db)
        return render_template("affiliates/campaigns.html", affiliate=affiliate,
                               rows=queries.open_campaigns(db, affiliate.id))


@portal.post("/affiliate/campaigns/<uuid:campaign_id>/link")
@signed_in
def take_link(campaign_id):
    """One tap: the link to the campaign and the show of it that is on or comes next."""
    with transaction() as db:
        affiliate = own(db)
        row = next((one for one in queries.campaigns(db, affiliate.id) if one["id"] == campaign_id), None)
        if row is None:
            raise NotFound
        link = links.make_link(db, affiliate, campaign_id=campaign_id, live_session_id=row["live_id"])
    return redirect(url_for("affiliate.my_links", _anchor=link.code), 303)


@portal.post("/affiliate/shops/<uuid:merchant_id>/apply")
@signed_in
def ask_shop(merchant_id):
    with transaction() as db:
        shop = db.get(Merchant, merchant_id)
        if shop is None:
            raise NotFound
        found = people.apply_at(db, own(db), shop)
        said = _("%(shop)s has approved you.", shop=shop.name) if found.state == "active" else \
            _("%(shop)s will look at your wish.", shop=shop.name)
    flash(said, "ok")
    return redirect(url_for("affiliate.campaigns"), 303)


@portal.get("/affiliate/links")
@signed_in
def my_links():
    with reading() as db:
        affiliate = own(db)
        rows = _links_out(db, affiliate, link_queries.links_of(db, affiliate.id))
        return render_template("affiliates/links.html", affiliate=affiliate, links=rows,
                               coupons=_coupons_out(db, affiliate))


def _links_out(db, affiliate, found) -> list[dict]:
    clicks, brought = link_queries.clicks_by_link(db, affiliate.id), queries.funnels(db, affiliate.id)
    names = _campaign_names(db, [one.campaign_id for one in found])
    return [{"id": one.id, "code": one.code, "address": address_of(one.code), "open": one.closed_at is None,
             "shop": db.get(Merchant, one.merchant_id).name, "title": names.get(one.campaign_id, ""),
             "made": one.created_at, "visits": clicks.get(one.id, (0, 0))[0], "brought": brought.get(one.id, [])}
            for one in found]


def _campaign_names(db, ids) -> dict:
    return {id_: campaign.name for id_ in {id_ for id_ in ids if id_} if (campaign := db.get(Campaign, id_))}


def _coupons_out(db, affiliate) -> list[dict]:
    found, brought = link_queries.coupons_of(db, affiliate.id), queries.funnels(db, affiliate.id)
    names = _campaign_names(db, [one.campaign_id for one in found])
    return [{"code": one.code, "open": one.closed_at is None, "ends": one.ends_at, "percent_ppm": one.percent_ppm,
             "amount_minor": one.amount_minor, "currency": one.currency, "shop": db.get(Merchant, one.merchant_id).name,
             "title": names.get(one.campaign_id, ""), "brought": brought.get(one.id, [])} for one in found]


@portal.post("/affiliate/links/<uuid:link_id>/close")
@signed_in
def close_link(link_id):
    with transaction() as db:
        links.close_link(db, link_queries.access_link(db, link_id, own(db).id))
    return redirect(url_for("affiliate.my_links"), 303)


# -- Lines

@portal.get("/affiliate/lines")
@signed_in
def lines():
    page = page_number()
    with reading() as db:
        affiliate = own(db)
        rows = queries.page_of_lines(db, affiliate.id, (page - 1) * PER_PAGE, PER_PAGE)
        return render_template("affiliates/lines.html", affiliate=affiliate, page=page, per_page=PER_PAGE,
                               total=queries.count_of(db, affiliate.id),
                               lines=queries.lines_out(db, affiliate.id, rows))


@portal.get("/affiliate/lines/<uuid:commission_id>")
@signed_in
def line(commission_id):
    with reading() as db:
        affiliate = own(db)
        return render_template("affiliates/line.html", affiliate=affiliate, **line_view(db, affiliate, commission_id))


def line_view(db, affiliate, commission_id) -> dict:
    """What explains one line. Raises NotFound for another's."""
    row = access_commission(db, commission_id, affiliate.id)
    settled = bool(settled_ids(db, affiliate.id, [row.id]))
    variant = db.get(OrderLine, row.order_line_id).variant_id
    return {"one": explained.explain(db, row, settled=settled), "appeals": appeals_of(db, row.id),
            "picture": picture_urls(db, [variant])[variant], "campaign": db.get(Campaign, row.campaign_id).name,
            "shop": db.get(Merchant, row.merchant_id).name}
