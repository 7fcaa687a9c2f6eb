"""JSON for the live and the control page: the snapshot, and the HTTP twins of what sockets do."""
import uuid

from flask import Blueprint, g, jsonify, request

from campaigns.stock import actions as stock
from campaigns.stock import line
from campaigns.stock.models import OfferStock
from campaigns.stock.queries import access_hold, hold_out, stock_of
from core.db import reading, transaction
from core.errors import Invalid
from core.web import body
from live import doors, schemas, snapshot, staff_view
from live.show import actions, control
from live.sockets import claim_at, limit_member
from members.access import public, signed_in, staff

api = Blueprint("live_api", __name__, url_prefix="/api")


def fresh(answer, status: int = 200):
    """JSON that nobody keeps."""
    response = jsonify(answer)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response


@api.get("/live/<uuid:live_id>")
@public
def show_snapshot(live_id: uuid.UUID):
    return fresh(snapshot.cached_snapshot(live_id, g.get("member")))


@api.get("/live/<uuid:live_id>/staff")
@staff("show.run")
def staff_snapshot(live_id: uuid.UUID):
    with reading() as db:
        return fresh(staff_view.staff_snapshot(db, live_id, g.member))


@api.post("/live/<uuid:live_id>/claims")
@signed_in
def claim(live_id: uuid.UUID):
    limit_member(g.member)
    return fresh({"ok": True, **claim_at(live_id, g.member, body(schemas.ClaimIn))})


@api.post("/holds/<uuid:hold_id>/release")
@signed_in
def release(hold_id: uuid.UUID):
    with transaction() as db:
        access_hold(db, hold_id, g.member.id)
        hold = stock.release(db, hold_id, g.member.id)
        return fresh({"ok": True, "hold": hold_out(hold, db.get(OfferStock, hold.stock_id).currency)})


@api.post("/live/<uuid:live_id>/waitlist")
@signed_in
def wait(live_id: uuid.UUID):
    found, data = doors.enter(live_id, g.member), body(schemas.WaitIn)
    with transaction() as db:
        shelf = stock_of(db, doors.offer_in(found, data["offer_id"]), doors.sees_rehearsal(found, g.member))
        return fresh({"ok": True, "wait": line.join(db, shelf.id, g.member.id, data["quantity"])})


@api.delete("/live/<uuid:live_id>/waitlist/<uuid:offer_id>")
@signed_in
def stop_waiting(live_id: uuid.UUID, offer_id: uuid.UUID):
    found = doors.enter(live_id, g.member)
    with transaction() as db:
        shelf = stock_of(db, doors.offer_in(found, offer_id), doors.sees_rehearsal(found, g.member))
        line.leave(db, shelf.id, g.member.id)
    return fresh({"ok": True})


@api.post("/live/<uuid:live_id>/reminder")
@signed_in
def remind(live_id: uuid.UUID):
    found, data = doors.enter(live_id, g.member), body(schemas.OnIn)
    with transaction() as db:
        actions.remind(db, found.id, g.member, data["on"])
    return fresh({"ok": True, "on": data["on"]})


@api.post("/live/<uuid:live_id>/control")
@staff("show.run")
def run_control(live_id: uuid.UUID):
    raw = request.get_json(silent=True)
    if not isinstance(raw, dict):
        raise Invalid
    with transaction() as db:
        answer = control.dispatch(db, live_id, raw, g.member)
    control.forget(live_id)
    return fresh(answer)
