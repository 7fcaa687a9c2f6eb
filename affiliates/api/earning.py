"""An affiliate's campaigns, links, commissions and appeals."""
from flask import g

from affiliates.api import lists, schemas
from affiliates.api.spec import Doors, page_of
from affiliates.appeals import actions as appealing
from affiliates.appeals.queries import appeals_of
from affiliates.commission import explain as explained
from affiliates.commission.queries import access_commission
from affiliates.commission.tell import commission_out
from affiliates.links import actions as linking
from affiliates.links import queries as link_queries
from affiliates.links.views import address_of
from affiliates.people.queries import access_own
from affiliates.portal import queries
from affiliates.settlement.queries import settled_ids
from core.api import PageIn, page, page_of_list
from core.db import reading
from members.keys.doors import keyed
from members.keys.once import writes

api = Doors("api_earning", "Affiliate", "What an affiliate promotes and earns.")
LINK = ("id", "code", "merchant_id", "campaign_id", "live_session_id", "product_id", "label", "created_at", "closed_at")


@api.get("/campaigns")
@keyed("affiliate:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.OpenCampaignOut))
def campaigns(given):
    """Open campaigns with what they pay you now."""
    with reading() as db:
        return page_of_list(queries.open_campaigns(db, access_own(db, g.member).id), "id", given)


def _link_out(db, affiliate_id):
    """What makes an answer of a link."""
    clicks, brought = link_queries.clicks_by_link(db, affiliate_id), queries.funnels(db, affiliate_id)

    def out(link) -> dict:
        visits = clicks.get(link.id, (0, 0))
        return {**{name: getattr(link, name) for name in LINK}, "url": address_of(link.code), "clicks": visits[0],
                "visitors": visits[1], "brought": brought.get(link.id, [])}
    return out


@api.get("/links")
@keyed("affiliate:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.LinkOut))
def links(given):
    """Your links with clicks, orders and commission, the newest first."""
    with reading() as db:
        id_ = access_own(db, g.member).id
        return page(db, lists.links(id_), lists.LINK_KEY, given, _link_out(db, id_))


@api.post("/links")
@keyed("affiliate:write")
@writes
@api.arguments(schemas.LinkIn)
@api.response(201, schemas.LinkOut)
def make_link(given, db):
    """Make a link. The same wish gives the same open link."""
    affiliate = access_own(db, g.member)
    return _link_out(db, affiliate.id)(linking.make_link(db, affiliate, **given))


@api.get("/links/<uuid:link_id>")
@keyed("affiliate:read")
@api.response(200, schemas.LinkOut)
def link(link_id):
    """One of your links."""
    with reading() as db:
        id_ = access_own(db, g.member).id
        return _link_out(db, id_)(link_queries.access_link(db, link_id, id_))


@api.post("/links/<uuid:link_id>/close")
@keyed("affiliate:write")
@writes
@api.response(200, schemas.LinkOut)
def close_link(link_id, db):
    """Clicks no longer count; those that came before still do."""
    id_ = access_own(db, g.member).id
    found = link_queries.access_link(db, link_id, id_)
    linking.close_link(db, found)
    return _link_out(db, id_)(found)


@api.get("/commissions")
@keyed("affiliate:read")
@api.arguments(schemas.CommissionsIn, location="query")
@api.response(200, page_of(schemas.CommissionOut))
def commissions(given):
    """Your commissions, the newest first."""
    with reading() as db:
        found = lists.commissions(access_own(db, g.member).id, given)
        return page(db, found, lists.COMMISSION_KEY, given, lambda one, number, title, settled: commission_out(
            one, number, title, settled=settled))


@api.get("/commissions/<uuid:commission_id>")
@keyed("affiliate:read")
@api.response(200, schemas.ExplainedOut)
def commission(commission_id):
    """One commission, explained: price, rate, rounding, rule, why you, when payable, why not yet."""
    with reading() as db:
        id_ = access_own(db, g.member).id
        row = access_commission(db, commission_id, id_)
        told = explained.explain(db, row, settled=bool(settled_ids(db, id_, [row.id])))
        return {**told, "appeals": appeals_of(db, row.id)}


@api.post("/commissions/<uuid:commission_id>/appeals")
@keyed("affiliate:write")
@writes
@api.arguments(schemas.AppealIn)
@api.response(201, schemas.AppealOut)
def appeal(given, commission_id, db):
    """Ask the shop to look again at a line that is in review or was taken back."""
    affiliate = access_own(db, g.member)
    return appealing.appeal(db, access_commission(db, commission_id, affiliate.id), affiliate, given["body"])


@api.get("/appeals")
@keyed("affiliate:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.AppealOut))
def appeals(given):
    """Your appeals with the shops' answers, the newest first."""
    with reading() as db:
        found = lists.appeals(affiliate_id=access_own(db, g.member).id)
        return page(db, found, lists.APPEAL_KEY, given)
