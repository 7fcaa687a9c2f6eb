"""Faults that are in the requests rather than in the machines: taps, tabs, keys, last units, late money."""
import json
import time
import uuid

import gevent
from sqlalchemy import text

import core.db
from orders.payments import named
from tests.faults.crowd import Web


def _count(statement: str, **given):
    with core.db.reading() as db:
        return db.execute(text(statement), given).scalar()


def _twin(buyer) -> Web:
    """A second tab of the same browser."""
    tab = Web(buyer.url, buyer.web.cookie)
    tab.token = buyer.web.token
    return tab


def _me(buyer) -> dict:
    """The buyer's own part of the page, when it is there."""
    assert buyer._wait_for_state(), "the page does not come"
    return buyer.state["me"]


def _ask(tab: Web, path: str, body):
    """A POST, asked again with the same body while the shop is busy or says nothing, as pages do; (status, JSON)."""
    end, answer = time.monotonic() + 60, (0, None)
    while answer[0] in (0, 429, 503) and time.monotonic() < end:
        if answer[1] is not None:
            gevent.sleep(0.5)
        answer = tab.call("POST", path, body)
    return answer


def taps_while_offline(sale, seconds: float) -> str:
    """Ten go offline and tap five times; nothing of that is bought, then or later; a tap afterwards is one order."""
    ten, keys = sale.buyers[:10], []
    for buyer in ten:
        buyer.tapping = False
    sale.until(lambda: not any(buyer.busy for buyer in ten), 75, "they do not come to rest")
    for buyer in ten:
        buyer.offline = True
    sale.until(lambda: not any(buyer.joined_at for buyer in ten), 10, "they do not get offline")
    for _ in range(5):
        for buyer in ten:
            keys.append(uuid.uuid4().hex)
            answer = buyer._either_door({"key": keys[-1], "offer_id": sale.offer_id, "quantity": 1})
            assert answer is None, answer
        gevent.sleep(seconds / 5)
    price = 210 + sale.dice.randint(1, 80)
    sale.act("set_price", offer_id=sale.offer_id, price_minor=price)
    for buyer in ten:
        buyer.offline = False
    back = sale.until(lambda: all(buyer.joined_at for buyer in ten), 15, "they do not come back")
    gevent.sleep(1)
    assert not _count("SELECT count(*) FROM claims WHERE key = ANY(:keys)", keys=keys), "a tap from offline was bought"
    taps = [gevent.spawn(buyer.buy, sale.offer_id) for buyer in ten]
    gevent.joinall(taps, timeout=120)
    orders = [tap.value for tap in taps if tap.value]
    assert _count("SELECT count(*) FROM order_lines WHERE order_id = ANY(cast(:ids AS uuid[])) AND unit_price_minor = "
                  ":price", ids=orders, price=price) == len(orders), "bought at a price that held no longer"
    for buyer in ten:
        buyer.tapping = True
    return f"back within {back:.1f} s; {len(orders)} orders afterwards, none before"


def double_clicks(sale) -> str:
    """Limit one each: two tabs with keys of their own, one key twice at once, one hold paid in both tabs."""
    offer, ten, holds = sale.spare["single"].pop(), sale.buyers[:10], 0
    for buyer in ten:
        tab, path = _twin(buyer), f"/api/live/{sale.live_id}/claims"
        bodies = [{"key": key, "offer_id": offer, "quantity": 1} for key in ["same" + offer] * 2 + [uuid.uuid4().hex]]
        taps = [gevent.spawn(_ask, web, path, body)
                for web, body in zip((_twin(buyer), tab, _twin(buyer)), bodies, strict=True)]
        gevent.joinall(taps, timeout=120)
        won = {answer["hold"]["id"] for status, answer in (tap.value for tap in taps) if status == 200}
        assert len(won) == 1, f"{len(won)} holds of one allowed: {[tap.value for tap in taps]}"
        me, hold = _me(buyer), won.pop()
        body = {"hold_id": hold, "address_id": me["default_address"]["id"], "method": "card",
                "card_id": me["cards"][0]["id"]}
        taps = [gevent.spawn(_ask, web, "/api/orders", {**body, "key": uuid.uuid4().hex})
                for web in (tab, _twin(buyer))]
        gevent.joinall(taps, timeout=120)
        codes = sorted(status for status, _answer in (tap.value for tap in taps))
        assert codes == [201, 409], f"one hold, two tabs: {[tap.value for tap in taps]}"
        holds += 1
    paid = _count("SELECT count(*) FROM order_lines l JOIN orders o ON o.id = l.order_id WHERE l.offer_id = "
                  "cast(:offer AS uuid)", offer=offer)
    assert paid == holds, f"{paid} orders of {holds} buyers"
    return f"{holds} buyers, {paid} orders"


