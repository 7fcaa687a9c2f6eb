"""Socket events inside the process: who may join, what they answer, and how fast one may speak."""
import pytest

from core import events, sockets
from core.db import transaction
from core.sockets import socketio
from live import doors, limits, presence
from live import sockets as live_sockets
from tests import factories
from tests.live.conftest import key, set_state


class Page:
    """A page with an open socket."""

    def __init__(self, world, member):
        client = world.client(member)
        self.world, self.socket = world, socketio.test_client(world.app, flask_test_client=client)

    def send(self, name, **data):
        return self.socket.emit(name, data, callback=True)

    def join(self, **more):
        return self.send("join", live_id=self.world.id, **more)

    def frames(self, name="events"):
        return [message["args"][0] for message in self.socket.get_received() if message["name"] == name]


@pytest.fixture
def page(world):
    opened = []

    def make(member):
        opened.append(Page(world, member))
        return opened[-1]
    yield make
    for one in opened:
        if one.socket.is_connected():
            one.socket.disconnect()


def rooms_of(live_id) -> set:
    return {room for room in sockets.rooms() if str(live_id) in room}


def test_every_socket_event_names_who_may_use_it():
    expected = {"join": "public", "leave": "public", "react": "public", "ping_lag": "public", "claim": "signed_in",
                "chat": "signed_in", "join_control": "signed_in"}
    assert {name: access for name, (access, *_rest) in sockets.EVENTS.items() if name in expected} == expected


def test_joining_counts_a_viewer_and_gives_the_streams_number(world, page):
    with transaction() as db:
        db.add(events.Stream(name=f"live:{world.id}", seq=41))
    assert page(None).join() == {"ok": True, "seq": 41}
    assert page(world.viewer).join()["ok"]
    assert presence.local_counts() == {world.id: 2}


def test_a_frame_reaches_those_who_joined_and_nobody_else(world, page):
    inside, outside, gone = page(world.viewer), page(world.other), page(None)
    inside.join()
    gone.join()
    gone.send("leave", live_id=world.id)
    sockets.send_frame(f"live:{world.id}", "events", {"stream": f"live:{world.id}", "events": []})
    assert [len(one.frames()) for one in (inside, outside, gone)] == [1, 0, 0]


def test_a_viewer_hears_neither_staff_nor_rehearsal_nor_others(world, page):
    viewer, helper = page(world.viewer), page(world.helper)
    viewer.join()
    assert helper.send("join_control", live_id=world.id)["ok"]
    for room in (f"staff:{world.id}", f"rehearsal:{world.id}", f"member:{world.other.id}"):
        sockets.send_frame(room, "events", {"stream": room})
    assert viewer.frames() == []
    assert [frame["stream"] for frame in helper.frames()] == [f"staff:{world.id}", f"rehearsal:{world.id}"]


@pytest.mark.parametrize("who, code", [("viewer", "forbidden"), (None, "sign_in_needed"), ("elsewhere", "not_found")])
def test_the_control_room_is_for_its_staff(world, page, who, code):
    with transaction() as db:
        elsewhere = factories.member(db, "Ana", roles=[("host", factories.merchant(db))])
    member = {"viewer": world.viewer, "elsewhere": elsewhere, None: None}[who]
    refused = page(member).send("join_control", live_id=world.id)
    expected = "not_found" if who == "viewer" else code
    assert (refused["ok"], refused["code"]) == (False, expected)
    assert rooms_of(world.id) == set()


@pytest.mark.parametrize("live_id", ["staff:1", "*", None, 7, "01a20098-8f95-7f7f-8dcb-56874ae14f48"])
def test_a_guessed_room_is_refused(world, page, live_id):
    refused = page(world.viewer).send("join", live_id=live_id)
    assert refused["ok"] is False
    assert refused["code"] in ("invalid", "not_found")
    assert rooms_of("01a20098") == set()


