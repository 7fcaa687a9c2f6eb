"""A coupon code in the sheet: refused in words, taken off the price, and kept by the order."""
from playwright.sync_api import expect

from demo.accounts import VIEWERS
from tests.e2e.conftest import shoot


def test_a_code_comes_off_before_anything_is_paid(person, stack):
    page = person(VIEWERS[1])
    page.goto("/")
    page.goto(page.locator("a[href^='/live/']").first.get_attribute("href"))
    page.locator("#card .go").click()
    sheet = page.locator("dialog.buy-sheet")
    line = sheet.locator(".pick", has_text="Coupon code")
    line.locator(".edit").click()
    field = sheet.get_by_label("Coupon code", exact=True)
    field.fill("nonsense")
    sheet.get_by_role("button", name="Use it").click()
    expect(sheet.locator("#coupon-hint")).to_have_text("We do not know this coupon code.")
    shoot(page, "coupon-refused")
    field.fill("aiko 10")
    sheet.get_by_role("button", name="Use it").click()
    expect(sheet.locator(".pick", has_text="AIKO10")).to_contain_text("off")
    shoot(page, "coupon-taken")
    sheet.locator(".btn.big").click()
    order = page.locator("main a[href^='/orders/']").first
    expect(order).to_be_visible()
    page.goto(order.get_attribute("href"))
    expect(page.locator("table.sum").first).to_contain_text("Coupon AIKO10")
    shoot(page, "coupon-order")
