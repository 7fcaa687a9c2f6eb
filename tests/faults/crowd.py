"""Buyers as real clients: a Socket.IO line that comes back by itself, HTTP beside it, keys that are asked again.

They behave as static/js/live/socket.js and buying.js do; and they write down everything that they were told.
"""
import http.client
import json
import time
import uuid
from collections import Counter
from urllib.parse import urlsplit

import gevent

from demo.wire import Sockets
from live import snapshot

ACK_SECONDS, PING_SECONDS, SILENCE_SECONDS = 3.0, 5.0, 10.0  # socket.js
HTTP_SECONDS = 12.0  # api.js
INSIST_SECONDS = 60.0
DECIDED = {"sold_out", "over_limit", "not_open", "hold_over", "hold_gone", "already_ordered", "key_conflict"}


class Diary:
    """What everybody was told, and when."""

    def __init__(self):
        self.claims: dict[tuple, dict] = {}  # (member, key) → hold
        self.orders: dict[tuple, str] = {}
        self.holds: dict[str, tuple] = {}  # hold → (member, key) of its order
        self.won_at: list[float] = []
        self.paid_at: list[float] = []
        self.waits: list[float] = []  # seconds from a tap to a definite answer
        self.seen = Counter()  # codes, and "no answer"
        self.slow: list[tuple] = []  # (seconds, what came back on the way) of answers that took long
        self.patience = INSIST_SECONDS  # a busy machine gets more (chaos.py)
        self.unanswered, self.wrong = [], []

    def longest_gap(self, since: float, until: float) -> float:
        """The longest time in which nobody at all won anything."""
        moments = [since, *(at for at in self.won_at if since < at < until), until]
        return max(b - a for a, b in zip(moments, moments[1:], strict=False))


class Web:
    """One browser's HTTP: JSON, cookie, CSRF token, as many connections as are in use; no second try of its own."""

    def __init__(self, url: str, cookie: str):
        self.place, self.cookie, self.token, self.idle = urlsplit(url), cookie, "", []

    def call(self, method: str, path: str, body=None, seconds: float = HTTP_SECONDS, **more):
        """(status, JSON), or (0, reason) when nothing came back. Bytes go as they are; `more` are headers."""
        headers = {"Cookie": self.cookie, "Accept": "application/json", "Origin": f"http://{self.place.netloc}",
                   "X-CSRFToken": self.token, "Content-Type": "application/json",
                   "Referer": f"http://{self.place.netloc}/", **more}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body)
        kept = self.idle.pop() if self.idle else http.client.HTTPConnection(self.place.hostname, self.place.port)
        try:
            with gevent.Timeout(seconds, TimeoutError("timeout")):
                kept.request(method, path, data, headers)
                answer = kept.getresponse()
                text = answer.read().decode()
        except (OSError, http.client.HTTPException) as error:
            kept.close()
            return 0, str(error)
        self.idle.append(kept)
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            if cookie.startswith(self.cookie.split("=", 1)[0] + "="):
                self.cookie = cookie.split(";", 1)[0]
        return answer.status, json.loads(text) if "json" in (answer.getheader("Content-Type") or "") else text

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close()


