"""A merchant plans a campaign in a real browser: adds, types, is corrected, goes offline, publishes, ends."""
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select
from werkzeug.serving import make_server

from campaigns.catalogue.actions import record_price
from campaigns.stock.models import OfferStock
from campaigns.terms import actions
from campaigns.terms.models import Campaign, Offer
from core.clock import now
from core.db import transaction
from members.identity import COOKIE_KEY, hash_token, new_token
from members.models import SignIn
from tests import factories as make

pytestmark = pytest.mark.e2e
AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
SIZES = {"phone": (390, 844), "desktop": (1440, 900)}


@pytest.fixture
def shop(empty):
    with transaction() as db:
        row = make.merchant(db)
        for name, sku in (("Bird ornament", "B-1"), ("Alarm clock", "C-1"), ("Cake tin", "T-1")):
            goods = make.variant(db, row, on_hand=40, price_minor=400, name=name, sku=sku, cost_minor=150)
            record_price(db, goods.id, 400)
    return row


@pytest.fixture
def served(empty):
    server = make_server("127.0.0.1", 0, empty, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)


@pytest.fixture
def staff(chromium, empty, shop, served):
    """staff("phone" | "desktop", theme) → a page of Ana Wells, who works for the shop."""
    contexts, problems = [], []
    token = new_token()
    with transaction() as db:
        ana = make.member(db, "Ana Wells", roles=[("merchant_staff", shop)])
        db.add(SignIn(member_id=ana.id, token_hash=hash_token(token), expires_at=now() + timedelta(days=1)))
    client = empty.test_client()
    with client.session_transaction() as cookie:
        cookie[COOKIE_KEY] = token

    def enter(size="desktop", theme="light"):
        width, height = SIZES[size]
        context = chromium.new_context(viewport={"width": width, "height": height}, base_url=served, locale="en-GB",
                                       color_scheme=theme, reduced_motion="reduce", has_touch=size == "phone")
        context.add_cookies([{"name": "livestall", "value": client.get_cookie("livestall").value, "url": served}])
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text)
                if m.type == "error" and "Failed to load resource" not in m.text else None)
        return page
    yield enter
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture
def draft(shop):
    with transaction() as db:
        campaign = actions.create(db, shop, "Advent kitchen", None)
        goods = [row.id for row in db.scalars(select(make.Variant).order_by(make.Variant.sku))]
        actions.add_offers(db, campaign, goods, None, off_percent=25, share_percent=50, limit_per_member=2,
                           is_deal=True)
    return f"/studio/campaigns/{campaign.id}"


def saved(page):
    expect(page.locator("#saved")).to_contain_text("by Ana Wells")


def offers(db):
    return db.scalars(select(Offer).order_by(Offer.position)).all()


@pytest.mark.parametrize("size", SIZES)
def test_from_the_first_campaign_to_a_published_one(staff, size):
    page = staff(size)
    page.goto("/studio/campaigns")
    page.get_by_role("button", name="New campaign").click()
    page.get_by_label("Name").fill("Advent kitchen")
    page.get_by_role("button", name="Start a draft").click()
    expect(page.get_by_text("There is nothing to sell yet.")).to_be_visible()
    page.locator("#open-add").click()
    page.get_by_role("searchbox").fill("bird")
    expect(page.locator(".found-line")).to_have_count(1)
    page.locator(".found-line").click()
    page.get_by_role("searchbox").fill("")
    expect(page.locator(".found-line")).to_have_count(3)
    page.locator(".found-line", has_text="Cake tin").click()
    page.get_by_role("button", name="Add 2 products").click()
    expect(page.locator("tbody tr[id]")).to_have_count(2)
    expect(page.get_by_text("Ready to publish")).to_be_visible()
    page.locator("#publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("nobody can change them")).to_be_visible()
    with transaction() as db:
        assert [stock.reserve for stock in db.scalars(select(OfferStock))] == [20, 20]


def test_enter_goes_down_the_column_and_each_cell_is_saved(staff, draft):
    page = staff()
    page.goto(draft)
    first = page.get_by_label("Price of Bird ornament", exact=True)
    first.focus()
    page.keyboard.type("1.99")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Price of Alarm clock", exact=True)).to_be_focused()
    page.keyboard.type("2,49")
    page.keyboard.press("Shift+Enter")
    expect(first).to_be_focused()
    page.keyboard.type("7")
    page.keyboard.press("Escape")
    expect(first).to_have_value("1.99")
    saved(page)
    with transaction() as db:
        assert [offer.price_minor for offer in offers(db)] == [199, 249, 300]


def test_what_is_wrong_is_said_at_the_cell_and_can_be_put_right(staff, draft):
    page = staff()
    page.goto(draft)
    limit = page.get_by_label("Limit of Bird ornament for a person", exact=True)
    limit.fill("1.5")
    limit.blur()
    hint = page.locator("#offers .hint:visible")
    expect(hint).to_have_text("A whole number from 1 to 1000")
    expect(limit).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#publish")).to_be_disabled()
    limit.fill("3")
    limit.blur()
    expect(hint).to_have_count(0)
    price = page.get_by_label("Price of Bird ornament", exact=True)
    price.fill("5.00")
    price.blur()
    expect(hint).to_have_text("The price must be below the full price. Raise that first.")
    price.fill("3.00")
    price.blur()
    units = page.get_by_label("Units of Alarm clock for the show", exact=True)
    units.fill("60")
    units.blur()
    expect(page.get_by_text("1 thing stops publishing")).to_be_visible()
    page.get_by_role("button", name="Set to 40").click()
    expect(units).to_have_value("40")
    expect(page.locator("#publish")).to_be_enabled()


def test_rows_move_by_keys_by_dragging_and_by_buttons(staff, draft):
    page = staff()
    page.goto(draft)
    titles = page.locator("tbody tr b")
    grip = page.get_by_role("button", name="Move Bird ornament")
    grip.focus()
    page.keyboard.press("ArrowDown")
    expect(titles).to_have_text(["Alarm clock", "Bird ornament", "Cake tin"])
    expect(grip).to_be_focused()
    expect(page.locator("#announcer")).to_have_text("Bird ornament: place 2 of 3")
    box, last = grip.bounding_box(), page.locator("tbody tr").nth(2).bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, last["y"] + last["height"] - 2, steps=6)
    page.mouse.up()
    expect(titles).to_have_text(["Alarm clock", "Cake tin", "Bird ornament"])
    page.get_by_role("button", name="More for Bird ornament").click()
    page.get_by_role("button", name="Move up").click()
    expect(titles).to_have_text(["Alarm clock", "Bird ornament", "Cake tin"])
    saved(page)
    with transaction() as db:
        assert [offer.title for offer in offers(db)] == ["Alarm clock", "Bird ornament", "Cake tin"]


