"""An affiliate's own profile, shops, sums, payouts and statements."""
from flask import Response, g, stream_with_context

from affiliates.api import lists, schemas
from affiliates.api.spec import Doors, page_of
from affiliates.commission.queries import totals_of
from affiliates.payouts import accounts, words
from affiliates.people import actions as people
from affiliates.people.queries import access_affiliation, access_own, merchants_of
from affiliates.portal import statement
from affiliates.settlement import books
from core.api import PageIn, page
from core.db import reading
from members.keys.doors import keyed
from members.keys.once import writes
from members.queries import public_merchant

api = Doors("api_own", "Affiliate", "What an affiliate sees and does.")
SUMS = ("earned", "held", "mature", "payable", "on_the_way", "paid")


def _me(db, affiliate) -> dict:
    account = accounts.current(db, books.affiliate(affiliate.id))
    return {"id": affiliate.id, "display_name": affiliate.display_name, "about": affiliate.about,
            "state": affiliate.state, "leader_id": affiliate.parent_id, "created_at": affiliate.created_at,
            "payout_account": account and words.account(account),
            "shops": [{"merchant_id": shop.id, "name": shop.name, "state": one.state, "tier": one.tier}
                      for one, shop in merchants_of(db, affiliate.id)]}


@api.get("/me")
@keyed("affiliate:read")
@api.response(200, schemas.MeOut)
def me():
    """Your profile, and the shops you have to do with."""
    with reading() as db:
        return _me(db, access_own(db, g.member))


@api.patch("/me")
@keyed("affiliate:write")
@writes
@api.arguments(schemas.MeIn)
@api.response(200, schemas.MeOut)
def change_me(given, db):
    """Change your name or what you say about yourself."""
    affiliate = access_own(db, g.member)
    people.describe(db, affiliate, **given)
    return _me(db, affiliate)


@api.post("/me/shops/<uuid:merchant_id>")
@keyed("affiliate:write")
@writes
@api.response(200, schemas.MyShopOut)
def ask_shop(merchant_id, db):
    """Ask a shop for its approval, which its rule may give at once. Asking again changes nothing."""
    shop = public_merchant(db, merchant_id)
    found = people.apply_at(db, access_own(db, g.member), shop)
    return {"merchant_id": shop.id, "name": shop.name, "state": found.state, "tier": found.tier}


@api.delete("/me/shops/<uuid:merchant_id>")
@keyed("affiliate:write")
@writes
@api.response(200, schemas.MyShopOut)
def leave_shop(merchant_id, db):
    """Stop promoting a shop. What was earned stays."""
    found = people.leave(db, access_affiliation(db, merchant_id, access_own(db, g.member).id), g.member)
    shop = public_merchant(db, merchant_id)
    return {"merchant_id": shop.id, "name": shop.name, "state": found.state, "tier": found.tier}


@api.get("/totals")
@keyed("affiliate:read")
@api.response(200, schemas.TotalsOut)
def totals():
    """Earned, in review, payable and paid: a row a currency."""
    with reading() as db:
        id_ = access_own(db, g.member).id
        return {"data": [{"currency": row["currency"], **{f"{name}_minor": row.get(name, 0) for name in SUMS}}
                         for row in totals_of(db, [id_])[id_]]}


@api.get("/payouts")
@keyed("affiliate:read")
@api.arguments(PageIn, location="query")
@api.response(200, page_of(schemas.PayoutOut))
def payouts(given):
    """Your payouts, the newest first."""
    with reading() as db:
        owner = books.affiliate(access_own(db, g.member).id)
        return page(db, lists.payouts_of(owner), lists.PAYOUT_KEY, given)


@api.get("/statements")
@keyed("affiliate:read")
@api.response(200, schemas.StatementsOut)
def statements():
    """Months with lines, the newest first."""
    with reading() as db:
        return {"data": statement.months(db, access_own(db, g.member).id)}


@api.get("/statements/<month>")
@keyed("affiliate:read")
@api.response(200, {"type": "string"}, content_type="text/csv")
def statement_file(month):
    """The statement of a month ("2026-11") or of all time ("all") as CSV, for verify.py to compute again."""
    wanted = None if month == "all" else month
    statement.period(wanted)
    with reading() as db:
        affiliate_id = access_own(db, g.member).id

    def pieces():
        with reading() as db:
            yield from statement.statement_csv(db, affiliate_id, wanted)
    return Response(stream_with_context(pieces()), mimetype="text/csv; charset=utf-8")
