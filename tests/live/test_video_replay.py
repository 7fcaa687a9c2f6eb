"""Replays: chapters where the picture had them, clips for who may see them, trim, hide, and a deletion that deletes."""
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

import core.db
from campaigns.stock.models import Hold
from campaigns.terms.models import Offer
from core import events
from core.db import reading, transaction
from live.video import channels, files, playlist, queries
from live.video.models import VideoChannel
from live.video.office import Office
from orders.models import Order, OrderLine
from tests.live.conftest import set_state

SECONDS = 40


@pytest.fixture
def recorded(world, settings, monkeypatch):
    """A show that is over, recorded for 40 s: the first offer on air from second 5, the second from second 20."""
    monkeypatch.setitem(world.app.config, "LIVESTALL", replace(settings, video="embedded"))
    set_state(world, "live")
    with transaction() as db:
        channel = channels.ensure(db, world.show.id)
        channel.kind = "rtmp"
    place = files.folder(settings.data_dir, world.show.id, channel.public_dir)
    place.mkdir(parents=True, exist_ok=True)
    begin = time.time() * 1000 - SECONDS * 1000
    lines = ["#EXTM3U"]
    for number in range(SECONDS):
        (place / f"1-{number:06}.ts").write_bytes(b"G" * 188)
        at = playlist.date_text(begin + number * 1000).replace("Z", "+0000")
        lines += ["#EXTINF:1.000000,", f"#EXT-X-PROGRAM-DATE-TIME:{at}", f"1-{number:06}.ts"]
    (place / "index.m3u8").write_text("\n".join(lines))
    files.write(place / "runs.json", {"1": 0})
    for second, offer in ((5, world.offers[0]), (20, world.offers[1])):
        with transaction() as db:
            events.append(db, events.live_stream(world.show.id), "show.changed", {"pins": [], "on_air": str(offer.id)})
        moment = datetime.fromtimestamp(begin / 1000 + second, UTC)
        with core.db.engine().begin() as connection:
            connection.execute(text("UPDATE events SET created_at = :at WHERE id = (SELECT max(id) FROM events)"),
                               {"at": moment})
    queries._channels.clear()
    return begin


def end(world):
    with transaction() as db:
        channels.finish(db, world.show.id, SECONDS * 188)
    set_state(world, "ended")
    queries._channels.clear()


def replay(world, who=None):
    return world.client(who).get(f"/api/live/{world.id}/replay").json


def test_there_is_no_replay_before_the_end(world, recorded):
    assert replay(world)["hls"] == ""


def test_a_replay_has_its_chapters_where_the_picture_has_them(world, recorded):
    end(world)
    found = replay(world)
    skew = channels.SKEW_MS["rtmp"] / 1000
    assert found["seconds"] == SECONDS
    chapters = [(round(one["start"] - skew), one["title"]) for one in found["chapters"]]
    assert chapters == [(5, world.offers[0].title), (20, world.offers[1].title)]
    assert found["chapters"][0]["end"] == found["chapters"][1]["start"]
    text_ = world.client(None).get(found["hls"]).text
    assert text_.count("#EXTINF") == SECONDS and "#EXT-X-ENDLIST" in text_
    vtt = world.client(None).get(found["vtt"])
    assert vtt.mimetype == "text/vtt" and world.offers[1].title in vtt.text


def test_the_host_trims_and_hides_it(world, recorded):
    end(world)
    host, path = world.client(world.host), f"/api/live/{world.id}/video/recording"
    cut = {"hidden": False, "trim_start_ms": 4000, "trim_end_ms": 24_000}
    assert host.post(path, json=cut).json["seconds"] == SECONDS
    found = replay(world)
    assert found["seconds"] == 20
    assert [round(one["start"]) for one in found["chapters"]] == [1, 16]
    assert host.post(path, json={**cut, "trim_end_ms": 3000}).status_code == 422
    assert host.post(path, json={**cut, "hidden": True}).json["hidden"] is True
    assert replay(world)["hls"] == ""
    assert world.client(None).get(found["hls"]).status_code == 404
    assert world.client(world.viewer).post(path, json=cut).status_code in (403, 404)


