"""Planning: a show, its run, its people, its cover, reminders and the calendar."""
import io
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image
from sqlalchemy import func, select, text

from core import clock
from core.db import reading, transaction
from live.show import calendar, clockwork
from live.show.models import LiveSession, Reminder, RunItem, ShowStaff
from members.models import Mail
from tests import factories
from tests.live.conftest import execute, key, set_state

TOMORROW = (clock.now() + timedelta(days=1)).replace(second=0, microsecond=0)


def form(world, **more):
    return {"title": "Afternoon tea", "campaign_id": str(world.campaign.id), "starts_local": "2026-11-27T20:00",
            "starts_at": TOMORROW.isoformat(), **more}


def plan(world, member=None, **more):
    """What the plan page sends: everything, some of it changed."""
    items = [{"id": str(item.id), "offer_id": item.offer_id and str(item.offer_id), "title": item.title, "minutes": 5,
              "points": ""} for item in world.items]
    body = {"title": world.show.title, "description": "", "starts_at": world.state().starts_at.isoformat(),
            "host_id": str(world.host.id), "assistants": [], "items": items, **more}
    return world.client(member or world.host).post(f"/api/shows/{world.id}", json=body)


def shows() -> list[LiveSession]:
    with reading() as db:
        return list(db.scalars(select(LiveSession).order_by(LiveSession.id)))


# -- a new show ------------------------------------------------------------------------------------------------------

def test_a_new_show_begins_with_the_campaigns_offers_as_its_run(world):
    answer = world.client(world.host).post("/studio/shows", data=form(world))
    new = shows()[-1]
    assert answer.headers["Location"].endswith(f"/studio/shows/{new.id}")
    assert (new.state, new.starts_at, new.host_id) == ("scheduled", TOMORROW, world.host.id)
    with reading() as db:
        titles = select(RunItem.title).where(RunItem.live_session_id == new.id).order_by(RunItem.position)
        assert db.scalars(titles).all() == ["Heart", "Bag", "Clock", "Tin"]


def test_a_published_campaign_leads_to_its_show_or_to_the_first_one_of_it(world):
    client = world.client(world.host)
    at = f"/studio/shows?campaign={world.state().campaign_id}"
    assert client.get(at).location.endswith(f"/studio/shows/{world.id}")
    set_state(world, "ended")
    page = client.get(at)
    assert page.status_code == 200
    assert "data-asked" in page.text
    assert f'value="{world.state().campaign_id}" selected' in page.text
    for strange in ("nonsense", uuid.uuid4()):
        assert client.get(f"/studio/shows?campaign={strange}").status_code == 200


def test_without_a_script_the_start_is_read_as_utc(world):
    local = (TOMORROW + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    world.client(world.host).post("/studio/shows", data=form(world, starts_at="", starts_local=local))
    assert shows()[-1].starts_at == TOMORROW + timedelta(days=1)


@pytest.mark.parametrize("bad, field", [
    ({"title": ""}, "title"), ({"title": "x" * 121}, "title"), ({"starts_local": "soon"}, "starts_local"),
    ({"starts_at": "soon"}, "starts_local"), ({"campaign_id": "x"}, "campaign_id"),
    ({"starts_at": "2126-01-01T00:00:00+00:00"}, "starts_local")])
def test_a_refused_form_comes_back_as_it_was_filled_in(world, bad, field):
    answer = world.client(world.host).post("/studio/shows", data=form(world, **bad))
    assert answer.status_code == 422
    assert "data-asked" in answer.text
    assert 'role="alert"' in answer.text
    assert len(shows()) == 1
    if field != "title":
        assert "Afternoon tea" in answer.text


def test_a_foreign_campaign_cannot_be_planned(world):
    with transaction() as db:
        foreign = factories.campaign(db, factories.merchant(db))
    answer = world.client(world.host).post("/studio/shows", data=form(world, campaign_id=str(foreign.id)))
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/studio/shows", "/studio/shows/{id}", "/studio/shows/{id}/report",
                                  "/studio/shows/{id}/report.csv", "/studio/shows/{id}/control"])
def test_pages_of_the_studio_are_for_the_shops_people(world, path):
    path = path.format(id=world.id)
    with transaction() as db:
        elsewhere = factories.member(db, "Ana", roles=[("host", factories.merchant(db))])
    assert world.client(world.helper).get(path).status_code == 200
    assert world.client(world.viewer).get(path).status_code == 403
    assert world.client(elsewhere).get(path).status_code == (200 if path == "/studio/shows" else 404)
    assert "/sign-in" in world.client(None).get(path).headers["Location"]


