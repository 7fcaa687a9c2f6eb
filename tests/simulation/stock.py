"""Claims, holds and the line, statement by statement as campaigns/stock does them; `yield` stands where another process
can come in between. Decisions are the product's own pure rules: rules.decide, sharing.serve, sharing.retake.

`shop.bugs` names mistakes that are made on purpose, so that the checker can be seen to find them.
"""
from campaigns.stock import rules, sharing
from tests.simulation.database import Taken

MEMORY_SECONDS = 0.05  # as claims.SOLD_OUT_MEMORY_SECONDS
LINE_HOLD_SECONDS = 12  # rules.WAITLIST_HOLD_SECONDS, at the evening's speed


class Batches:
    """One web process: what arrives while a batch commits goes into the next (campaigns/stock/batches.py)."""

    def __init__(self, shop, process: str):
        self.shop, self.process, self.waiting, self.busy = shop, process, [], False
        self.sold_out: dict = {}

    def claim(self, item, future) -> None:
        self.waiting.append((item, future))
        if not self.busy:
            self.busy = True
            self.shop.world.spawn(self._loop(), self.process)

    def _loop(self):
        while self.waiting:
            batch, self.waiting = self.waiting[:8], self.waiting[8:]
            yield
            answers = yield from self._run([item for item, _ in batch])
            for (_, future), answer in zip(batch, answers, strict=True):
                self.shop.world.resolve(future, answer)
        self.busy = False

    def _run(self, batch):
        now = self.shop.world.now
        gone = [self.sold_out.get(item[2], 0) > now for item in batch]
        rest = [item for item, empty in zip(batch, gone, strict=True) if not empty]
        late = [item for item, empty in zip(batch, gone, strict=True) if empty]
        decided = iter((yield from self._decide(rest)) if rest else ())
        refused = iter((yield from self._refuse_unless_known(late)) if late else ())
        return [next(refused) if empty else next(decided) for empty in gone]

    def _refuse_unless_known(self, batch):
        yield
        known = self.shop.db.table("claims")
        repeats = [item for item in batch if (item[0], item[1]) in known]
        answers = iter((yield from self._decide(repeats)) if repeats else ())
        return [next(answers) if (item[0], item[1]) in known else ("sold_out", None) for item in batch]

    def _decide(self, batch):
        for again in (True, False):
            tx = self.shop.db.begin()
            try:
                return (yield from self._transaction(tx, batch))
            except Taken:
                tx.rollback()
                if not again:
                    raise
        raise AssertionError("unreachable")

    def _transaction(self, tx, batch):
        shop = self.shop
        stocks = sorted({item[2] for item in batch})
        for stock in stocks:
            if "forgot_lock" not in shop.bugs:
                yield from tx.lock("stock", stock)
        rows = {stock: tx.get("stock", stock) for stock in stocks}
        yield
        wanted = [rules.Wanted(member, key, stock, quantity) for member, key, stock, quantity in batch]
        units, known, now = self._read(tx, wanted), self._known(tx, wanted), shop.world.now
        yield
        shelves = {row["id"]: rules.Shelf(row["id"], row["mode"], row["opens_at"], row["closes_at"], row["left"],
                                          10**6 if "forgot_limit" in shop.bugs else row["limit"])
                   for row in rows.values()}
        answers = rules.decide(wanted, shelves, units, known, now, lambda: f"h{shop.db.next()}")
        yield from self._write(tx, wanted, answers, rows, now)
        if "answers_early" in shop.bugs:
            shop.early([(w, a) for w, a in zip(wanted, answers, strict=True)])
        yield
        tx.commit()
        yield
        for stock in stocks:
            if not shelves[stock].left and rows[stock]["mode"] != "closed":
                self.sold_out[stock] = shop.world.now + MEMORY_SECONDS
        return [(answer.outcome, answer.hold_id) for answer in answers]

    def _read(self, tx, wanted):
        return {(w.shelf_id, w.member_id): (tx.get("units", (w.shelf_id, w.member_id)) or {"units": 0})["units"]
                for w in wanted}

    def _known(self, tx, wanted):
        found = {(w.member_id, w.key): tx.get("claims", (w.member_id, w.key)) for w in wanted}
        if "forgot_key" in self.shop.bugs:
            return {}
        return {key: rules.Known(row["stock"], row["quantity"], row["outcome"], row["hold"])
                for key, row in found.items() if row}

    def _write(self, tx, wanted, answers, rows, now):
        yield
        for w, a in zip(wanted, answers, strict=True):
            if not a.fresh:
                continue
            if a.outcome == "held":
                row = rows[w.shelf_id]
                yield from tx.insert("holds", a.hold_id, {
                    "id": a.hold_id, "stock": w.shelf_id, "member": w.member_id, "quantity": w.quantity,
                    "price": row["price"], "state": "held", "source": "claim", "expires": now + row["hold_seconds"]})
                yield from tx.update("stock", w.shelf_id, lambda s, n=w.quantity: {
                    "left": s["left"] - n, "held": s["held"] + n, "version": s["version"] + 1})
                yield from count_units(tx, w.shelf_id, w.member_id, w.quantity)
            claim = {"member": w.member_id, "key": w.key, "stock": w.shelf_id, "quantity": w.quantity,
                     "outcome": a.outcome, "hold": a.hold_id}
            name = (w.member_id, w.key)
            if "forgot_key" in self.shop.bugs:
                name = (*name, self.shop.db.next())  # nor is there a unique key behind it
            yield from tx.insert("claims", name, claim)


