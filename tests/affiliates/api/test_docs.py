"""docs/api.md says what works: each of its examples is run."""
import json
import re
import shlex
from pathlib import Path

import pytest

from affiliates.people.models import Affiliation
from core.db import transaction
from members.keys.models import SCOPES
from tests import factories

TEXT = (Path(__file__).resolve().parents[3] / "docs/api.md").read_text(encoding="utf-8")


def examples():
    """Each curl command as a list of words, with the heading it stands under."""
    heading = ""
    for part in re.split(r"(^## [^\n]*$|^```sh\n.*?^```$)", TEXT, flags=re.MULTILINE | re.DOTALL):
        heading = part[3:] if part.startswith("## ") else heading
        if part.startswith("```sh"):
            for line in part.splitlines():
                if line.startswith("curl "):
                    yield heading, line


def call(client, line, values):
    """Do what a curl command does, by the client that has the key."""
    for name, value in values.items():
        line = line.replace(f"${name}", str(value))
    words, headers, data, method, address = shlex.split(line)[1:], {}, None, None, None
    while words:
        word = words.pop(0)
        if word == "-H":
            name, _colon, value = words.pop(0).partition(": ")
            headers[name] = value
        elif word in ("-d", "--data"):
            data = words.pop(0)
        elif word == "-X":
            method = words.pop(0)
        else:
            address = word
    assert address.startswith("http://127.0.0.1:8000/"), line
    more = {"data": data, "content_type": headers.pop("Content-Type")} if data else {}
    return client.open(method or ("POST" if data else "GET"), address.partition(":8000")[2], headers=headers, **more)


def test_the_examples_of_affiliates_work(desk, aiko):
    desk.came()
    desk.buy()
    line, = aiko.get("/commissions").json["data"]
    found = [line for heading, line in examples() if heading == "First steps"]
    assert len(found) >= 6
    for example in found:
        answer = call(aiko, example, {"LIVESTALL": "http://127.0.0.1:8000", "KEY": aiko.secret,
                                      "COMMISSION": line["id"], "CAMPAIGN": desk.counter.show.campaign_id})
        assert answer.status_code in (200, 201), (example, answer.text)


def test_the_examples_of_shops_and_operators_work(desk, staff, operator):
    with transaction() as db:
        asks = factories.affiliate(db, factories.member(db, "Cleo"))
        db.add(Affiliation(affiliate_id=asks.id, merchant_id=desk.counter.shop.id, state="applied", tier="standard"))
    for client, wanted, least in ((staff, "A shop's evening", 8), (operator, "Paying out", 4)):
        found = [line for heading, line in examples() if heading == wanted]
        assert len(found) >= least
        for example in found:
            answer = call(client, example, {"LIVESTALL": "http://127.0.0.1:8000", "KEY": client.secret,
                                            "AFFILIATE": asks.id, "CAMPAIGN": desk.counter.show.campaign_id})
            assert answer.status_code in (200, 201), (example, answer.text)


def test_every_address_that_is_told_is_there(app):
    places = app.url_map.bind("localhost")
    named = set(re.findall(r"`(GET|POST) (/api/v1/[^`]+)`", TEXT))
    assert len(named) >= 3
    for method, path in named:
        assert places.test(re.sub(r"\$[A-Z]+", "00000000-0000-0000-0000-000000000000", path), method), path


@pytest.mark.parametrize("scope", SCOPES)
def test_every_scope_is_told(scope):
    assert f"| `{scope}` |" in TEXT


def test_the_example_of_a_refusal_is_one(aiko):
    shown = json.loads(re.search(r"```json\n(.*?)```", TEXT, re.DOTALL)[1])
    got = aiko.get("/commissions?limit=0").json
    assert {**got, "request_id": shown["request_id"]} == {**shown}


def test_the_page_has_every_operation_schema_and_refusal(client, document, desk, aiko):
    answer = client.get("/api/v1/docs")
    page = answer.text
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    names = {one["operationId"] for operations in document["paths"].values() for method, one in operations.items()
             if method != "parameters"}
    assert names <= set(ids) and {f"schema-{name}" for name in document["components"]["schemas"]} <= set(ids)
    assert {link for link in re.findall(r'href="#([^"]+)"', page) if not link.startswith("i-")} <= set(ids)
    for status, path in ((404, "/links/x"), (422, "/commissions?limit=0"), (403, "/shop")):
        told = aiko.get(path)
        where, _mark, code = told.json["type"].partition("#")
        assert (told.status_code, where) == (status, "http://127.0.0.1:8000/api/v1/docs")
        assert code in ids or code.startswith("http_")


def test_the_page_loads_nothing_from_elsewhere(client):
    answer = client.get("/api/v1/docs")
    assert not re.search(r'(?:src|href)="(?:https?:)?//', answer.text)
    assert "default-src 'self'" in answer.headers["Content-Security-Policy"] and "style=" not in answer.text
