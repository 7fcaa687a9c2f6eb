"""A sale that goes on while things break: a show, its host, a crowd; and the verdict afterwards."""
import random
import time
import uuid

import gevent
from sqlalchemy import text

import core.db
from core import checks, clock
from demo.crowd import cookie, gather
from members.identity import REMEMBERED, hash_token, new_token
from members.models import SignIn
from tests import factories
from tests.faults.crowd import Buyer, Diary, Web

# Offers that a fault may have for itself: kind → (how many, units, limit a member, seconds of a hold).
SPARE = {"last": (8, 1, 1, 20), "single": (9, 30, 1, 20), "short": (8, 1, 1, 3), "quick": (8, 9, 9, 3),
         "five": (4, 5, 5, 20)}
RESTOCK_UNITS, RESTOCK_SECONDS = 12, 0.8  # fewer than the crowd wants: there is always a last unit
AGREE_SECONDS = 5.0


class Sale:
    """One show, open for as long as the rig stands. `crowd` buyers tap about every 2 s each."""

    def __init__(self, rig, app, crowd: int):
        self.rig, self.app, self.diary = rig, app, Diary()
        self.dice = random.Random(0)
        with app.app_context():
            self._build()
            guests = gather(app, crowd)
        with core.db.transaction() as db:
            ids = db.execute(text("SELECT id FROM members WHERE email LIKE 'guest%' ORDER BY email")).scalars().all()
        self.buyers = [Buyer(rig.url, str(self.live_id), (str(id_), guest[1]), self.diary, random.Random(n))
                       for n, (id_, guest) in enumerate(zip(ids, guests, strict=True))]
        self.host_open, self.slack = False, 1.0
        self.host_acts, self.host_failures = 0, 0
        self.watching = True

    def _build(self) -> None:
        with core.db.transaction() as db:
            shop = factories.merchant(db)
            host = factories.member(db, "Nora", roles=[("host", shop)])
            what = factories.campaign(db, shop)
            goods = factories.variant(db, shop, on_hand=1_000_000)
            offer = factories.offer(db, what, goods, allotment=40, limit_per_member=99)
            offers = {kind: [factories.offer(db, what, factories.variant(db, shop, on_hand=units), allotment=units,
                                             limit_per_member=limit) for _ in range(many)]
                      for kind, (many, units, limit, _seconds) in SPARE.items()}
            what.state = "live"
            db.flush()
            self.live_id, self.offer_id = factories.live_session(db, what, host).id, str(offer.id)
            factories.stock(db, offer, live_session_id=self.live_id, hold_seconds=20, unit_limit=100_000)
            for kind, some in offers.items():
                for one in some:
                    factories.stock(db, one, live_session_id=self.live_id, hold_seconds=SPARE[kind][3])
            token = new_token()
            db.add(SignIn(member_id=host.id, token_hash=hash_token(token), expires_at=clock.now() + REMEMBERED))
            self.spare = {kind: [str(one.id) for one in some] for kind, some in offers.items()}
        self.host = Web(self.rig.url, cookie(self.app, token))

    # -- everybody at work

    def open(self) -> None:
        for buyer in self.buyers:
            gevent.spawn(buyer.live)
            gevent.spawn(buyer.shop, self.offer_id, 2.0)
        gevent.spawn(self._host)
        gevent.spawn(self._keep_up)
        self.until(lambda: all(buyer.joined_at for buyer in self.buyers), 60, "the crowd does not get in")

    def tap(self, on: bool) -> None:
        self.host_open = on
        for buyer in self.buyers:
            buyer.tapping = on

    def close(self) -> None:
        self.watching = False
        for buyer in self.buyers:
            buyer.done = True

    def _host(self) -> None:
        while self.watching:
            gevent.sleep(RESTOCK_SECONDS)
            if not self.host_open:
                continue
            if not self.host.token:
                _status, page = self.host.call("GET", f"/studio/shows/{self.live_id}/control")
                mark = 'name="csrf-token" content="'
                if not isinstance(page, str) or mark not in page:
                    continue
                self.host.token = page.split(mark, 1)[1].split('"', 1)[0]
            self.act("restock", offer_id=self.offer_id, quantity=RESTOCK_UNITS)

    def act(self, action: str, **more):
        """One act of the host, asked again under its key; the answer or None."""
        key = uuid.uuid4().hex
        for _try in range(20):
            status, answer = self.host.call("POST", f"/api/live/{self.live_id}/control",
                                            {"key": key, "action": action, **more})
            if 200 <= status < 300:
                self.host_acts += 1
                return answer
            self.host_failures += 1
            if status not in (0, 503):
                self.diary.wrong.append(f"host {action}: {status} {answer}")
                return None
            gevent.sleep(0.5)
        return None

    def _keep_up(self) -> None:
        while self.watching:
            gevent.sleep(1.0)
            self.rig.keep_up()

    def until(self, what, seconds: float, why: str) -> float:
        """Wait for something, on a busy machine longer; how long it took. Raises AssertionError."""
        began, seconds = time.monotonic(), seconds * min(self.slack, 5)
        while not what():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"{why} (waited {seconds:.0f} s)")
            gevent.sleep(0.1)
        return time.monotonic() - began

    def mark(self) -> int:
        return len(self.diary.won_at)

    def buys_again(self, seconds: float = 30.0) -> float:
        """Until somebody who tapped after this moment has won; seconds."""
        before = self.mark()
        return self.until(lambda: self.mark() > before + 2, seconds, "nobody can buy")

    def rest(self) -> None:
        """Nobody taps any more, and nobody waits for an answer."""
        self.tap(False)
        self.until(lambda: not any(buyer.busy for buyer in self.buyers), self.diary.patience / min(self.slack, 5) + 15,
                   "somebody is still without an answer")

    # -- the verdict

    def verdict(self) -> dict:
        """Quiet, then: everybody's answer came, all agree, the books are right. Raises AssertionError."""
        self.rest()
        self.rig.wait_ready(60 * min(self.slack, 5))
        self.until(lambda: all(buyer.joined_at for buyer in self.buyers), 45, "somebody does not come back")
        agreed = self._agree()
        assert not self.diary.wrong, self.diary.wrong[:5]
        assert not self.diary.unanswered, self.diary.unanswered[:5]
        self._acknowledged()
        with core.db.reading() as db:
            broken = checks.violations(db)
        assert not broken, broken[:5]
        return {"agreed": agreed}

    def _agree(self) -> float:
        """How long after quiet (or after coming back) the slowest page showed what is true; at most 5 s."""
        quiet, rest, slowest = time.monotonic(), list(self.buyers), 0.0
        while rest:
            truth = self._truth()
            now = time.monotonic()
            still = []
            for buyer in rest:
                since = max(quiet, buyer.joined_at or now)
                if self._shows(buyer, truth):
                    slowest = max(slowest, now - since)
                elif now - since > AGREE_SECONDS * self.slack:
                    raise AssertionError(f"{buyer.member_id} shows {self._seen(buyer)}, true is {truth[0]} "
                                         f"{truth[1].get(buyer.member_id)}, {now - since:.1f} s after coming back")
                else:
                    still.append(buyer)
            rest = still
            gevent.sleep(0.1)
        return slowest

    def _truth(self):
        with core.db.reading() as db:
            stock = {str(row.offer_id): (row.version, row.left, row.held, row.sold, row.reserve, row.waiting)
                     for row in db.execute(text('SELECT offer_id, version, "left", held, sold, reserve, waiting '
                                                "FROM offer_stock WHERE live_session_id = :id"), {"id": self.live_id})}
            holds: dict[str, set] = {}
            for row in db.execute(text("SELECT member_id, id FROM holds WHERE state = 'held'")):
                holds.setdefault(str(row.member_id), set()).add(str(row.id))
        return stock, holds

    def _seen(self, buyer):
        if buyer.state is None:
            return None, None
        stock = {id_: tuple(offer["stock"][name] for name in ("version", "left", "held", "sold", "reserve", "waiting"))
                 for id_, offer in buyer.state["offers"].items()}
        return stock, {hold["id"] for hold in buyer.state["me"]["holds"]}

    def _shows(self, buyer, truth) -> bool:
        return self._seen(buyer) == (truth[0], truth[1].get(buyer.member_id, set()))

    def _acknowledged(self) -> None:
        """Every claim and order that somebody was told of is in the books, once."""
        with core.db.reading() as db:
            claims = {(str(row.member_id), row.key): str(row.hold_id) for row in db.execute(text(
                "SELECT member_id, key, hold_id FROM claims WHERE outcome = 'held'"))}
            holds = set(map(str, db.execute(text("SELECT id FROM holds")).scalars()))
            orders: dict[tuple, list] = {}
            for row in db.execute(text("SELECT member_id, key, id FROM orders")):
                orders.setdefault((str(row.member_id), row.key), []).append(str(row.id))
        for name, hold in self.diary.claims.items():
            assert claims.get(name) == hold["id"], f"lost claim {name}: told {hold['id']}, kept {claims.get(name)}"
            assert hold["id"] in holds, f"lost hold {hold['id']}"
        for name, order in self.diary.orders.items():
            assert orders.get(name) == [order], f"order {name}: told {order}, kept {orders.get(name)}"
