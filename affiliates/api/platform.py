"""The operator's affiliates, settlements of all shops, and log."""
from flask import g

from affiliates.api import lists, shop_schemas
from affiliates.api import settle_schemas as schemas
from affiliates.api.shop import act_out
from affiliates.api.shop_settle import run_whole
from affiliates.api.spec import Doors, page_of
from affiliates.people import actions as people
from affiliates.people.queries import access_affiliate, terms_of
from affiliates.settlement import queries
from core.api import page
from core.db import reading
from members.keys.doors import keyed
from members.keys.once import writes
from members.models import Member

api = Doors("api_platform", "Platform", "What the platform's operators see and do.", "/platform")


def _anybody(affiliate, member) -> dict:
    return {**{name: getattr(affiliate, name) for name in (
        "id", "member_id", "display_name", "about", "state", "created_at", "state_at")}, "email": member.email}


@api.get("/affiliates")
@keyed("platform:read")
@api.arguments(shop_schemas.PeopleIn, location="query")
@api.response(200, page_of(schemas.AnybodyOut))
def everybody(given):
    """All affiliates of the platform, the newest first."""
    with reading() as db:
        return page(db, lists.everybody(given), lists.AFFILIATE_KEY, given, _anybody)


@api.post("/affiliates/<uuid:affiliate_id>/decision")
@keyed("platform:write")
@writes
@api.arguments(shop_schemas.DecisionIn)
@api.response(200, schemas.AnybodyOut)
def decide_anybody(given, affiliate_id, db):
    """Approve, freeze or close an affiliate of the platform."""
    found = people.decide_affiliate(db, access_affiliate(db, affiliate_id), given["to"], g.member, given["note"])
    return _anybody(found, db.get(Member, found.member_id))


@api.get("/program")
@keyed("platform:read")
@api.response(200, shop_schemas.ProgramOut)
def program():
    """Who becomes an affiliate of the platform at once."""
    with reading() as db:
        return terms_of(db, None)


@api.put("/program")
@keyed("platform:write")
@writes
@api.arguments(shop_schemas.ProgramIn)
@api.response(200, shop_schemas.ProgramOut)
def set_platform_program(given, db):
    """The platform's terms for affiliates; they hold for what comes after."""
    people.set_program(db, None, g.member, **given)
    return terms_of(db, None)


@api.get("/settlement-runs")
@keyed("platform:read")
@api.arguments(schemas.RunsIn, location="query")
@api.response(200, page_of(schemas.RunOut))
def all_runs(given):
    """Runs of all shops, the newest first."""
    with reading() as db:
        return page(db, lists.runs(**({"state": given["state"]} if "state" in given else {})), lists.RUN_KEY, given)


@api.get("/settlement-runs/<uuid:run_id>")
@keyed("platform:read")
@api.response(200, schemas.RunWholeOut)
def any_run(run_id):
    """How far a run is, what failed, and its result."""
    with reading() as db:
        return run_whole(db, queries.access_run(db, run_id))


@api.get("/log")
@keyed("platform:read")
@api.arguments(shop_schemas.LogIn, location="query")
@api.response(200, page_of(shop_schemas.ActOut))
def platform_log(given):
    """Who did what on the platform, the newest first."""
    with reading() as db:
        return page(db, lists.acts(None, given), lists.ACT_KEY, given, act_out)
