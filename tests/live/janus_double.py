"""As much of Janus's HTTP interface as we use: sessions, handles, a long poll, plugins that answer at once or later."""
import itertools
import json
import queue
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

ANSWER = "v=0\r\ns=-\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 102\r\n"


class JanusDouble:
    """`said` is every plugin message as (plugin, body, jsep); `viewers` is what a mountpoint says of its house."""

    def __init__(self, secret: str):
        self.secret, self.ids, self.said, self.gone = secret, itertools.count(1), [], []
        self.sessions: dict[int, queue.Queue] = {}
        self.handles: dict[int, tuple[int, str]] = {}
        self.viewers, self.answer = 0, ANSWER
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Handler,), {"janus": self}))
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        for events in self.sessions.values():
            events.put({"janus": "keepalive"})
        self.server.shutdown()
        self.server.server_close()

    def tell(self, handle: int, what: str) -> None:
        """An event of a peer: "webrtcup", "hangup"."""
        session = self.handles[handle][0]
        self.sessions[session].put({"janus": what, "session_id": session, "sender": handle})

    def forget(self) -> None:
        """As when Janus was started again: nobody is known."""
        old, self.sessions, self.handles = self.sessions, {}, {}
        for events in old.values():
            events.put({"janus": "keepalive"})

    def take(self, path: str, words: dict) -> dict:
        """The answer to a POST."""
        if words.get("apisecret") != self.secret:
            return error(403, "Unauthorized request (wrong or missing secret/token)")
        parts = [int(part) for part in path.removeprefix("/janus").split("/") if part]
        if not parts:
            session = next(self.ids)
            self.sessions[session] = queue.Queue()
            return {"janus": "success", "data": {"id": session}}
        if parts[0] not in self.sessions:
            return error(458, f"No such session {parts[0]}")
        if words["janus"] == "attach":
            handle = next(self.ids)
            self.handles[handle] = (parts[0], words["plugin"])
            return {"janus": "success", "data": {"id": handle}}
        if words["janus"] == "keepalive":
            return {"janus": "ack"}
        if parts[1] not in self.handles:
            return error(459, f"No such handle {parts[1]}")
        if words["janus"] == "detach":
            self.gone.append(parts[1])
            del self.handles[parts[1]]
            return {"janus": "success"}
        return self.message(parts[0], parts[1], words)

    def message(self, session: int, handle: int, words: dict) -> dict:
        plugin, body, jsep = self.handles[handle][1], words["body"], words.get("jsep")
        self.said.append((plugin, body, jsep))
        request, later = body["request"], {"janus": "ack"}
        event = {"janus": "event", "sender": handle, "transaction": words["transaction"]}
        if request == "joinandconfigure":
            event |= {"plugindata": {"plugin": plugin, "data": {"videoroom": "joined"}},
                      "jsep": {"type": "answer", "sdp": self.answer}}
        elif request == "watch":
            data = {"streaming": "event", "result": {"status": "preparing"}}
            event |= {"plugindata": {"plugin": plugin, "data": data},
                      "jsep": {"type": "offer", "sdp": ANSWER}}
        elif request == "start":
            event |= {"plugindata": {"plugin": plugin, "data": {"streaming": "event"}}}
        else:
            data = {"info": {"info": {"viewers": self.viewers}}}.get(request, {})
            if request == "create" and sum(one[1]["request"] == "create" for one in self.said) > 1:
                data = {"error_code": 427, "error": "Room already exists"}
            return {"janus": "success", "plugindata": {"plugin": plugin, "data": data}}
        self.sessions[session].put(event)
        return later


def error(code: int, reason: str) -> dict:
    return {"janus": "error", "error": {"code": code, "reason": reason}}


class Handler(BaseHTTPRequestHandler):
    janus: JanusDouble

    def do_POST(self):  # noqa: N802 - the name is http.server's
        self.reply(self.janus.take(self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))

    def do_GET(self):  # noqa: N802
        parts = urlsplit(self.path)
        session = int(parts.path.split("/")[2])
        if parse_qs(parts.query)["apisecret"] != [self.janus.secret]:
            return self.reply(error(403, "Unauthorized"))
        if session not in self.janus.sessions:
            return self.reply(error(458, f"No such session {session}"))
        return self.reply([self.janus.sessions[session].get()])

    def reply(self, words) -> None:
        text = json.dumps(words).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Nothing is worth a line."""