def test_a_deletion_really_deletes(world, recorded, settings):
    end(world)
    found = replay(world)
    host, path = world.client(world.host), f"/api/live/{world.id}/video/recording"
    assert files.size_of(files.root(settings.data_dir) / world.id) > 0
    assert host.delete(path).status_code == 200
    assert not (files.root(settings.data_dir) / world.id).exists()
    assert world.client(None).get(found["hls"]).status_code == 404
    assert replay(world)["hls"] == ""
    assert host.get(path).json["state"] == "deleted"


def test_a_show_that_is_on_cannot_lose_its_recording(world, recorded):
    assert world.client(world.host).delete(f"/api/live/{world.id}/video/recording").json["code"] == "video_still_on"


def test_recordings_older_than_the_setting_go_by_themselves(world, recorded, settings):
    end(world)
    office = Office(replace(settings, video="embedded", video_keep_days=30))
    office._forget_old()
    assert replay(world)["hls"] != ""
    with core.db.engine().begin() as connection:
        connection.execute(text("UPDATE live_sessions SET ended_at = :at WHERE id = :id"),
                           {"at": datetime.now(UTC) - timedelta(days=31), "id": world.show.id})
    office._forget_old()
    assert not (files.root(settings.data_dir) / world.id).exists()
    with reading() as db:
        assert db.get(VideoChannel, world.show.id).recording == "deleted"


def test_on_a_full_disk_recording_stops_and_the_live_picture_goes_on(world, recorded, settings):
    from live.video.packager import Packager
    office = Office(replace(settings, video="embedded", video_min_free_mb=10**9))
    with reading() as db:
        channel = db.get(VideoChannel, world.show.id)
    place = files.folder(settings.data_dir, world.show.id, channel.public_dir)
    office.packagers[world.id] = Packager(world.id, place, office.logs, keep=True)
    office.shows[world.id] = (channel, "live")
    office._disk()
    with transaction() as db:
        stopped = db.get(VideoChannel, world.show.id)
        assert stopped.recording == "stopped"
        assert db.scalar(text("SELECT count(*) FROM events WHERE kind = 'video.recording'")) == 1
        # As if it had stopped at second 5: what came after it stays for half a minute only.
        stopped.recording_stopped_at = datetime.fromtimestamp(recorded / 1000 + 5, UTC)
    with reading() as db:
        office.shows[world.id] = (db.get(VideoChannel, world.show.id), "live")
    office._disk()
    left = [int(one.name[2:8]) for one in files.segments(place)]
    assert left[:6] == [0, 1, 2, 3, 4, 5] and left[6] > 8 and left[-1] == SECONDS - 1
    end(world)
    assert 5 <= replay(world)["seconds"] <= 6


def paid_order(world, moment):
    """The viewer's order, claimed at a moment of the show."""
    world.open()
    hold = world.hold(world.viewer)
    with transaction() as db:
        kept = db.get(Hold, hold["id"] if isinstance(hold, dict) else hold.id)
        kept.created_at = moment
        offer = db.get(Offer, kept.offer_id)
        order = Order(number=900_001, member_id=world.viewer.id, merchant_id=offer.merchant_id,
                      campaign_id=offer.campaign_id, live_session_id=world.show.id, state="paid", currency="GBP",
                      address={}, total_minor=kept.price_minor, key=str(kept.id), body_hash="", paid_at=moment)
        db.add(order)
        db.flush()
        db.add(OrderLine(order_id=order.id, offer_id=offer.id, stock_id=kept.stock_id, variant_id=offer.variant_id,
                         hold_id=kept.id, title=offer.title, sku="", quantity=1, unit_price_minor=kept.price_minor,
                         terms={}))
        return order.id


def test_the_clip_of_an_order_is_for_its_buyer_and_the_shop(world, recorded):
    order_id = paid_order(world, datetime.fromtimestamp(recorded / 1000 + 21, UTC))
    for who, status in ((None, 401), (world.other, 404), (world.viewer, 200), (world.host, 200)):
        answer = world.client(who).get(f"/api/orders/{order_id}/clip")
        assert answer.status_code == status, who
    found = world.client(world.viewer).get(f"/api/orders/{order_id}/clip").json
    pieces = world.client(None).get(found["hls"]).text.count("#EXTINF")
    assert 19 <= pieces <= 22
    assert 11 <= found["start"] <= 14
    assert world.client(None).get(found["hls"].replace(".m3u8", "1.m3u8")).status_code == 404