def test_the_banned_are_refused_at_the_next_event_and_cannot_come_back(world, page):
    viewer = page(world.viewer)
    viewer.join()
    world.do("ban", member_id=str(world.viewer.id))
    assert viewer.send("chat", live_id=world.id, key="k", body="let me")["code"] == "banned"
    assert viewer.send("claim", live_id=world.id, key="k", offer_id=world.offer, quantity=1)["code"] == "banned"
    assert page(world.viewer).join()["code"] == "banned"


def test_a_drop_closes_the_members_sockets_and_only_theirs(world, page):
    viewer, other = page(world.viewer), page(world.other)
    viewer.join()
    other.join()
    sockets.drop(f"member:{world.viewer.id}")
    assert (viewer.socket.is_connected(), other.socket.is_connected()) == (False, True)
    assert presence.local_counts() == {world.id: 1}


def test_who_signs_out_loses_authority_at_the_next_event(world, page):
    viewer = page(world.viewer)
    viewer.join()
    with transaction() as db:
        from members.identity import end_sign_ins
        end_sign_ins(db, world.viewer.id)
    assert viewer.send("chat", live_id=world.id, key="k", body="still me?")["code"] == "sign_in_needed"


# -- claims: two doors, one function ---------------------------------------------------------------------------------

def test_both_doors_give_the_same_answer_to_the_same_key(world, page):
    world.open()
    body = {"key": key(), "offer_id": world.offer, "quantity": 2}
    by_socket = page(world.viewer).send("claim", live_id=world.id, **body)
    by_http = world.client(world.viewer).post(f"/api/live/{world.id}/claims", json=body).json
    assert by_socket == by_http
    assert by_socket["hold"]["quantity"] == 2
    assert world.stock().held == 2


BAD_CLAIMS = [{"quantity": -1}, {"quantity": 0}, {"quantity": 1.5}, {"quantity": 2**63}, {"quantity": "2"},
              {"quantity": True}, {"quantity": None}, {"price_minor": 1}, {"currency": "EUR"}, {"offer_id": "x"},
              {"key": ""}, {"key": "k" * 65}]


@pytest.mark.parametrize("bad", BAD_CLAIMS, ids=str)
def test_a_bad_claim_gets_the_same_body_from_both_doors_and_writes_nothing(world, page, bad):
    world.open()
    body = {"key": "k", "offer_id": world.offer, "quantity": 1, **bad}
    by_socket = page(world.viewer).send("claim", live_id=world.id, **body)
    by_http = world.client(world.viewer).post(f"/api/live/{world.id}/claims", json=body)
    assert by_http.status_code == 422
    assert by_socket == {"ok": False, **by_http.json}
    assert list(by_http.json["fields"]) == list(bad)
    assert world.stock().held == 0


def test_a_foreign_offer_and_a_closed_window_are_refused_alike(world, page):
    with transaction() as db:
        _shop, _host, _show, foreign, _stock = factories.open_show(db)
    viewer = page(world.viewer)
    for offer_id, status, code in ((str(foreign.id), 404, "unknown_offer"), (world.offer, 409, "not_open")):
        body = {"key": key(), "offer_id": offer_id, "quantity": 1}
        by_http = world.client(world.viewer).post(f"/api/live/{world.id}/claims", json=body)
        assert (by_http.status_code, by_http.json["code"]) == (status, code)
        assert viewer.send("claim", live_id=world.id, **body)["code"] == code


def test_buying_needs_a_member_watching_does_not(world, page):
    stranger = page(None)
    assert stranger.join()["ok"]
    refused = stranger.send("claim", live_id=world.id, key="k", offer_id=world.offer, quantity=1)
    assert refused["code"] == "sign_in_needed"
    answer = world.client(None).post(f"/api/live/{world.id}/claims", json={})
    assert (answer.status_code, answer.json["code"]) == (401, "sign_in_needed")


