"""An affiliate's own line: who may join it, what it says at once, and that nobody hears of another's."""
from affiliates.commission.tell import stream, tell_totals
from core.db import transaction
from core.sockets import sids, socketio
from tests.factories import signed_in


def test_only_an_affiliate_joins_and_only_the_own_line(desk, app):
    desk.came()
    desk.buy(3)
    lines = {}
    for name, member in (("aiko", desk.member), ("buyer", desk.counter.buyer), ("nobody", None)):
        browser = signed_in(app, member) if member else app.test_client()
        lines[name] = socketio.test_client(app, flask_test_client=browser)
    answers = {name: line.emit("join_affiliate", {}, callback=True) for name, line in lines.items()}
    assert answers["aiko"] == {"ok": True, "affiliate_id": str(desk.affiliate.id), "totals": [
        {"currency": "GBP", "earned": 63, "held": 0, "mature": 0, "payable": 0, "paid": 0}], "seq": 0}
    assert (answers["buyer"]["code"], answers["nobody"]["code"]) == ("no_affiliate", "sign_in_needed")
    assert len(sids(stream(desk.affiliate.id))) == 1
    refused = lines["aiko"].emit("join_affiliate", {"affiliate_id": "another"}, callback=True)
    assert refused["code"] == "invalid"
    with transaction() as db:
        assert tell_totals(db) == 1
    for line in lines.values():
        line.disconnect()
