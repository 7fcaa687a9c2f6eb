"""The bank: its own books, which no crash of the shop touches. It may lose a question, lose an answer, and tell late,
twice and out of order."""
from tests.simulation.orders import SILENCE


class Bank:
    def __init__(self, shop):
        self.shop, self.world = shop, shop.world
        self.charges: dict[str, dict] = {}
        self.same: dict[str, str] = {}  # for a planted mistake: under which payment's name a charge was made again
        self.never = False  # once the evening is over it loses nothing more, so that the books can be compared

    def _chance(self, share: float) -> bool:
        return not self.never and self.world.random.random() < share

    def call(self, what: str, key: str, amount: int, method: str):
        """charge or lookup: pending | succeeded | failed | missing, or silence."""
        yield self.world.random.uniform(0.05, 1.5)
        if self._chance(0.08):
            return SILENCE  # the question was lost
        charge = self.charges.get(key)
        if charge is None and what == "lookup":
            return "missing"
        if charge is None:
            charge = self.charges[key] = {"state": "pending", "amount": amount, "refunds": {}}
            if method == "card":
                self._decide(key)
            else:
                self.world.after(self.world.random.uniform(0.5, 25), lambda: self._decide(key))
        yield self.world.random.uniform(0.05, 1.0)
        return SILENCE if self._chance(0.15) else charge["state"]

    def _decide(self, key: str) -> None:
        charge = self.charges[key]
        charge["state"] = "succeeded" if self.world.random.random() < 0.85 else "failed"
        event = self.world.random.random()
        for name, said in ((f"{key}:{event}", charge["state"]), (f"{key}:{event}", charge["state"]),
                           (f"{key}:opened", "pending")):
            self.world.after(self.world.random.choice([0.3, 1, 2, 15, 60]) * self.world.random.random(),
                             lambda name=name, said=said: self.shop.notice(name, key, said))

    def refund(self, key: str, payment_key: str, amount: int):
        """Done once for each key."""
        yield self.world.random.uniform(0.05, 1.0)
        if self._chance(0.1):
            return SILENCE
        self.charges[payment_key]["refunds"][key] = amount
        yield self.world.random.uniform(0.05, 0.5)
        return SILENCE if self._chance(0.2) else "succeeded"

    def kept(self, payment_key: str) -> int:
        """What the bank holds for us of everything charged for one payment."""
        keys = [payment_key, *(key for key, of in self.same.items() if of == payment_key)]
        return sum(self.charges[key]["amount"] - sum(self.charges[key]["refunds"].values())
                   for key in keys if key in self.charges and self.charges[key]["state"] == "succeeded")
