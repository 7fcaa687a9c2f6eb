"""A real browser against the real product. A missing one fails, it is not skipped."""
import os
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import NullPool, create_engine, func, select
from sqlalchemy.orm import Session

from core.web import Sessions
from members.identity import COOKIE_KEY, REMEMBERED, hash_token, new_token
from members.models import Member, SignIn
from scripts import setup
from tests.stack import Stack

CHROMIUM = os.environ.get("CHROMIUM") or setup.find_chromium()
# For each window Chromium draws the suggestions of an address bar that nobody sees: half of the 0.6 s of processor time
# that a browser of one's own took. This takes the place of Playwright's list, so what that leaves out is left out here.
NO_FEATURES = ("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades",
               "HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding",
               "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints",
               "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch", "WebUIOmniboxPopup",
               "WebUIOmniboxAimPopup")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream",
         "--use-fake-device-for-media-stream", f"--disable-features={','.join(NO_FEATURES)}"]
# Five seconds is Playwright's own patience; with other work on the machine a payment or a frame takes longer.
expect.set_options(timeout=20_000)
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
SHOTS = Path(__file__).resolve().parents[2] / "artifacts" / "shots"


def pytest_collection_modifyitems(items):
    """Everything in this folder is marked e2e: it runs by itself, after the fast part."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """What the open pages showed and the servers complained of stands in the report of a failure."""
    report = yield
    with_us = getattr(item, "funcargs", {})
    if call.when == "call" and report.failed and "chromium" in with_us:
        pages = [page for context in with_us["chromium"].contexts for page in context.pages]
        report.sections.append(("pages at the end", "\n".join(map(_seen, pages))))
    if call.when == "call" and report.failed and "stack" in with_us:
        report.sections.append(("the servers' complaints", "\n".join(_complaints(with_us["stack"].folder))))
    return report


def _seen(page) -> str:
    try:
        words = page.evaluate("JSON.stringify(document.documentElement.dataset) + ' ' + document.body.innerText")
    except PlaywrightError as error:
        words = str(error)
    return f"{page.url}: {' / '.join(words.split(chr(10)))[:800]}"


def _complaints(folder: Path) -> list[str]:
    found = [f"{log.stem}: {line[:600]}" for log in sorted(folder.glob("*.log"))
             for line in log.read_text(errors="replace").splitlines() if '"error"' in line or '"warning"' in line]
    return found[-30:]


@pytest.fixture(scope="session")
def stack(servers, tmp_path_factory):
    """The product with demo data, one for all browser tests of a process."""
    with Stack(servers, tmp_path_factory.mktemp("stack")) as stack:
        yield stack


@pytest.fixture(scope="session")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def person(chromium, stack):
    """person(email=None, phone=True, lang="en", theme="light") → a page of a browser of one's own, signed in."""
    contexts, problems = [], []

    def open_browser(email=None, *, phone=True, lang="en", theme="light"):
        context = chromium.new_context(
            viewport=PHONE if phone else DESKTOP, locale={"en": "en-GB", "zh": "zh-CN"}[lang], has_touch=phone,
            color_scheme=theme, reduced_motion="reduce", base_url=stack.url)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("pageerror", lambda error: problems.append(f"{page.url}: {error}"))
        page.on("console", lambda m: problems.append(f"{page.url}: {m.text}") if is_fault(m) else None)
        if email:
            context.add_cookies([signed_in(stack, email)])
        return page
    yield open_browser
    for context in contexts:
        context.close()
    assert not problems, problems


def is_fault(message) -> bool:
    """A line of the console that a test must not see; a cut line is told by the browser itself."""
    told = ("Failed to load resource", "WebSocket", "net::ERR_")
    return message.type == "error" and not any(text in message.text for text in told)


def signed_in(stack, email: str) -> dict:
    """The cookie of a browser that signed in a moment ago. Two pages and a slow hash less than through the form: a
    second for each person of each test."""
    token, web = new_token(), Flask(__name__)
    web.secret_key = stack.env["SECRET_KEY"]
    database = create_engine(stack.database_url, poolclass=NullPool)
    with Session(database) as db, db.begin():
        who = db.scalars(select(Member).where(Member.email == email)).one()
        db.add(SignIn(member_id=who.id, token_hash=hash_token(token), expires_at=func.now() + REMEMBERED))
    value = Sessions().get_signing_serializer(web).dumps({COOKIE_KEY: token, "_permanent": True})
    return {"name": "livestall", "value": value, "url": stack.url}


def sign_in(page, email: str, password: str | None = None) -> None:
    """Through the form, as a person would."""
    from demo.accounts import PASSWORD
    page.goto("/sign-in")
    page.fill("input[name=email]", email)
    page.fill("input[name=password]", password or PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url(lambda url: "/sign-in" not in url)


def shoot(page, name: str) -> Path:
    """Keep a screenshot under artifacts/shots (git-ignored)."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    path = SHOTS / f"{name}.png"
    page.screenshot(path=path)
    return path
