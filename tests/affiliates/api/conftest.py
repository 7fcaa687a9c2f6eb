"""Programs with keys. Every answer that a test gets is held against the OpenAPI document."""
import json
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from core.db import transaction
from members.keys import actions
from members.keys.models import SCOPES
from tests import factories
from tests.affiliates.payouts.conftest import desk as finance  # noqa: F401  (a fixture)
from tests.affiliates.settlement.conftest import ended  # noqa: F401  (a fixture)
from tests.members.conftest import Browser

PREFIX = "/api/v1"


@pytest.fixture(scope="session")
def document(app):
    from affiliates.api.docs import document
    with app.app_context():
        return document()


class Told:
    """Whether an answer is what the document says of its operation."""

    def __init__(self, app, document):
        self.app, self.document = app, document
        self.registry = Registry().with_resource("urn:api", Resource.from_contents(
            document, default_specification=DRAFT202012))

    def path_of(self, path, method):
        with self.app.test_request_context(path, method=method):
            from flask import request
            rule = request.url_rule
        from affiliates.api.spec import path_in_spec
        return rule and path_in_spec(rule.rule)

    def check(self, path, method, answer):
        told = self.path_of(path.partition("?")[0], method)
        if told is None or told not in self.document["paths"]:
            return
        operation = self.document["paths"][told][method.lower()]
        responses = operation["responses"]
        response = responses.get(str(answer.status_code), responses["default"])
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].rpartition("/")[2]]
        assert answer.mimetype in response["content"], (path, answer.status_code, answer.mimetype)
        if answer.mimetype.endswith("json"):
            schema = {"$schema": "https://json-schema.org/draft/2020-12/schema",
                      **_rooted(response["content"][answer.mimetype]["schema"])}
            found = list(Draft202012Validator(schema, registry=self.registry,
                                              format_checker=FormatChecker()).iter_errors(answer.json))
            assert not found, (path, [f"{list(one.absolute_path)}: {one.message}" for one in found])


def _rooted(schema):
    return json.loads(json.dumps(schema).replace('"#/', '"urn:api#/'))


class Program:
    """A program with a key: get, post … give the answer, checked against the document."""

    def __init__(self, told, secret, key):
        self.told, self.secret, self.key = told, secret, key
        self.client = Browser(told.app, told.app.response_class, use_cookies=True)

    def open(self, method, path, **more):
        path = path if path.startswith("/api") else PREFIX + path
        headers = {"Authorization": f"Bearer {self.secret}"} if self.secret else {}
        answer = self.client.open(path, method=method, headers={**headers, **more.pop("headers", {})}, buffered=True,
                                  **more)
        self.told.check(path, method, answer)
        return answer

    def __getattr__(self, name):
        if name not in ("get", "post", "put", "patch", "delete"):
            raise AttributeError(name)
        return lambda path, **more: self.open(name.upper(), path, **more)


@pytest.fixture
def told(empty, document):
    return Told(empty, document)


@pytest.fixture
def program(told):
    """Makes programs: program(member, "affiliate:read", shop=…); without scopes all that the member may hold."""
    def make(member, *scopes, shop=None):
        with told.app.test_request_context(), transaction() as db:
            merchant_id = shop and shop.id
            wanted = scopes or [scope for scope in SCOPES if actions.may_hold(member, scope, merchant_id)]
            key, secret = actions.make(db, member, name="A program", scopes=list(wanted), merchant_id=merchant_id)
        return Program(told, secret, key)
    return make


@pytest.fixture
def aiko(desk, program):
    """The desk's affiliate as a program."""
    return program(desk.member)


@pytest.fixture
def other(desk, program):
    """Another affiliate of the same shop, with nothing of hers."""
    with transaction() as db:
        member = factories.member(db, "Bea")
        factories.affiliate(db, member, desk.counter.shop)
    return program(member)


@pytest.fixture
def staff(desk, program):
    """The shop's staff as a program."""
    return program(desk.staff, shop=desk.counter.shop)


@pytest.fixture
def elsewhere(desk, program):
    """Staff of another shop."""
    with transaction() as db:
        shop = factories.merchant(db)
        member = factories.member(db, "Eli", roles=[("merchant_staff", shop)])
    return program(member, shop=shop)


@pytest.fixture
def operator(desk, program):
    with transaction() as db:
        member = factories.member(db, "Op", roles=[("operator", None)])
    return program(member)


def all_of(client, path, limit=2):
    """Every row of a list, page after page."""
    rows, cursor = [], ""
    path, _mark, more = path.partition("?")
    filters = dict(parse_qsl(more))
    while cursor is not None:
        answer = client.get(path, query_string={
            **filters, "limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.json
        rows += answer.json["data"]
        assert len(answer.json["data"]) <= limit
        cursor = answer.json["next_cursor"]
    return rows
