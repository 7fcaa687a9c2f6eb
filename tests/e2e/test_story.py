"""The whole story: a link, three sales, a refund, the end, dry run, settlement, payout by two people, a statement that
anybody can compute again. The affiliate's phone lies open on the table all the time and shows each step as it happens.
"""
import re
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from demo.accounts import AFFILIATES, CHECKER, HOST, OPERATOR, STAFF, VIEWERS
from tests.e2e.conftest import shoot
from tests.e2e.test_affiliate import BAG, WATCH, arrive, books, buy  # noqa: F401  (two are fixtures)
from tests.stack import ROOT, Stack

# Eight people in browsers, three payments, a settlement and a payout on a busy machine.
pytestmark = pytest.mark.timeout(600)
CAMPAIGN = "Winter kitchen"


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    """A product of its own: here the show ends."""
    with Stack(servers, tmp_path_factory.mktemp("story")) as stack:
        yield stack


def pounds(minor) -> str:
    return f"£{int(minor) / 100:,.2f}"


def take_a_link(aiko) -> str:
    """The address of her link to tonight's show; her page of earnings is open afterwards."""
    aiko.goto("/affiliate/campaigns")
    aiko.get_by_role("button", name="Take a link").or_(aiko.get_by_role("link", name="Your link")).first.click()
    address = aiko.locator(".link-body .code").first.inner_text()
    aiko.goto("/affiliate")
    aiko.wait_for_selector("html[data-joined=yes]")
    aiko.evaluate(WATCH)
    return address


def three_sales(buyers, ask) -> list[str]:
    """Mei buys what is on air with two taps, the others from the shelf; the ids of the orders."""
    mei, tomasz, rosa = buyers
    bag, = ask("SELECT o.id FROM offers o JOIN variants v ON v.id = o.variant_id JOIN campaigns c ON c.id = "
               "o.campaign_id WHERE v.sku = :sku AND c.name = :name", sku=BAG, name=CAMPAIGN)
    for page in buyers:  # whose link is opened less than 5 s before a claim is held back: people look first
        page.evaluate("new Promise((done) => setTimeout(done, 6000 - performance.now()))")
    mei.locator("#card .go").click()
    mei.locator("dialog.buy-sheet .btn.big").click()
    expect(mei.locator("#card")).to_contain_text("Paid", timeout=30_000)
    first, = ask("SELECT o.id::text FROM orders o JOIN members m ON m.id = o.member_id WHERE m.email = :email "
                 "ORDER BY o.id DESC LIMIT 1", email=VIEWERS[0])
    return [first.id, buy(tomasz, bag.id), buy(rosa, bag.id)]


def commission_within_a_second(aiko, orders, ask) -> None:
    """Each line came to her open page; half of them within a second of the payment, by the same clock."""
    lines = dict(ask("SELECT c.id::text, extract(epoch FROM o.paid_at) * 1000 FROM commissions c JOIN orders o ON "
                     "o.id = c.order_id WHERE c.level = 1 AND o.id = ANY(cast(:ids AS uuid[]))", ids=orders))
    assert len(lines) == 3
    for line in lines:
        expect(aiko.locator(f"#lines > li[data-key='{line}']")).to_be_visible()
    seen = aiko.evaluate("window.seen")
    assert sorted(seen[line] - float(paid) for line, paid in lines.items())[1] < 1000


def send_one_back(ana, aiko, order_id, ask) -> None:
    """Ana refunds one of two units; the affiliate's line says so at once."""
    ana.goto(f"/studio/orders/{order_id}")
    ana.get_by_role("button", name="Refund").click()
    ana.locator("dialog[open] input[name^='line-']").fill("1")
    ana.get_by_role("button", name="Send the money back").click()
    expect(ana.locator(".flashes")).to_contain_text("The refund is on its way")
    line, = ask("SELECT id::text, amount_minor, reversed_minor FROM commissions WHERE order_id = :id", id=order_id)
    assert 0 < line.reversed_minor < line.amount_minor
    expect(aiko.locator(f"#lines > li[data-key='{line.id}'] .end")).to_contain_text(f"− {pounds(line.reversed_minor)}")


def deliver(ana, orders) -> None:
    for order_id in orders:
        ana.goto(f"/studio/orders/{order_id}")
        ana.get_by_role("button", name="Mark as sent").click()
        ana.get_by_role("button", name="Mark as delivered").click()
        expect(ana.locator(".flashes")).to_contain_text("Marked as delivered")


def end_it(nora, ana, ask) -> str:
    """The host ends the show, the shop the campaign; the campaign's id."""
    found, = ask("SELECT s.id::text AS live, c.id::text AS campaign FROM live_sessions s JOIN campaigns c ON "
                 "c.id = s.campaign_id WHERE c.name = :name", name=CAMPAIGN)
    nora.goto(f"/studio/shows/{found.live}/control")
    nora.get_by_role("button", name="End show").click()
    nora.fill("#confirm-word", "END")
    nora.locator("dialog[open]").get_by_role("button", name="End the show").click()
    expect(nora.get_by_role("link", name="See the report")).to_be_visible()
    ana.goto(f"/studio/campaigns/{found.campaign}")
    ana.get_by_role("button", name="End the campaign").click()
    ana.fill("#end-word", "END")
    ana.get_by_role("button", name="End it").click()
    expect(ana.locator(".flashes")).to_contain_text("The campaign has ended")
    return found.campaign


