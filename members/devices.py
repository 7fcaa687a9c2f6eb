"""Browsers: one that signed in before is known by a signed cookie, so that strangers' guesses never slow it down."""
import hashlib
import hmac
import re
import secrets

from flask import current_app, request
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "livestall_device"
# A year: who comes back for next winter's sale is still known.
LIFE_SECONDS = 365 * 86400
# A family's tablet; more accounts than that on one browser are somebody's list of accounts.
MOST_ACCOUNTS = 5


def account_key(email: str) -> str:
    """A name for an account, also one that does not exist, that tells nobody the e-mail."""
    secret = current_app.config["LIVESTALL"].secret_key.encode()
    return hmac.new(secret, b"account:" + email.lower().encode(), hashlib.sha256).hexdigest()[:24]


def device_for(email: str) -> str | None:
    """This browser's id if the account signed in on it before."""
    known = _read()
    return known["d"] if account_key(email) in known["a"] else None


def remember_device(response, email: str):
    """Note on the answer that the account signed in on this browser."""
    known, key = _read(), account_key(email)
    accounts = [key, *(other for other in known["a"] if other != key)][:MOST_ACCOUNTS]
    value = _signer().dumps({"d": known["d"] or secrets.token_urlsafe(12), "a": accounts})
    response.set_cookie(COOKIE, value, max_age=LIFE_SECONDS, httponly=True, samesite="Lax",
                        secure=current_app.config["LIVESTALL"].secure_cookies)
    return response


def _read() -> dict:
    nothing = {"d": "", "a": []}
    try:
        return _signer().loads(request.cookies.get(COOKIE, ""), max_age=LIFE_SECONDS)
    except BadSignature:
        return nothing


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key, salt="device")


# What a User-Agent says, first match wins: Edge and Opera also say Chrome, Chrome also says Safari.
_BROWSERS = (("Edg(e|A|iOS)?/", "Edge"), ("OPR/", "Opera"), ("MicroMessenger/", "WeChat"),
             ("SamsungBrowser/", "Samsung"), ("Firefox/|FxiOS/", "Firefox"), ("Chrome/|CriOS/", "Chrome"),
             ("Safari/", "Safari"))
_SYSTEMS = (("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
            ("CrOS", "Chromebook"), ("Linux", "Linux"))


def device_name(user_agent: str) -> str:
    """A browser in words a person knows it by: "Chrome on Android"."""
    browser = next((name for pattern, name in _BROWSERS if re.search(pattern, user_agent)), None)
    system = next((name for pattern, name in _SYSTEMS if re.search(pattern, user_agent)), None)
    if browser and system:
        return _("%(browser)s on %(system)s", browser=browser, system=system)
    return browser or system or _("A browser we do not know")
