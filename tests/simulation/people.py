"""Buyers: they tap, tap twice, ask again under the same key when nothing comes back, wait in line, pay, regret."""
from tests.simulation import orders, stock
from tests.simulation.shop import MEMBERS, STOCKS, WEBS, Shop, host
from tests.simulation.world import LATE

EVENING_SECONDS = 30
MOST_TRIES = 6


def evening(seed: int, bugs: frozenset = frozenset(), crash_chance: float = 0.004) -> Shop:
    """One run to its quiet end, looked at. Raises Violation."""
    shop = Shop(seed, bugs, crash_chance)
    shop.world.spawn(host(shop))
    for member in MEMBERS:
        shop.world.spawn(Buyer(shop, member).live())
    shop.world.run(EVENING_SECONDS + 5)
    # Nothing breaks any more: what is open must come to its end by itself.
    shop.world.crash_chance, shop.bank.never = 0, True
    shop.world.run(EVENING_SECONDS + 120)
    shop.checker.finish(shop.db.tables, shop.bank)
    return shop


class Buyer:
    def __init__(self, shop: Shop, member: str):
        self.shop, self.member, self.dice = shop, member, shop.world.random
        self.holds: list[str] = []
        self.orders: list[str] = []
        self.taps = 0

    def live(self):
        acts = (self.buy, self.buy, self.buy, self.pay, self.pay, self.pay_again, self.wait, self.let_go, self.regret,
                self.look)
        while self.shop.world.now < EVENING_SECONDS:
            yield self.dice.expovariate(0.8)
            yield from self.dice.choice(acts)()

    def key(self) -> str:
        self.taps += 1
        return f"k{self.taps}"

    def insist(self, ask):
        """Ask until something comes back: the same key, now this process and now that. None after too many tries."""
        for _ in range(MOST_TRIES):
            answer = yield ask(self.dice.choice(WEBS)), 3.0
            if answer is not LATE and answer != "refused":
                return answer
            yield self.dice.uniform(0.1, 2)
        return None

    def buy(self):
        key, name, quantity = self.key(), self.dice.choice(STOCKS), self.dice.randint(1, 2)
        if self.dice.random() < 0.15:  # a double click: the same key twice at once
            self.shop.claim(self.member, key, name, quantity, self.dice.choice(WEBS))
        answer = yield from self.insist(lambda web: self.shop.claim(self.member, key, name, quantity, web))
        if answer is None:
            return
        self.shop.checker.claimed(self.member, key, name, quantity, answer)
        if answer[0] == "held" and answer[1] not in self.holds:
            self.holds.append(answer[1])
        if self.dice.random() < 0.1:  # another body under a used key
            other = yield from self.insist(lambda web: self.shop.claim(self.member, key, name, quantity + 1, web))
            if other is not None:
                self.shop.checker.conflicted(self.member, key, answer, other)
        elif self.dice.random() < 0.2:  # and the same again, much later
            yield self.dice.uniform(0, 8)
            again = yield from self.insist(lambda web: self.shop.claim(self.member, key, name, quantity, web))
            if again is not None:
                self.shop.checker.claimed(self.member, key, name, quantity, again)

    def look(self):
        """What the page learns from its snapshot: holds from the line."""
        for row in self.shop.db.table("holds").values():
            if row["member"] == self.member and row["state"] == "held" and row["id"] not in self.holds:
                self.holds.append(row["id"])
        yield

    def pay(self):
        if not self.holds:
            return
        hold, key = self.dice.choice(self.holds), self.key()
        method = self.dice.choice(("card", "card", "bank_page"))
        if self.dice.random() < 0.15:  # two tabs
            self.shop.ask(self.shop.place(self.member, self.key(), hold, method), self.dice.choice(WEBS))
        answer = yield from self.insist(lambda web: self.shop.ask(self.shop.place(self.member, key, hold, method), web))
        if answer and answer[0] == "ordered":
            self.shop.checker.ordered(self.member, key, answer[1])
            if answer[1] not in self.orders:
                self.orders.append(answer[1])

    def pay_again(self):
        if self.orders:
            order, key = self.dice.choice(self.orders), self.key()
            yield from self.insist(lambda web: self.shop.ask(
                self.shop.pay_again(self.member, order, key, self.dice.choice(("card", "bank_page"))), web))

    def wait(self):
        name, quantity = self.dice.choice(STOCKS), self.dice.randint(1, 2)
        act, more = (stock.join, (quantity,)) if self.dice.random() < 0.85 else (stock.leave, ())
        yield from self.insist(lambda web: self.shop.ask(
            self.shop.acting(act, name, self.member, *more), web))

    def let_go(self):
        if self.holds:
            hold = self.dice.choice(self.holds)
            yield from self.insist(lambda web: self.shop.ask(self.shop.acting(stock.release, hold, self.member), web))

    def regret(self):
        if self.orders:
            order = self.dice.choice(self.orders)
            yield from self.insist(lambda web: self.shop.ask(orders.cancel(self.shop, self.member, order), web))
