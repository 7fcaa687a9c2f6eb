"""The shop as processes: two web processes with a batcher each, one leader whose ticks do what is due by the clock."""
from tests.simulation import checker, orders, stock
from tests.simulation.bank import Bank
from tests.simulation.database import Database
from tests.simulation.world import Future, World

WEBS = ("web1", "web2")
LEADER = "leader"
MEMBERS = tuple(f"m{n}" for n in range(6))
STOCKS = ("s1", "s2")


class Shop:
    """One evening. `bugs` are mistakes made on purpose."""

    def __init__(self, seed: int, bugs: frozenset = frozenset(), crash_chance: float = 0.004):
        self.world = World(seed, crash_chance)
        self.bugs, self.forgotten = bugs, {}
        self.checker = checker.Checker(MEMBERS)
        self.db = Database(self.world, checks=(checker.row_check,), watch=self.checker.committed)
        self.bank = Bank(self)
        self.batches = {}
        for name in STOCKS:
            self._offer(name)
        for web in WEBS:
            self.world.start(web, lambda web=web: self.batches.__setitem__(web, stock.Batches(self, web)))
        self.world.start(LEADER, self._lead)

    def _offer(self, name: str) -> None:
        units, dice = self.world.random.randint(2, 7), self.world.random
        self.db.table("stock")[name] = {
            "id": name, "allotment": units, "reserve": units, "left": 0, "held": 0, "sold": 0, "waiting": 0,
            "version": 0, "mode": "closed", "opens_at": None, "closes_at": None, "price": 210,
            "limit": dice.randint(1, 3), "hold_seconds": dice.choice([3, 6, 10])}

    # -- requests

    def ask(self, work, process: str) -> Future:
        """Run a request in a web process; the future may never be answered."""
        future = Future()
        if not self.world.is_up(process):
            self.world.after(0.01, lambda: self.world.resolve(future, "refused"))
            return future

        def serve():
            answer = yield from work
            if self.world.random.random() > 0.03:  # else the line breaks before the answer is through
                self.world.resolve(future, answer)
        self.world.spawn(serve(), process)
        return future

    def claim(self, member: str, key: str, name: str, quantity: int, process: str) -> Future:
        future, inside = Future(), Future()
        if not self.world.is_up(process):
            self.world.after(0.01, lambda: self.world.resolve(future, "refused"))
            return future

        def serve():
            self.batches[process].claim((member, key, name, quantity), inside)
            answer = yield inside, 3.0
            if self.world.random.random() > 0.03:
                self.world.resolve(future, answer)
        self.world.spawn(serve(), process)
        return future

    def early(self, pairs) -> None:
        """For a planted mistake: winners are told before the commit."""
        for wanted, answer in pairs:
            if answer.outcome != "held":
                continue
            self.checker.claimed(wanted.member_id, wanted.key, wanted.shelf_id, wanted.quantity,
                                 (answer.outcome, answer.hold_id))

    def place(self, member, key, hold_id, method):
        answer, payment = yield from orders.place(self, member, key, hold_id, method)
        if payment:
            yield from orders.begin(self, payment)
        return answer

    def pay_again(self, member, order_id, key, method):
        answer, payment = yield from orders.try_again(self, member, order_id, key, method)
        if payment:
            yield from orders.begin(self, payment)
        return answer

    def acting(self, action, *args):
        """An action of campaigns/stock in a transaction of its own."""
        tx = self.db.begin()
        answer = yield from action(self, tx, *args)
        yield
        tx.commit()
        yield
        return answer

    def notice(self, event_id: str, key: str, said: str) -> None:
        """The bank posts to whichever web process is up; it tries again later if none answers."""
        web = self.world.random.choice(WEBS)
        if self.world.is_up(web):
            self.world.spawn(orders.receive(self, event_id, key, said), web)
        else:
            self.world.after(2, lambda: self.notice(event_id, key, said))

    # -- the leader

    def _lead(self) -> None:
        for tick in (self._expire, orders.expire_unpaid, orders.look_up_open, orders.send_refunds, self._close_due):
            self.world.spawn(self._repeat(tick), LEADER)

    def _repeat(self, tick):
        while True:
            # When the evening is over there is little left to do, and no hurry.
            yield self.world.random.uniform(0.3, 1.2) if not self.bank.never else self.world.random.uniform(1, 5)
            yield from (tick(self) if tick not in (self._expire, self._close_due) else tick())

    def _expire(self):
        due = sorted({h["stock"] for h in self.db.table("holds").values()
                      if h["state"] == "held" and h["expires"] <= self.world.now})
        if "ends_twice" in self.bugs:
            due = sorted({*due, *self.forgotten})
        for name in due:
            yield
            yield from self.acting(stock.expire_due, name)

    def _close_due(self):
        for name in STOCKS:
            row = self.db.table("stock")[name]
            if row["mode"] == "flash" and row["closes_at"] <= self.world.now:
                yield from self.acting(close_if_over, name)


# -- what the host does ----------------------------------------------------------------------------------------------


def gather(tx, name: str) -> dict:
    row = tx.get("stock", name)
    return tx.change("stock", name, reserve=row["reserve"] + row["left"], left=0)


def open_sale(shop, tx, name, quantity, seconds):
    yield from tx.lock("stock", name)
    row = gather(tx, name)
    if not row["reserve"]:
        return "not_enough"
    quantity = min(quantity, row["reserve"])
    tx.change("stock", name, reserve=row["reserve"] - quantity, left=quantity, mode="flash",
              opens_at=shop.world.now + 0.5, closes_at=shop.world.now + 0.5 + seconds)
    yield from stock.put_back(shop, tx, name)
    return "ok"


def open_shelf(shop, tx, name):
    row = yield from tx.lock("stock", name)
    tx.change("stock", name, left=row["left"] + row["reserve"], reserve=0, mode="open", opens_at=shop.world.now,
              closes_at=None)
    yield from stock.put_back(shop, tx, name)
    return "ok"


def close_sale(shop, tx, name):
    yield from tx.lock("stock", name)
    gather(tx, name)
    tx.change("stock", name, mode="closed", opens_at=None, closes_at=None)
    yield
    return "ok"


def close_if_over(shop, tx, name):
    row = yield from tx.lock("stock", name)
    if row["mode"] == "flash" and row["closes_at"] <= shop.world.now:
        yield from close_sale(shop, tx, name)


def add_units(shop, tx, name, units):
    row = yield from tx.lock("stock", name)
    tx.change("stock", name, allotment=row["allotment"] + units, left=row["left"] + units)
    yield from stock.put_back(shop, tx, name)
    return "ok"


HOST_ACTS = (open_sale, open_shelf, close_sale, add_units)


def host(shop):
    """Opens, closes and restocks at random until the evening is over."""
    dice = shop.world.random
    while shop.world.now < 30:
        for name in STOCKS:
            act = dice.choice((open_sale, open_sale, open_shelf, open_shelf, close_sale, add_units))
            more = {open_sale: (dice.randint(1, 5), dice.uniform(2, 12)), add_units: (dice.randint(1, 2),)}
            yield shop.ask(shop.acting(act, name, *more.get(act, ())), dice.choice(WEBS)), 3.0
        yield dice.uniform(0.5, 6)
