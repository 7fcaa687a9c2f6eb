"""Sign up, sign in, sign out, forgotten password, language."""
from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _

from core import i18n
from core.db import reading, transaction
from core.errors import DomainError, NotFound
from core.web import body, check
from members import actions, devices, identity, invites, passwords, post, queries, throttle
from members.access import public
from members.forms import page_with_form
from members.paths import local_path
from members.schemas import ForgotIn, LanguageIn, ResetIn, SignInIn, SignUpIn

members = Blueprint("members", __name__)
# Per network and hour: a class signs up together, a program signs up thousands.
SIGN_UPS_FREE, LETTERS_FREE = 60, 20


def sign_in_url(next_path: str) -> str:
    """Where somebody is sent who must sign in first. After a POST they come back to the page it stood on."""
    if request.method != "GET":
        came_from, here = request.referrer or "", request.host_url
        next_path = came_from.removeprefix(here.rstrip("/")) if came_from.startswith(here) else ""
    next_path = local_path(next_path, "")
    return url_for("members.sign_in", **({"next": next_path} if next_path else {}))


def _next() -> str:
    return local_path(request.values.get("next"))


# -- Sign in and out

def _sign_in_page(errors, message, values):
    if g.member and request.method == "GET":
        return redirect(_next())
    demo = current_app.config.get("DEMO_ACCOUNTS", ()) if current_app.config["LIVESTALL"].demo else ()
    return render_template("members/sign_in.html", errors=errors, message=message, values=values, next=_next(),
                           demo_accounts=demo)


@members.route("/sign-in", methods=["GET", "POST"])
@public
@page_with_form(_sign_in_page)
def sign_in():
    given = body(SignInIn)
    member = _who_knows_the_password(given["email"], given["password"])
    return _signed_in(member, remember=given["remember"])


def _who_knows_the_password(email: str, password: str):
    """The member; raises TooMany, or the one refusal that does not tell a wrong password from a wrong e-mail."""
    buckets = throttle.sign_in_buckets(email)
    throttle.take(buckets)
    with reading() as db:
        member = queries.member_by_email(db, email)
    # Not inside a transaction: a connection must not wait for the hash.
    right = passwords.matches(member and not member.simulated and member.password_hash or None, password)
    if not right:
        raise DomainError(_("E-mail and password do not belong together."), code="wrong_password")
    throttle.forgive(buckets)
    if member.disabled_at:
        raise DomainError(_("This account was shut. Write to the shop if you think that is wrong."), code="disabled")
    if passwords.is_outdated(member.password_hash):
        fresh = passwords.hash_password(password)
        with transaction() as db:
            queries.access_member(db, member.id).password_hash = fresh
    return member


def _signed_in(member, *, remember: bool = True, to: str | None = None):
    """Start a sign-in on this browser and go on."""
    with transaction() as db:
        token = identity.begin_sign_in(db, member, remember=remember)
    identity.keep_token(token, remember=remember)
    return devices.remember_device(redirect(to or _next(), 303), member.email)


@members.post("/sign-out")
@public
def sign_out():
    if g.member:
        with transaction() as db:
            identity.end_sign_ins(db, g.member.id, only=g.sign_in_id)
    session.clear()
    answer = redirect(url_for("members.sign_in"), 303)
    # Pages of a signed-in person must not come back with the Back button (browsers keep them outside of HTTP caches).
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer


# -- Sign up

def _invited() -> tuple | None:
    return invites.read(request.values.get("invite", ""))


def _sign_up_page(errors, message, values):
    if g.member and request.method == "GET":
        return redirect(_next())
    invited = _invited()
    with reading() as db:
        shop = queries.public_merchant(db, invited[2]).name if invited else ""
    return render_template("members/sign_up.html", errors=errors, message=message, values=values, next=_next(),
                           invite=request.values.get("invite", ""), invited=invited, shop=shop)


@members.route("/sign-up", methods=["GET", "POST"])
@public
@page_with_form(_sign_up_page)
def sign_up():
    given = body(SignUpIn)
    throttle.limit("sign-up", throttle.network(), SIGN_UPS_FREE)
    with transaction() as db:
        member = actions.sign_up(db, email=given["email"], name=given["name"], password=given["password"],
                                 language=i18n.language())
        shop = invites.accept(db, given["invite"], member)
        token = identity.begin_sign_in(db, member)
    identity.keep_token(token)
    if shop:
        flash(_("Welcome. You now work for %(shop)s.", shop=shop.name), "ok")
    return devices.remember_device(redirect(_next(), 303), member.email)


# -- Forgotten password

def _forgot_page(errors, message, values):
    return render_template("members/forgot.html", errors=errors, message=message, values=values, sent_to="")


@members.route("/forgot", methods=["GET", "POST"])
@public
@page_with_form(_forgot_page)
def forgot():
    email = body(ForgotIn)["email"]
    throttle.limit("forgot", throttle.network(), LETTERS_FREE)
    with transaction() as db:
        member = queries.member_by_email(db, email)
        if member and not member.disabled_at and not member.simulated:
            actions.start_reset(db, member, _reset_link)
    post.ask_worker()
    # The same words for every e-mail, so that nobody can find out who has an account.
    return render_template("members/forgot.html", errors={}, message="", values={}, sent_to=email)


def _reset_link(token: str) -> str:
    # From BASE_URL, never from the Host header: a forged host would send the token to a stranger.
    return current_app.config["LIVESTALL"].base_url + url_for("members.reset", token=token)


def _reset_page(errors, message, values, token):
    with reading() as db:
        works = queries.reset_is_open(db, identity.hash_token(token))
    page = render_template("members/reset.html", errors=errors, message=message, token=token, works=works)
    return make_response(page, 200 if works else 410)


@members.route("/reset/<token>", methods=["GET", "POST"])
@public
@page_with_form(_reset_page)
def reset(token):
    password = body(ResetIn)["password"]
    with transaction() as db:
        try:
            member = actions.use_reset(db, token)
        except NotFound:
            abort(_reset_page({}, "", {}, token))
        passwords.refuse_weak(password, member.email, member.name)
        actions.set_password(db, member, passwords.hash_password(password))
    flash(_("Your new password is set. Other browsers were signed out."), "ok")
    return _signed_in(member, to="/")


# -- Language

@members.post("/language")
@public
def language():
    given = check(LanguageIn, {name: value for name, value in request.form.items() if name != "csrf_token"})
    if g.member:
        with transaction() as db:
            actions.set_language(db, g.member.id, given["language"])
    answer = redirect(local_path(given["next"]), 303)
    answer.set_cookie(i18n.COOKIE, given["language"], max_age=365 * 86400, samesite="Lax",
                      secure=current_app.config["LIVESTALL"].secure_cookies)
    return answer
