"""The catalogue in a browser: a file goes in with its progress, a product gets a variant, a count and a picture."""
import io
import uuid

import pytest
from PIL import Image
from playwright.sync_api import expect

from demo.accounts import STAFF
from tests.e2e.conftest import shoot

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("phone", [True, False])
def test_a_file_is_shown_first_and_then_applied(person, phone):
    page, sku = person(STAFF, phone=phone), uuid.uuid4().hex[:10].upper()
    page.goto("/studio/catalogue/imports")
    page.set_input_files("input[name=file]", {"name": "mugs.csv", "mimeType": "text/csv", "buffer": (
        f"sku,name,price,stock\n{sku},Stoneware mug {sku},9.95,40\nBAD-1,Mug,free,1\n").encode()})
    page.get_by_role("button", name="Read the file").click()
    expect(page.get_by_text("Nothing has changed yet.")).to_be_visible(timeout=30_000)
    expect(page.get_by_text('"free" is no amount.')).to_be_visible()
    shoot(page, f"catalogue-import-{'phone' if phone else 'desktop'}")
    page.get_by_role("button", name="Apply the import").click()
    expect(page.get_by_text("All of it was written together.")).to_be_visible(timeout=30_000)
    page.goto(f"/studio/catalogue?q={sku}")
    expect(page.get_by_role("link", name=f"Stoneware mug {sku}")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_product_gets_a_variant_a_count_and_a_picture(person):
    page, sku = person(STAFF, phone=False), uuid.uuid4().hex[:10].upper()
    page.goto("/studio/catalogue/new")
    expect(page.get_by_role("heading", name="New product")).to_be_visible()
    page.get_by_label("Name").fill(f"Lamp {sku}")
    page.get_by_label("SKU").fill(sku)
    page.get_by_label("Price, GBP").fill("12.50")
    page.get_by_role("button", name="Add a variant").click()
    second = page.locator("#variants > li").nth(1)
    expect(second.get_by_label("Price, GBP")).to_have_value("12.50")
    second.get_by_label("SKU").fill(f"{sku}-L")
    second.get_by_label("Option").fill("Large")
    page.get_by_role("button", name="Save the product").click()
    expect(page.get_by_text(f"Lamp {sku} is saved.")).to_be_visible()
    page.wait_for_load_state()  # dialogs open by script
    page.get_by_role("button", name=f"Count {sku}-L").click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("On hand").fill("28")
    dialog.get_by_role("button", name="Save the count").click()
    expect(page.get_by_text(f"{sku}-L: 28 on hand.")).to_be_visible()
    page.wait_for_load_state()
    page.get_by_role("button", name="Add a picture").click()
    picture = io.BytesIO()
    Image.new("RGB", (640, 480), (40, 120, 90)).save(picture, "JPEG")
    page.locator("dialog[open] input[type=file]").set_input_files(
        {"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": picture.getvalue()})
    page.locator("dialog[open]").get_by_role("button", name="Save the picture").click()
    expect(page.get_by_text("The picture is saved.")).to_be_visible()
    assert page.locator("img.cat-picture").evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    shoot(page, "catalogue-product-desktop")
