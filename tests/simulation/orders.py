"""Orders, payments and refunds, statement by statement as orders/ does them. What a payment means is decided by the
product's orders.payments.rules.effect; order → payment → refund → stock is the order of locks."""
from orders.payments import rules
from tests.simulation import stock
from tests.simulation.database import Taken

# As orders/payments/apply.py and returns.py, at the evening's speed.
NEVER_SENT_SECONDS, NEVER_ARRIVED_SECONDS = 4, 12
FIRST_CHECK_SECONDS, LONGEST_CHECK_SECONDS, IN_FLIGHT_SECONDS = 1, 8, 5
OPEN = ("created", "pending", "unknown")
SILENCE = "no answer"


def place(shop, member, key, hold_id, method):
    """checkout.place: (answer, payment id to begin or None)."""
    digest = (hold_id, method)
    for _again in range(2):
        tx = shop.db.begin()
        yield
        known = _known(tx, member, key, digest)
        if known:
            tx.rollback()
            return known, None
        try:
            answer = yield from _new_order(shop, tx, member, key, hold_id, method, digest)
        except Taken:
            tx.rollback()
            continue
        yield
        return answer
    known = _known(shop.db.begin(), member, key, digest)
    return known or ("already_ordered", None), None


def _known(tx, member, key, digest):
    payment = next((p for p in tx.rows("payments") if p["key"] == f"{member}-{key}"), None)
    if payment is None:
        return None
    order = tx.get("orders", payment["order"])
    return ("ordered", order["id"]) if order["digest"] == digest and order["key"] == key else ("key_conflict", None)


def _new_order(shop, tx, member, key, hold_id, method, digest):
    hold = tx.get("holds", hold_id)
    if hold is None or hold["member"] != member:
        tx.rollback()
        return ("not_found", None), None
    if any(order["hold"] == hold_id for order in tx.rows("orders")):
        tx.rollback()
        return ("already_ordered", None), None
    if hold["state"] != "held" or hold["expires"] <= shop.world.now:
        tx.rollback()
        return ("hold_over", None), None
    yield
    order_id = f"o{shop.db.next()}"
    yield from tx.insert("orders", order_id, {
        "id": order_id, "member": member, "key": key, "digest": digest, "hold": hold_id, "stock": hold["stock"],
        "quantity": hold["quantity"], "total": hold["quantity"] * hold["price"], "state": "awaiting_payment",
        "paid": False, "refunded": 0, "returned": 0}, unique=(("member", "key"), ("hold",)))
    payment = yield from _attempt(shop, tx, order_id, member, key, method)
    yield
    tx.commit()
    return ("ordered", order_id), payment


def _attempt(shop, tx, order_id, member, key, method):
    payment_id = f"p{shop.db.next()}"
    yield from tx.insert("payments", payment_id, {
        "id": payment_id, "order": order_id, "key": f"{member}-{key}", "method": method, "state": "created",
        "amount": tx.get("orders", order_id)["total"], "refunded": 0, "created": shop.world.now, "checks": 0,
        "check_at": shop.world.now + NEVER_SENT_SECONDS}, unique=(("key",),))
    return payment_id


def try_again(shop, member, order_id, key, method):
    """checkout.try_again: (answer, payment id to begin or None)."""
    tx = shop.db.begin()
    order = yield from tx.lock("orders", order_id)
    yield
    known = next((p for p in tx.rows("payments") if p["key"] == f"{member}-{key}"), None)
    hold = tx.get("holds", order["hold"])
    runs = hold["state"] == "held" and hold["expires"] > shop.world.now
    running = any(p["order"] == order_id and p["method"] == "card" and p["state"] in OPEN for p in tx.rows("payments"))
    if known or order["state"] != "awaiting_payment" or not runs or running:
        tx.rollback()
        return ("ordered" if known else "not_payable", order_id), None
    payment = yield from _attempt(shop, tx, order_id, member, key, method)
    yield
    tx.commit()
    return ("ordered", order_id), payment


def begin(shop, payment_id, what="charge"):
    """attempts._call: ask the bank outside of any transaction, then apply what it says."""
    payment = shop.db.table("payments")[payment_id]
    yield
    key = payment["key"]
    if "charges_again" in shop.bugs and what == "lookup":
        what, key = "charge", f"{key}-{shop.db.next()}"
        shop.bank.same[key] = payment["key"]
    said = yield from shop.bank.call(what, key, payment["amount"], payment["method"])
    if said == SILENCE:
        yield from _no_answer(shop, payment_id)
    else:
        yield from apply_result(shop, payment_id, said)


def _no_answer(shop, payment_id):
    tx = shop.db.begin()
    _order, payment = yield from _lock_payment(shop, tx, payment_id)
    if payment["state"] in OPEN:
        tx.change("payments", payment_id, state="unknown", check_at=_next_check(shop, payment))
    yield
    tx.commit()


def _next_check(shop, payment) -> float:
    return shop.world.now + min(FIRST_CHECK_SECONDS * 2 ** payment["checks"], LONGEST_CHECK_SECONDS)


def _lock_payment(shop, tx, payment_id):
    order_id = tx.get("payments", payment_id)["order"]
    yield
    if "forgot_order_lock" in shop.bugs:
        return tx.get("orders", order_id), tx.get("payments", payment_id)
    order = yield from tx.lock("orders", order_id)
    payment = yield from tx.lock("payments", payment_id)
    return order, payment


