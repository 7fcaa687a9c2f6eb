"""Which language a page speaks, and what templates get from core.i18n."""
import os
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from babel.messages.pofile import write_po
from flask import Flask, g, render_template_string

from core import i18n


@pytest.fixture
def app():
    app = Flask("speaking")
    app.config.update(LIVESTALL=SimpleNamespace(default_language="en"))
    app.add_url_rule("/list/<kind>", "list", lambda kind: "")
    i18n.init_app(app)
    return app


@pytest.mark.parametrize(("member", "cookie", "browser", "spoken"), [
    ("zh", "en", "en", "zh"), (None, "zh", "en", "zh"), (None, None, "zh-TW,zh;q=0.9,en;q=0.1", "zh"),
    (None, None, "fr, en;q=0.3", "en"), (None, None, "fr", "en"), (None, "xx", "zh-CN", "zh"), ("xx", None, "", "en"),
])
def test_the_members_choice_comes_before_the_cookie_before_the_browser(app, member, cookie, browser, spoken):
    headers = {"Accept-Language": browser, "Cookie": f"lang={cookie}" if cookie else ""}
    with app.test_request_context(headers=headers):
        g.member = SimpleNamespace(language=member) if member else None
        assert i18n.language() == spoken


def test_the_default_speaks_where_there_is_no_request(app):
    app.config["LIVESTALL"] = SimpleNamespace(default_language="zh")
    with app.app_context():
        assert i18n.language() == "zh"
        assert i18n.locale() == "zh_Hans_CN"


@pytest.mark.parametrize(("cookie", "theme"), [("dark", "dark"), ("light", "light"), ("system", "system"),
                                               ('x" onload="', "system"), ("", "system")])
def test_only_themes_that_exist_reach_the_page(app, cookie, theme):
    with app.test_request_context():
        # Past the cookie parser: what a hostile client could send in some other way.
        from flask import request
        request.cookies = {"theme": cookie}
        assert i18n.theme() == theme


@pytest.mark.parametrize(("cookie", "text"), [
    ("en", "26 Nov 2026, 20:04:00 UTC"), ("zh", "2026年11月26日 20:04:00 UTC")])
def test_a_moment_is_said_in_utc_until_the_browser_knows_better(app, cookie, text):
    moment = datetime(2026, 11, 26, 20, 4, tzinfo=UTC)
    with app.test_request_context(headers={"Cookie": f"lang={cookie}"}):
        tag = i18n.time_tag(moment)
        assert 'datetime="2026-11-26T20:04:00.000Z" data-as="datetime"' in tag
        assert text in tag
        assert i18n.time_tag(None) == ""


def test_money_is_written_in_the_readers_language(app):
    with app.test_request_context(headers={"Cookie": "lang=zh"}):
        assert i18n.money_text(128000, "JPY") == "JP¥128,000"
        assert i18n.money_parts(995, "CNY") == [("symbol", "¥"), ("int", "9"), ("frac", ".95")]


def test_the_next_page_keeps_the_filters(app):
    with app.test_request_context("/list/late?q=a%26b&tag=x&tag=y&page=2"):
        assert i18n.page_url(3) == "/list/late?q=a%26b&tag=x&tag=y&page=3"


def test_attributes_are_escaped_and_false_ones_are_not_there(app):
    with app.test_request_context():
        page = render_template_string("<i{{ values|attributes }}>", values={
            "autofocus": False, "required": True, "title": '"><script>', "size": 0, "list": None})
    assert page == '<i required title="&#34;&gt;&lt;script&gt;" size="0">'


@pytest.fixture
def catalogues(tmp_path, monkeypatch):
    folder = tmp_path / "zh" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    monkeypatch.setattr(i18n, "CATALOGUES", tmp_path)
    i18n._translations.cache_clear()
    i18n.js_strings.cache_clear()
    yield folder
    i18n._translations.cache_clear()
    i18n.js_strings.cache_clear()


def write(path, **messages):
    catalogue = Catalog(locale="zh")
    for source, text in messages.items():
        catalogue.add(source, text)
    with path.open("wb") as file:
        write_po(file, catalogue)
    return catalogue


def test_a_catalogue_is_compiled_when_it_is_newer_than_its_binary(catalogues):
    po, mo = catalogues / "messages.po", catalogues / "messages.mo"
    write(po, Hello="你好")
    assert i18n.compile_stale() == 1
    assert i18n.compile_stale() == 0
    write(po, Hello="您好")
    os.utime(mo, (1, 1))
    assert i18n.compile_stale() == 1
    with mo.open("rb") as file:
        assert read_mo(file).get("Hello").string == "您好"
    assert i18n.gettext_in("zh", "Hello") == "您好"
    assert i18n.gettext_in("en", "Hello") == "Hello"


def test_the_browser_gets_only_finished_translations(catalogues):
    catalogue = write(catalogues / "js.po", Undo="撤销", Later="")
    catalogue.add(("{n} left", "{n} left"), ("剩 {n} 件",))
    catalogue.add("Guess", "猜", flags=["fuzzy"])
    with (catalogues / "js.po").open("wb") as file:
        write_po(file, catalogue)
    assert i18n.js_strings("zh") == {
        "lang": "zh-CN", "strings": {"Undo": "撤销", "{n} left": "剩 {n} 件"}, "plurals": {"{n} left": ["剩 {n} 件"]}}
    assert i18n.js_strings("en") == {"lang": "en", "strings": {}, "plurals": {}}