@pytest.mark.parametrize("state", ["scheduled", "rehearsal", "live", "paused", "ended", "cancelled"])
def test_every_page_of_a_show_stands_in_every_state(world, state):
    set_state(world, state)
    for member, path in ((world.host, f"/studio/shows/{world.id}"), (world.host, f"/studio/shows/{world.id}/report"),
                         (world.host, "/studio/shows"), (world.viewer, f"/live/{world.id}"),
                         (None, f"/live/{world.id}"), (None, "/")):
        answer = world.client(member).get(path)
        assert answer.status_code == 200, path
    control = world.client(world.host).get(f"/studio/shows/{world.id}/control")
    assert control.status_code == (302 if state == "cancelled" else 200)


# -- the plan --------------------------------------------------------------------------------------------------------

def test_the_whole_plan_is_saved_at_once(world):
    set_state(world, "scheduled")
    lines = [{"id": None, "offer_id": None, "title": "Hello", "minutes": 3, "points": "Who we are"},
             {"id": str(world.items[2].id), "offer_id": str(world.offers[1].id), "title": "The bag", "minutes": 7,
              "points": ""}]
    answer = plan(world, title="Tea", description="Two things", starts_at=TOMORROW.isoformat(), items=lines,
                  assistants=[str(world.helper.id)])
    assert answer.status_code == 200, answer.json
    assert [(line["title"], line["position"], line["minutes"]) for line in answer.json["run"]] == [("Hello", 1, 3),
                                                                                                  ("The bag", 2, 7)]
    assert answer.json["run"][1]["id"] == str(world.items[2].id)
    show = world.state()
    assert (show.title, show.description, show.starts_at) == ("Tea", "Two things", TOMORROW)
    with reading() as db:
        assert db.scalars(select(ShowStaff.member_id)).all() == [world.helper.id]
    assert world.shown(None)["show"]["next"]["title"] == "Hello"


def test_a_line_without_a_title_takes_its_products(world):
    line = {"id": None, "offer_id": world.offer, "title": "", "minutes": 5, "points": ""}
    assert plan(world, items=[line]).json["run"][0]["title"] == "Heart"
    refused = plan(world, items=[{**line, "offer_id": None}])
    assert list(refused.json["fields"]) == ["items.0.title"]


@pytest.mark.parametrize("bad, field", [
    ({"minutes": 0}, "items.0.minutes"), ({"minutes": 601}, "items.0.minutes"), ({"minutes": 2.5}, "items.0.minutes"),
    ({"offer_id": str(uuid.UUID(int=1))}, "items.0.offer_id"), ({"extra": 1}, "items.0.extra")])
def test_a_wrong_line_says_which_and_nothing_is_saved(world, bad, field):
    line = {"id": None, "offer_id": None, "title": "Hello", "minutes": 5, "points": "", **bad}
    refused = plan(world, items=[line], title="Changed")
    assert (refused.status_code, list(refused.json["fields"])) == (422, [field])
    assert world.state().title == world.show.title
    assert len(world.run_titles()) == 5


def test_a_line_of_another_show_is_not_taken_over(world):
    with transaction() as db:
        other = factories.live_session(db, world.campaign, world.host, "scheduled")
        line = RunItem(live_session_id=other.id, position=1, title="Theirs")
        db.add(line)
    stolen = {"id": str(line.id), "offer_id": None, "title": "Mine", "minutes": 5, "points": ""}
    assert plan(world, items=[stolen]).status_code == 404


def test_what_was_on_air_stays_in_the_run(world):
    world.do("next_item")
    refused = plan(world, items=[])
    assert refused.status_code == 422
    assert len(world.run_titles()) == 5


def test_a_show_that_began_keeps_its_start_and_can_be_edited_otherwise(world):
    assert plan(world, starts_at=TOMORROW.isoformat()).json["code"] == "wrong_moment"
    assert plan(world, title="New title").status_code == 200
    assert world.state().title == "New title"


def test_only_people_who_may_run_a_show_stand_in_its_plan(world):
    assert list(plan(world, assistants=[str(world.viewer.id)]).json["fields"]) == ["assistants"]
    assert list(plan(world, host_id=str(world.helper.id)).json["fields"]) == ["host_id"]


