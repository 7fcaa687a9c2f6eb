"""A simulated audience in the running demo sale, over real HTTP and Socket.IO, and what it saw."""
import json
import random
import re
import time
import uuid
from collections import Counter
from itertools import cycle
from urllib.parse import urlsplit

import gevent

from demo.wire import Sockets, Web

LINES = ["hello from Porto", "does it come in red?", "晚上好", "how big is it?", "got mine, thank you!",
         "可以寄到杭州吗？",
         "that was quick", "when is the cakestand on?", "my sister has one of these", "lovely", "排队中，希望有货"]
# How people end a reservation, in parts of 100: most pay, some let it run out, some let go, some change their mind.
PAY, ABANDON, RELEASE = 84, 8, 5
CANCEL_OF_PAID = 4  # of 100


class Tally:
    """What the audience saw: counts, the time that each claim took, and what went wrong."""

    def __init__(self):
        self.counts, self.claim_ms, self.errors = Counter(), [], Counter()

    def error(self, what: str) -> None:
        self.errors[what] += 1

    def percentile(self, share: float) -> float:
        times = sorted(self.claim_ms)
        return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


class Busy(OSError):
    """The shop asks to come again in a moment."""


class Viewer:
    """Watches, talks, taps when something opens that is in one of the baskets, and pays, or does not."""

    def __init__(self, address, live_id: str, cookie: str, baskets, tally: Tally, dice: random.Random):
        self.address, self.live_id, self.tally, self.dice = address, live_id, tally, dice
        self.web = Web(*address, cookie)
        self.sockets = None
        self.baskets, self.stock, self.busy, self.me = baskets, {}, set(), {}
        self.done = False

    def run(self) -> None:
        """Join and stay until told to leave; anything unexpected is counted, not hidden."""
        try:
            self._come()
            while not self.done:
                gevent.sleep(self.dice.expovariate(1 / 12))
                self._be_sociable()
        except (OSError, gevent.Timeout, KeyError, ValueError) as error:
            if not self.done:
                self.tally.error(f"{type(error).__name__}: {error}"[:90])
        finally:
            self._leave()

    def _leave(self) -> None:
        if self.sockets is not None:
            self.sockets.close()
        self.web.close()

    def _come(self) -> None:
        """As the page does: who gets no answer asks again, more patiently each time."""
        for pause in (3, 6, 9, 12):
            try:
                return self._enter()
            except (OSError, gevent.Timeout):
                self._leave()
                self.tally.counts["came again"] += 1
                gevent.sleep(pause * self.dice.uniform(0.7, 1.3))
        return self._enter()

    def _enter(self) -> None:
        status, page, _ = self.web.call("GET", f"/live/{self.live_id}")
        token = re.search(r'name="csrf-token" content="([^"]+)"', page) if status == 200 else None
        if token is None:
            raise Busy if status == 503 else ValueError(f"page {status}")
        self.web.token = token[1]
        status, snapshot, _ = self.web.call("GET", f"/api/live/{self.live_id}")
        if status != 200:
            raise ValueError(f"snapshot {status}")
        self.me = snapshot["me"]
        self.offers = snapshot["offers"]
        self.by_sku = {offer["sku"]: offer_id for offer_id, offer in self.offers.items()}
        self.sockets = Sockets(*self.address, self.web.cookie, {"events": self.on_events})
        self.sockets.connect()
        answer = self.sockets.ask("join", {"live_id": self.live_id}, 15)
        if not answer.get("ok"):
            raise Busy if answer.get("code") in ("busy", "too_many") else ValueError(f"join {answer.get('code')}")
        for offer_id, offer in self.offers.items():
            self._see(offer_id, offer["stock"])
        self.tally.counts["viewers"] += 1

    def on_events(self, message: bytes) -> None:
        """Only stock is looked at; of a crowd's frames one in four: a person does not read every number either."""
        if b"offer.stock" not in message or self.tally.counts["viewers"] > 100 and self.sockets.heard % 4:
            return
        for event in json.loads(message[2:])[1]["events"]:
            if event["kind"] == "offer.stock":
                self._see(event["payload"]["offer_id"], event["payload"])

    def _see(self, offer_id: str, stock: dict) -> None:
        self.stock[offer_id] = stock
        if stock["mode"] == "closed" or not stock["left"] or offer_id in self.busy:
            return
        wanted = next(self.baskets)
        line = next((line for line in wanted if self.by_sku.get(line[0]) == offer_id), None)
        # Who came for the show takes what is on the counter now and then, whatever the real basket held.
        if line is None and self.dice.random() < 0.12:
            line = wanted[0]
        if line is not None:
            self.busy.add(offer_id)
            gevent.spawn_later(self._pause(stock), self._buy, offer_id, line[1])

    def _pause(self, stock: dict) -> float:
        """Seconds until this thumb is on the button: after the opening, about 0.7 s, some much later."""
        opens = stock["opens_at"] and (parse(stock["opens_at"]) - time.time())
        return max(0.0, opens or 0.0) + self.dice.lognormvariate(-0.35, 0.8)

    def _buy(self, offer_id: str, quantity: int) -> None:
        try:
            hold = self._claim(offer_id, max(1, min(quantity, self.offers[offer_id]["limit"])))
            if hold:
                self._finish(hold)
        except (OSError, gevent.Timeout, KeyError, ValueError) as error:
            if not self.done:
                self.tally.error(f"{type(error).__name__}: {error}"[:90])
        finally:
            gevent.spawn_later(self.dice.uniform(20, 60), self.busy.discard, offer_id)

    def _claim(self, offer_id: str, quantity: int):
        body = {"key": uuid.uuid4().hex, "offer_id": offer_id, "quantity": quantity}
        start = time.perf_counter()
        self.tally.counts["claims"] += 1
        try:
            answer = self.sockets.ask("claim", {**body, "live_id": self.live_id}, 3)
        except gevent.Timeout:
            answer = self.web.call("POST", f"/api/live/{self.live_id}/claims", body)[1]  # the other door, the same key
        self.tally.claim_ms.append((time.perf_counter() - start) * 1000)
        if answer.get("ok"):
            self.tally.counts["won"] += 1
            return answer["hold"]
        code = answer.get("code")
        self.tally.counts[code] += 1
        if code == "sold_out" and self.dice.random() < 0.2:
            self._post(f"/api/live/{self.live_id}/waitlist", {"offer_id": offer_id, "quantity": 1}, "waitlist")
        elif code not in ("sold_out", "over_limit", "not_open", "busy"):
            self.tally.error(f"claim {code}")
        return None

    def _finish(self, hold: dict) -> None:
        fate = self.dice.randrange(100)
        gevent.sleep(self.dice.uniform(0.5, 4))
        if fate >= PAY + ABANDON + RELEASE:
            self._post(f"/api/holds/{hold['id']}/release", {}, "released")
        elif fate >= PAY + RELEASE:
            self.tally.counts["abandoned"] += 1
        elif fate >= PAY:
            self._post(f"/api/holds/{hold['id']}/release", {}, "released")
        else:
            self._pay(hold)

    def _pay(self, hold: dict) -> None:
        address, cards = self.me["default_address"], self.me["cards"]
        answer = self._post("/api/orders", {"key": uuid.uuid4().hex, "hold_id": hold["id"], "address_id": address["id"],
                                            "method": "card", "card_id": cards[0]["id"]}, "orders")
        if answer is None:
            return
        if answer["next"].get("state") == "paid":
            self.tally.counts["paid"] += 1
            if self.dice.randrange(100) < CANCEL_OF_PAID:
                gevent.sleep(self.dice.uniform(1, 5))
                self._post(f"/api/orders/{answer['order']['id']}/cancel", {"key": uuid.uuid4().hex}, "cancelled")
        else:
            self.tally.counts["paying"] += 1

    def _post(self, path: str, body: dict, count: str):
        """As static/js/api.js: who is told that the shop is busy asks again with the same body."""
        status, answer, _ = self.web.call("POST", path, body)
        for pause in (0.5, 1, 2, 4):
            if status != 503:
                break
            self.tally.counts["asked again"] += 1
            gevent.sleep(pause * self.dice.uniform(0.7, 1.3))
            status, answer, _ = self.web.call("POST", path, body)
        if status < 300:
            self.tally.counts[count] += 1
            return answer
        code = answer.get("code") if isinstance(answer, dict) else status
        if code not in ("over_limit", "hold_gone"):
            self.tally.error(f"{count} {code}")
        return None

    def _be_sociable(self) -> None:
        if self.sockets.closed:
            raise OSError("socket closed")
        if self.dice.random() < 0.35:
            answer = self.sockets.ask("chat", {"live_id": self.live_id, "key": uuid.uuid4().hex,
                                               "body": self.dice.choice(LINES)})
            self.tally.counts["chat" if answer.get("ok") else "chat refused"] += 1
        else:
            self.sockets.ask("react", {"live_id": self.live_id, "count": self.dice.randint(1, 6)})
            self.tally.counts["reactions"] += 1


