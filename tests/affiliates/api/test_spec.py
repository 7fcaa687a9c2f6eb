"""The document says what is there: valid OpenAPI 3.1, every route, each with its scope."""
from openapi_spec_validator import OpenAPIV31SpecValidator

from affiliates.api.spec import path_in_spec
from members.keys.models import SCOPES


def test_the_document_is_valid_openapi_3_1(client, document):
    assert client.get("/api/v1/openapi.json").json == document
    assert document["openapi"].startswith("3.1")
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_the_validator_would_find_a_mistake(document):
    broken = {**document, "paths": {"/x": {"get": {"responses": {"200": {}}}}}}
    assert list(OpenAPIV31SpecValidator(broken).iter_errors())


def test_the_document_has_every_route_and_no_other(app, document):
    routes = {(path_in_spec(rule.rule), method.lower()) for rule in app.url_map.iter_rules()
              if rule.rule.startswith("/api/v1") and not rule.endpoint.startswith("api_docs.")
              for method in rule.methods - {"HEAD", "OPTIONS"}}
    told = {(path, method) for path, operations in document["paths"].items() for method in operations
            if method != "parameters"}
    assert routes == told and len(told) > 60


def test_each_operation_has_a_name_a_scope_and_says_what_goes_wrong(app, document):
    names = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            names.append(operation["operationId"])
            (scope,), = (one["key"] for one in operation["security"])
            assert scope in SCOPES and operation["summary"] and operation["tags"], path
            reads = method == "get" or operation["operationId"] == "simulate_rule"
            assert scope.endswith(":read") == reads, path
            assert operation["responses"]["default"] == {"$ref": "#/components/responses/DEFAULT_ERROR"}
    assert len(names) == len(set(names))
    assert {tag["name"] for tag in document["tags"]} == {
        tag for operations in document["paths"].values() for method, one in operations.items()
        if method != "parameters" for tag in one["tags"]}


def test_every_list_is_bounded(document):
    for path, operations in document["paths"].items():
        response = operations.get("get", {}).get("responses", {}).get("200", {})
        schema = response.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref", "")
        if schema.endswith("Page"):
            limit = next(one for one in operations["get"]["parameters"] if one["name"] == "limit")
            assert limit["schema"]["maximum"] == 100, path


def test_no_answer_has_a_secret(document):
    for name, schema in document["components"]["schemas"].items():
        assert not {"details", "iban", "token_hash", "password", "secret", "buyer", "member_email"} & set(
            schema.get("properties", ())), name
