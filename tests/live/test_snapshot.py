"""The snapshot: cheap, the same for a storm of readers, and never more than its reader may see."""
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from sqlalchemy import event

import core.db
from core.db import reading, transaction
from core.errors import NotFound
from live import snapshot
from tests import factories
from tests.live.conftest import set_state


@contextmanager
def statements():
    """The SQL that the engine sends meanwhile."""
    sent = []

    def note(_connection, _cursor, statement, *_more):
        sent.append(statement)
    event.listen(core.db.engine(), "before_cursor_execute", note)
    yield sent
    event.remove(core.db.engine(), "before_cursor_execute", note)


def everything(world):
    """A member with all that a snapshot can carry."""
    world.open()
    world.hold(quantity=2)
    world.say(world.viewer, "cheaper elsewhere")
    world.client(world.viewer).post(f"/api/live/{world.id}/reminder", json={"on": True})
    world.client(world.viewer).post(f"/api/merchants/{world.shop.id}/follow", json={"on": True})
    with transaction() as db:
        factories.address(db, world.viewer)


def test_a_whole_snapshot_costs_at_most_8_statements(world):
    everything(world)
    with reading() as db, statements() as sent:
        shown = snapshot.snapshot(db, world.show.id, world.viewer)
    assert len(sent) <= 8, "\n---\n".join(sent)
    me = shown["me"]
    assert len(me["holds"]) == 1
    assert me["reminder"] and me["following"] and shown["show"]["merchant"]["following"]
    assert me["default_address"]["line1"] == "14 Larch Road"
    assert me["units"] == {world.offer: 2}
    assert me["can"] == {"run": False, "price": False, "end": False, "moderate": False}
    assert [line["body"] for line in shown["chat"]] == ["cheaper elsewhere"]


def test_a_storm_of_readers_asks_the_database_once(world):
    snapshot.forget(world.show.id)
    go = threading.Barrier(16)

    def read(_n):
        go.wait()
        return snapshot.cached_snapshot(world.show.id, None)["seq"]
    with statements() as sent, ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(read, range(16)))) == 1
    assert len(sent) == 3


def test_the_shared_part_is_read_anew_after_a_fifth_of_a_second(world, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(snapshot.time, "monotonic", lambda: clock[0])
    snapshot.forget(world.show.id)
    assert snapshot.cached_snapshot(world.show.id, None)["show"]["notice"] is None
    with transaction() as db:
        db.get(type(world.show), world.show.id).notice = "new"
    clock[0] = 0.19
    assert snapshot.cached_snapshot(world.show.id, None)["show"]["notice"] is None
    clock[0] = 0.21
    assert snapshot.cached_snapshot(world.show.id, None)["show"]["notice"] == "new"


def test_a_control_action_of_this_process_is_seen_at_once(world):
    client = world.client(world.viewer)
    assert client.get(f"/api/live/{world.id}").json["show"]["pins"] == []
    world.do("pin", offer_id=world.offer)
    assert client.get(f"/api/live/{world.id}").json["show"]["pins"] == [world.offer]


def test_a_show_of_a_draft_is_staffs_business(world):
    with transaction() as db:
        draft = factories.campaign(db, world.shop)
        factories.offer(db, draft, factories.variant(db, world.shop, name="Secret"))
        world.show = factories.live_session(db, draft, world.host, "scheduled")
    for member in (None, world.viewer):
        with pytest.raises(NotFound):
            world.shown(member)
        assert world.client(member).get(f"/live/{world.id}").status_code == 404
    [offer] = world.shown(world.host)["offers"].values()
    assert offer["stock"]["version"] == -1


def test_nobody_but_staff_sees_a_rehearsal(world):
    set_state(world, "scheduled")
    world.do("rehearse")
    world.do("next_item")
    world.do("pin", offer_id=world.offer)
    world.do("notice", text="between us")
    world.open()
    world.say(world.host, "can you hear me?")
    for member in (None, world.viewer):
        shown = world.shown(member)
        assert (shown["show"]["state"], shown["show"]["pins"], shown["show"]["notice"], shown["show"]["item"],
                shown["show"]["started_at"], shown["chat"]) == ("scheduled", [], None, None, None, [])
        assert shown["offers"][world.offer]["stock"]["mode"] == "closed"
        assert shown["show"]["next"]["title"] == "Welcome"
    shown = world.shown(world.helper)
    assert (shown["show"]["state"], shown["show"]["notice"]) == ("rehearsal", "between us")
    assert shown["offers"][world.offer]["stock"]["mode"] == "open"
    assert world.client(world.viewer).get(f"/api/live/{world.id}").json["show"]["state"] == "scheduled"
    assert world.client(world.helper).get(f"/api/live/{world.id}").json["show"]["state"] == "rehearsal"
    world.client(world.viewer).get(f"/api/live/{world.id}")
    assert world.client(world.viewer).get(f"/api/live/{world.id}").json["show"]["state"] == "scheduled"


def test_what_is_next_and_when_follows_the_plan(world):
    world.do("next_item")
    shown = world.shown(None)["show"]
    assert (shown["item"]["title"], shown["item_position"], shown["item_count"]) == ("Welcome", 1, 5)
    assert shown["next"]["offer_id"] == world.offer
    assert snapshot.datetime.fromisoformat(shown["next"]["about"]) - snapshot.datetime.fromisoformat(
        shown["item"]["started_at"]) == snapshot.datetime.resolution * 300_000_000


def test_the_control_page_part_is_for_those_who_run_the_show(world):
    assert world.client(world.viewer).get(f"/api/live/{world.id}/staff").status_code == 403
    assert world.client(None).get(f"/api/live/{world.id}/staff").status_code == 401
    with transaction() as db:
        elsewhere = factories.member(db, "Ana", roles=[("host", factories.merchant(db))])
    assert world.client(elsewhere).get(f"/api/live/{world.id}/staff").status_code == 404
    answer = world.client(world.helper).get(f"/api/live/{world.id}/staff").json
    assert [line["title"] for line in answer["run"]] == ["Welcome", "Heart", "Bag", "Clock", "Tin"]
    assert answer["blocked_words"] == ["cheaper"]
