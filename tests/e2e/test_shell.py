"""What stands around every page works in a browser under the strict CSP: theme, menus, dialogs, toasts, fields.

The page is made of base.html and the macros alone, so nothing here waits for the product.
"""
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, render_template_string
from flask_wtf import CSRFProtect
from werkzeug.serving import make_server

from core import i18n, statics

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
PAGE = """
{% extends "base.html" %}
{% from "_ui.html" import confirm_typed, countdown, field, file_drop, password, select, stepper, stockbar, when, icon,
   segments, textarea, checkbox, switch, pagination, tabs, breadcrumbs, notice, empty, chip, price with context %}
{% block title %}Pieces{% endblock %}
{% block content %}
<h1>Pieces</h1>{{ when(moment, "datetime") }}{{ countdown(soon) }}{{ stockbar(28, 9, 63) }}
{{ price(210, "GBP", true) }}
{{ notice("Paid.", "stock") }}{{ chip("Paid", "stock") }}{{ chip("Late", "urgent") }}{{ chip("Held", "calm") }}
{{ breadcrumbs([("/", "All")]) }}{{ tabs("Views", [("#", "One", true), ("#", "Two", false)]) }}
{{ tabs("Many", [("#", "The first of many tabs", false), ("#", "The second of them", false), ("#", "A third", false),
                 ("#", "Where one is", true)]) }}
{{ pagination(3, 10, 99) }}
<form method="post" action="/gone" data-once class="form">{{ stepper("How many", "quantity", 2, 1, 4) }}
{{ field("Name", "name", "x", errors=["Too short."]) }}{{ password("Password") }}{{ file_drop("Drop a file", "file") }}
{{ select("Kind", "kind", [("a", "A")], "a") }}
{{ segments("Size", "size", [("s", "S"), ("m", "M")], "s") }}
{{ textarea("Words", "words", "x") }}{{ checkbox("Tick", "tick") }}{{ switch("Slow", "slow") }}
<button>Send</button></form>
<button type="button" data-open="end">End</button>
<details class="menu"><summary>More</summary><div class="list"><button class="item">First</button></div></details>
{% endblock %}
{% block dialogs %}{% call confirm_typed("end", "End the show?", "/gone", "END", "End show") %}It stops.{% endcall %}
{% endblock %}
"""


