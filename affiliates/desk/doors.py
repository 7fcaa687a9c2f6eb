"""The two blueprints of the desks: a shop's own, and the operator's for the whole platform."""
from flask import Blueprint

from affiliates.portal import words

shop_desk = Blueprint("affiliate_desk", __name__, url_prefix="/studio/affiliates")
operator_desk = Blueprint("affiliate_operator", __name__, url_prefix="/operator")


@shop_desk.context_processor
@operator_desk.context_processor
def helpers():
    return {"words": words}
