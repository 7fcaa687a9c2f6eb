"""A part is missing: what still works works, what does not says so, and nothing is half done."""
import http.cookiejar
import json
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid

import pytest
from sqlalchemy import create_engine, text

import core.db
from demo.accounts import PASSWORD, VIEWERS
from tests.stack import Stack, free_port


class Browser:
    """Plain HTTP with cookies and the CSRF token, as a page of ours sends it."""

    def __init__(self, url):
        self.url, self.token = url, ""
        self._open = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())).open

    def call(self, path, body=None, *, form=False):
        data = None if body is None else (urllib.parse.urlencode(body) if form else json.dumps(body)).encode()
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        request = urllib.request.Request(self.url + path, data, {
            "Content-Type": kind, "X-CSRFToken": self.token, "Referer": self.url + "/",
            "Accept": "application/json, text/html"})
        try:
            with self._open(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read().decode()

    def page(self, path):
        status, html = self.call(path)
        assert status == 200, html[:300]
        self.token = re.search(r'name="csrf-token" content="([^"]+)"', html)[1]
        return html

    def sign_in(self, email):
        self.page("/sign-in")
        form = {"email": email, "password": PASSWORD, "csrf_token": self.token}
        status, html = self.call("/sign-in", form, form=True)
        assert status == 200, html[:300]


@pytest.fixture(scope="module")
def without_redis(servers, tmp_path_factory):
    """Web and relay on a Redis address where nobody listens."""
    dead = (servers[0], f"redis://127.0.0.1:{free_port()}/0")
    with Stack(dead, tmp_path_factory.mktemp("no-redis"), worker=False, ready="degraded") as stack:
        yield stack


def test_without_redis_buying_goes_on(without_redis):
    stack = without_redis
    engine = create_engine(stack.database_url)
    with engine.connect() as connection:
        live_id, offer_id = connection.execute(text(
            "SELECT live_session_id, offer_id FROM offer_stock WHERE mode = 'open' AND \"left\" > 0 LIMIT 1")).one()
    engine.dispose()
    mei = Browser(stack.url)
    mei.sign_in(VIEWERS[0])
    mei.page(f"/live/{live_id}")
    me = json.loads(mei.call(f"/api/live/{live_id}")[1])["me"]
    status, answer = mei.call(f"/api/live/{live_id}/claims", {"key": uuid.uuid4().hex, "offer_id": str(offer_id),
                                                             "quantity": 1})
    assert status == 200, answer
    order = {"key": uuid.uuid4().hex, "hold_id": json.loads(answer)["hold"]["id"], "method": "card",
             "address_id": me["default_address"]["id"], "card_id": me["cards"][0]["id"]}
    status, answer = mei.call("/api/orders", order)
    assert (status, json.loads(answer)["next"]["state"]) == (201, "paid"), answer
    # The same key once more is the same order.
    again = json.loads(mei.call("/api/orders", order)[1])
    assert again["order"]["id"] == json.loads(answer)["order"]["id"]
    assert "0 broken" in stack.run("check")


def test_without_redis_ready_says_degraded(without_redis):
    status, body = without_redis.get("/readyz")
    assert (status, body["parts"]["redis"], body["parts"]["database"]) == (200, "no answer", None)


def test_without_postgresql_it_says_so_and_when_to_come_back(client, monkeypatch):
    gone = create_engine("postgresql://nobody@127.0.0.1:1/nothing", connect_args={"connect_timeout": 1})
    monkeypatch.setattr(core.db, "_engine", gone)
    answer = client.get("/api/live/" + str(uuid.uuid4()))
    assert (answer.status_code, answer.json["code"], answer.headers["Retry-After"]) == (503, "busy", "2")
    page = client.get("/", headers={"Accept": "text/html"})
    assert page.status_code == 503
    assert b"<html" in page.data
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
