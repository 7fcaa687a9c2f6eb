"""What every HTTP answer shares: request ids, checked bodies, one error body, and the headers that protect a page."""
import copy
import re
import secrets
import uuid
from functools import cache, lru_cache

import structlog
from flask import Response, current_app, g, jsonify, redirect, render_template, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError, CSRFProtect
from itsdangerous import BadSignature
from marshmallow import RAISE, Schema, ValidationError
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from core import api
from core.errors import Busy, DomainError, Invalid, SignInNeeded

log = structlog.get_logger("web")
csrf = CSRFProtect()


class In(Schema):
    """A body that comes from outside: what is not named in it is refused."""

    class Meta:
        unknown = RAISE


def body(schema: type[Schema] | Schema):
    """The request's JSON or form, checked. Raises Invalid with the fields that are wrong."""
    if request.is_json:
        raw = request.get_json(silent=True)
        if not isinstance(raw, dict):
            raise Invalid(_("We expected JSON with named fields."))
    else:
        raw = {name: value for name, value in request.form.items() if name != "csrf_token"}
    return check(schema, raw)


def check(schema: type[Schema] | Schema, raw: dict):
    """`raw` loaded by the schema, or Invalid."""
    schema = _made(schema) if isinstance(schema, type) else schema
    if unreadable := [name for name, value in raw.items() if "\x00" in str(value)]:
        # PostgreSQL keeps no NUL in text; nobody types one.
        raise Invalid(fields={name: [_("We cannot read that.")] for name in unreadable})
    try:
        return schema.load(raw)
    except ValidationError as error:
        raise Invalid(fields=flat(error.messages)) from error


@cache
def _made(schema: type[Schema]) -> Schema:
    """One of a kind a process: making one copies all its fields, three quarters of the time of checking a claim."""
    return schema()


def flat(messages, prefix=""):
    """marshmallow nests messages; pages want {"lines.0.quantity": ["…"]}."""
    if not isinstance(messages, dict):  # a list, or one translated sentence (marshmallow wraps only str)
        messages = messages if isinstance(messages, list) else [messages]
        return {prefix or "_": [_say(str(message)) for message in messages]}
    said = {}
    for name, inner in messages.items():
        said |= flat(inner, f"{prefix}.{name}" if prefix else str(name))
    return said


def _say(message: str) -> str:
    """marshmallow's own sentences in the member's language; those that rooms write are translated already."""
    if message in ("Missing data for required field.", "Field may not be null."):
        return _("Please fill this in.")
    if message == "Unknown field.":
        return _("We do not know this field.")
    if message == "Invalid input type.":
        return _("We expected named fields.")
    if bound := re.fullmatch(r"Must be greater than or equal to (\S+) and less than or equal to (\S+)\.", message):
        return _("From %(low)s to %(high)s.", low=bound[1], high=bound[2])
    if bound := re.fullmatch(r"Must be greater than or equal to (\S+)\.", message):
        return _("At least %(low)s.", low=bound[1])
    if bound := re.fullmatch(r"Length must be between (\d+) and (\d+)\.", message):
        return _("From %(low)s to %(high)s characters.", low=bound[1], high=bound[2])
    if bound := re.fullmatch(r"Longer than maximum length (\d+)\.", message):
        return _("At most %(high)s characters.", high=bound[1])
    if message.startswith("Not a valid ") or message.startswith("Must be one of"):
        return _("We cannot read that.")
    return message


def page_number() -> int:
    """Which page of a list is asked for: 1 to 10,000, whatever stands in the address."""
    return max(1, min(request.args.get("page", 1, int), 10_000))


def wants_json() -> bool:
    if request.is_json or request.path.startswith("/api/"):
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def failure(error: DomainError) -> Response | tuple:
    """The answer to a refusal: the body as JSON, or a page."""
    if request.path.startswith(f"{api.PREFIX}/"):
        return api.problem(error)
    headers = {"Retry-After": "2"} if error.status == 503 else {}
    if wants_json():
        return jsonify(error.body()), error.status, headers
    if isinstance(error, SignInNeeded):
        return redirect(current_app.config["SIGN_IN_URL"](request.full_path.rstrip("?")))
    return render_template("errors/error.html", code=error.status, message=error.message), error.status, headers