class Host:
    """Runs the show as a person would: next item, a flash sale, more stock when a line has formed."""

    def __init__(self, address, live_id: str, cookie: str, tally: Tally, speed: float):
        self.web, self.live_id, self.tally, self.speed, self.done = Web(*address, cookie), live_id, tally, speed, False

    def run(self) -> None:
        try:
            self._run()
        except (OSError, KeyError, ValueError) as error:
            if not self.done:
                self.tally.error(f"host: {error}"[:90])

    def _run(self) -> None:
        status, page, _ = self.web.call("GET", f"/studio/shows/{self.live_id}/control")
        if status != 200:
            raise ValueError(f"control page {status}")
        self.web.token = re.search(r'name="csrf-token" content="([^"]+)"', page)[1]
        if self._snapshot()["show"]["state"] == "scheduled":
            self.act("go_live")
        for offer_id in cycle(self._line_up()):
            if self.done:
                return
            self._sell(offer_id)

    def _snapshot(self) -> dict:
        status, snapshot, _ = self.web.call("GET", f"/api/live/{self.live_id}")
        if status != 200:
            raise ValueError(f"snapshot {status}")
        return snapshot

    def _line_up(self) -> list[str]:
        offers = self._snapshot()["offers"]
        return sorted(offers, key=lambda offer_id: offers[offer_id]["position"])

    def _sell(self, offer_id: str) -> None:
        stock = self._snapshot()["offers"][offer_id]["stock"]
        there = stock["reserve"] + stock["left"]
        if stock["mode"] == "flash" or not there:
            if stock["waiting"] and stock["mode"] != "flash":
                self.act("restock", offer_id=offer_id, quantity=min(5, stock["waiting"]))
            gevent.sleep(1 / self.speed)
            return
        self.act("put_on_air", offer_id=offer_id)
        self.act("start_sale", offer_id=offer_id, countdown_seconds=10, duration_seconds=60,
                 quantity=max(1, min(there, 60)))
        gevent.sleep((10 + 25) / self.speed if self.speed < 1 else 10 + 25 / self.speed)

    def act(self, action: str, **more) -> None:
        status, answer, _ = self.web.call("POST", f"/api/live/{self.live_id}/control",
                                          {"key": uuid.uuid4().hex, "action": action, **more})
        if status >= 300 and answer.get("code") not in ("not_enough", "invalid_move"):
            self.tally.error(f"host {action}: {answer.get('code')} {answer.get('fields') or ''}")


def parse(moment: str) -> float:
    """Unix seconds of an ISO time that ends in Z."""
    from datetime import datetime
    return datetime.fromisoformat(moment.replace("Z", "+00:00")).timestamp()


def address_of(base_url: str) -> tuple[str, int]:
    parts = urlsplit(base_url)
    return parts.hostname, parts.port or 80
