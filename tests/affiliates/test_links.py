"""Links that lead where they should, count people only, and never to another's site; QR codes; coupon codes."""
import io
import re
import uuid
from datetime import timedelta

import pytest
from PIL import Image
from sqlalchemy import select, update

from affiliates.links import actions, queries, visitors
from affiliates.links.codes import coupon_code
from affiliates.links.counting import host_of, is_click, utm_of
from affiliates.links.errors import CodeTaken, NotApproved
from affiliates.links.models import Click, Coupon, VisitorMember
from affiliates.people.actions import decide_affiliate
from core import clock
from core.db import transaction
from core.errors import Invalid, NotFound
from orders.models import Order, OrderLine
from tests import factories
from tests.factories import signed_in

PERSON = {"User-Agent": "Mozilla/5.0 (iPhone) Safari/605.1", "Sec-Fetch-Dest": "document",
          "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "cross-site"}


@pytest.mark.parametrize(("change", "counts"), [
    ({}, True), ({"Sec-Fetch-Site": "none"}, True), ({"Sec-Fetch-Site": "same-origin"}, False),
    ({"Sec-Fetch-Dest": "iframe"}, False), ({"Sec-Fetch-Dest": "image"}, False), ({"Sec-Fetch-Mode": "no-cors"}, False),
    ({"Sec-Purpose": "prefetch;prerender"}, False), ({"Purpose": "prefetch"}, False), ({"X-Moz": "prefetch"}, False),
    ({"User-Agent": "facebookexternalhit/1.1"}, False), ({"User-Agent": "Googlebot/2.1"}, False),
    ({"User-Agent": ""}, False), ({"Sec-Fetch-Dest": ""}, False)])
def test_what_is_a_click(change, counts):
    assert is_click("GET", {**PERSON, **change}) is counts
    assert not is_click("HEAD", {**PERSON, **change})


def test_what_is_kept_of_an_address():
    assert utm_of({"utm_source": "tele\ngram", "utm_x": "1", "utm_term": "a" * 200}) == {
        "utm_source": "telegram", "utm_term": "a" * 100}
    assert host_of("https://shop.example.test/secret?token=1") == "shop.example.test"
    assert host_of("http://[broken") == host_of(None) == ""
    assert coupon_code(" spring-10 ") == "SPRING10"


def clicks():
    with transaction() as db:
        return list(db.scalars(select(Click).order_by(Click.id)))


def test_a_link_leads_to_its_show_and_counts_a_person_once(desk, app):
    client, target = app.test_client(), f"/live/{desk.counter.show.id}"
    page = client.get("/r/Link234?utm_source=bio&next=https://evil.test", headers={**PERSON, "Referer": "https://a.test/x"})
    assert (page.status_code, page.location) == (302, f"{target}?utm_source=bio")
    cookie = page.headers["Set-Cookie"]
    assert visitors.COOKIE in cookie and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert client.get("/r/Link234", headers=PERSON).status_code == 302  # the same coming
    one, = clicks()
    assert (one.utm, one.referrer, one.member_id) == ({"utm_source": "bio"}, "a.test", None)
    for robot in ({}, {**PERSON, "Sec-Fetch-Dest": "iframe"}, {**PERSON, "User-Agent": "WhatsApp/2"}):
        answer = app.test_client().get("/r/Link234", headers=robot)
        assert answer.location == target and "Set-Cookie" not in answer.headers
    assert len(clicks()) == 1


def test_a_forged_visitor_is_a_new_one(desk, app):
    client = app.test_client()
    client.set_cookie(visitors.COOKIE, uuid.uuid4().hex + ".made.up")
    client.get("/r/Link234", headers=PERSON)
    other = app.test_client()
    other.get("/r/Link234", headers=PERSON)
    assert len({one.visitor for one in clicks()}) == 2


def test_clicks_are_the_members_once_they_sign_in(desk, app):
    client = app.test_client()
    client.get("/r/Link234", headers=PERSON)
    buyer = signed_in(app, desk.counter.buyer)
    name = visitors.COOKIE
    buyer.set_cookie(name, client.get_cookie(name).value)
    buyer.get("/orders")
    one, = clicks()
    assert one.member_id == desk.counter.buyer.id
    with transaction() as db:
        assert db.scalar(select(VisitorMember.visitor)) == one.visitor
        db.execute(update(Click).values(member_id=None))
    buyer.get("/orders")  # once a sign-in, not at each request
    assert clicks()[0].member_id is None


@pytest.mark.parametrize(("break_it", "code", "status"), [
    (None, "Nobody2", 404), ("close", "Link234", 410), ("freeze", "Link234", 410), (None, "a" * 50, 404)])
def test_a_dead_link_says_so_and_goes_on_to_the_shop(desk, db, app, break_it, code, status):
    if break_it == "close":
        actions.close_link(db, db.get(type(desk.link), desk.link.id))
    if break_it == "freeze":
        decide_affiliate(db, db.get(type(desk.affiliate), desk.affiliate.id), "frozen", desk.staff)
    db.commit()
    page = app.test_client().get(f"/r/{code}", headers=PERSON)
    assert (page.status_code, "no longer in use" in page.text) == (status, True)
    target = f"/live/{desk.counter.show.id}" if status == 410 else "/"
    assert f'content="5; url={target}"' in page.text and clicks() == []


def test_links_are_for_what_is_published_by_who_approved(desk, db):
    show = desk.counter.show
    mine = actions.make_link(db, desk.affiliate, live_session_id=show.id, label="bio")
    assert (mine.campaign_id, re.fullmatch(r"[a-zA-Z2-9]{7}", mine.code) is not None) == (show.campaign_id, True)
    assert actions.make_link(db, desk.affiliate, live_session_id=show.id, label="bio").id == mine.id
    assert actions.make_link(db, desk.affiliate, live_session_id=show.id, label="video").id != mine.id
    product = db.scalar(select(Order.id)) or desk.counter.offer.variant_id
    from campaigns.catalogue.models import Variant
    product = db.get(Variant, desk.counter.offer.variant_id).product_id
    by_product = actions.make_link(db, desk.affiliate, product_id=product)
    assert queries.target_of(db, by_product) == f"/live/{show.id}"
    with pytest.raises(NotFound):
        actions.make_link(db, desk.affiliate, campaign_id=factories.campaign(db, desk.counter.shop).id)
    with pytest.raises(NotFound):
        actions.make_link(db, desk.affiliate, live_session_id=uuid.uuid4())
    with pytest.raises(NotApproved):
        actions.make_link(db, factories.affiliate(db), campaign_id=show.campaign_id)
    with pytest.raises(NotFound):
        queries.access_link(db, mine.id, factories.affiliate(db).id)


def test_a_qr_code_is_its_owners_picture(desk, app):
    owner, other = signed_in(app, desk.member), signed_in(app, desk.counter.buyer)
    path = f"/affiliate/links/{desk.link.id}/qr"
    svg, png = owner.get(f"{path}.svg"), owner.get(f"{path}.png?download=1")
    assert svg.mimetype == "image/svg+xml" and svg.data.startswith(b"<svg") and b"<script" not in svg.data
    assert Image.open(io.BytesIO(png.data)).size[0] > 300 and "attachment" in png.headers["Content-Disposition"]
    assert other.get(f"{path}.svg").status_code == 403
    assert owner.get(f"{path}.exe").status_code == 404
    assert app.test_client().get(f"{path}.svg").status_code == 302


def test_old_clicks_are_forgotten(desk, db):
    desk.came()
    desk.came(401 * 86400)
    assert actions.sweep_clicks(db) == 1 and len(clicks()) == 2
    db.commit()
    assert len(clicks()) == 1


# -- coupons

@pytest.fixture
def coupon(desk, db):
    def make(code="AIKO10", **terms):
        row = actions.make_coupon(db, desk.affiliate.id, desk.counter.shop.id, code, desk.staff, **terms)
        db.commit()
        return row
    return make


def order_with(desk, typed, quantity=3):
    sent = desk.counter.body(desk.counter.hold(quantity), coupon=typed)
    desk.counter.card()
    return desk.counter.client.post("/api/orders", json=sent)


def test_a_percentage_comes_off_the_price_and_the_commission_is_of_what_was_paid(desk, coupon):
    coupon(percent_ppm=155_000)
    asked = {"code": "aiko 10", "offer_id": str(desk.counter.offer.id)}
    check = desk.counter.client.post("/api/coupons/check", json=asked)
    assert check.json["coupon"] == {"code": "AIKO10", "percent_ppm": 155_000, "amount_minor": None}
    answer = order_with(desk, "aiko 10")
    out = answer.json["order"]
    assert (out["total_minor"], out["discount_minor"], out["coupon_code"]) == (532, 98, "AIKO10")
    order_id = uuid.UUID(out["id"])
    assert desk.counter.payments(order_id)[0].amount_minor == 532
    one, = desk.commissions()
    assert (one.base_minor, one.amount_minor, one.affiliate_id) == (532, 53, desk.affiliate.id)
    amounts = []
    for units in (1, 1, 1):
        desk.refund(order_id, units)
    with transaction() as db:
        order = db.get(Order, order_id)
        amounts = [one.amount_minor for one in desk.counter.refunds(order_id)]
        assert (order.refunded_minor, db.scalar(select(OrderLine.total_minor))) == (532, 532)
    assert amounts == [177, 177, 178]
    assert desk.commissions()[0].reversed_minor == 53
    page = desk.counter.client.get(f"/orders/{order_id}").text
    assert "Coupon AIKO10" in page and "-£0.98" in page and "£6.30" in page and "£5.32" in page
    assert "-£0.98" in desk.counter.client.get(f"/orders/{order_id}/receipt").text
    assert "AIKO10,-0.98" in desk.counter.desk.get("/studio/orders/export.csv").text


def test_a_sum_comes_off_and_a_code_without_a_discount_only_says_who_sent_the_buyer(desk, coupon):
    coupon("FIVE", amount_minor=500, currency="GBP")
    coupon("HELLO")
    small = order_with(desk, "five", 1)
    assert (small.status_code, small.json["code"]) == (422, "coupon_too_small")
    assert small.json["fields"]["coupon"] == ["This code needs a larger order."]
    assert order_with(desk, "five").json["order"]["total_minor"] == 130
    plain = order_with(desk, "hello", 1).json["order"]
    assert (plain["total_minor"], plain["discount_minor"], plain["coupon_code"]) == (210, 0, "HELLO")


def test_codes_that_do_not_count_are_refused_in_words_and_the_hold_stays(desk, db, coupon):
    closed = coupon("CLOSED")
    actions.close_coupon(db, closed, desk.staff)
    coupon("OVER", ends_at=clock.now() - timedelta(minutes=1))
    coupon("OTHER", campaign_id=factories.campaign(db, desk.counter.shop).id)
    stranger = factories.merchant(db)
    actions.make_coupon(db, factories.affiliate(db, shop=stranger).id, stranger.id, "THEIRS",
                        factories.member(db), percent_ppm=500_000)
    db.commit()
    hold = desk.counter.hold()
    desk.counter.card()
    for typed, code in (("closed", "coupon_over"), ("over", "coupon_over"), ("other", "coupon_elsewhere"),
                        ("theirs", "coupon_unknown"), ("nonsense", "coupon_unknown")):
        answer = desk.counter.client.post("/api/orders", json=desk.counter.body(hold, coupon=typed))
        assert (answer.status_code, answer.json["code"], "coupon" in answer.json["fields"]) == (422, code, True)
    assert desk.counter.units()["held"] == 1
    assert desk.counter.client.post("/api/orders", json=desk.counter.body(hold)).status_code == 201


def test_codes_are_made_by_the_shop_for_who_it_approved(desk, db, coupon):
    coupon("AIKO")
    with pytest.raises(CodeTaken):
        coupon("aiko")
    with pytest.raises(Invalid):
        coupon("é!")
    with pytest.raises(NotApproved):
        actions.make_coupon(db, factories.affiliate(db).id, desk.counter.shop.id, "NEW", desk.staff)
    assert [one.code for one in queries.coupons_of(db, desk.affiliate.id)] == ["AIKO"]
    with pytest.raises(NotFound):
        queries.access_coupon(db, db.scalar(select(Coupon.id)), uuid.uuid4())
