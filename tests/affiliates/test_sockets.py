"""An affiliate's own line: who may join it, what it says at once, and that nobody hears of another's."""
from affiliates.commission.tell import stream, tell_totals
from core.db import transaction
from core.sockets import sids, socketio
from tests import factories
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


def test_only_staff_of_the_shop_follow_a_campaigns_settlement(desk, app):
    campaign = desk.counter.show.campaign_id
    with transaction() as db:
        other = factories.member(db, "Otto", roles=[("merchant_staff", factories.merchant(db))])
        jun = factories.member(db, "Jun", roles=[("assistant", desk.counter.shop)])
    for member, code in ((desk.staff, None), (other, "not_found"), (jun, "forbidden"), (desk.member, "not_found")):
        line = socketio.test_client(app, flask_test_client=signed_in(app, member))
        answer = line.emit("join_campaign", {"campaign_id": str(campaign)}, callback=True)
        assert answer.get("code") == code
        if code is None:
            assert answer == {"ok": True, "seq": 0, "run": None}
        assert len(sids(f"campaign:{campaign}")) == (code is None)
        line.disconnect()
    line = socketio.test_client(app, flask_test_client=app.test_client())
    assert line.emit("join_campaign", {"campaign_id": str(campaign)}, callback=True)["code"] == "sign_in_needed"
    line.disconnect()
