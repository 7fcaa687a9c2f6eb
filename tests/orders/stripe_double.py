"""A stand-in for Stripe's API on 127.0.0.1: real HTTP, made from the documented objects, errors and idempotency rules.

It keeps its own books (`charged`, `refunded`), so a test can tell what moved from what was answered. `faults` is a
list of what happens to the next calls that write: "drop" (do it, then cut the line), "500", "429", "decline",
"action", "processing". While `refuses_reads` stands every look-up is a bad request.
"""
import itertools
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

SECRET_KEY = "sk_test_double"
WEBHOOK_SECRET = "whsec_double"


class StripeDouble:
    def __init__(self):
        self.objects, self.answers, self.faults, self.calls = {}, {}, [], []
        self.refuses_reads = False
        self.lock, self.numbers = threading.Lock(), itertools.count(1)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    # -- what the bank's side does in a test

    def of(self, kind):
        return [one for one in self.objects.values() if one["object"] == kind]

    @property
    def charged(self):
        return sum(one["amount_received"] for one in self.of("payment_intent"))

    @property
    def refunded(self):
        return sum(one["amount"] for one in self.of("refund") if one["status"] in ("succeeded", "pending"))

    def pay_session(self, session, *, save_card=False):
        """The buyer pays on the page that Checkout shows."""
        intent = self.intent(session["amount_total"], session["currency"], session["marks"], "succeeded")
        customer = self.new("customer", "cus", {})
        method = self.new("payment_method", "pm", {
            "allow_redisplay": "always" if save_card else "unspecified", "customer": customer["id"], "type": "card",
            "card": {"brand": "visa", "last4": "4242", "exp_month": 4, "exp_year": 2030}})
        intent |= {"customer": customer["id"], "payment_method": method["id"]}
        self.objects[intent["id"]] = intent
        session |= {"status": "complete", "payment_status": "paid", "payment_intent": intent["id"], "url": None,
                    "customer": customer["id"]}

    def intent(self, amount, currency, marks, status, **more):
        return self.new("payment_intent", "pi", {
            "amount": amount, "amount_received": amount if status == "succeeded" else 0, "currency": currency,
            "status": status, "metadata": marks, "last_payment_error": None, "next_action": None, "customer": None,
            "payment_method": None, "capture_method": "automatic", **more})

    def new(self, kind, prefix, values):
        one = {"id": f"{prefix}_{next(self.numbers):06d}", "object": kind, "created": int(time.time()),
               "livemode": False, "metadata": {}, **values}
        self.objects[one["id"]] = one
        return one

    # -- the API

    def answer(self, method, path, params, headers):
        """(status, body, whether the line is cut before the answer)."""
        if headers.get("Authorization") != f"Bearer {SECRET_KEY}":
            return 401, _error("invalid_request_error", "Invalid API Key provided"), False
        self.calls.append((method, path, params))
        if method == "GET":
            return *self._read(path, params), False
        key = headers.get("Idempotency-Key")
        with self.lock:
            if key in self.answers:
                before, status, body = self.answers[key]
                if before != (path, params):
                    return 400, _error("idempotency_error", "Keys for idempotent requests can only be used with the "
                                       "same parameters they were first used with."), False
                return status, body, False
            fault = self.faults.pop(0) if self.faults else None
            if fault in ("500", "429"):
                return int(fault), _error("api_error" if fault == "500" else "rate_limit_error", "Try later"), False
            status, body = self._write(path, params, fault)
            self.answers[key] = ((path, params), status, json.loads(json.dumps(body)))
        return status, body, fault == "drop"

    def _write(self, path, params, fault):
        if path == "/v1/checkout/sessions":
            return 200, self._session(params)
        if path == "/v1/payment_intents":
            return self._charge(params, fault)
        if path == "/v1/refunds":
            return self._refund(params, fault)
        return 404, _error("invalid_request_error", "Unrecognized request URL")

    def _session(self, params):
        price = params["line_items"][0]["price_data"]
        amount = int(price["unit_amount"]) * int(params["line_items"][0]["quantity"])
        one = self.new("checkout.session", "cs_test", {
            "amount_total": amount, "currency": price["currency"], "status": "open", "payment_status": "unpaid",
            "payment_intent": None, "client_reference_id": params["client_reference_id"], "mode": params["mode"],
            "metadata": params["metadata"], "expires_at": int(params["expires_at"]), "customer": None,
            "success_url": params["success_url"], "marks": params["payment_intent_data"]["metadata"]})
        one["url"] = f"https://checkout.stripe.test/c/pay/{one['id']}"
        return one

    def _charge(self, params, fault):
        make = {"action": "requires_action", "processing": "processing", "decline": "requires_payment_method"}
        more = {"customer": params["customer"], "payment_method": params["payment_method"]}
        if fault == "action":
            more["next_action"] = {"type": "redirect_to_url", "redirect_to_url": {
                "url": "https://hooks.stripe.test/3ds", "return_url": params["return_url"]}}
        wrong = {"type": "card_error", "code": "card_declined", "decline_code": "insufficient_funds",
                 "message": "Your card has insufficient funds."}
        if fault == "decline":
            more["last_payment_error"] = wrong
        intent = self.intent(int(params["amount"]), params["currency"], params["metadata"],
                             make.get(fault, "succeeded"), **more)
        if fault == "decline":
            return 402, {"error": {**wrong, "payment_intent": intent}}
        return 200, intent

    def _refund(self, params, fault):
        intent = self.objects.get(params["payment_intent"])
        if intent is None:
            return 404, _error("invalid_request_error", "No such payment_intent", "resource_missing")
        before = sum(one["amount"] for one in self.of("refund")
                     if one["payment_intent"] == intent["id"] and one["status"] != "failed")
        amount = int(params["amount"])
        if before + amount > intent["amount_received"]:
            return 400, _error("invalid_request_error", "Refund amount is greater than unrefunded amount on charge",
                               "charge_already_refunded")
        status = "pending" if fault == "processing" else "succeeded"
        return 200, self.new("refund", "re", {"amount": amount, "currency": intent["currency"], "status": status,
                                              "payment_intent": intent["id"], "metadata": params["metadata"]})

    def _read(self, path, params):
        if self.refuses_reads:
            return 400, _error("invalid_request_error", "Received unknown parameter", "parameter_unknown")
        found = re.fullmatch(r"/v1/(payment_intents|checkout/sessions|refunds)(?:/(\w+))?", path)
        if not found:
            return 404, _error("invalid_request_error", "Unrecognized request URL")
        if found[2]:
            one = self.objects.get(found[2])
            if one is None:
                return 404, _error("invalid_request_error", f"No such object: {found[2]}", "resource_missing")
            return 200, self._expanded(one, params)
        kind = {"checkout/sessions": "checkout.session"}.get(found[1], found[1].removesuffix("s"))
        rows = [one for one in reversed(self.of(kind)) if all(
            one.get(name) == params[name] for name in ("customer", "payment_intent") if name in params)]
        made = params.get("created", {})
        rows = [one for one in rows if int(made.get("gte", 0)) <= one["created"] <= int(made.get("lte", 2**40))]
        return 200, {"object": "list", "url": path, "has_more": False, "data": rows}

    def _expanded(self, one, params):
        one = dict(one)
        if "payment_intent.payment_method" in params.get("expand", []) and one.get("payment_intent"):
            intent = dict(self.objects[one["payment_intent"]])
            one["payment_intent"] = intent | {"payment_method": self.objects[intent["payment_method"]]}
        return one


def _error(kind, message, code=None):
    return {"error": {"type": kind, "message": message, **({"code": code} if code else {})}}


def unfold(pairs):
    """Stripe's form encoding, "a[b][0][c]=1", as nested values."""
    tree = {}
    for name, value in pairs:
        first, *rest = re.findall(r"[^\[\]]+", name)
        node, path = tree, [first, *rest]
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    return _lists(tree)


def _lists(node):
    if not isinstance(node, dict):
        return node
    node = {name: _lists(value) for name, value in node.items()}
    return list(node.values()) if node and all(name.isdigit() for name in node) else node


def _handler(double):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):  # noqa: N802 - the library's name
            parts = urlsplit(self.path)
            self._send(double.answer("GET", parts.path, unfold(parse_qsl(parts.query)), self.headers))

        def do_POST(self):  # noqa: N802
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self._send(double.answer("POST", self.path, unfold(parse_qsl(raw)), self.headers))

        def _send(self, answer):
            status, body, cut = answer
            if cut:
                self.close_connection = True
                self.connection.close()
                return
            raw = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_args):
            """Quiet."""
    return Handler
