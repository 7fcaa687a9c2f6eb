"""A key is made in the browser, a program uses it over real HTTP, and it ends when it is revoked."""
import json
import urllib.error
import urllib.request

from playwright.sync_api import expect

from demo.accounts import AFFILIATES, PASSWORD


def ask(url, secret=None, cookie=None):
    """(status, media type, JSON) of a GET."""
    headers = {name: value for name, value in (
        ("Authorization", secret and f"Bearer {secret}"), ("Cookie", cookie)) if value}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:  # noqa: S310
            return answer.status, answer.headers.get_content_type(), json.load(answer)
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.headers.get_content_type(), json.load(refusal)


def test_a_key_of_the_page_opens_the_api_until_it_is_revoked(person, stack):
    page = person(AFFILIATES[0], phone=True)
    page.goto("/account/keys")
    page.fill("[name=name]", "My sheet")
    page.check("[name=affiliate_read]")
    page.fill("[name=current_password]", PASSWORD)
    page.click("form.form button.act")
    secret = page.locator("#secret").inner_text()
    status, media, me = ask(f"{stack.url}/api/v1/me", secret)
    assert (status, media, me["display_name"]) == (200, "application/json", "Aiko")
    assert ask(f"{stack.url}/api/v1/shop", secret)[0] == 403
    cookie = "; ".join(f"{one['name']}={one['value']}" for one in page.context.cookies())
    assert ask(f"{stack.url}/api/v1/me", cookie=cookie)[:2] == (401, "application/problem+json")
    page.goto("/account/keys")
    expect(page.locator("#secret")).to_have_count(0)
    expect(page.get_by_text("last used")).to_be_visible()
    page.click("[data-open^=revoke]")
    page.locator("dialog[open] .danger").click()
    expect(page.get_by_text("The key is revoked")).to_be_visible()
    assert ask(f"{stack.url}/api/v1/me", secret)[2]["code"] == "key_needed"