def apply_result(shop, payment_id, said, tx=None):
    """apply.apply_result, in a transaction of its own or in the caller's."""
    own = tx is None
    tx = tx or shop.db.begin()
    order, payment = yield from _lock_payment(shop, tx, payment_id)
    yield
    limit = NEVER_SENT_SECONDS if payment["state"] == "created" else NEVER_ARRIVED_SECONDS
    effect = rules.effect(order["state"], order["paid"], payment["state"], said, sum_fits=True,
                          never_arrived=shop.world.now - payment["created"] > limit)
    if effect == "open":
        tx.change("payments", payment_id, check_at=_next_check(shop, payment),
                  state="pending" if said == "pending" else payment["state"])
    elif effect == "failed":
        tx.change("payments", payment_id, state="failed", check_at=None)
    elif effect == "take":
        yield from _take(shop, tx, order, payment)
    elif effect in rules.SEND_BACK:
        yield from _send_back(shop, tx, order["id"], payment, effect)
    yield
    if own:
        tx.commit()


def _take(shop, tx, order, payment):
    hold = order["hold"]
    if not (yield from stock.consume(shop, tx, hold)):
        hold = yield from stock.reclaim(shop, tx, order["stock"], order["member"], order["quantity"],
                                        order["total"] // order["quantity"])
        if hold is None:
            tx.change("orders", order["id"], state="expired")
            if "keeps_late_money" in shop.bugs:
                tx.change("payments", payment["id"], state="failed", check_at=None)
                return
            yield from _send_back(shop, tx, order["id"], payment, "late_payment")
            return
    tx.change("orders", order["id"], state="paid", paid=True, hold=hold)
    tx.change("payments", payment["id"], state="succeeded", check_at=None)


def _send_back(shop, tx, order_id, payment, reason):
    tx.change("payments", payment["id"], state="returned", refunded=payment["amount"], check_at=None)
    yield from _refund(shop, tx, order_id, payment, f"{reason}:{payment['id']}", payment["amount"])


def _refund(shop, tx, order_id, payment, key, amount):
    yield from tx.insert("refunds", key, {"key": key, "order": order_id, "payment": payment["id"], "amount": amount,
                                          "payment_key": payment["key"], "state": "pending",
                                          "next_at": shop.world.now, "tries": 0})


def cancel(shop, member, order_id):
    """actions.cancel."""
    tx = shop.db.begin()
    order = yield from tx.lock("orders", order_id)
    yield
    if order["state"] == "awaiting_payment":
        yield from stock.release(shop, tx, order["hold"], member)
    elif order["state"] == "paid":
        payment = next(p for p in tx.rows("payments") if p["order"] == order_id and p["state"] == "succeeded")
        payment = yield from tx.lock("payments", payment["id"])
        yield from _refund(shop, tx, order_id, payment, f"cancel:{order_id}", order["total"])
        tx.change("payments", payment["id"], refunded=payment["amount"])
        tx.change("orders", order_id, refunded=order["total"], returned=order["quantity"])
        yield from stock.return_sold(shop, tx, order["stock"], member, order["quantity"])
    else:
        tx.rollback()
        return ("cancelled" if order["state"] == "cancelled" else "not_cancellable", order_id)
    tx.change("orders", order_id, state="cancelled")
    yield
    tx.commit()
    return ("cancelled", order_id)


def receive(shop, event_id, key, said):
    """webhooks.take: kept once, applied in the same transaction."""
    tx = shop.db.begin()
    try:
        yield from tx.insert("notices", event_id, {"id": event_id})
    except Taken:
        tx.rollback()
        if "forgot_notice" not in shop.bugs:
            return
        tx = shop.db.begin()
    payment = next((p for p in tx.rows("payments") if p["key"] == key), None)
    yield
    if payment:
        yield from apply_result(shop, payment["id"], said, tx)
    tx.commit()


# -- by the clock ----------------------------------------------------------------------------------------------------


def expire_unpaid(shop):
    """actions.expire_orders; an order that somebody has locked is left for the next time."""
    ended = [order for order in shop.db.table("orders").values() if order["state"] == "awaiting_payment"
             and shop.db.table("holds")[order["hold"]]["state"] in ("expired", "released")]
    if not ended:
        return
    tx = shop.db.begin()
    for order in ended:
        if ("orders", order["id"]) not in shop.db.locks:
            fresh = yield from tx.lock("orders", order["id"])
            hold = tx.get("holds", fresh["hold"])
            if fresh["state"] == "awaiting_payment":
                tx.change("orders", order["id"], state="expired" if hold["state"] == "expired" else "cancelled")
    yield
    tx.commit()


def look_up_open(shop):
    due = [p["id"] for p in shop.db.table("payments").values()
           if p["state"] in OPEN and p["check_at"] is not None and p["check_at"] <= shop.world.now]
    yield
    for payment_id in due[:3]:
        tx = shop.db.begin()
        row = yield from tx.lock("payments", payment_id)
        open_still = row["state"] in OPEN
        if open_still:
            tx.change("payments", payment_id, checks=row["checks"] + 1)
        tx.commit()
        if open_still:
            yield from begin(shop, payment_id, "lookup")


def send_refunds(shop):
    due = [r["key"] for r in shop.db.table("refunds").values()
           if r["state"] == "pending" and r["next_at"] <= shop.world.now]
    yield
    for key in due[:3]:
        tx = shop.db.begin()
        mine = yield from tx.update("refunds", key, lambda r: {
            "next_at": shop.world.now + IN_FLIGHT_SECONDS, "tries": r["tries"] + 1}
            if r["state"] == "pending" and r["next_at"] <= shop.world.now else None)
        tx.commit()
        yield
        if mine:
            name = key if "refunds_again" not in shop.bugs else f"{key}#{mine['tries']}"
            said = yield from shop.bank.refund(name, mine["payment_key"], mine["amount"])
            tx = shop.db.begin()
            yield from tx.update("refunds", key, lambda r, said=said: {"state": "succeeded"}
                                 if r["state"] == "pending" and said != SILENCE else None)
            tx.commit()
