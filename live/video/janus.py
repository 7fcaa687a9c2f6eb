"""A small client of Janus's HTTP interface: a session, handles to its plugins, requests, answers that come later.

An answer to a request without media comes at once; one with media (an SDP) comes as an event, which `listen` fetches.
Raises JanusRefused when Janus says no, JanusGone when it does not answer or has forgotten the session.
"""
import contextlib
import http.client
import json
import queue
import secrets
import threading
import time
from urllib.parse import urlencode

import structlog

log = structlog.get_logger("video")
CALL_SECONDS = 5
POLL_SECONDS = 40  # Janus answers an empty poll after 30 s
EVENT_SECONDS = 8  # for an SDP: candidates of every interface are gathered first
UNUSED_SECONDS = 30
NO_SESSION = 458
ROOM, STREAM = "janus.plugin.videoroom", "janus.plugin.streaming"


class JanusRefused(Exception):
    """Janus answered with an error; `code` is its number."""

    def __init__(self, code: int, reason: str):
        super().__init__(f"{code} {reason}")
        self.code = code


class JanusGone(Exception):
    """No Janus, or not the one that knew us."""


class Session:
    """One of Janus's sessions; it ends when nobody asks for a minute. `listen` keeps it, and wakes who waits."""

    def __init__(self, port: int, secret: str, seconds: float = CALL_SECONDS):
        self.port, self.secret, self.seconds, self.gone, self.id = port, secret, seconds, False, 0
        self.waiting: dict[str, queue.Queue] = {}
        self.unused: dict[int, float] = {}  # handles over which nothing has flowed yet, and since when
        self.id = self._call("POST", "", {"janus": "create"})["data"]["id"]

    def listen(self, left=lambda handle: None) -> None:
        """Fetch events in a thread until the session is gone. `left(handle)` when a peer has hung up."""
        threading.Thread(target=self._listen, args=(left,), name="janus", daemon=True).start()

    def keep(self) -> None:
        """For who does not listen: say that we are here."""
        self._call("POST", f"/{self.id}", {"janus": "keepalive"})

    def attach(self, plugin: str) -> int:
        handle = self._call("POST", f"/{self.id}", {"janus": "attach", "plugin": plugin})["data"]["id"]
        self.unused[handle] = time.monotonic()
        return handle

    def detach(self, handle: int, session: int = 0) -> None:
        self.unused.pop(handle, None)
        self._call("POST", f"/{session or self.id}/{handle}", {"janus": "detach"})

    def say(self, handle: int, body: dict, *, session: int = 0, jsep: dict | None = None) -> dict:
        """A request that is answered at once (or only acknowledged: {}); what the plugin said."""
        words = {"janus": "message", "body": body, **({"jsep": jsep} if jsep else {})}
        return _data(self._call("POST", f"/{session or self.id}/{handle}", words))

    def ask(self, handle: int, body: dict, jsep: dict | None = None) -> tuple[dict, dict]:
        """A request whose answer comes as an event: (what the plugin said, its SDP as {type, sdp} or {})."""
        name, answers = secrets.token_hex(8), queue.Queue()
        self.waiting[name] = answers
        words = {"janus": "message", "body": body, "transaction": name, **({"jsep": jsep} if jsep else {})}
        try:
            if (first := self._call("POST", f"/{self.id}/{handle}", words))["janus"] == "success":
                return _data(first), {}
            event = answers.get(timeout=EVENT_SECONDS)
        except queue.Empty:
            raise JanusGone("no event") from None
        finally:
            self.waiting.pop(name, None)
        return _data(event), event.get("jsep") or {}

    def _listen(self, left) -> None:
        while not self.gone:
            try:
                events = self._call("GET", f"/{self.id}", {"maxev": 20}, POLL_SECONDS)
                for event in events if isinstance(events, list) else [events]:
                    self._hear(event, left)
                for handle in [one for one, at in self.unused.items() if time.monotonic() - at > UNUSED_SECONDS]:
                    self.detach(handle)  # somebody asked and never answered
            except (JanusRefused, JanusGone) as error:
                self.gone = True
                log.info("Janus session ended", reason=str(error))

    def _hear(self, event: dict, left) -> None:
        if answers := self.waiting.get(event.get("transaction", "")):
            answers.put(event)
        elif event.get("janus") == "webrtcup":
            self.unused.pop(event["sender"], None)
        elif event.get("janus") == "hangup":
            with contextlib.suppress(JanusRefused, JanusGone):
                left(event["sender"])
                self.detach(event["sender"])

    def _call(self, method: str, path: str, words: dict, seconds: float = 0):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds or self.seconds)
        words = {"transaction": secrets.token_hex(8), "apisecret": self.secret, **words}
        try:
            if method == "GET":
                connection.request("GET", f"/janus{path}?{urlencode(words)}")
            else:
                connection.request("POST", f"/janus{path}", json.dumps(words), {"Content-Type": "application/json"})
            said = json.loads(connection.getresponse().read())
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise JanusGone(str(error)) from error
        finally:
            connection.close()
        if isinstance(said, dict) and said.get("janus") == "error":
            code = said["error"]["code"]
            if code == NO_SESSION:
                self.gone = self.gone or path.startswith(f"/{self.id}")
                raise JanusGone("session unknown")
            raise JanusRefused(code, said["error"]["reason"])
        return said


def _data(said: dict) -> dict:
    data = said.get("plugindata", {}).get("data", {})
    if "error_code" in data:
        raise JanusRefused(data["error_code"], data.get("error", ""))
    return data
