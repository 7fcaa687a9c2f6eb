"""Languages: which one a page speaks, and what templates and browser code need to speak it.

The choice, in this order: the member's own, the cookie `lang`, the browser's wish, the configured default.
"""
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date, format_datetime, format_skeleton, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, current_app, g, has_request_context, request, url_for
from flask_babel import Babel
from markupsafe import Markup

from core import clock, money

# Code → (locale of money and numbers, tag for <html lang>, name in its own language, locale of dates).
# English money is written as Americans do ("¥1,280", not "JP¥"), dates as everyone else does ("26 Nov 2026").
LANGUAGES = {"en": ("en", "en", "English", "en_GB"), "zh": ("zh_Hans_CN", "zh-CN", "中文", "zh_Hans_CN")}
THEMES = ("system", "light", "dark")
CATALOGUES = Path(__file__).resolve().parent.parent / "translations"
COOKIE = "lang"


def known(language: str | None) -> str | None:
    """The language's code if we speak it ("zh-CN" → "zh"), else None."""
    code = (language or "").replace("_", "-").split("-")[0].lower()
    return code if code in LANGUAGES else None


def language() -> str:
    """The code of the language to answer in; outside of a request the configured default."""
    default = known(getattr(current_app.config.get("LIVESTALL"), "default_language", None)) or "en"
    if not has_request_context():
        return default
    member = g.get("member")
    return (known(getattr(member, "language", None)) or known(request.cookies.get(COOKIE))
            or known(request.accept_languages.best_match(["en", "zh-CN", "zh-Hans", "zh"])) or default)


def locale() -> str:
    """The name of the locale that writes money and numbers, "en" or "zh_Hans_CN"."""
    return LANGUAGES[language()][0]


def html_lang() -> str:
    """The tag for `<html lang>`; `:lang(zh)` in the CSS listens to it."""
    return LANGUAGES[language()][1]


def theme() -> str:
    """The theme that the browser keeps in its cookie; "system" if it keeps none."""
    chosen = request.cookies.get("theme") if has_request_context() else None
    return chosen if chosen in THEMES else "system"


def gettext_in(code: str, message: str, **values) -> str:
    """A sentence in a named language, for jobs and letters where no request says which."""
    text = _translations(known(code) or "en").gettext(message)
    return text % values if values else text


@lru_cache(maxsize=8)
def _translations(code: str):
    return Translations.load(str(CATALOGUES), [LANGUAGES[code][0]], "messages")


@lru_cache(maxsize=8)
def js_strings(code: str) -> dict:
    """The browser's catalogue: {"lang", "strings": {English: text}, "plurals": {English singular: [texts]}}."""
    answer = {"lang": LANGUAGES[code][1], "strings": {}, "plurals": {}}
    path = CATALOGUES / code / "LC_MESSAGES" / "js.po"
    if not path.exists():
        return answer
    with path.open("rb") as file:
        catalogue = read_po(file, locale=code)
    for message in catalogue:
        if not message.id or message.fuzzy or not message.string:
            continue
        if message.pluralizable:
            if texts := [text for text in message.string if text]:
                answer["plurals"][message.id[0]] = texts
                # The same words may stand in t() elsewhere; the catalogue has one entry for both.
                answer["strings"][message.id[0]] = texts[0]
        else:
            answer["strings"][message.id] = message.string
    return answer


def compile_stale() -> int:
    """Write each .mo that is missing or older than its .po (they are not in the repository); how many were."""
    done = 0
    for po in sorted(CATALOGUES.glob("*/LC_MESSAGES/*.po")):
        mo = po.with_suffix(".mo")
        if mo.exists() and mo.stat().st_mtime >= po.stat().st_mtime:
            continue
        with po.open("rb") as file:
            catalogue = read_po(file, locale=po.parent.parent.name)
        # Beside and then renamed: another process may be reading the old one.
        fresh = mo.with_suffix(f".{id(catalogue)}.part")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(mo)
        done += 1
    return done


# -- for templates ---------------------------------------------------------------------------------------------------

def has_endpoint(name: str) -> bool:
    """Whether this build has the page, so that a menu shows no dead link."""
    return name in current_app.view_functions


def money_text(minor: int, currency: str) -> str:
    return money.format_money(minor, currency, locale())


def money_parts(minor: int, currency: str) -> list[tuple[str, str]]:
    return money.format_parts(minor, currency, locale())


# How a moment reads before the browser rewrites it in the viewer's own zone (static/js/shell.js knows the same names).
_SHAPES = {
    "time": lambda moment, name: format_time(moment, "short", locale=name) + " UTC",
    "date": lambda moment, name: format_date(moment, "medium", locale=name),
    "day": lambda moment, name: format_skeleton("MMMEd", moment, locale=name),
    "long": lambda moment, name: format_date(moment, "full", locale=name),
    "datetime": lambda moment, name: format_datetime(moment, "medium", locale=name) + " UTC",
    "short": lambda moment, name: format_datetime(moment, "short", locale=name) + " UTC",
}


def time_tag(moment: datetime | None, shape: str = "datetime", cls: str = "") -> Markup:
    """`<time>` in UTC; nothing for None."""
    if moment is None:
        return Markup("")
    kind = Markup(' class="{}"').format(cls) if cls else ""
    text = _SHAPES[shape](moment.astimezone(UTC), LANGUAGES[language()][3])
    return Markup('<time datetime="{}" data-as="{}"{}>{}</time>').format(clock.iso(moment), shape, kind, text)


def page_url(page: int) -> str:
    """This page's own address with another page number, keeping its filters."""
    arguments = {**request.args.to_dict(flat=False), **(request.view_args or {}), "page": page}
    return url_for(request.endpoint, **arguments)


def attributes(values: dict) -> Markup:
    """HTML attributes, each with a space before it: True is a bare one, False and None are none. Names are trusted."""
    said = [Markup(" {}").format(name) if value is True else Markup(' {}="{}"').format(name, value)
            for name, value in values.items() if value is not None and value is not False]
    return Markup("").join(said)


def init_app(app: Flask) -> None:
    """Set up gettext and what base.html and _ui.html call."""
    compile_stale()
    app.config.setdefault("BABEL_TRANSLATION_DIRECTORIES", str(CATALOGUES))
    Babel(app, locale_selector=locale)
    app.jinja_env.filters["attributes"] = attributes
    app.jinja_env.globals.update(
        language=language, html_lang=html_lang, locale=locale, theme=theme, languages=LANGUAGES,
        has_endpoint=has_endpoint, js_strings=lambda: js_strings(language()), money_text=money_text,
        money_parts=money_parts, time_tag=time_tag, page_url=page_url, iso=clock.iso)
