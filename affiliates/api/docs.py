"""The OpenAPI document, for programs; and the same as a page, for people."""
from flask import Blueprint, current_app, jsonify, render_template

from affiliates.api.spec import Document, Doors
from core.api import PREFIX
from core.errors import DomainError
from members.access import public

KEPT = "livestall-openapi"
docs = Blueprint("api_docs", __name__, url_prefix=PREFIX)


def document() -> dict:
    """The OpenAPI document of this build, written when it is first asked for: 0.3 s that no start has to spend."""
    kept = current_app.extensions
    if KEPT not in kept:
        kept[KEPT] = Document(current_app._get_current_object()).out(
            [area for area in current_app.iter_blueprints() if isinstance(area, Doors)])
    return kept[KEPT]


@docs.get("/openapi.json")
@public
def openapi():
    return jsonify(document())


@docs.get("/docs")
@public
def page():
    """All operations, schemas and refusals of the document, without a script."""
    told = document()
    areas = [{**tag, "operations": [one for one in _operations(told) if one["tag"] == tag["name"]]}
             for tag in told["tags"]]
    return render_template("api/docs.html", about=told["info"]["description"].split("\n\n"), areas=areas,
                           schemas=[(name, schema.get("description", ""), _fields(schema)) for name, schema in sorted(
                               told["components"]["schemas"].items()) if schema.get("properties")],
                           problems=_problems())


def _operations(told: dict):
    for path, operations in told["paths"].items():
        for method, one in operations.items():
            if method == "parameters":
                continue
            body = one.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            yield {"id": one["operationId"], "tag": one["tags"][0], "method": method.upper(), "path": path,
                   "summary": one["summary"], "description": one["description"],
                   "scope": one["security"][0]["key"][0], "body": body and _kind(body),
                   "parameters": [{"name": each["name"], "place": each["in"], "kind": _kind(each["schema"]),
                                   "required": each.get("required", False), "text": each.get("description", "")}
                                  for each in _resolved(told, [*operations.get("parameters", ()),
                                                               *one.get("parameters", ())])],
                   "answers": [(status, media, _kind(content["schema"]))
                               for status, answer in one["responses"].items() if status.startswith("2")
                               for media, content in answer["content"].items()]}


def _resolved(told: dict, parameters: list):
    for one in parameters:
        yield told["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one


def _fields(schema: dict) -> list[dict]:
    return [{"name": name, "kind": _kind(one), "required": name in schema.get("required", ()),
             "text": one.get("description", "")} for name, one in schema["properties"].items()]


def _kind(schema: dict) -> dict:
    """{"text", "schema"}: a type in words, and the name of the schema it leads to."""
    if "$ref" in schema:
        return {"text": "", "schema": schema["$ref"].rpartition("/")[2]}
    if "anyOf" in schema:
        known = next(one for one in schema["anyOf"] if "$ref" in one)
        return {"text": "null or", "schema": known["$ref"].rpartition("/")[2]}
    if schema.get("type") == "array":
        inner = _kind(schema["items"])
        return {"text": f"list of {inner['text']}".strip(), "schema": inner["schema"]}
    kinds = schema.get("type", "object")
    said = " or ".join(kinds) if isinstance(kinds, list) else kinds
    if "format" in schema:
        said = said.replace("string", schema["format"])
    if "enum" in schema:
        said = " | ".join("null" if one is None else str(one) for one in schema["enum"])
    for name, sign in (("minimum", "≥"), ("maximum", "≤")):
        if name in schema:
            said += f" {sign} {schema[name]}"
    return {"text": said, "schema": ""}


def _problems() -> list[tuple[str, int, str]]:
    """(code, status, message) of every refusal that the house knows, by code."""
    found, waiting = {}, [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.setdefault(kind.code, (kind.code, kind.status, str(kind.message)))
    return sorted(found.values())
