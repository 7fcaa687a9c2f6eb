"""The account's page of API keys: make one, see it once, revoke it."""
from flask import flash, g, make_response, redirect, render_template, url_for
from flask_babel import gettext as _

from core.db import reading, transaction
from core.web import body
from members import post
from members.access import is_operator, signed_in
from members.account import ask_password
from members.forms import page_with_form
from members.keys import actions, queries, words
from members.keys.models import SCOPES
from members.keys.schemas import KeyIn, field_of
from members.queries import my_merchants
from members.views import members


def _keys_page(errors, message, values, made=None, secret=""):
    with reading() as db:
        keys, shops = queries.keys_of(db, g.member.id), my_merchants(db, "affiliates")
    shown = {"affiliate": True, "shop": bool(shops), "payouts": is_operator(g.member),
             "platform": is_operator(g.member)}
    areas = [(area, title, [scope for scope in SCOPES if scope.startswith(f"{area}:")])
             for area, title in words.areas().items() if shown[area]]
    return render_template("members/keys.html", keys=keys, errors=errors, message=message, values=values, made=made,
                           secret=secret, areas=areas, scopes=words.scopes(), field_of=field_of,
                           shop_options=[(str(shop.id), shop.name) for shop in shops])


@members.get("/account/keys")
@signed_in
def keys():
    return _keys_page({}, "", {})


@members.post("/account/keys")
@signed_in
@page_with_form(_keys_page)
def key_make():
    """The answer is the page with the secret in it: it is shown this once and kept nowhere."""
    given = body(KeyIn)
    ask_password(given["current_password"])
    with transaction() as db:
        key, secret = actions.make(db, g.member, name=given["name"], merchant_id=given["merchant_id"],
                                   scopes=[scope for scope in SCOPES if given[field_of(scope)]],
                                   known=len(queries.keys_of(db, g.member.id)))
    post.ask_worker()
    answer = make_response(_keys_page({}, "", {}, made=key, secret=secret), 201)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@members.post("/account/keys/<uuid:key_id>/revoke")
@signed_in
def key_revoke(key_id):
    with transaction() as db:
        actions.revoke(db, queries.access_key(db, key_id, g.member))
    flash(_("The key is revoked. It opens nothing any more."), "ok")
    return redirect(url_for("members.keys"), 303)