class Buyer:
    def __init__(self, url: str, live_id: str, who, diary: Diary, dice):
        self.member_id, cookie = who
        self.url, self.live_id, self.diary, self.dice = url, live_id, diary, dice
        self.web = Web(url, cookie)
        self.sockets, self.state, self.early, self.told = None, None, [], 0
        self.joined_at = self.lost_at = None
        self.heard_at, self.stale = 0.0, False
        self.tapping = self.done = False
        self.offline = False
        self.busy = 0
        self.lost_seconds: list[float] = []
        self.delayed = 0

    # -- the line

    def live(self) -> None:
        """Keep a line up until told to go."""
        tries = 0
        while not self.done:
            if self.offline or not self._open(ACK_SECONDS * (1 + min(tries, 3))):
                tries = 0 if self.offline else tries + 1
                gevent.sleep(min(8.0, 0.4 * 2 ** tries) * self.dice.uniform(0.4, 1.6))
                continue
            tries = 0
            self._watch()
            self.joined_at, self.lost_at = None, self.lost_at or time.monotonic()
            gevent.sleep(self.dice.uniform(0.2, 1.0))

    def _open(self, patience: float) -> bool:
        place = urlsplit(self.url)
        self.state, self.early = None, []
        self.sockets = Sockets(place.hostname, place.port, self.web.cookie, {
            "events": self._events, "tick": self._sign, "delayed": self._late})
        try:
            with gevent.Timeout(5, OSError("late")):
                self.sockets.connect()
            answer = self.sockets.ask("join", {"live_id": self.live_id}, patience)
            if not answer.get("ok"):
                raise OSError("not let in")
            self.told = answer["seq"]
            self._refresh()
        except (OSError, gevent.Timeout, ValueError):
            self.sockets.close()
            return False
        now = self.heard_at = self.joined_at = time.monotonic()
        if self.lost_at:
            self.lost_seconds.append(now - self.lost_at)
        self.lost_at = None
        return True

    def _refresh(self) -> None:
        """The snapshot, and on top of it what came meanwhile."""
        if not self.web.token:
            status, page = self.web.call("GET", f"/live/{self.live_id}")
            mark = 'name="csrf-token" content="'
            if status != 200 or mark not in page:
                raise OSError(f"page {status}")
            self.web.token = page.split(mark, 1)[1].split('"', 1)[0]
        status, body = self.web.call("GET", f"/api/live/{self.live_id}", seconds=5)
        if status != 200:
            raise OSError(f"snapshot {status}")
        # It is one for many and may be older than what the line has told since it was opened.
        heard, self.early = self.early, []
        self.state, self.stale = body, body["seq"] < self.told
        for event in heard:
            self._take(event)

    def _watch(self) -> None:
        """Until the line is gone or only looks open."""
        asked = time.monotonic()
        while not (self.done or self.offline or self.sockets.closed):
            gevent.sleep(0.2)
            now = time.monotonic()
            if now - self.heard_at > SILENCE_SECONDS:
                break
            if self.stale:
                self._mend()
            if now - asked > PING_SECONDS:
                asked = now
                gevent.spawn(self._ping)
        self.sockets.close()

    def _mend(self) -> None:
        try:
            self._refresh()
        except OSError:
            gevent.sleep(0.3)

    def _ping(self) -> None:
        try:
            self.sockets.ask("ping_lag", {}, ACK_SECONDS)
            self.heard_at = time.monotonic()
        except (OSError, gevent.Timeout):
            return

    def _sign(self, _message) -> None:
        self.heard_at = time.monotonic()

    def _late(self, message) -> None:
        self.delayed += b"true" in message

    def _events(self, message) -> None:
        self.heard_at = time.monotonic()
        frame = json.loads(message[2:])[1]
        for event in frame["events"]:
            event = {**event, "stream": frame["stream"]}
            self._take(event)

    def _take(self, event: dict) -> None:
        known = self._known(event["stream"]) if self.state else None
        if self.state and not self.stale and (known is None or event["seq"] <= known + 1):
            self.state = snapshot.apply(self.state, event)
        else:  # a gap: what follows would be built on sand, so it waits for the next snapshot
            self.stale = True
            self.early.append(event)

    def _known(self, stream: str):
        if stream.startswith("live:"):
            return self.state["seq"]
        return self.state["me"]["seq"] if stream == f"member:{self.state['me']['id']}" else None

    # -- buying

    def shop(self, offer_id: str, pause: float) -> None:
        """Tap and pay at one's own pace while the sale runs."""
        while not self.done:
            gevent.sleep(self.dice.expovariate(1 / pause))
            if self.tapping and self.state is not None:
                self.buy(offer_id)

    def buy(self, offer_id: str, quantity: int = 1, key: str | None = None):
        """A tap to its end: claimed and paid, or a clear no. The order's id."""
        self.busy += 1
        try:
            hold = self.claim(offer_id, quantity, key)
            return self.order(hold) if hold else None
        finally:
            self.busy -= 1

    def claim(self, offer_id: str, quantity: int = 1, key: str | None = None):
        """The hold, or None. Asks again with the same key until something definite comes."""
        body = {"key": key or uuid.uuid4().hex, "offer_id": offer_id, "quantity": quantity}
        answer = self._insist("claim", body["key"], lambda: self._either_door(body))
        if not answer or not answer.get("ok"):
            return None
        self.diary.won_at.append(time.monotonic())
        hold = answer["hold"]
        before = self.diary.claims.setdefault((self.member_id, body["key"]), hold)
        if before["id"] != hold["id"]:
            self.diary.wrong.append(f"key {body['key']} gave {before['id']}, then {hold['id']}")
        return hold

    def _either_door(self, body):
        """The socket for 3 s, then HTTP; what came, or None."""
        if self.joined_at and not self.sockets.closed and not self.offline:
            try:
                answer = self.sockets.ask("claim", {**body, "live_id": self.live_id}, ACK_SECONDS)
                self.heard_at = time.monotonic()
                if answer.get("ok") or answer["code"] not in ("busy", "internal"):
                    return answer
                self.diary.seen[answer["code"]] += 1
            except (OSError, gevent.Timeout):
                self.diary.seen["no answer on the socket"] += 1
        return self._post(f"/api/live/{self.live_id}/claims", body)

    def _post(self, path: str, body):
        if self.offline:
            return None
        status, answer = self.web.call("POST", path, body)
        if status == 0 or not isinstance(answer, dict):
            self.diary.seen["no answer by HTTP" if status == 0 else f"HTTP {status}"] += 1
            return None
        return answer

    def _insist(self, what: str, key: str, ask):
        began, way = time.monotonic(), []
        while time.monotonic() - began < self.diary.patience and not self.done:
            answer = ask()
            way.append((round(time.monotonic() - began, 1), (answer or {"code": None}).get("code", "ok")))
            if answer is not None and ("code" not in answer or answer["code"] in DECIDED):
                self.diary.waits.append(time.monotonic() - began)
                if way[-1][0] > 5:
                    self.diary.slow.append((way[-1][0], what, way))
                self.diary.seen[answer.get("code", f"{what} done")] += 1
                return answer
            code = (answer or {}).get("code")
            if code:
                self.diary.seen[code] += 1
            if code not in (None, "busy", "too_many"):
                self.diary.wrong.append(f"{what}: {code} {answer.get('message')}")
                return None
            gevent.sleep(max(0.3, (answer or {}).get("retry_ms", 0) / 1000) * self.dice.uniform(0.7, 1.3))
        self.diary.unanswered.append((what, self.member_id, key))
        return None

    def order(self, hold, key: str | None = None):
        """Make the order and pay by card; its id, or None after a clear no."""
        if self.state is None and not self._wait_for_state():
            return None
        me, key = self.state["me"], key or uuid.uuid4().hex
        body = {"key": key, "hold_id": hold["id"], "address_id": me["default_address"]["id"], "method": "card",
                "card_id": me["cards"][0]["id"]}
        answer = self._insist("order", key, lambda: self._post("/api/orders", body))
        if not answer or "order" not in answer:
            return None
        order_id = answer["order"]["id"]
        if self.diary.orders.setdefault((self.member_id, key), order_id) != order_id:
            self.diary.wrong.append(f"key {key} made two orders")
        if answer["order"]["state"] == "paid":
            self.diary.paid_at.append(time.monotonic())
        return order_id

    def _wait_for_state(self) -> bool:
        for _ in range(600):
            if self.state is not None:
                return True
            gevent.sleep(0.1)
        return False
