"""JSON for the live page: addresses, and following a merchant."""
from flask import g, jsonify

from core.db import reading, transaction
from core.web import body
from members import actions, queries
from members.access import signed_in
from members.schemas import AddressIn, OnIn
from members.views import members


@members.get("/api/addresses")
@signed_in
def api_addresses():
    with reading() as db:
        return jsonify([queries.address_out(address) for address in queries.addresses_of(db, g.member.id)])


@members.post("/api/addresses")
@signed_in
def api_address_new():
    """201 with the address; the same one sent again is the one that is there."""
    given = body(AddressIn)
    with transaction() as db:
        address = queries.address_out(actions.add_address(db, g.member, **given))
    return jsonify(address), 201


@members.post("/api/merchants/<uuid:merchant_id>/follow")
@signed_in
def api_follow(merchant_id):
    on = body(OnIn)["on"]
    with transaction() as db:
        actions.follow(db, g.member.id, queries.public_merchant(db, merchant_id).id, on)
    return jsonify(following=on)