def other_bodies(sale) -> str:
    """A key that was used is refused for anything else, over both doors; the first answer stays."""
    buyer = sale.buyers[0]
    key = uuid.uuid4().hex
    path = f"/api/live/{sale.live_id}/claims"
    body = {"key": key, "offer_id": sale.spare["single"].pop(), "quantity": 1}
    tab = _twin(buyer)
    status, first = _ask(tab, path, body)
    assert status == 200, first
    status, answer = _ask(tab, path, {**body, "offer_id": sale.offer_id})
    assert (status, answer["code"]) == (422, "key_conflict"), answer
    if buyer.joined_at:
        end, answer = time.monotonic() + 60, {"code": "busy"}
        while answer["code"] == "busy" and time.monotonic() < end:
            gevent.sleep(0.3)
            answer = buyer.sockets.ask("claim", {**body, "quantity": 2, "live_id": str(sale.live_id)}, 20)
        assert answer["code"] == "key_conflict", answer
    assert _ask(tab, path, body)[1]["hold"]["id"] == first["hold"]["id"]
    me, key = _me(buyer), uuid.uuid4().hex
    order = {"key": key, "hold_id": first["hold"]["id"], "address_id": me["default_address"]["id"], "method": "card",
             "card_id": me["cards"][0]["id"]}
    status, made = _ask(tab, "/api/orders", order)
    assert status == 201, made
    status, answer = _ask(tab, "/api/orders", {
        **{name: value for name, value in order.items() if name != "card_id"}, "method": "bank_page"})
    assert (status, answer["code"]) == (422, "key_conflict"), answer
    assert _ask(tab, "/api/orders", order)[1]["order"]["id"] == made["order"]["id"]
    return "422, and the first answers stay"


def _all_at_once(sale, offer: str) -> list:
    """Everybody taps for one offer in the same instant, by turns over the socket and over HTTP; the winners."""
    def tap(buyer, number):
        body = {"key": uuid.uuid4().hex, "offer_id": offer, "quantity": 1}
        if number % 2 and not buyer.sockets.closed:
            return buyer.sockets.ask("claim", {**body, "live_id": str(sale.live_id)}, 20)
        return _twin(buyer).call("POST", f"/api/live/{sale.live_id}/claims", body, seconds=20)[1]
    buyers = [sale.buyers[n % len(sale.buyers)] for n in range(200)]
    taps = [gevent.spawn(tap, buyer, number) for number, buyer in enumerate(buyers)]
    gevent.joinall(taps, timeout=120)
    answers = [tap.value if isinstance(tap.value, dict) else {"code": str(tap.value)} for tap in taps]
    assert all(answer.get("ok") or answer["code"] in ("sold_out", "over_limit", "busy", "too_many")
               for answer in answers), answers
    return [answer["hold"]["id"] for answer in answers if answer.get("ok")]


def last_unit(sale) -> str:
    """200 taps, one unit, two web processes: one winner. The control takes the locks away and must sell it twice."""
    sale.rest()  # without locks whoever still pays would be lost as well
    won = _all_at_once(sale, sale.spare["last"].pop())
    assert len(set(won)) == 1, f"{len(won)} won the last unit"
    control = _without_locks(sale, sale.spare["last"].pop())
    sale.tap(True)
    sale.buys_again()
    return f"1 of 200 won; without locks {control}"


