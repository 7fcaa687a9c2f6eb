"""An affiliate's phone while three buyers pay over her link: lines within a second, a refund, the statement checked."""
import subprocess
import sys
import uuid

import pytest
from playwright.sync_api import expect
from sqlalchemy import create_engine, text

from affiliates import verify
from demo.accounts import AFFILIATES, STAFF, VIEWERS
from tests.e2e.conftest import PHONE, shoot, sign_in

# Three buyers, two sizes and a busy machine.
pytestmark = pytest.mark.timeout(300)
# Chromium's own name says "Headless", and a robot's visit is not counted.
PERSON = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"
ROSA = {"name": "Rosa", "email": "rosa.reed@livestall.test", "password": "a green lamp at noon"}
BAG = "85099B"  # on the shelf of tonight's show
# When each line came to be on the page, by the clock of this machine.
WATCH = """() => { window.seen = {}; new MutationObserver(() => {
  for (const li of document.querySelectorAll('#lines > li')) window.seen[li.dataset.key] ??= Date.now();
}).observe(document.querySelector('#lines'), {childList: true}); }"""


@pytest.fixture
def books(stack):
    engine = create_engine(stack.database_url)

    def ask(sql, **values):
        with engine.connect() as connection:
            return connection.execute(text(sql), values).all()
    yield ask
    engine.dispose()


@pytest.fixture
def arrive(chromium, stack):
    """arrive(address, email=None) → a phone's page that came over the link; without an e-mail a new person's."""
    contexts = []

    def come(address, email=None):
        context = chromium.new_context(viewport=PHONE, has_touch=True, user_agent=PERSON, base_url=stack.url,
                                       locale="en-GB", reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        if email:
            sign_in(page, email)
        else:
            page.goto("/sign-up")
            for name, value in ROSA.items():
                page.fill(f"main input[name={name}]", value)
            page.locator("main form button[type=submit]").first.click()
            page.wait_for_url(lambda url: "/sign-up" not in url)
            send(page, "/api/addresses", name="Rosa Reed", line1="1 Long Lane", postcode="SW1A 1AA", city="London",
                 country="GB")
            send(page, "/api/cards", outcome="approve")
        page.goto(address)
        page.wait_for_selector("html[data-state='live']")
        return page
    yield come
    for context in contexts:
        context.close()


def send(page, path, form=None, **body):
    token = page.locator("meta[name=csrf-token]").get_attribute("content")
    more = {"form": {**form, "csrf_token": token}} if form else {"data": body, "headers": {"X-CSRFToken": token}}
    answer = page.request.post(path, **more)
    assert answer.ok, answer.text()
    return None if form else answer.json()


def buy(page, offer_id) -> str:
    """Claim and pay through the doors that the sheet uses; the order's id."""
    live_id = page.url.partition("/live/")[2][:36]
    hold = send(page, f"/api/live/{live_id}/claims", key=str(uuid.uuid4()), offer_id=str(offer_id), quantity=2)["hold"]
    address = page.request.get("/api/addresses").json()[0]["id"]
    return send(page, "/api/orders", key=str(uuid.uuid4()), hold_id=hold["id"], address_id=address,
                method="card")["order"]["id"]


def test_three_sales_a_refund_and_a_statement(person, arrive, books, stack, tmp_path):
    aiko = person(AFFILIATES[0])
    aiko.goto("/affiliate/campaigns")
    aiko.get_by_role("button", name="Take a link").or_(aiko.get_by_role("link", name="Your link")).first.click()
    address = aiko.locator(".link-body .code").first.inner_text()
    aiko.goto("/affiliate")
    aiko.wait_for_selector("html[data-joined=yes]")
    offer, = books("SELECT o.id FROM offers o JOIN variants v ON v.id = o.variant_id JOIN campaigns c ON "
                   "c.id = o.campaign_id WHERE v.sku = :sku AND c.name = 'Winter kitchen'", sku=BAG)
    buyers = [arrive(address, email) for email in (*VIEWERS, None)]
    aiko.evaluate(WATCH)
    before = aiko.locator("#earned").inner_text()
    orders = [buy(page, offer.id) for page in buyers]
    lines = dict(books("SELECT c.id::text, extract(epoch FROM o.paid_at) * 1000 FROM commissions c JOIN orders o ON "
                       "o.id = c.order_id WHERE c.level = 1 AND o.id = ANY(cast(:ids AS uuid[]))", ids=orders))
    assert len(lines) == 3
    for line in lines:
        expect(aiko.locator(f"#lines > li[data-key='{line}']")).to_contain_text("Jumbo bag")
    seen = aiko.evaluate("window.seen")
    delays = sorted(seen[line] - float(paid) for line, paid in lines.items())
    assert delays[1] < 1000, delays
    expect(aiko.locator("#earned")).not_to_have_text(before)
    shoot(aiko, "affiliate-live-phone-light-en")

    first, = books("SELECT c.id::text FROM commissions c WHERE c.order_id = :id AND c.level = 1", id=orders[2])
    item = aiko.locator(f"#lines > li[data-key='{first.id}']")
    item.locator(".head").click()
    expect(item.locator(".why")).to_contain_text("over your link")
    ana = person(STAFF, phone=False)
    ana.goto("/studio/orders")
    order_line, = books("SELECT id::text FROM order_lines WHERE order_id = :id", id=orders[2])
    send(ana, f"/studio/orders/{orders[2]}/refund", form={
        "key": str(uuid.uuid4()), "reason": "returned", f"line-{order_line.id}": "1"})
    expect(item.locator(".end")).to_contain_text("−")
    item.locator(".head").click()
    expect(item.locator(".why")).to_contain_text("Refund to the buyer")

    aiko.goto("/affiliate/statements")
    with aiko.expect_download() as download:
        aiko.get_by_role("link", name="CSV").first.click()
    path = tmp_path / "statement.csv"
    download.value.save_as(path)
    done = subprocess.run([sys.executable, "-I", "-S", verify.__file__, str(path)], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr
    whole = path.read_text(encoding="utf-8-sig").splitlines()
    place = next(n for n, line in enumerate(whole) if first.id in line)
    cells = whole[place].split(",")
    cells[verify.COLUMNS.index("amount")] = "99.99"
    path.write_text("\n".join([*whole[:place], ",".join(cells), *whole[place + 1:]]))
    assert verify.main([str(path)]) == 1
    assert "0 broken" in stack.run("check")