def test_a_show_is_called_off_by_those_who_may_end_it(world):
    set_state(world, "scheduled")
    path = f"/studio/shows/{world.id}/cancel"
    assert world.client(world.helper).post(path).status_code == 403
    assert world.client(world.host).post(path).status_code == 302
    assert world.state().state == "cancelled"
    assert world.client(world.host).post(path).status_code == 409
    assert "called off" in world.client(None).get(f"/live/{world.id}").text


def test_a_cover_is_made_small_shown_and_taken_away(world):
    file = io.BytesIO()
    Image.new("RGB", (3000, 2000), "teal").save(file, "PNG")
    path = f"/studio/shows/{world.id}/cover"
    picture = lambda: {"picture": (io.BytesIO(file.getvalue()), "tea.png")}  # noqa: E731
    assert world.client(world.host).post(path, data=picture()).status_code == 302
    cover = world.shown(None)["show"]["cover"]
    assert world.client(None).get(cover).mimetype == "image/webp"
    assert world.client(world.viewer).post(path, data=picture()).status_code == 403
    assert world.client(world.host).post(path, data={"remove": "1"}).status_code == 302
    assert world.shown(None)["show"]["cover"] is None
    assert world.client(world.host).post(path, data={}).status_code == 422
    assert world.client(world.host).post(path, data={"picture": (io.BytesIO(b"no"), "a.png")}).status_code == 422


# -- reminders -------------------------------------------------------------------------------------------------------

def letters() -> list[str]:
    with reading() as db:
        return list(db.scalars(select(Mail.subject).order_by(Mail.id)))


def remind(world, member, on=True):
    return world.client(member).post(f"/api/live/{world.id}/reminder", json={"on": on})


def test_reminders_are_written_ten_minutes_before_and_at_the_start_once_each(world):
    set_state(world, "scheduled")
    for member in (world.viewer, world.other):
        remind(world, member)
        remind(world, member)
    remind(world, world.other, False)
    execute("UPDATE live_sessions SET starts_at = now() + interval '11 minutes'")
    clockwork.remind()
    assert letters() == []
    execute("UPDATE live_sessions SET starts_at = now() + interval '9 minutes'")
    clockwork.remind()
    clockwork.remind()
    assert letters() == ["Thursday kitchen table starts in 10 minutes"]
    world.do("go_live")
    clockwork.remind()
    clockwork.remind()
    assert letters() == ["Thursday kitchen table starts in 10 minutes", "Thursday kitchen table is on air"]
    with reading() as db:
        assert f"http://127.0.0.1:8000/live/{world.id}" in db.scalar(select(Mail.body).limit(1))


def test_a_letter_is_in_its_readers_language(world, monkeypatch):
    spoken = []
    real = clockwork.speaking_to
    monkeypatch.setattr(clockwork, "speaking_to", lambda member: spoken.append(member.language) or real(member))
    set_state(world, "scheduled")
    execute("UPDATE members SET language = 'zh' WHERE id = :id", id=world.viewer.id)
    remind(world, world.viewer)
    execute("UPDATE live_sessions SET starts_at = now() + interval '5 minutes'")
    clockwork.remind()
    assert spoken == ["zh"]


def test_who_is_told_of_a_moved_start_is_told_again(world):
    set_state(world, "scheduled")
    remind(world, world.viewer)
    execute("UPDATE live_sessions SET starts_at = now() + interval '5 minutes'")
    clockwork.remind()
    plan(world, starts_at=TOMORROW.isoformat())
    execute("UPDATE live_sessions SET starts_at = now() + interval '7 minutes'")
    clockwork.remind()
    assert len(letters()) == 2


def test_nobody_is_reminded_of_a_show_that_is_over_or_began_long_ago(world):
    remind(world, world.viewer)
    execute("UPDATE live_sessions SET started_at = now() - interval '31 minutes'")
    clockwork.remind()
    set_state(world, "ended")
    clockwork.remind()
    assert letters() == []
    assert remind(world, world.other).status_code == 409


def test_more_reminders_than_one_step_takes_are_all_written(world, monkeypatch):
    monkeypatch.setattr(clockwork, "LETTERS_AT_ONCE", 3)
    set_state(world, "scheduled")
    with transaction() as db:
        for n in range(7):
            db.add(Reminder(live_session_id=world.show.id, member_id=factories.member(db, f"Viewer {n}").id))
        db.execute(text("UPDATE live_sessions SET starts_at = now() + interval '5 minutes'"))
    clockwork.remind()
    assert len(letters()) == 7


