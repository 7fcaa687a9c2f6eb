"""Snapshot + events = snapshot, for every control action, its undo, and everything that viewers do."""
import random

import pytest
from sqlalchemy import select

from campaigns.stock import actions as stock
from campaigns.stock import line
from core.db import reading, transaction
from live import rehearsal
from live.chat import moderation
from live.chat.models import ChatMessage
from live.show import clockwork, selling, steps
from live.show.control import ACTIONS
from live.video import channels
from tests.live.conftest import execute, pump, set_state
from tests.live.verify import verify_action

REGISTERED_BY = (moderation, selling, steps)  # importing them fills ACTIONS before the tests are collected


def offer(world, **more):
    return {"offer_id": world.offer, **more}


def message(world, **_more):
    return {"message_id": world.say(world.other, "I like the heart")["id"]}


def by_author(world):
    return message(world)


def sale(world):
    world.do("start_sale", offer_id=world.offer, quantity=6, countdown_seconds=10, duration_seconds=60)
    return offer(world)


def muted(kind):
    def prepare(world):
        found = message(world)
        world.do(kind, **found)
        return found
    return prepare


def removed(world):
    found = message(world)
    world.do("remove_message", **found)
    return found


def reversed_ids(world):
    return {"ids": [str(item.id) for item in reversed(world.items)]}


def pinned(world):
    world.do("pin", offer_id=world.offer)
    return offer(world)


def shelf(world):
    world.open()
    return offer(world)


def rehearsed(world):
    """A rehearsal in which things happened, to staff and to simulated buyers."""
    world.do("rehearse")
    world.do("next_item")
    world.open()
    world.do("pin", offer_id=world.offer)
    world.say(world.host, "only we can read this")
    world.hold(world.host, 2, rehearsal=True)
    buyers = rehearsal.buyers_ready()
    for _n in range(6):
        rehearsal.play_second(world.show.id, buyers, random.Random(7))
    return {}


NOTHING = {}
# action → (state of the show before, what it is sent)
CASES = {
    "rehearse": ("scheduled", lambda world: NOTHING),
    "end_rehearsal": ("scheduled", rehearsed),
    "go_live": ("scheduled", lambda world: NOTHING),
    "pause": ("live", lambda world: NOTHING),
    "resume": ("paused", lambda world: NOTHING),
    "end": ("live", lambda world: shelf(world) and {"word": "end"}),
    "next_item": ("live", lambda world: NOTHING),
    "reorder": ("live", reversed_ids),
    "put_on_air": ("live", offer),
    "pin": ("live", offer),
    "unpin": ("live", pinned),
    "start_sale": ("live", lambda world: offer(world, quantity=6, countdown_seconds=10, duration_seconds=60,
                                               price_minor=190)),
    "stop_sale": ("live", sale),
    "extend_sale": ("live", lambda world: sale(world) | {"seconds": 60}),
    "restock": ("live", lambda world: offer(world, quantity=5)),
    "open_shelf": ("live", offer),
    "close_shelf": ("live", shelf),
    "set_price": ("live", lambda world: offer(world, price_minor=199)),
    "notice": ("live", lambda world: {"text": "One parcel for everything"}),
    "slow": ("live", lambda world: {"seconds": 5}),
    "blocked_words": ("live", lambda world: {"words": ["elsewhere", "fake"]}),
    "remove_message": ("live", message),
    "restore_message": ("live", removed),
    "mute": ("live", by_author),
    "unmute": ("live", muted("mute")),
    "ban": ("live", by_author),
    "unban": ("live", muted("ban")),
    "undo": ("live", lambda world: {"action_id": world.do("pin", offer_id=world.offer)["id"]}),
}


def test_every_control_action_has_a_case():
    assert set(CASES) == set(ACTIONS)


def prepare(world, name):
    state, given = CASES[name]
    set_state(world, state)
    return given(world)


@pytest.mark.parametrize("name", sorted(set(CASES) - {"ban", "unban"}))
def test_pages_follow_the_action_by_its_events_alone(world, name):
    data = prepare(world, name)
    verify_action(world, lambda: world.do(name, **data), name)


@pytest.mark.parametrize("name", ["ban", "unban"])
def test_everybody_but_the_banned_follows_by_events_alone(world, name):
    data = prepare(world, name)
    world.other = world.viewer  # the banned member has no page any more
    verify_action(world, lambda: world.do(name, **data), name)


@pytest.mark.parametrize("name", sorted(name for name, action in ACTIONS.items() if action.undo))
def test_pages_follow_the_undoing_as_well_and_all_is_as_before(world, name):
    data = prepare(world, name)
    if name in ("ban", "unban"):
        world.other = world.viewer
    before = picture(world)
    done = world.do(name, **data)
    assert done["undo_until"]
    assert picture(world) != before
    verify_action(world, lambda: world.do("undo", action_id=done["id"]), f"undo_{name}")
    assert picture(world) == before