def _without_locks(sale, offer: str) -> int:
    """The same with row locks and the CHECK off; how many won. Everything is put right afterwards."""
    sale.rig.arm("unlocked", "yes")
    sale.rig.restart("web1", "web2")
    sale.rig.wait_ready()
    sale.until(lambda: all(buyer.joined_at for buyer in sale.buyers), 45, "somebody does not come back")
    with core.db.engine().begin() as connection:
        connection.execute(text("ALTER TABLE offer_stock DROP CONSTRAINT ck_offer_stock_signs"))
    sale.rig.arm("claims.before_commit", "sleep 1")
    won = _all_at_once(sale, offer)
    with core.db.engine().begin() as connection:
        for statement in ("DELETE FROM claims WHERE stock_id = (SELECT id FROM offer_stock WHERE offer_id = :offer)",
                          "DELETE FROM offer_members WHERE stock_id = (SELECT id FROM offer_stock WHERE offer_id = "
                          ":offer)", "DELETE FROM holds WHERE offer_id = :offer",
                          'UPDATE offer_stock SET "left" = 1, held = 0, version = version + 1 WHERE offer_id = :offer'):
            connection.execute(text(statement.replace(":offer", "cast(:offer AS uuid)")), {"offer": offer})
        connection.execute(text('ALTER TABLE offer_stock ADD CONSTRAINT ck_offer_stock_signs CHECK '
                                '(reserve >= 0 AND "left" >= 0 AND held >= 0 AND sold >= 0 AND waiting >= 0)'))
    sale.rig.disarm()
    sale.rig.restart("web1", "web2")
    sale.rig.wait_ready()
    assert len(set(won)) > 1, "the control did not oversell: this test would not see it either"
    return len(set(won))


def one_variant(sale) -> str:
    """Five units, limit five, 3 wanted twice in the same instant by one buyer, then single ones by others: each alone
    would fit. (A campaign offers a variant once: its own unique key; so two lines of one variant are two claims.)"""
    offer, ten, path = sale.spare["five"].pop(), sale.buyers[:10], f"/api/live/{sale.live_id}/claims"

    def claim(buyer, quantity):
        return gevent.spawn(_ask, _twin(buyer), path, {"key": uuid.uuid4().hex, "offer_id": offer,
                                                       "quantity": quantity})
    greedy = [claim(ten[0], 3), claim(ten[0], 3)]
    gevent.joinall(greedy, timeout=120)
    assert sorted(tap.value[0] for tap in greedy) == [200, 409], [tap.value for tap in greedy]
    taps = [claim(buyer, 1) for buyer in ten for _tab in range(2)]
    gevent.joinall(taps, timeout=120)
    won = 3 + sum(tap.value[0] == 200 for tap in taps)
    held = _count("SELECT held + sold FROM offer_stock WHERE offer_id = cast(:id AS uuid)", id=offer)
    assert (won, held) == (5, 5), f"{won} won, {held} held"
    return f"{len(taps) + 2} taps, 5 units"


def _at_the_bank(sale, buyer, offer: str):
    """A hold, and an order that waits on the bank's page: (order id, the page's path)."""
    tab, me = _twin(buyer), _me(buyer)
    status, answer = _ask(tab, f"/api/live/{sale.live_id}/claims",
                          {"key": uuid.uuid4().hex, "offer_id": offer, "quantity": 1})
    assert status == 200, answer
    status, made = _ask(tab, "/api/orders", {
        "key": uuid.uuid4().hex, "hold_id": answer["hold"]["id"], "method": "bank_page",
        "address_id": me["default_address"]["id"]})
    assert status == 201, made
    return made["order"]["id"], made["next"]["redirect"], answer["hold"]["id"]


def _pay_at_the_bank(buyer, page: str) -> None:
    for _try in range(5):
        status, answer = _twin(buyer).call("POST", page, b"act=approve", **{
            "Content-Type": "application/x-www-form-urlencoded"})
        if status not in (0, 503):
            break
    assert status in (200, 302), answer


def late_payment(sale) -> str:
    """Paid on the bank's page after the hold ended: the units if they are there, else all the money back."""
    first, second = sale.buyers[:2]
    alone, contested = sale.spare["quick"].pop(), sale.spare["short"].pop()
    kept, kept_page, kept_hold = _at_the_bank(sale, first, alone)
    lost, lost_page, lost_hold = _at_the_bank(sale, first, contested)
    for hold in (kept_hold, lost_hold):
        sale.until(lambda hold=hold: _count("SELECT state FROM holds WHERE id = cast(:id AS uuid)", id=hold)
                   == "expired", 20, "the hold does not end")
    assert second.buy(contested), "the unit that came back cannot be bought"
    for page in (kept_page, lost_page):
        _pay_at_the_bank(first, page)
    state = "SELECT o.state || ' ' || coalesce(r.state, '-') FROM orders o LEFT JOIN refunds r ON r.order_id = o.id " \
            "WHERE o.id = cast(:id AS uuid)"
    sale.until(lambda: _count(state, id=kept) == "paid -", 40, "the late payment was not taken")
    sale.until(lambda: _count(state, id=lost) == "expired succeeded", 60, "the late money did not go back")
    return "units there: paid; gone: all money back"