class Sessions(SecureCookieSessionInterface):
    """Signed cookies whose age is not asked: a host whose clock is behind took what another had just signed for news
    from the future and signed people out. How long a sign-in lasts stands in the database (members.identity)."""

    def open_session(self, app, request):
        cookie = request.cookies.get(self.get_cookie_name(app))
        try:
            return self.session_class(copy.deepcopy(self._read(app, cookie)) if cookie else {})
        except BadSignature:
            return self.session_class()

    @lru_cache(maxsize=20_000)  # noqa: B019  (one object a process; a cookie is some 500 bytes)
    def _read(self, app, cookie: str) -> dict:
        """What a cookie says. The same bytes always say the same, and a socket shows its own at every message: checking
        the signature again took 80 of the 860 µs that a message cost."""
        return self.get_signing_serializer(app).loads(cookie)


def init_app(app) -> None:
    config = app.config["LIVESTALL"]
    app.session_interface = Sessions()
    app.secret_key = config.secret_key
    app.config.update(
        SESSION_COOKIE_NAME="livestall", SESSION_COOKIE_HTTPONLY=True, SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.secure_cookies, WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=16 * 2**20,  # a CSV of a whole shop is 5 MB
        MAX_FORM_MEMORY_SIZE=2**20, JSON_SORT_KEYS=False)
    app.json.sort_keys = False
    if config.trusted_proxies:
        n = config.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=n, x_proto=n, x_host=n)
    csrf.init_app(app)
    app.before_request(_begin)
    app.after_request(_protect)
    app.register_error_handler(DomainError, failure)
    app.register_error_handler(CSRFError, _csrf_failed)
    app.register_error_handler(HTTPException, _http_failed)
    for kind in (OperationalError, PoolTimeout):
        app.register_error_handler(kind, _database_gone)
    app.register_error_handler(Exception, _unexpected)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def csp_nonce() -> str:
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return g.csp_nonce


def _begin():
    trusted = current_app.config["LIVESTALL"].trusted_proxies
    g.request_id = trusted and request.headers.get("X-Request-Id", "")[:64] or uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def _protect(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Frame-Options"] = "DENY"
    response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    if response.mimetype == "text/html":
        script = f"'self' 'nonce-{csp_nonce()}'"
        film = "".join(f" {origin}" for origin in g.get("film_origins", ()))  # a show whose video is not ours
        response.headers.setdefault("Content-Security-Policy", "; ".join((
            "default-src 'self'", f"script-src {script}", "style-src 'self'", "img-src 'self' data: blob:",
            f"connect-src 'self' ws: wss:{film}", f"media-src 'self' blob:{film}", "worker-src 'self'",
            "object-src 'none'", "base-uri 'none'",
            "form-action 'self'", "frame-ancestors 'none'")))
        response.headers.setdefault("Cache-Control", "no-store" if session.get("sign_in") else "no-cache")
    if current_app.config["LIVESTALL"].secure_cookies:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _csrf_failed(_error):
    error = DomainError(_("This page was open too long. Please load it again and repeat."), code="csrf")
    error.status = 400
    return failure(error)


def _http_failed(error: HTTPException):
    if error.code is None or error.code < 400:  # a redirect
        return error
    refusal = DomainError(_http_message(error.code), code=f"http_{error.code}")
    refusal.status = error.code
    answer = current_app.make_response(failure(refusal))
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            answer.headers[name] = value
    return answer


def _http_message(code: int) -> str:
    return {404: _("We cannot find that page."), 405: _("This address does not do that."),
            413: _("That file is too large."), 429: _("That was a bit fast. Please wait a moment."),
            }.get(code, _("We could not understand that request."))


def _database_gone(error: DBAPIError):
    log.error("database unavailable", error=str(error).splitlines()[0])
    return failure(Busy(_("We cannot reach our books right now. Nothing was changed. Please try again."),
                        retry_ms=2000))


def _unexpected(error: Exception):
    if current_app.testing:
        raise error  # a test shall see the traceback, not a page about it
    log.exception("unexpected error", path=request.path)
    refusal = DomainError(_("Something broke on our side. We have written it down."), code="internal")
    refusal.status = 500
    return failure(refusal)

