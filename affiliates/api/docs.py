"""The OpenAPI document, for programs; and the same as a page, for people."""
from flask import Blueprint, current_app, jsonify

from core.api import PREFIX
from members.access import public

docs = Blueprint("api_docs", __name__, url_prefix=PREFIX)


def document() -> dict:
    """The OpenAPI document of this build."""
    return current_app.extensions["livestall-openapi"]


@docs.get("/openapi.json")
@public
def openapi():
    return jsonify(document())
