"""The affiliate's own pages: what they show, to whom, and what another's address gives."""
import re
import uuid

import pytest
from sqlalchemy import select

from affiliates.commission import publishing
from affiliates.commission.models import CommissionRule
from affiliates.commission.rules import Draft
from affiliates.people.models import Affiliate, Affiliation
from core.db import transaction
from members.models import Merchant
from tests import factories
from tests.factories import signed_in


@pytest.fixture
def aiko(desk, app):
    return signed_in(app, desk.member)


@pytest.fixture
def other(desk, app):
    """Another active affiliate, with nothing of hers."""
    with transaction() as db:
        member = factories.member(db, "Bea")
        factories.affiliate(db, member)
    return signed_in(app, member)


def test_who_is_no_affiliate_is_asked_to_become_one_and_is_one_at_once(desk, app):
    client = signed_in(app, desk.counter.buyer)
    assert "Become an affiliate" in client.get("/affiliate").text
    assert "Promote and earn" in client.get("/orders").text
    for path in ("/affiliate/links", "/affiliate/campaigns", "/affiliate/lines", "/api/affiliate"):
        assert client.get(path).status_code == 403
    assert client.post("/affiliate/apply", data={"display_name": "Mei", "about": "a channel"}).status_code == 303
    page = client.get("/affiliate").text
    assert "No link yet" in page
    assert "Your earnings" in client.get("/orders").text
    assert client.post("/affiliate/apply", data={"display_name": "x" * 81}).status_code == 422


def test_who_waits_is_told_so(desk, app):
    with transaction() as db:
        member = factories.member(db, "Cleo")
        factories.affiliate(db, member, state="applied")
    assert "A person looks at it" in signed_in(app, member).get("/affiliate").text


def test_a_sale_stands_on_the_page_with_its_sum(desk, aiko):
    desk.came()
    desk.buy(quantity=3)  # 3 × £2.10 at 10 %
    page = aiko.get("/affiliate").text
    assert "£0.63" in page
    state = aiko.get("/api/affiliate").json
    line, = state["lines"]
    assert (line["amount_minor"], line["state"], line["picture"][:7]) == (63, "pending", "/tiles/")
    show, = state["shows"]
    assert (show["earned_minor"], show["orders"], show["visits"], show["rates"]) == (63, 1, 1, "10 % of what is paid")
    assert state["hours"][0][1:] == [0, 63]
    assert state["totals"] == [{"currency": "GBP", "earned": 63, "held": 0, "mature": 0, "payable": 0, "paid": 0}]
    assert state["seq"] == 0  # no relay here: nothing was numbered


def test_a_line_is_explained_in_words(desk, aiko):
    desk.came()
    order = desk.buy(quantity=3)
    desk.refund(order, 1)
    one, = desk.commissions()
    text = " ".join(re.sub(r"<[^>]+>", " ", aiko.get(f"/affiliate/lines/{one.id}").text).split())
    for said in ("3 × £2.10 in the show £6.30", "What the buyer paid for it £6.30", "× 10 % £0.63",
                 "Refund to the buyer", "£2.10 of £6.30 went back", "− £0.21", "Left for you £0.42",
                 "Version 1, in force since",
                 "over your link to this show", "gets the commission", "The parcel has not arrived yet",
                 "15 days after delivery"):
        assert said in text
    desk.deliver(order)
    assert "It becomes payable 15 days later" in aiko.get(f"/affiliate/lines/{one.id}").text


def test_anothers_things_are_not_found(desk, aiko, other):
    desk.came()
    desk.buy()
    one, = desk.commissions()
    assert aiko.get(f"/affiliate/lines/{one.id}").status_code == 200
    assert other.get(f"/affiliate/lines/{one.id}").status_code == 404
    assert other.get(f"/affiliate/links/{desk.link.id}/qr.svg").status_code == 404
    assert other.post(f"/affiliate/links/{desk.link.id}/close").status_code == 404
    assert other.get("/api/affiliate").json["lines"] == []
    assert aiko.get(f"/affiliate/lines/{uuid.uuid4()}").status_code == 404


def test_a_campaign_shows_the_cuts_and_the_ends_that_were_announced(desk, aiko):
    def changes():
        lines = re.findall(r'<p class="small change">(.*?)</p>', aiko.get("/affiliate/campaigns").text, re.S)
        return [" ".join(re.sub(r"<[^>]+>", "", line).split()) for line in lines]
    assert changes() == []
    with transaction() as db:
        shop = db.get(Merchant, desk.counter.shop.id)
        candles = publishing.publish(db, shop, Draft(rate_ppm=200_000, category="Candles"), desk.staff)
        publishing.publish(db, shop, Draft(rate_ppm=50_000), desk.staff)
    with transaction() as db:
        publishing.end_rule(db, db.get(CommissionRule, candles.id), desk.staff)
    cut, end = changes()
    assert cut.startswith("From ") and cut.endswith(": 5 % of what is paid")
    assert end.startswith("Until ") and end.endswith(": 20 % on Candles")


def test_a_campaign_shows_its_rates_and_gives_a_link_in_one_tap(desk, aiko, other):
    page = aiko.get("/affiliate/campaigns").text
    assert "10 % of what is paid" in page
    shop, campaign = desk.counter.shop, desk.counter.show.campaign_id
    took = aiko.post(f"/affiliate/campaigns/{campaign}/link")
    assert (took.status_code, took.location) == (303, "/affiliate/links#Link234")  # she has one already
    assert other.post(f"/affiliate/campaigns/{campaign}/link").status_code == 409  # not approved
    assert "to approve you" in other.get("/affiliate/campaigns").text
    assert other.post(f"/affiliate/shops/{shop.id}/apply").status_code == 303
    assert "looks at your wish" in other.get("/affiliate/campaigns").text
    with transaction() as db:
        db.scalar(select(Affiliation).where(Affiliation.state == "applied")).state = "active"
    took = other.post(f"/affiliate/campaigns/{campaign}/link")
    code = took.location.partition("#")[2]
    page = other.get("/affiliate/links").text
    assert f"/r/{code}" in page and "qr.svg" in page
    assert other.post(f"/affiliate/campaigns/{uuid.uuid4()}/link").status_code == 404


def test_a_link_tells_visits_orders_and_commission(desk, aiko):
    desk.came()
    desk.buy(quantity=3)
    page = aiko.get("/affiliate/links").text
    assert re.search(r"<dt>Visits</dt><dd>1</dd>.*<dt>Orders</dt><dd>1</dd>.*<dt>Commission</dt><dd>£0.63", page)
    assert aiko.post(f"/affiliate/links/{desk.link.id}/close").status_code == 303
    assert "Closed" in aiko.get("/affiliate/links").text


def test_a_frozen_affiliate_reads_on(desk, aiko):
    with transaction() as db:
        db.get(Affiliate, desk.affiliate.id).state = "frozen"
    assert "frozen" in aiko.get("/affiliate").text
