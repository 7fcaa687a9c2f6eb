"""Who enters the portal: the blueprint, one's own affiliate, and what the menus of all pages ask."""
from flask import Blueprint, g, request, session

from affiliates.commission.queries import totals_of
from affiliates.people.models import Affiliate
from affiliates.people.queries import access_own, affiliate_of
from affiliates.portal import words
from core.db import reading

portal = Blueprint("affiliate", __name__)
KNOWN = "affiliate"  # in the session: the member is an affiliate, which never ends


@portal.context_processor
def helpers():
    return {"words": words}


def own(db) -> Affiliate:
    """The signed-in member's own affiliate. Raises NoAffiliate."""
    return access_own(db, g.member)


def promotes() -> bool:
    """Whether who is signed in is an affiliate: asked by the menu, looked up once a browser."""
    member = g.get("member")
    if member is None:
        return False
    if session.get(KNOWN) != str(member.id):
        with reading() as db:
            if affiliate_of(db, member.id) is None:
                return False
        session[KNOWN] = str(member.id)
    return True


def sums(db, affiliate: Affiliate, wanted: str | None = None) -> tuple[list[dict], str]:
    """(sums of every currency, the currency to show): the wanted one, else where most was earned."""
    totals = totals_of(db, [affiliate.id])[affiliate.id]
    currencies = [one["currency"] for one in sorted(totals, key=lambda one: -one["earned"])]
    wanted = wanted or request.args.get("currency")
    return totals, wanted if wanted in currencies else (currencies or ["GBP"])[0]