def _post_notice(sale, event_id: str, state: str, charge) -> str:
    body = json.dumps({"id": event_id, "state": state, "reference": charge.reference,
                       "amount_minor": charge.amount_minor, "currency": charge.currency}).encode()
    tab = Web(sale.rig.url, "none=none")
    for _try in range(5):
        status, answer = tab.call("POST", "/webhooks/sandbox", body,
                                  **{"Sandbox-Signature": named("sandbox").signature(body)})
        if status not in (0, 503):
            break
    assert status == 200, answer
    return answer["effect"]


def webhooks(sale) -> str:
    """The bank's word comes twice at once, out of order and three days late: one effect."""
    buyer = sale.buyers[0]
    order, page, _hold = _at_the_bank(sale, buyer, sale.spare["single"].pop())
    with core.db.reading() as db:
        charge = db.execute(text("SELECT c.reference, c.amount_minor, c.currency FROM sandbox_charges c "
                                 "JOIN payments p ON p.key = c.reference WHERE p.order_id = cast(:id AS uuid)"),
                            {"id": order}).one()
    events = [uuid.uuid4().hex for _ in range(4)]
    effects = [_post_notice(sale, events[0], "open", charge)]
    pair = [gevent.spawn(_post_notice, sale, events[1], "approved", charge) for _ in range(2)]
    gevent.joinall(pair, timeout=30)
    effects += sorted(one.value for one in pair)
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE payments SET created_at = created_at - interval '3 days' WHERE order_id = "
                                "cast(:id AS uuid)"), {"id": order})
    effects += [_post_notice(sale, events[2], "declined", charge), _post_notice(sale, events[3], "approved", charge)]
    assert effects == ["open", "paid", "repeat", "repeat", "repeat"], effects
    with core.db.engine().begin() as connection:  # what the bank itself says in its own time
        connection.execute(text("UPDATE sandbox_charges SET state = 'approved' WHERE reference = :key"),
                           {"key": charge.reference})
    kept = "SELECT count(*) FROM payments WHERE order_id = cast(:id AS uuid) AND state = 'succeeded'"
    assert _count(kept, id=order) == 1
    return "five notices, one payment"


def windows(sale) -> str:
    """With web clocks wrong, a flash sale opens and closes by the database's clock, whichever process is asked."""
    offer, path = sale.spare["quick"].pop(), f"/api/live/{sale.live_id}/claims"
    sale.act("close_shelf", offer_id=offer)
    sale.act("start_sale", offer_id=offer, countdown_seconds=10, duration_seconds=60, quantity=5)
    opens = _count("SELECT opens_at FROM offer_stock WHERE offer_id = cast(:id AS uuid)", id=offer)
    told, tab = [], [_twin(buyer) for buyer in sale.buyers[:8]]
    end = time.monotonic() + 65
    while time.monotonic() < end and sum(status == 200 for status, _early, _answer in told) < 3:
        for web in tab:
            web.close()  # a new connection: the kernel deals them out among the processes
            early = _count("SELECT clock_timestamp() < :opens", opens=opens)
            status, answer = web.call("POST", path, {"key": uuid.uuid4().hex, "offer_id": offer, "quantity": 1})
            if status not in (0, 429, 503):
                told.append((status, early and _count("SELECT clock_timestamp() < :opens", opens=opens), answer))
        gevent.sleep(0.2)
    assert any(early for _status, early, _answer in told), "nobody asked before the opening"
    for status, early, answer in told:
        assert status == 200 and not early or answer.get("code") in ("not_open", "over_limit", "sold_out"), answer
    assert sum(status == 200 for status, _early, _answer in told) >= 3, told[-3:]
    return f"{sum(bool(early) for _s, early, _a in told)} refused before the opening, none after"


def storm(sale, count: int) -> str:
    """`count` more sockets are in the show; their process is killed; all come back, and buying goes on."""
    from tests.faults.storm import Storm
    with Storm(sale, count) as crowd:
        waits = len(sale.diary.waits)
        sale.rig.kill("web1")
        sale.rig.kill("web2")
        seconds = crowd.come_back()
        sale.buys_again()
        during = sorted(sale.diary.waits[waits:])
    assert seconds["p95"] <= 30, f"95 % were back after {seconds['p95']:.1f} s only"
    slowest = during[int(len(during) * 0.99)] if during else 0
    return f"{count} sockets, p95 back {seconds['p95']:.1f} s, last {seconds['last']:.1f} s, buying p99 {slowest:.1f} s"
