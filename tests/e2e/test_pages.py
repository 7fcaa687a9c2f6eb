"""Every page, on a phone and at a desk: nothing overflows, axe finds nothing serious, and a picture is kept."""
import re

import pytest

from demo.accounts import HOST, OPERATOR, STAFF, VIEWERS
from tests.e2e.conftest import shoot
from tests.stack import ROOT

AXE = (ROOT / "node_modules" / "axe-core" / "axe.min.js")
RUN = "async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(v => [v.id, v.impact, v.nodes.map(n => n.target.join(' ')).slice(0, 4)])"  # noqa: E501
PUBLIC = {"home": "/", "waiting": "/live/{next}", "ended": "/live/{past}", "sign-in": "/sign-in", "sign-up": "/sign-up",
          "forgot": "/forgot", "missing": "/no-such-page"}
VIEWER = {"watch": "/live/{live}", "orders": "/orders", "account": "/account"}
STUDIO = {"campaigns": "/studio/campaigns", "catalogue": "/studio/catalogue", "imports": "/studio/catalogue/imports",
          "desk": "/studio/orders", "shows": "/studio/shows", "plan": "/studio/shows/{next}",
          "report": "/studio/shows/{past}/report", "people": "/studio/people", "shop": "/studio/shop"}
CONTROL = {"control": "/studio/shows/{live}/control"}
OPERATE = {"operator": "/operator"}
PAGES = [(None, name, path) for name, path in PUBLIC.items()] + [(VIEWERS[1], *item) for item in VIEWER.items()] + [
    (STAFF, *item) for item in STUDIO.items()] + [(HOST, *item) for item in CONTROL.items()] + [
    (OPERATOR, *item) for item in OPERATE.items()]


@pytest.fixture(scope="session")
def shows(stack):
    """The demo's shows by what they are: on air, to come, over."""
    from sqlalchemy import create_engine, text
    engine = create_engine(stack.database_url)
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT state, id FROM live_sessions ORDER BY starts_at")).all()
    engine.dispose()
    kinds = {"live": "live", "paused": "live", "scheduled": "next", "ended": "past"}
    return {kinds[state]: str(id) for state, id in rows if state in kinds}


@pytest.fixture(scope="module")
def browsers(chromium, stack):
    """One signed-in browser for each (who, size, language, theme), kept for the whole file."""
    from tests.e2e.conftest import DESKTOP, PHONE, sign_in
    kept = {}

    def page_of(email, phone, lang, theme):
        key = (email, phone, lang, theme)
        if key not in kept:
            context = chromium.new_context(viewport=PHONE if phone else DESKTOP, has_touch=phone, color_scheme=theme,
                                           locale={"en": "en-GB", "zh": "zh-CN"}[lang], reduced_motion="reduce",
                                           base_url=stack.url)
            page = context.new_page()
            if email:
                sign_in(page, email)
            kept[key] = page
        return kept[key]
    yield page_of
    for page in kept.values():
        page.context.close()


@pytest.mark.parametrize(("lang", "theme"), [("en", "light"), ("zh", "dark")])
@pytest.mark.parametrize("phone", [True, False], ids=["phone", "desktop"])
@pytest.mark.parametrize(("email", "name", "path"), PAGES, ids=[name for _, name, _ in PAGES])
def test_page(browsers, shows, email, name, path, phone, lang, theme):
    page = browsers(email, phone, lang, theme)
    page.goto(path.format(**shows))
    page.wait_for_selector("main")
    page.wait_for_load_state("load")
    shoot(page, f"{name}-{'phone' if phone else 'desktop'}-{theme}-{lang}")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, "the page is wider than the screen"
    page.evaluate(AXE.read_text())
    serious = [v for v in page.evaluate(RUN) if v[1] in ("serious", "critical")]
    assert not serious, serious
    assert not re.search(r"%\(|\{[a-z_]+\}", page.inner_text("main")), "a placeholder was not filled"
