"""What waits for the shop's decision: commissions in review, corrections, appeals."""
from flask import g

from affiliates.api import lists
from affiliates.api import shop_schemas as schemas
from affiliates.api.spec import Doors, page_of
from affiliates.appeals import actions as appealing
from affiliates.appeals.queries import access_appeal
from affiliates.commission import actions as commission
from affiliates.commission.queries import access_hold
from core.api import page
from core.db import reading
from members import post
from members.keys.doors import keyed
from members.keys.once import own_key, then, writes

api = Doors("api_holds", "Shop: review", "Commissions in review, and what affiliates say against decisions.", "/shop")


def _hold_out(hold, line, name, number) -> dict:
    return {**{column: getattr(hold, column) for column in (
        "id", "commission_id", "evidence", "opened_at", "decision", "decided_at", "note")},
        "reason": hold.reason.split(":")[0], "affiliate_id": line.affiliate_id, "affiliate": name,
        "order_number": number, "currency": line.currency, "amount_minor": line.amount_minor,
        "left_minor": line.amount_minor - line.reversed_minor}


@api.get("/holds")
@keyed("shop:read")
@api.arguments(schemas.HoldsIn, location="query")
@api.response(200, page_of(schemas.HoldOut))
def holds(given):
    """What waits for a decision, the oldest first; with `decided` what was decided, by the same order."""
    with reading() as db:
        return page(db, lists.holds(g.api_key.merchant_id, given["decided"]), lists.HOLD_KEY, given, _hold_out,
                    rising=True)


@api.get("/holds/<uuid:hold_id>")
@keyed("shop:read")
@api.response(200, schemas.HoldOut)
def hold(hold_id):
    """One reason why a commission waits, or waited."""
    with reading() as db:
        return _hold_out(*lists.hold(db, access_hold(db, hold_id, g.api_key.merchant_id)))


@api.post("/holds/<uuid:hold_id>/decision")
@keyed("shop:write")
@writes
@api.arguments(schemas.HoldDecisionIn)
@api.response(200, schemas.HoldOut)
def decide_hold(given, hold_id, db):
    """Release or reject what a hold keeps back, with a note that the affiliate reads."""
    found = access_hold(db, hold_id, g.api_key.merchant_id)
    commission.decide(db, found, given["decision"], g.member, given["note"])
    return _hold_out(*lists.hold(db, found))


@api.post("/commissions/<uuid:commission_id>/holds")
@keyed("shop:write")
@writes
@api.arguments(schemas.DoubtIn)
@api.response(201, schemas.HoldOut)
def hold_commission(given, commission_id, db):
    """Put a commission into review: it waits until somebody decides."""
    line = lists.access_line(db, commission_id, g.api_key.merchant_id)
    return _hold_out(*lists.hold(db, commission.hold_by_hand(db, line, g.member, given["note"])))


@api.post("/commissions/<uuid:commission_id>/corrections")
@keyed("shop:write")
@writes
@api.arguments(schemas.CorrectionIn)
@api.response(201, schemas.PaidCommissionOut)
def correct_commission(given, commission_id, db):
    """Change what an affiliate gets of a line. The Idempotency-Key is the correction's own key too."""
    line = lists.access_line(db, commission_id, g.api_key.merchant_id)
    return commission.correct(db, line, given["amount_minor"], g.member, given["note"], own_key())


@api.get("/appeals")
@keyed("shop:read")
@api.arguments(schemas.ShopAppealsIn, location="query")
@api.response(200, page_of(schemas.ShopAppealOut))
def shop_appeals(given):
    """What affiliates say against decisions, the newest first."""
    with reading() as db:
        found = lists.appeals(merchant_id=g.api_key.merchant_id)
        if "answered" in given:
            found = found.where(lists.is_answered(given["answered"]))
        return page(db, found, lists.APPEAL_KEY, given)


@api.post("/appeals/<uuid:appeal_id>/answer")
@keyed("shop:write")
@writes
@api.arguments(schemas.AnswerIn)
@api.response(200, schemas.ShopAppealOut)
def answer_appeal(given, appeal_id, db):
    """Answer an appeal; with `release` what is held is let go as well."""
    then(post.ask_worker)
    return appealing.answer(db, access_appeal(db, appeal_id, g.api_key.merchant_id), g.member, given["note"],
                            release=given["release"])
