"""A shop's affiliate desk in a browser: somebody is let in, a rule is tried and published, a budget moves by itself."""
import pytest
from playwright.sync_api import expect

from demo.accounts import STAFF, VIEWERS
from tests.e2e.test_affiliate import BAG, books, buy  # noqa: F401  (a fixture)

pytestmark = pytest.mark.timeout(300)


def test_a_sale_moves_the_budget_while_one_looks(person, books):  # noqa: F811
    found, = books("SELECT s.id AS live_id, s.campaign_id, o.id AS offer_id FROM live_sessions s JOIN offers o ON "
                   "o.campaign_id = s.campaign_id JOIN variants v ON v.id = o.variant_id WHERE v.sku = :sku AND "
                   "s.state = 'live'", sku=BAG)
    ana = person(STAFF, phone=False)
    ana.goto(f"/studio/affiliates/rules/campaigns/{found.campaign_id}")
    ana.wait_for_selector("html[data-joined=yes]")
    before = int(ana.locator("html").get_attribute("data-spent"))
    mei = person(VIEWERS[0])  # the demo has her come over Aiko's link a minute before
    mei.goto(f"/live/{found.live_id}")
    mei.wait_for_selector("html[data-state='live']")
    buy(mei, found.offer_id)
    expect(ana.locator("html")).not_to_have_attribute("data-spent", str(before))
    spent, = books("SELECT spent_minor FROM commission_budgets WHERE campaign_id = :id", id=found.campaign_id)
    expect(ana.locator("html")).to_have_attribute("data-spent", str(spent.spent_minor))
    expect(ana.locator("#burn-chart svg")).to_be_visible()


def test_somebody_is_let_in_and_a_rule_is_tried_then_published(person, books):  # noqa: F811
    ana = person(STAFF, phone=False)
    ana.goto("/studio/affiliates?state=applied")
    asking = ana.locator("tbody .name").first.inner_text()
    ana.get_by_role("button", name="Let them in").first.click()
    expect(ana.locator(".flashes")).to_contain_text(f"{asking} promotes your shows now.")

    ana.get_by_role("link", name="Commission", exact=True).click()
    ana.get_by_role("link", name="New rule").click()
    ana.get_by_label("Of what the buyer pays").fill("12.5")
    ana.get_by_label("Level of the affiliate").fill("silver")
    ana.get_by_label("More, to the leader of the team").fill("1")
    ana.get_by_role("button", name="See what it does").click()
    expect(ana.locator("#seen")).to_contain_text("holds from the moment you publish it")
    count = len(books("SELECT id FROM commission_rules"))
    ana.get_by_role("button", name="Publish…").click()
    expect(ana.locator("dialog[open]")).to_contain_text("It begins at once")
    ana.locator("dialog[open]").get_by_role("button", name="Publish", exact=True).click()
    expect(ana.locator(".flashes")).to_contain_text("It holds from now on.")
    assert len(books("SELECT id FROM commission_rules")) == count + 1
    expect(ana.locator("main")).to_contain_text("level “silver”")