def test_a_row_lies_where_it_was_dropped_although_an_answer_came_meanwhile(staff, draft):
    page, late = staff(), []
    page.goto(draft)
    page.route("**/order", lambda route: route.continue_() if late else late.append(route))
    grip = page.get_by_role("button", name="Move Bird ornament")
    grip.press("ArrowDown")
    box, last = grip.bounding_box(), page.locator("tbody tr").nth(2).bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + 8, last["y"] + last["height"] - 2, steps=6)
    expect(page.locator("tbody tr b")).to_have_text(["Alarm clock", "Cake tin", "Bird ornament"])
    late[0].continue_()
    saved(page)
    page.mouse.up()
    expect(page.locator("#announcer")).to_have_text("Bird ornament: place 3 of 3")
    saved(page)
    with transaction() as db:
        assert [offer.title for offer in offers(db)] == ["Alarm clock", "Cake tin", "Bird ornament"]


def test_a_removed_offer_comes_back_as_it_was(staff, draft):
    page = staff()
    page.goto(draft)
    page.get_by_role("button", name="More for Alarm clock").click()
    page.get_by_label("Promise").fill("With batteries")
    page.get_by_role("button", name="Save").click()
    saved(page)
    page.get_by_role("button", name="More for Alarm clock").click()
    page.get_by_role("button", name="Remove").click()
    expect(page.locator("tbody tr b")).to_have_text(["Bird ornament", "Cake tin"])
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("tbody tr b")).to_have_text(["Bird ornament", "Alarm clock", "Cake tin"])
    with transaction() as db:
        assert offers(db)[1].promise == "With batteries"


def test_without_a_connection_it_says_so_and_saves_later(staff, draft):
    page = staff()
    page.goto(draft)
    page.context.set_offline(True)
    price = page.get_by_label("Price of Bird ornament", exact=True)
    price.fill("2.22")
    price.blur()
    expect(page.locator("#saved")).to_have_text("Not saved yet: no connection. We keep trying.")
    expect(page.locator("#publish")).to_be_disabled()
    page.context.set_offline(False)
    saved(page)
    with transaction() as db:
        assert offers(db)[0].price_minor == 222


def test_two_people_at_one_campaign_do_not_overwrite_each_others_cells(staff, draft):
    one, other = staff(), staff()
    one.goto(draft)
    other.goto(draft)
    for page, label, value in ((one, "Price of Bird ornament", "2.22"), (other, "Price of Alarm clock", "3.33")):
        page.get_by_label(label, exact=True).fill(value)
        page.get_by_label(label, exact=True).blur()
        saved(page)
    expect(other.get_by_label("Price of Bird ornament", exact=True)).to_have_value("2.22")
    one.locator("#publish").click()
    one.get_by_role("dialog").get_by_role("button", name="Publish").click()
    expect(one.get_by_text("nobody can change them")).to_be_visible()
    other.get_by_label("Price of Cake tin", exact=True).fill("1.00")
    other.get_by_label("Price of Cake tin", exact=True).blur()
    expect(other.get_by_text("nobody can change them")).to_be_visible()


def test_ending_wants_the_word(staff, draft):
    page = staff("phone")
    page.goto(draft)
    page.locator("#publish").click()
    page.get_by_role("dialog").get_by_role("button", name="Publish").click()
    page.get_by_role("button", name="End the campaign").click()
    go = page.get_by_role("dialog").get_by_role("button", name="End it")
    expect(go).to_be_disabled()
    page.get_by_label("Type END to confirm").fill("end")
    go.click()
    expect(page.get_by_text("What was not sold is back in stock.")).to_be_visible()
    with transaction() as db:
        assert db.scalars(select(Campaign.state)).one() == "ended"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_fit_and_axe_finds_nothing_serious(staff, draft, size, theme):
    page = staff(size, theme)
    for path in ("/studio/campaigns", draft):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        if path == draft:
            page.get_by_label("Units of Alarm clock for the show", exact=True).fill("60")
            page.keyboard.press("Enter")
            expect(page.get_by_text("1 thing stops publishing")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
        page.evaluate(AXE.read_text())
        # The bar is every page's; it has its own test.
        found = page.evaluate("axe.run({exclude: ['.bar']}, {resultTypes: ['violations']})")["violations"]
        serious = [(each["id"], [node["html"][:160] for node in each["nodes"]]) for each in found
                   if each["impact"] in ("serious", "critical")]
        assert serious == []