def count_units(tx, stock, member, quantity):
    """INSERT … ON CONFLICT DO UPDATE."""
    yield from tx.lock("units", (stock, member))
    row = tx.get("units", (stock, member)) or {"stock": stock, "member": member, "units": 0}
    tx.written["units", (stock, member)] = {**row, "units": row["units"] + quantity}


# -- actions.py: the stock row first, then holds, then the line ------------------------------------------------------


def end_hold(shop, tx, hold_id, state):
    """held → state, once: one conditional UPDATE. The hold, or None if it had ended."""
    yield
    careless = "ends_twice" in shop.bugs
    return (yield from tx.update("holds", hold_id, lambda h: {"state": state}
                                 if h["state"] == "held" or careless and h["state"] != "consumed" else None))


def consume(shop, tx, hold_id):
    hold = tx.get("holds", hold_id)
    yield from tx.lock("stock", hold["stock"])
    if not (yield from end_hold(shop, tx, hold_id, "consumed")):
        return False
    change(tx, hold["stock"], held=-hold["quantity"], sold=hold["quantity"])
    return True


def take_out(shop, tx, hold, state):
    if not (yield from end_hold(shop, tx, hold["id"], state)):
        return False
    change(tx, hold["stock"], held=-hold["quantity"], left=hold["quantity"])
    yield from count_units(tx, hold["stock"], hold["member"], -hold["quantity"])
    return True


def change(tx, stock, **by) -> None:
    row = tx.get("stock", stock)
    tx.change("stock", stock, version=row["version"] + 1, **{name: row[name] + n for name, n in by.items()})


def release(shop, tx, hold_id, member):
    hold = tx.get("holds", hold_id)
    yield from tx.lock("stock", hold["stock"])
    hold = tx.get("holds", hold_id)
    if hold["member"] != member or hold["state"] == "consumed":
        return "hold_gone"
    if (yield from take_out(shop, tx, hold, "released")):
        yield from put_back(shop, tx, hold["stock"])
    return "ok"


def expire_due(shop, tx, stock):
    if "forgot_lock" not in shop.bugs:
        yield from tx.lock("stock", stock)
    now = shop.world.now
    due = [h for h in tx.rows("holds") if h["stock"] == stock and h["state"] == "held" and h["expires"] <= now]
    if "ends_twice" in shop.bugs:
        due += shop.forgotten.get(stock, [])
        shop.forgotten[stock] = due[:1]
    ended = False
    for hold in due:
        if (yield from take_out(shop, tx, hold, "expired")):
            ended = True
    if ended:
        yield from put_back(shop, tx, stock)


