"""The pages: the list, the editor, the published campaign, and what their buttons post."""
import json
import re

import pytest
from sqlalchemy import select

from campaigns.terms import publishing
from campaigns.terms.models import Campaign, Offer
from tests import factories as make


def page(campaign, rest=""):
    return f"/studio/campaigns/{campaign.id}{rest}"


def text(answer):
    return answer.get_data(as_text=True)


@pytest.fixture
def published(db, draft):
    campaign, offers = draft
    publishing.publish(db, campaign, None)
    db.commit()
    return campaign, offers


def test_an_empty_list_says_what_a_campaign_is(staff):
    answer = staff.get("/studio/campaigns")
    assert "Your first campaign" in text(answer)
    assert "chip pick" not in text(answer)


def test_the_list_counts_states_and_filters(db, shop, staff, published):
    make.campaign(db, shop).name = "Second one"
    make.campaign(db, make.merchant(db)).name = "Of others"
    db.commit()
    every = text(staff.get("/studio/campaigns"))
    assert "Winter kitchen" in every and "Second one" in every and "Of others" not in every
    drafts = text(staff.get("/studio/campaigns?state=draft"))
    assert "Second one" in drafts and "Winter kitchen" not in drafts
    assert "No campaign is in this state." in text(staff.get("/studio/campaigns?state=settled"))
    assert staff.get("/studio/campaigns?state=nonsense&page=x").status_code == 200
    assert staff.get("/studio/campaigns?page=99999999999999999999").status_code == 200


def test_creating_leads_to_the_editor(db, staff):
    answer = staff.post("/studio/campaigns", data={"name": "Advent kitchen"})
    campaign = db.scalars(select(Campaign)).one()
    assert (answer.status_code, answer.location) == (302, page(campaign))
    assert (campaign.name, campaign.currency, campaign.state) == ("Advent kitchen", "GBP", "draft")


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": "x" * 121}, {"name": "x", "currency": "EUR"},
                                  {"name": "x", "state": "live"}])
def test_creating_with_a_bad_body_is_refused(db, staff, body):
    assert staff.post("/studio/campaigns", data=body).status_code == 422
    assert db.scalar(select(Campaign.id)) is None


def test_the_editor_carries_the_sheet_and_untrusted_names_as_text(db, staff, draft):
    campaign, offers = draft
    campaign.name = "</script><script>alert(1)</script>"
    db.commit()
    html = text(staff.get(page(campaign)))
    assert "<script>alert(1)" not in html
    sheet = json.loads(re.search(r'id="page-data"[^>]*>(.*?)</script>', html, re.S)[1])
    assert sheet["campaign"]["name"] == campaign.name
    assert [offer["id"] for offer in sheet["offers"]] == [str(offer.id) for offer in offers]


def test_a_published_campaign_is_read_only_and_says_why(staff, published):
    campaign, _offers = published
    html = text(staff.get(page(campaign)))
    assert "nobody can change them" in html
    assert "<input class=\"input\" id=\"f-name\"" not in html
    assert "Duplicate" in html and "End the campaign" in html


def test_duplicating_makes_a_draft_on_the_same_terms(db, staff, published):
    campaign, offers = published
    answer = staff.post(page(campaign, "/duplicate"))
    copy = db.scalars(select(Campaign).where(Campaign.id != campaign.id)).one()
    assert answer.location == page(copy)
    assert (copy.name, copy.state) == ("Copy of Winter kitchen", "draft")
    copied = db.scalars(select(Offer).where(Offer.campaign_id == copy.id).order_by(Offer.position)).all()
    assert [(offer.variant_id, offer.price_minor, offer.is_deal) for offer in copied] == [
        (offer.variant_id, offer.price_minor, offer.is_deal) for offer in offers]
    assert {offer.lowest_30d_minor for offer in copied} == {None}


@pytest.mark.parametrize(("typed", "state"), [("END", "ended"), (" end ", "ended"), ("stop", "scheduled")])
def test_ending_wants_its_word(db, staff, published, typed, state):
    campaign, _offers = published
    answer = staff.post(page(campaign, "/end"), data={"confirm": typed}, follow_redirects=True)
    db.expire_all()
    assert db.get(Campaign, campaign.id).state == state
    assert ("has ended" in text(answer)) == (state == "ended")


def test_a_draft_is_thrown_away_with_its_offers(db, staff, draft):
    campaign, _offers = draft
    assert staff.post(page(campaign, "/discard")).location == "/studio/campaigns"
    assert db.scalars(select(Campaign)).all() == db.scalars(select(Offer)).all() == []


def test_a_draft_with_a_show_is_kept_whole(db, staff, draft):
    campaign, _offers = draft
    make.live_session(db, campaign, make.member(db), state="scheduled")
    db.commit()
    answer = staff.post(page(campaign, "/discard"), follow_redirects=True)
    assert "A show already has this in its plan." in text(answer)
    assert len(db.scalars(select(Offer)).all()) == 2


def test_a_published_campaign_is_not_thrown_away(db, staff, published):
    campaign, _offers = published
    assert "frozen" in text(staff.post(page(campaign, "/discard"), follow_redirects=True))
    assert db.scalar(select(Campaign.id)) == campaign.id


@pytest.mark.parametrize(("method", "rest", "body"), [
    ("get", "", None), ("post", "/duplicate", {}), ("post", "/discard", {}), ("post", "/end", {"confirm": "END"})])
def test_another_shops_pages_are_not_found(db, sign_in, published, method, rest, body):
    campaign, _offers = published
    other = make.merchant(db)
    db.commit()
    stranger = sign_in("merchant_staff", other)
    assert getattr(stranger, method)(page(campaign, rest), data=body).status_code == 404
    assert len(db.scalars(select(Campaign)).all()) == 1


def test_pages_speak_the_members_language(staff, published):
    campaign, _offers = published
    staff.set_cookie("lang", "zh")
    assert staff.get(page(campaign)).status_code == staff.get("/studio/campaigns").status_code == 200