def test_ticks_find_the_application_in_their_own_threads(world):
    import threading
    set_state(world, "scheduled")
    remind(world, world.viewer)
    execute("UPDATE live_sessions SET starts_at = now() + interval '5 minutes'")
    thread = threading.Thread(target=clockwork.remind)
    thread.start()
    thread.join()
    assert len(letters()) == 1


# -- calendar --------------------------------------------------------------------------------------------------------

def entry(**more):
    return calendar.entry(**{
        "uid": "1@livestall", "title": "Tea, cakes; more", "text": "One\nTwo\\", "url": "https://shop.example/live/1",
        "starts_at": datetime(2026, 11, 27, 20, 0, tzinfo=UTC), "length": None, "rev": 3,
        "stamp": datetime(2026, 11, 1, tzinfo=UTC), **more})


def test_a_calendar_entry_says_when_what_and_where():
    lines = entry().split("\r\n")
    assert lines[0] == "BEGIN:VCALENDAR" and lines[-2:] == ["END:VCALENDAR", ""]
    for line in ("DTSTART:20261127T200000Z", "DTEND:20261127T210000Z", "SUMMARY:Tea\\, cakes\\; more", "SEQUENCE:3",
                 "DESCRIPTION:One\\nTwo\\\\\\n\\nhttps://shop.example/live/1", "STATUS:CONFIRMED", "TRIGGER:-PT10M"):
        assert line in lines


def test_long_lines_are_folded_between_characters():
    text = entry(title="茶" * 60)
    assert all(len(line.encode()) <= 75 for line in text.split("\r\n"))
    assert "SUMMARY:" + "茶" * 60 in text.replace("\r\n ", "")


def test_a_title_cannot_add_lines_of_its_own():
    text = entry(title="Tea\r\nATTENDEE:mailto:x@example.test")
    assert "\r\nATTENDEE" not in text


def test_a_cancelled_show_is_taken_out_of_calendars(world):
    set_state(world, "cancelled")
    answer = world.client(None).get(f"/live/{world.id}.ics")
    assert answer.mimetype == "text/calendar"
    assert "STATUS:CANCELLED" in answer.text and "VALARM" not in answer.text


# -- the public list -------------------------------------------------------------------------------------------------

def test_the_list_says_what_is_on_what_comes_and_what_is_still_sold(world):
    world.do("put_on_air", offer_id=world.offer)
    with transaction() as db:
        what = factories.campaign(db, world.shop)
        factories.stock(db, factories.offer(db, what, factories.variant(db, world.shop, name="Tea", on_hand=50)))
        what.state = "live"
        db.flush()
        later = factories.live_session(db, what, world.host, "scheduled", title="Later", starts_at=TOMORROW)
        began = clock.now() - timedelta(hours=2)
        factories.live_session(db, what, world.host, "ended", title="Before", started_at=began,
                               ended_at=began + timedelta(hours=1))
        factories.live_session(db, factories.campaign(db, world.shop), world.host, "scheduled", title="Draft")
        factories.live_session(db, what, world.host, "cancelled", title="Off")
        db.add(Reminder(live_session_id=later.id, member_id=world.viewer.id))
    found = world.client(world.viewer).get("/api/home").json
    titles = {name: [show["title"] for show in found[name]] for name in found}
    assert titles == {"on_air": ["Thursday kitchen table"], "coming": ["Later"], "again": ["Before"]}
    assert found["on_air"][0]["offer"]["title"] == "Heart"
    assert (found["coming"][0]["reminder"], found["coming"][0]["product_count"]) == (True, 1)
    assert (found["again"][0]["seconds"], found["again"][0]["still_left"]) == (3600, 1)
    assert world.client(None).get("/api/home?category=Candles").json["on_air"] != []
    assert world.client(None).get("/api/home?category=Toys").json == {"on_air": [], "coming": [], "again": []}


def test_a_rehearsed_show_is_still_to_come_for_everybody(world):
    set_state(world, "scheduled")
    world.do("rehearse")
    found = world.client(world.viewer).get("/api/home").json
    assert [show["state"] for show in found["coming"]] == ["scheduled"]


def test_following_is_kept_once(world):
    path = f"/api/merchants/{world.shop.id}/follow"
    for on in (True, True, False, True):
        assert world.client(world.viewer).post(path, json={"on": on}).status_code == 200
    assert world.shown(world.viewer)["me"]["following"] is True
    with reading() as db:
        assert db.scalar(select(func.count()).select_from(text("follows"))) == 1
    assert world.client(world.viewer).post(f"/api/merchants/{key()}/follow", json={"on": True}).status_code == 404