@pytest.fixture(scope="module")
def address():
    app = Flask("pieces", template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static"))
    app.config.update(SECRET_KEY="s" * 40, LIVESTALL=SimpleNamespace(env="test"))
    CSRFProtect(app)
    app.jinja_env.globals["csp_nonce"] = lambda: "n0nce"
    i18n.init_app(app)
    statics.init_app(app)
    moment = datetime(2026, 11, 26, 20, 4, tzinfo=UTC)
    app.add_url_rule("/", "pieces", lambda: render_template_string(PAGE, moment=moment, soon=datetime.now(UTC)
                                                                   + timedelta(minutes=2)))

    @app.after_request
    def protect(response):
        response.headers["Content-Security-Policy"] = "default-src 'self'; script-src 'self' 'nonce-n0nce'"
        return response

    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture(params=[(390, 844), (1440, 900)], ids=["phone", "desktop"])
def page(chromium, address, request):
    width, height = request.param
    context = chromium.new_context(viewport={"width": width, "height": height}, timezone_id="Asia/Shanghai",
                                   locale="en-GB", color_scheme="light")
    page = context.new_page()
    page.set_default_timeout(30_000)  # a busy machine needs more than five seconds for a page
    problems = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    # One test takes the network away; that is no problem of the page.
    page.on("console", lambda message: problems.append(message.text)
            if message.type == "error" and "ERR_INTERNET_DISCONNECTED" not in message.text else None)
    page.goto(address)
    yield page
    context.close()
    assert problems == []


def test_the_page_fits_its_width_and_speaks_the_viewers_zone(page):
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "27 Nov 2026, 04:04" in page.inner_text("time")
    # It shows what is left by this browser's clock, rounded up, at the latest with its next second.
    page.wait_for_function("""() => {
        const until = document.querySelector('[data-until]');
        const [minutes, seconds] = until.querySelector('.left').innerText.split(':').map(Number);
        const ahead = minutes * 60 + seconds - (Date.parse(until.dataset.until) - Date.now()) / 1000;
        return minutes < 3 && ahead >= 0 && ahead <= 1.5;
    }""", timeout=5000)
    assert page.evaluate("getComputedStyle(document.querySelector('.stockbar .left')).getPropertyValue('--w')") == "28%"


def test_a_chosen_theme_outlives_the_page(page):
    page.click("footer [data-theme-pick=dark]")
    assert page.get_attribute("html", "data-theme") == "dark"
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.reload()
    assert page.get_attribute("html", "data-theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
    page.click("footer [data-theme-pick=system]")
    assert page.get_attribute("html", "data-theme") is None


def test_an_irreversible_act_waits_for_its_word(page):
    page.click("[data-open=end]")
    dialog = page.locator("dialog#end")
    assert page.evaluate("document.activeElement.id") == "end-word"
    assert dialog.locator("[data-when-typed]").is_disabled()
    page.keyboard.type("en")
    assert dialog.locator("[data-when-typed]").is_disabled()
    page.keyboard.type("d")
    assert dialog.locator("[data-when-typed]").is_enabled()
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert page.evaluate("document.activeElement.dataset.open") == "end"


def test_a_tap_before_the_modules_are_there_opens_its_dialog_when_they_are(page, address):
    """On a busy machine or a slow line the button stands there before its script: this lost a buyer's "Cancel"."""
    held = []
    page.route("**/js/shell.js", lambda route: held.append(route))
    with page.expect_request("**/js/shell.js"):
        page.goto(address, wait_until="commit")
    page.click("[data-open=end]")
    assert not page.locator("dialog#end").is_visible()
    held[0].continue_()
    page.locator("dialog#end").wait_for(state="visible")
    page.keyboard.press("Escape")
    assert not page.locator("dialog#end").is_visible()


def test_a_strip_of_tabs_begins_where_the_reader_is(page):
    page.wait_for_function("""() => {
        const tab = document.querySelector("[aria-label=Many] [aria-current]");
        const [one, strip] = [tab, tab.parentElement].map((element) => element.getBoundingClientRect());
        return one.left >= strip.left - 1 && one.right <= strip.right + 1;
    }""")


def test_a_dialog_closes_by_its_cross_and_by_a_press_beside_it(page):
    dialog = page.locator("dialog#end")
    page.click("[data-open=end]")
    dialog.locator("[data-close]").first.click()
    assert not dialog.is_visible()
    page.click("[data-open=end]")
    page.mouse.click(5, 5)
    assert not dialog.is_visible()


def test_a_sheet_lies_at_the_bottom_of_a_phone_and_in_the_middle_of_a_desktop(page):
    page.emulate_media(reduced_motion="reduce")
    page.click("[data-open=end]")
    box = page.locator("dialog#end").bounding_box()
    width, height = page.viewport_size["width"], page.viewport_size["height"]
    if width < 900:
        assert (box["x"], box["width"], round(box["y"] + box["height"])) == (0, width, height)
    else:
        assert abs(box["x"] * 2 + box["width"] - width) <= 1
        assert abs(box["y"] * 2 + box["height"] - height) <= 1


def test_a_stepper_stops_at_its_bounds(page):
    field, (less, more) = page.locator("#f-quantity"), page.locator("[data-stepper] button").all()
    more.click()
    more.click()
    assert field.input_value() == "4"
    assert more.is_disabled()
    field.fill("99")
    field.blur()
    assert field.input_value() == "4"
    for _ in range(3):
        less.click()
    assert field.input_value() == "1"
    assert less.is_disabled()


def test_a_menu_closes_on_escape_and_on_a_press_elsewhere(page):
    menu = page.locator("main details.menu")
    menu.locator("summary").click()
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    menu.locator("summary").click()
    page.locator("h1").click()
    assert menu.get_attribute("open") is None


def test_a_password_can_be_looked_at(page):
    page.fill("#f-password", "correct horse")
    page.click("[data-peek]")
    assert page.get_attribute("#f-password", "type") == "text"
    page.click("[data-peek]")
    assert page.get_attribute("#f-password", "type") == "password"


def test_a_refused_field_has_the_focus_and_says_why(page):
    assert page.evaluate("document.activeElement.id") == "f-name"
    assert page.inner_text(f"#{page.get_attribute('#f-name', 'aria-describedby')}") == "Too short."


def test_a_dropped_file_is_named(page):
    page.set_input_files("input[type=file]", {"name": "shop.csv", "mimeType": "text/csv", "buffer": b"x" * 5300})
    assert page.inner_text("[data-drop-name]") == "shop.csv, 5.3 kB"


def test_undo_is_offered_once_and_does_its_work(page):
    page.evaluate("""async () => {
        const { toast, undoLast } = await import('/static/js/ui/toast.js');
        window.undone = 0;
        toast('First', { undo: () => { window.undone += 100; } });
        toast('Price set', { undo: () => { window.undone += 1; }, key: 'Z' });
        window.undoLast = undoLast;
    }""")
    assert page.locator(".toast").count() == 1
    page.click(".toast .btn")
    assert page.evaluate("window.undone") == 1
    assert page.evaluate("window.undoLast()") is False
    assert page.locator(".toast").count() == 0


def test_a_toast_leaves_when_its_time_is_over(page):
    page.evaluate("""async () => {
        const { toast } = await import('/static/js/ui/toast.js');
        toast('Gone soon', { seconds: 0.3 });
    }""")
    page.wait_for_selector(".toast", state="detached")


def test_a_question_answers_yes_only_when_the_word_was_typed(page):
    page.evaluate("""async () => {
        const { confirm } = await import('/static/js/ui/dialog.js');
        window.answers = [];
        const question = {title: 'End?', act: 'End show', word: 'END'};
        window.ask = () => confirm(question).then((yes) => {
            window.answers.push(yes);
            document.body.dataset.answers = window.answers.length;
        });
        window.ask();
    }""")
    page.keyboard.type("nope")
    page.keyboard.press("Enter")
    assert page.evaluate("window.answers") == []
    page.fill("#confirm-word", "end")
    page.keyboard.press("Enter")
    # By selector: wait_for_function polls with eval, which the CSP forbids.
    page.wait_for_selector("body[data-answers='1']")
    page.evaluate("void window.ask()")
    page.keyboard.press("Escape")
    page.wait_for_selector("body[data-answers='2']")
    assert page.evaluate("window.answers") == [True, False]
    assert page.locator("dialog[open]").count() == 0


def test_no_network_is_said_until_it_is_back(page):
    page.context.set_offline(True)
    page.wait_for_selector(".offline-strip")
    page.context.set_offline(False)
    page.wait_for_selector(".offline-strip", state="detached")


def test_text_from_people_stays_text(page):
    page.evaluate("""async () => {
        const { h } = await import('/static/js/dom.js');
        const { toast } = await import('/static/js/ui/toast.js');
        const evil = '<img src=x onerror="window.hurt=1">';
        document.querySelector('main').append(h('p.said', {title: evil}, evil));
        toast(evil);
    }""")
    assert page.inner_text(".said") == '<img src=x onerror="window.hurt=1">'
    assert page.locator("main img, .toast img").count() == 0


def test_lists_keep_their_elements_when_they_change_order(page):
    kept = page.evaluate("""async () => {
        const { h, syncList } = await import('/static/js/dom.js');
        const list = h('ul');
        const make = (key) => h('li', {}, key);
        const draw = (keys) => syncList(list, keys, (key) => key, make, (el, key) => { el.title = key; });
        draw(['a', 'b', 'c']);
        const [a, b, c] = list.children;
        draw(['c', 'd', 'a']);
        const [first, , third] = list.children;
        return [[...list.children].map((el) => el.textContent), first === c, third === a, b.isConnected];
    }""")
    assert kept == [["c", "d", "a"], True, True, False]


def test_everything_to_press_is_large_enough_for_a_thumb(page):
    if page.viewport_size["width"] > 900:
        page.set_viewport_size({"width": 390, "height": 844})
    small = page.evaluate("""() => [...document.querySelectorAll('main :is(a, button, input, select, textarea)')]
        .filter((el) => el.checkVisibility() && !el.closest('.tip'))
        .map((el) => [el.closest('label') ?? el, el])
        .map(([el, own]) => [own.outerHTML.slice(0, 60), el.getBoundingClientRect()])
        .filter(([, box]) => box.height && box.height < 42)
        .filter(([text]) => text.includes('class="btn') || text.startsWith('<input') || text.startsWith('<a'))
        .map(([text, box]) => `${text} ${box.width}x${box.height}`)""")
    assert small == []


def test_without_script_the_forms_are_whole(chromium, address):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator("#f-quantity").input_value() == "2"
    assert "UTC" in page.inner_text("time")
    assert not page.locator("[data-peek]").is_visible()
    page.locator("main details.menu summary").click()
    assert page.locator("main details.menu .item").is_visible()
    context.close()