def picture(world) -> dict:
    """What an undo restores: everything but the counters of changes and the book of actions."""
    pump()
    shown, staff = world.shown(world.host), world.staff()
    return {
        "show": {name: value for name, value in shown["show"].items() if name != "rev"},
        "prices": {one: offer["stock"]["price_minor"] for one, offer in shown["offers"].items()},
        "chat": shown["chat"], **{name: staff[name] for name in ("run", "blocked_words", "sanctions", "flagged")}}


# -- what viewers and the clock do -----------------------------------------------------------------------------------

def claimed(world):
    world.open()
    return lambda: world.hold(quantity=2)


def let_go(world):
    world.open()
    hold = world.hold(quantity=2)
    return lambda: world.client(world.viewer).post(f"/api/holds/{hold['id']}/release", json={})


def bought(world):
    world.open()
    hold = world.hold(quantity=2)

    def pay():
        with transaction() as db:
            stock.consume(db, hold["id"])
    return pay


def ran_out(world):
    world.open()
    world.hold(quantity=2)
    execute("UPDATE holds SET expires_at = now() - interval '1 s'")

    def expire():
        with transaction() as db:
            assert stock.expire_due(db, world.stock().id) == 1
    return expire


def waits(world):
    world.open()
    for member in (world.other, world.host):
        world.hold(member, 4)
    return lambda: world.client(world.viewer).post(f"/api/live/{world.id}/waitlist",
                                                   json={"offer_id": world.offer, "quantity": 1})


def served(world):
    world.open()
    with transaction() as db:
        for name in ("a", "b"):
            from tests import factories
            who = factories.member(db, name)
            db.flush()
            world.clients[name] = who
    hold = world.hold(world.other, 4)
    world.hold(world.clients["a"], 4)
    world.hold(world.clients["b"], 2)
    with transaction() as db:
        line.join(db, world.stock().id, world.viewer.id, 1)

    def give_back():
        with transaction() as db:
            stock.release(db, hold["id"], world.other.id)
    return give_back


def spoken(world):
    return lambda: world.say(world.viewer, "hello from here")


def flagged(world):
    return lambda: world.say(world.viewer, "c h e a p e r at mine")


def sale_over(world):
    sale(world)
    execute("UPDATE flash_sales SET opens_at = now() - interval '90 s', closes_at = now() - interval '1 s'")
    return clockwork.close_due_sales


def bought_in_rehearsal(world):
    set_state(world, "scheduled")
    world.do("rehearse")
    world.open()
    return lambda: world.hold(world.host, 2, rehearsal=True)


def film(world):
    with transaction() as db:
        channels.ensure(db, world.show.id)

    def comes():
        with transaction() as db:
            channels.set_status(db, world.show.id, "on", "rtmp")
    return comes


def other_film(world):
    film(world)()

    def comes():
        with transaction() as db:
            channels.set_status(db, world.show.id, "lost")
            channels.set_external(db, world.show.id, "https://pictures.example/live.m3u8")
    return comes


HAPPENINGS = {
    "claim": claimed, "release": let_go, "consume": bought, "expire": ran_out, "wait": waits, "served": served,
    "said": spoken, "flagged": flagged, "sale_over": sale_over, "rehearsal_claim": bought_in_rehearsal,
    "film": film, "other_film": other_film}


@pytest.mark.parametrize("name", sorted(HAPPENINGS))
def test_pages_follow_what_happens_by_events_alone(world, name):
    verify_action(world, HAPPENINGS[name](world), f"happens_{name}")


def test_what_is_older_than_known_changes_nothing(world):
    pump()
    stale = world.shown(world.viewer)
    world.open()
    world.do("pin", offer_id=world.offer)
    told = pump()
    fresh = world.shown(world.viewer)
    from live import snapshot
    for event in told:
        assert snapshot.apply(fresh, event) == fresh
    assert stale["seq"] < fresh["seq"]


def test_an_event_of_another_show_changes_nothing_here(world):
    from live import snapshot
    shown = world.shown(world.viewer)
    stream = f"member:{world.viewer.id}"
    hold = {"id": "x", "offer_id": "another", "quantity": 1, "state": "held", "created_at": "2026-01-01T00:00:00Z"}
    for n, (kind, payload) in enumerate((("hold.changed", {"hold": hold}),
                                         ("wait.changed", {"offer_id": "another", "state": "waiting", "place": 1}),
                                         ("chat.said", {"live_id": "another", "message": {"id": 1}}),
                                         ("muted", {"live_id": "another", "muted": True})), 1):
        event = {"stream": stream, "seq": n + shown["me"]["seq"], "kind": kind, "payload": payload}
        after = snapshot.apply(shown, event)
        assert {**after, "me": {**after["me"], "seq": shown["me"]["seq"]}} == shown


def test_a_flagged_line_is_seen_by_its_author_and_staff_only(world):
    world.say(world.viewer, "CHEAPER elsewhere")
    pump()
    assert [line["body"] for line in world.shown(world.viewer)["chat"]] == ["CHEAPER elsewhere"]
    assert world.shown(world.other)["chat"] == world.shown(None)["chat"] == []
    assert [line["body"] for line in world.staff()["flagged"]] == ["CHEAPER elsewhere"]
    with reading() as db:
        assert db.scalar(select(ChatMessage.state)) == "flagged"
