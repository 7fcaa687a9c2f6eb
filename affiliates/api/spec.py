"""The OpenAPI document: flask-smorest writes it from the schemas and doors of the views; refusals stay the house's."""
import http
import re

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.common import resolve_schema_cls
from flask_babel import lazy_gettext as _l
from flask_smorest import Api, Blueprint
from flask_smorest.utils import prepare_response
from marshmallow import INCLUDE, RAISE, Schema, fields, validate
from webargs.flaskparser import FlaskParser

from core.api import PREFIX
from core.clock import iso
from core.errors import DomainError, Invalid
from core.money import MAX_MINOR
from core.web import flat
from members.keys import once

ABOUT = """Everything that the pages of affiliates, of a shop's staff and of the platform's operators do, for programs.

Send a key in every request: `Authorization: Bearer lsk_…`. Keys are made on the account page. Amounts are integers in
minor units of `currency` (GBP 1.23 is 123), rates are parts per million (10 % is 100000), moments are RFC 3339 in UTC.
Lists come in pages: send `next_cursor` back as `cursor` until it is null. Writes take an `Idempotency-Key`. Refusals
are problem details (RFC 9457) with a stable `code`."""


class Unreadable(DomainError):
    code, status, message = "unreadable", 400, _l("We expected JSON with named fields.")


class Parser(FlaskParser):
    """Bodies and queries as the house reads them: unknown names are refused, refusals name their fields."""
    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}

    def pre_load(self, location_data, *, schema, req, location):
        if location == "json" and not req.is_json and req.get_data():
            raise Unreadable
        if _has_nul(location_data):  # PostgreSQL keeps no NUL in text
            raise Unreadable
        return location_data

    def handle_error(self, error, req, schema, *, error_status_code, error_headers):
        """Raises Invalid, each field under its own name without the place it came from."""
        wrong = {}
        for messages in error.messages.values():
            wrong |= flat(messages)
        raise Invalid(fields=wrong) from error

    def _handle_invalid_json_error(self, error, req, *args, **kwargs):
        raise Unreadable from error

    def load_json(self, req, schema):
        try:
            return super().load_json(req, schema)
        except RecursionError:
            raise Unreadable from None


def _has_nul(value) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(one) for pair in value.items() for one in pair)
    return isinstance(value, list) and any(_has_nul(one) for one in value)


# -- Schemas

class Out(Schema):
    """What an answer is made of: each field is always there, and nothing else is."""

    class Meta:
        unknown = RAISE

    def on_bind_field(self, field_name, field_obj):
        field_obj.required = True


def minor(low: int = 0, **more):
    """An amount that is sent to us, in minor units."""
    return fields.Integer(strict=True, validate=validate.Range(low, MAX_MINOR), **more)


def ppm(**more):
    return fields.Integer(strict=True, validate=validate.Range(0, 1_000_000), metadata={
        "description": "Parts per million: 10 % is 100000."}, **more)


def words(most: int = 1000, **more):
    return fields.String(validate=validate.Length(0 if more.get("load_default") == "" else 1, most), **more)


class Moment(fields.AwareDateTime):
    """RFC 3339 in UTC with milliseconds; rows that carry it so already are taken as they are."""

    def _serialize(self, value, attr, obj, **kwargs):
        return value if isinstance(value, str) else iso(value)


_pages: dict = {}


def page_of(schema: type[Schema]) -> type[Schema]:
    """A page of such rows."""
    if schema not in _pages:
        _pages[schema] = type(f"{_name(schema)}PageOut", (Out,), {
            "data": fields.List(fields.Nested(schema)), "next_cursor": fields.String(allow_none=True, metadata={
                "description": "Send it as `cursor` for what comes after; null at the end."})})
    return _pages[schema]


class ProblemOut(Schema):
    """RFC 9457. `code` is stable, `detail` is for people, in the language of the key's member."""
    type = fields.String(required=True, metadata={"format": "uri"})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True)
    request_id = fields.String(required=True)
    fields_ = fields.Dict(keys=fields.String(), values=fields.List(fields.String()), required=True, data_key="fields",
                          metadata={"description": "What is wrong, by the name of the field."})

    class Meta:
        unknown = INCLUDE  # what else an error knows: retry_ms, scope, lines …


def _name(schema) -> str:
    """OrderOut → Order, RuleIn → RuleIn."""
    return resolve_schema_cls(schema).__name__.removesuffix("Out")


# -- The document

class Doors(Blueprint):
    """Addresses of one area. Each operation tells its key's scope and its own name."""
    ARGUMENTS_PARSER = Parser()

    def __init__(self, name: str, tag: str, about: str, prefix: str = ""):
        super().__init__(name, __name__, url_prefix=PREFIX + prefix, description=about)
        self.tag = tag

    def add_url_rule(self, rule, endpoint=None, view_func=None, provide_automatic_options=None, **options):
        told = view_func._apidoc.setdefault("manual_doc", {})
        told["operationId"] = view_func.__name__
        said = " ".join(view_func.__doc__.split())
        told["summary"] = said.partition(". ")[0].rstrip(".")
        told["description"] = said
        scope = view_func.access.removeprefix("key:")
        told["security"] = [{"key": [scope]}]
        if hasattr(view_func, "writes"):
            told["parameters"] = ["IdempotencyKey"]
        super().add_url_rule(rule, endpoint, view_func, provide_automatic_options, **{**options, "tags": [self.tag]})


class Document(Api):
    """One document for all areas. What goes wrong is told by core.web and not by flask-smorest."""
    ERROR_SCHEMA = ProblemOut

    def __init__(self, app):
        app.config.update(API_TITLE="Livestall", API_VERSION="1.0", OPENAPI_VERSION="3.1.0")
        super().__init__(app, spec_kwargs={
            "marshmallow_plugin": MarshmallowPlugin(schema_name_resolver=_name),
            "info": {"description": ABOUT}, "servers": [{"url": app.config["LIVESTALL"].base_url}]})
        self.spec.components.security_scheme("key", {
            "type": "http", "scheme": "bearer", "description": "An API key of the account page."})
        self.spec.components.parameter("IdempotencyKey", "header", {
            "name": once.HEADER, "required": False, "schema": {"type": "string", "minLength": 8, "maxLength": 200},
            "description": "Your own name of this write: sent again, the first answer is given and nothing is done "
                           "twice. Kept for a day."})

    def _register_error_handlers(self):
        """None: core.web answers refusals, for all of the house."""

    def _register_etag_headers(self):
        """None are used."""

    _register_pagination_header = _register_etag_headers

    def _register_responses(self):
        for name, text in [("DEFAULT_ERROR", "A refusal"), *((one.name, one.phrase) for one in http.HTTPStatus)]:
            answer = {"description": text, "schema": ProblemOut}
            prepare_response(answer, self.spec, "application/problem+json")
            self.spec.components.response(name, answer, lazy=True)

    def out(self, areas: list[Doors]) -> dict:
        """The whole document of areas that are registered; a tag for each."""
        for area in areas:
            area.register_views_in_doc(self, self._app, self.spec, name=area.name, parameters=None)
        tags = {area.tag: area.description for area in reversed(areas)}
        return {**self.spec.to_dict(), "tags": [{"name": tag, "description": tags[tag]} for tag in dict.fromkeys(
            area.tag for area in areas)]}


def path_in_spec(rule: str) -> str:
    """`/links/<uuid:link_id>` → `/links/{link_id}`."""
    return re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule)