def put_back(shop, tx, stock):
    if "forgot_line" not in shop.bugs:
        yield from serve(shop, tx, stock)
    row = yield from tx.lock("stock", stock)
    if row["mode"] == "closed":
        tx.change("stock", stock, reserve=row["reserve"] + row["left"], left=0)
    yield


def reclaim(shop, tx, stock, member, quantity, price):
    row = yield from tx.lock("stock", stock)
    units = (tx.get("units", (stock, member)) or {"units": 0})["units"]
    taken = sharing.retake(row["left"], row["reserve"], units, row["limit"], quantity)
    if taken is None:
        return None
    change(tx, stock, left=-taken[0], reserve=-taken[1], sold=quantity)
    yield from count_units(tx, stock, member, quantity)
    hold_id = f"h{shop.db.next()}"
    yield from tx.insert("holds", hold_id, {"id": hold_id, "stock": stock, "member": member, "quantity": quantity,
                                            "price": price, "state": "consumed", "source": "late_payment",
                                            "expires": shop.world.now})
    return hold_id


def return_sold(shop, tx, stock, member, quantity):
    yield from tx.lock("stock", stock)
    change(tx, stock, sold=-quantity, left=quantity)
    yield from count_units(tx, stock, member, -quantity)
    yield from put_back(shop, tx, stock)


# -- line.py -----------------------------------------------------------------------------------------------------------


class Entry:
    """A row of the line as sharing.serve wants it."""

    def __init__(self, row):
        self.row, self.member_id, self.quantity = row, row["member"], row["quantity"]


def waiting(tx, stock) -> list[dict]:
    return [row for row in tx.rows("line") if row["stock"] == stock and row["state"] == "waiting"]


def serve(shop, tx, stock):
    row = yield from tx.lock("stock", stock)
    entries = [Entry(entry) for entry in waiting(tx, stock)]
    if "overtakes" in shop.bugs:
        entries.reverse()
    given = list(sharing.serve(entries, row["left"], row["limit"], lambda member: (
        tx.get("units", (stock, member)) or {"units": 0})["units"]))
    for entry, quantity in given:
        yield
        hold_id = None
        if quantity:
            hold_id = f"h{shop.db.next()}"
            yield from tx.insert("holds", hold_id, {
                "id": hold_id, "stock": stock, "member": entry.member_id, "quantity": quantity,
                "price": entry.row["price"], "state": "held", "source": "waitlist",
                "expires": shop.world.now + LINE_HOLD_SECONDS})
            change(tx, stock, left=-quantity, held=quantity)
            yield from count_units(tx, stock, entry.member_id, quantity)
        tx.written["line", entry.row["id"]] = {**entry.row, "state": "served" if quantity else "gone", "hold": hold_id}
        change(tx, stock, waiting=-1)


def join(shop, tx, stock, member, quantity):
    row = yield from tx.lock("stock", stock)
    units = (tx.get("units", (stock, member)) or {"units": 0})["units"]
    if units + quantity > row["limit"]:
        return "over_limit"
    entry = next((entry for entry in waiting(tx, stock) if entry["member"] == member), None)
    if entry is None:
        entry = {"id": shop.db.next(), "stock": stock, "member": member, "price": row["price"], "state": "waiting",
                 "hold": None}
        change(tx, stock, waiting=1)
    tx.written["line", entry["id"]] = {**entry, "quantity": quantity}
    yield
    if "joins_blindly" not in shop.bugs:
        yield from serve(shop, tx, stock)
    return "ok"


def leave(shop, tx, stock, member):
    yield from tx.lock("stock", stock)
    for entry in waiting(tx, stock):
        if entry["member"] == member:
            tx.written["line", entry["id"]] = {**entry, "state": "gone"}
            change(tx, stock, waiting=-1)
    yield