def decide_a_held_line(ana) -> None:
    """One of last week's lines waits because its link was opened late."""
    ana.goto("/studio/affiliates/holds")
    waiting = ana.locator(".queue > li")
    before = waiting.count()
    expect(ana.get_by_role("button", name="Release")).to_be_disabled()
    waiting.first.locator("input[name=id]").check()
    ana.fill("#f-note", "We asked the buyer: she had watched on television.")
    ana.get_by_role("button", name="Release").click()
    expect(ana.locator(".flashes")).to_contain_text("1 line was released.")
    expect(waiting).to_have_count(before - 1)
    ana.goto("/studio/affiliates/log?group=review")
    expect(ana.locator("main")).to_contain_text("she had watched on television")


def settle(ana, campaign_id, expected_minor) -> None:
    """Dry run, the button, and the page that becomes the result by itself."""
    ana.goto(f"/studio/campaigns/{campaign_id}")
    ana.get_by_role("link", name="Settlement").click()
    ana.get_by_role("link", name="Dry run").first.click()
    expect(ana.locator("#plan-commissions")).to_have_text(pounds(expected_minor))
    shoot(ana, "story-dry-run-desktop-light-en")
    ana.get_by_role("button", name="Settle").click()
    ana.get_by_role("button", name="Settle now").click()
    ana.wait_for_url("**/settlements/runs/*")
    expect(ana.locator("main")).to_contain_text("Settled and checked", timeout=60_000)
    expect(ana.locator("#run-commissions")).to_have_text(pounds(expected_minor))
    shoot(ana, "story-settled-desktop-light-en")


def settle_again(ana, campaign_id) -> None:
    ana.goto(f"/studio/affiliates/settlements/{campaign_id}/dry-run")
    expect(ana.locator("main")).to_contain_text("a settlement would take 0 rows")
    ana.get_by_role("button", name="Settle").click()
    ana.get_by_role("button", name="Settle now").click()
    expect(ana.locator("main")).to_contain_text("0 rows were taken", timeout=60_000)


def payable_of(aiko) -> int:
    totals, = aiko.request.get("/api/affiliate").json()["totals"]
    return totals["payable"]


def pay(op, ruth, amount_minor) -> None:
    """One operator verifies an account and drafts, the other approves, the sandbox pays."""
    op.goto("/operator/payouts/accounts")
    op.locator("section.card", has_text="Femi").get_by_role("button", name=re.compile("verify")).click()
    expect(op.locator(".flashes")).to_contain_text("Verified")
    op.goto("/operator/payouts")
    op.select_option("select[name=channel]", "sandbox")
    op.fill("[name=threshold]", "0.50")
    op.get_by_role("button", name="Make a draft").click()
    expect(op.locator("main")).to_contain_text("somebody else has to approve it")
    expect(op.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    ruth.goto(op.url)
    expect(ruth.locator("tr", has_text="Aiko").first).to_contain_text(pounds(amount_minor))
    ruth.get_by_role("button", name=re.compile("^Approve")).click()
    expect(ruth.locator("main")).to_contain_text("Done", timeout=60_000)
    shoot(ruth, "story-paid-desktop-light-en")


def check_the_statement(aiko, tmp_path) -> str:
    """Download it and compute it again with nothing but Python; what the checker said."""
    tab = aiko.context.new_page()
    tab.goto("/affiliate/statements")
    with tab.expect_download() as download:
        tab.get_by_role("link", name="CSV").first.click()
    path = tmp_path / "statement.csv"
    download.value.save_as(path)
    done = subprocess.run([sys.executable, "-m", "affiliates.verify", str(path)], cwd=ROOT, capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return path.read_text(encoding="utf-8-sig")


def test_from_the_link_to_the_money(person, arrive, books, stack, tmp_path):  # noqa: F811  (fixtures)
    aiko = person(AFFILIATES[0])
    address = take_a_link(aiko)
    orders = three_sales([arrive(address, email) for email in (*VIEWERS, None)], books)
    commission_within_a_second(aiko, orders, books)

    ana = person(STAFF, phone=False)
    send_one_back(ana, aiko, orders[2], books)
    deliver(ana, orders)
    campaign_id = end_it(person(HOST, phone=False), ana, books)
    decide_a_held_line(ana)
    earned, = books("SELECT sum(amount_minor - reversed_minor) AS minor FROM commissions WHERE campaign_id = :id",
                    id=campaign_id)
    before = payable_of(aiko)
    settle(ana, campaign_id, earned.minor)
    # Her phone, which nobody touched, says that it is payable, and then that it was paid.
    expect(aiko.locator("#flow-payable")).to_have_text(pounds(before + earned.minor))
    settle_again(ana, campaign_id)
    assert payable_of(aiko) == before + earned.minor

    pay(person(OPERATOR, phone=False), person(CHECKER, phone=False), before + earned.minor)
    expect(aiko.locator("#flow-paid")).to_have_text(pounds(before + earned.minor))
    expect(aiko.locator("#flow-payable")).to_have_text(pounds(0))
    shoot(aiko, "story-paid-phone-light-en")
    numbers = [row.number for row in books("SELECT number FROM orders WHERE id = ANY(cast(:ids AS uuid[]))",
                                           ids=orders)]
    statement = check_the_statement(aiko, tmp_path)
    assert all(str(number) in statement for number in numbers)
    assert "0 broken" in stack.run("check")
    stack.run("ledger", "check")
