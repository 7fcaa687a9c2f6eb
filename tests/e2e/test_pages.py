"""Every page as it looks (two sizes, two themes, two languages): nothing overflows, nothing is cut off, everything to
press is large enough, axe finds nothing serious.

A page has eight looks, which take 5 s; 200 pages would take longer than all other tests. So each is seen in one,
another from page to page: a page has several states in the list, and all pages share their parts. `make shots` sees all
eight and keeps their pictures in artifacts/shots.
"""
import json
import os
import re
import subprocess
import sys
import uuid
from contextlib import contextmanager

import pytest
import redis
from sqlalchemy.exc import OperationalError

from demo.accounts import HOST
from tests.e2e.conftest import DESKTOP, PHONE, SHOTS
from tests.e2e.pages import NO_PAGES, PAGES, Page
from tests.stack import ROOT, Stack

# The first page also waits for the product and its world.
pytestmark = pytest.mark.timeout(300)
AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(v => [v.id, v.impact, v.nodes.map(n => n.target.join(' ')).slice(0, 4)])"  # noqa: E501
MECHANICAL = (ROOT / "tests" / "e2e" / "looks.js").read_text()
# Draw everything anew.
REPAINT = """() => new Promise((done) => {
  const root = document.documentElement;
  root.style.visibility = 'hidden';
  requestAnimationFrame(() => {
    root.style.visibility = '';
    requestAnimationFrame(() => requestAnimationFrame(done));
  });
})"""
LOOKS = [("phone", "light", "en"), ("desktop", "dark", "zh"), ("phone", "dark", "en"), ("desktop", "light", "en"),
         ("phone", "light", "zh"), ("desktop", "dark", "en"), ("phone", "dark", "zh"), ("desktop", "light", "zh")]
EVERY_LOOK = "EVERY_LOOK" in os.environ
LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    """Its own: what happened in the world of all pages would surprise other tests."""
    with Stack(servers, tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="module")
def world(stack):
    """{"ids": …, "cookies": …}: see world.py."""
    done = subprocess.run([sys.executable, "tests/e2e/world.py"], cwd=ROOT, env=stack.env, capture_output=True,
                          text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def browsers(chromium, stack, world):
    """browsers(email, size, lang) → a page of the one browser of that size and language, now that person's: a browser
    for each person would fetch every module anew, some fifty times."""
    kept = {}

    def page_of(email, size, lang):
        if (size, lang) not in kept:
            context = chromium.new_context(viewport=PHONE if size == "phone" else DESKTOP, has_touch=size == "phone",
                                           locale=LOCALES[lang], reduced_motion="reduce", base_url=stack.url)
            context.add_init_script(AXE)  # to send it to each page took a tenth of the time of all of them
            kept[size, lang] = context.new_page()
            kept[size, lang].set_default_timeout(30_000)
        tab = kept[size, lang]
        tab.context.clear_cookies()
        if email:
            tab.context.add_cookies([{"name": "livestall", "value": world["cookies"][email], "url": stack.url}])
        return tab
    yield page_of
    for page in kept.values():
        page.context.close()


@pytest.fixture
def setting(browsers, world):
    """setting(name) → a context in which the show is paused, sold out or rehearsed."""
    @contextmanager
    def be(name: str):
        ids = world["ids"]
        there, back, live = {
            "": ((), (), "live"),
            "paused": ([{"action": "pause"}], [{"action": "resume"}], "live"),
            "sold out": ([{"action": "put_on_air", "offer_id": ids["tins"]}],
                         [{"action": "put_on_air", "offer_id": ids["ornament"]}], "live"),
            "rehearsal": ([{"action": "rehearse"}], [{"action": "end_rehearsal"}], "next"),
        }[name]
        for action in there:
            press(browsers(HOST, "desktop", "en"), ids[live], action)
        try:
            yield
        finally:
            for action in back:
                press(browsers(HOST, "desktop", "en"), ids[live], action)
    return be


def press(page, live_id: str, action: dict) -> None:
    """A press on the control page, by the host."""
    page.goto("/studio/shows")
    page.evaluate("""async ([url, body]) => { await (await import('/static/js/api.js')).call('POST', url, body); }""",
                  [f"/api/live/{live_id}/control", {"key": str(uuid.uuid4()), **action}])


def test_every_html_page_is_in_the_list(app):
    """A new page has to be named in pages.py, so that it is looked at in every look."""
    places = app.url_map.bind("localhost")
    listed = set()
    for page in PAGES:
        path = re.sub(r"\{\w+\}", str(uuid.UUID(int=0)), page.path).split("?")[0]
        if places.test(path, "GET"):
            listed.add(places.match(path, "GET")[0])
    routes = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in rule.methods
              and not rule.rule.startswith("/api/") and "." not in rule.rule.rsplit("/", 1)[-1]}
    assert routes - listed - set(NO_PAGES) == set()
    assert not set(NO_PAGES) & listed and not set(NO_PAGES) - routes, "NO_PAGES names a page, or what is gone"