def test_viewers_cannot_claim_in_a_rehearsal_staff_can(world, page):
    set_state(world, "scheduled")
    world.do("rehearse")
    world.open()
    body = {"live_id": world.id, "offer_id": world.offer, "quantity": 1}
    assert page(world.viewer).send("claim", key=key(), **body)["code"] == "not_open"
    assert page(world.helper).send("claim", key=key(), **body)["ok"]
    assert (world.stock().held, world.stock(rehearsal=True).held) == (0, 1)


# -- waitlist, reminders, hearts -------------------------------------------------------------------------------------

def test_waiting_and_leaving_the_line(world):
    world.open()
    for member, units in ((world.other, 4), (world.host, 4), (world.viewer, 2)):
        world.hold(member, units)
    client = world.client(world.viewer)
    wait = client.post(f"/api/live/{world.id}/waitlist", json={"offer_id": world.offer, "quantity": 2}).json["wait"]
    assert (wait["place"], world.stock().waiting) == (1, 1)
    for _twice in range(2):
        assert client.delete(f"/api/live/{world.id}/waitlist/{world.offer}").status_code == 200
    assert world.stock().waiting == 0


def test_a_hold_is_let_go_by_its_owner_only(world):
    world.open()
    hold = world.hold(quantity=2)
    path = f"/api/holds/{hold['id']}/release"
    assert world.client(world.other).post(path, json={}).status_code == 404
    for _twice in range(2):
        assert world.client(world.viewer).post(path, json={}).json["hold"]["state"] == "released"
    assert world.stock().left == 10


def test_hearts_are_counted_not_listed(world, page):
    one = page(None)
    assert one.send("react", live_id=world.id, count=20)["ok"]
    assert one.send("react", live_id=world.id, count=21)["code"] == "invalid"
    assert one.send("react", live_id=world.id)["ok"]
    presence.flush()
    assert presence.totals(world.id)["pending_reactions"] == 21
    set_state(world, "ended")
    assert one.send("react", live_id=world.id)["code"] == "forbidden"


@pytest.mark.parametrize("on", ["yes", 1, None, "true"])
def test_on_is_true_or_false(world, on):
    answer = world.client(world.viewer).post(f"/api/live/{world.id}/reminder", json={"on": on})
    assert answer.status_code == 422


# -- limits ----------------------------------------------------------------------------------------------------------

def test_who_speaks_too_fast_is_told_and_a_program_is_dropped(world, page, monkeypatch):
    monkeypatch.setattr(live_sockets, "buckets", limits.Buckets(clock=lambda: 1.0))
    fast = page(None)
    answers = [fast.send("ping_lag") for _n in range(limits.DROP_ABOVE)]
    assert [bool(answer["ok"]) for answer in answers] == [True] * 40 + [False] * 60
    assert (answers[-1]["code"], answers[-1]["retry_ms"]) == ("too_many", 1000)
    assert fast.socket.is_connected()
    fast.send("ping_lag")
    assert not fast.socket.is_connected()


def test_claims_over_http_have_the_same_limit_for_all_browsers_of_a_member(world, monkeypatch):
    monkeypatch.setattr(live_sockets, "buckets", limits.Buckets(clock=lambda: 1.0))
    answers = [world.client(world.viewer).post(f"/api/live/{world.id}/claims", json={}) for _n in range(42)]
    assert [answer.status_code for answer in answers] == [422] * 40 + [429] * 2
    assert (answers[-1].json["code"], answers[-1].json["retry_ms"]) == ("too_many", 1000)
    assert world.client(world.other).post(f"/api/live/{world.id}/claims", json={}).status_code == 422


@pytest.mark.parametrize("raw", ["text", 7, None, ["live_id"], {"live_id": {}}])
def test_what_is_no_object_with_named_fields_is_refused(world, page, raw):
    answer = page(None).socket.emit("join", raw, callback=True)
    assert (answer["ok"], answer["code"]) == (False, "invalid")


def test_doors_ask_the_database_at_most_twice_a_second(world):
    from tests.live.test_snapshot import statements
    doors.forget(world.show.id)
    with statements() as sent:
        for _n in range(200):
            doors.enter(world.show.id, None)
    assert len(sent) == 2