def broken(app, code: int, lang: str) -> str:
    """The page that is shown when our side fails: asked of the real handlers."""
    from core import web
    with app.test_request_context("/", headers={"Accept-Language": LOCALES[lang]}):
        if code == 503:
            answer = web._database_gone(OperationalError("SELECT 1", {}, Exception("gone")))
        else:
            app.testing = False
            answer = web._unexpected(RuntimeError("on purpose"))
            app.testing = True
        return app.make_response(answer).get_data(as_text=True)


def serve(tab, path: str, html: str) -> None:
    """Answer this address with this page."""
    tab.route(f"**{path}", lambda route: route.fulfill(body=html, content_type="text/html"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page(browsers, stack, world, setting, app, page: Page):
    faults = []
    with setting(page.setting):
        for size, theme, lang in sorted(LOOKS) if EVERY_LOOK else [LOOKS[PAGES.index(page) % len(LOOKS)]]:
            tab = browsers(page.who, size, lang)
            if page.name in ("error-500", "error-503"):
                serve(tab, page.path, broken(app, int(page.name[-3:]), lang))
            forget_tries(stack)
            bring(tab, page, world["ids"], theme)
            seen = look(tab, size) + axe(tab)
            faults += [f"{page.name} {size} {theme} {lang}: {fault}" for fault in seen]
            if EVERY_LOOK or seen:
                picture(tab, f"{page.name}-{size}-{theme}-{lang}")
            tab.evaluate("() => { localStorage.clear(); sessionStorage.clear(); }")
            if page.path.startswith(("/live/", "/studio/shows/")):
                tab.goto("/healthz")  # left open, a show goes on; about:blank would be a new process
    assert not faults, "\n".join(faults)


def forget_tries(stack) -> None:
    """A page that shows a refusal is sent eight times within an hour: the eighth would say "too many tries"."""
    with redis.Redis.from_url(stack.env["REDIS_URL"]) as store:
        for key in store.scan_iter("livestall:wait:*"):
            store.delete(key)


def bring(tab, page: Page, ids: dict, theme: str) -> None:
    """Open the page and press what is to be pressed."""
    tab.emulate_media(color_scheme=theme, reduced_motion="reduce")
    tab.goto(page.path.format(**ids))
    for selector, text in page.fill:
        tab.locator(selector).first.fill(text)
    for selector in page.press:
        tab.locator(selector).first.click()
    tab.locator(page.ready).first.wait_for()
    tab.wait_for_load_state("load")


def look(tab, size: str) -> list[str]:
    """What a machine can see is wrong with the page as it stands."""
    found = list(tab.evaluate(MECHANICAL, {"touch": size == "phone"}))
    if re.search(r"%\(|\{[a-z_]+\}", tab.inner_text("main")):
        found.append("a placeholder was not filled")
    return found


def picture(tab, name: str) -> None:
    """JPEG: a third of the time that PNG takes, and these are looked at, not compared."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    tab.screenshot(path=SHOTS / f"{name}.jpg", type="jpeg", quality=80, full_page=True, animations="disabled")


def axe(tab) -> list[str]:
    """What axe calls serious or critical, and still does when the page was drawn anew: colours that are on their way
    to others have no contrast."""
    for _look in range(2):
        found = [f"axe: {fault}" for fault in tab.evaluate(RUN) if fault[1] in ("serious", "critical")]
        if not found:
            break
        tab.evaluate(REPAINT)
    return found
