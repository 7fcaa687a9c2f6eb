"""Chat: ordered, limited, cleaned, once per key; and what moderation does to it."""
import threading

import pytest
from sqlalchemy import func, select

from core.db import reading, transaction
from core.errors import Invalid, KeyConflict, TooMany
from live import doors
from live.chat import actions, words
from live.chat.models import ChatMessage, ChatSanction
from live.show.errors import Banned, ChatClosed, Muted
from tests.live.conftest import execute, key, set_state


def lines(world, member=None):
    return [line["body"] for line in world.shown(member)["chat"]]


# -- pure ------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("raw, kept", [
    ("  hello \n there\t ", "hello there"), ("a\x00b\x1b[31mc", "ab[31mc"), ("\u202eolleh", "olleh"),
    ("\u200b\u200b", ""),
    ("👩\u200d🍳 cooks", "👩\u200d🍳 cooks"), ("<b>bold</b>", "<b>bold</b>"), ("\ud800x", "x")])
def test_a_line_is_one_line_without_invisible_characters(raw, kept):
    assert words.clean(raw) == kept


@pytest.mark.parametrize("text", [
    "cheaper", "CHEAPER!", "ＣＨＥＡＰＥＲ", "c-h-e-a-p-e-r", "c h e a p e r", "che\u200baper", "chéaper", "che aper",
    "it is cheaper.at my place", "ass", "you A.S.S", "便 宜", "这里更便宜"])
def test_a_blocked_word_is_found_however_it_is_dressed(text):
    assert words.is_blocked(text, ["Cheaper", "ass", "便宜"])


@pytest.mark.parametrize("text", ["a glass of tea", "has sold", "cheap", "", "hello", "as soon"])
def test_a_word_is_not_blocked_for_what_merely_contains_a_short_one(text):
    assert not words.is_blocked(text, ["cheaper", "ass", " ", "-"])


# -- saying ----------------------------------------------------------------------------------------------------------

def test_lines_stand_in_the_order_in_which_they_were_said(world):
    for n in range(70):
        world.say((world.viewer, world.other)[n % 2], f"line {n}")
    assert lines(world) == [f"line {n}" for n in range(10, 70)]


def test_authors_can_be_told_apart_but_not_known(world):
    world.say(world.viewer, "one")
    world.say(world.other, "two")
    one, two = world.shown(None)["chat"]
    assert one["by"] != two["by"]
    assert str(world.viewer.id) not in str(one)
    assert world.shown(world.viewer)["me"]["by"] == one["by"]


@pytest.mark.parametrize("body", ["", "   ", "\u200b", "x" * 301])
def test_nothing_and_too_much_are_refused(world, body):
    with pytest.raises(Invalid):
        world.say(world.viewer, body)
    assert lines(world) == []


def test_the_same_key_is_one_line(world):
    assert world.say(world.viewer, "once", key="k") == world.say(world.viewer, "once", key="k")
    with pytest.raises(KeyConflict):
        world.say(world.viewer, "another", key="k")
    world.say(world.other, "mine has the same key", key="k")
    assert lines(world) == ["once", "mine has the same key"]


@pytest.mark.parametrize("state", ["scheduled", "ended", "cancelled", "rehearsal"])
def test_viewers_write_while_the_show_is_on_air(world, state):
    set_state(world, state)
    with pytest.raises(ChatClosed):
        world.say(world.viewer)


def test_slow_mode_holds_for_viewers_and_not_for_staff(world):
    world.do("slow", seconds=5)
    world.say(world.viewer, "first")
    with pytest.raises(TooMany) as refusal:
        world.say(world.viewer, "second")
    assert 0 < refusal.value.extra["retry_ms"] <= 5001
    execute("UPDATE chat_messages SET created_at = created_at - interval '6 s'")
    world.say(world.viewer, "third")
    world.say(world.host, "one")
    world.say(world.host, "two")
    assert lines(world) == ["first", "third", "one", "two"]


def race(world, guard=True):
    """Eight devices of one member write in the same moment; how many lines stand."""
    doors.forget(world.show.id)
    facts, start = doors.facts(world.show.id), threading.Barrier(8)

    def write():
        start.wait()
        with world.app.app_context(), transaction() as db:
            try:
                actions.say(db, facts, world.viewer, key(), "hello")
            except TooMany:
                return

    kept = actions.one_at_a_time, actions._slow
    if not guard:  # all have looked before anybody writes
        actions.one_at_a_time, actions._slow = lambda *_args: None, lambda *args: (kept[1](*args), start.wait(20))
    threads = [threading.Thread(target=write) for _n in range(8)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        actions.one_at_a_time, actions._slow = kept
    with reading() as db:
        return db.scalar(select(func.count()).select_from(ChatMessage))


def test_slow_mode_holds_when_a_member_writes_from_many_devices_at_once(world):
    world.do("slow", seconds=30)
    assert race(world) == 1


def test_without_the_guard_that_race_is_lost(world):
    world.do("slow", seconds=30)
    assert race(world, guard=False) == 8


# -- moderation ------------------------------------------------------------------------------------------------------

def test_a_removed_line_is_gone_for_all_and_kept_for_the_report(world):
    line = world.say(world.viewer, "buy at mine")
    world.do("remove_message", message_id=line["id"])
    assert lines(world, world.viewer) == []
    with reading() as db:
        assert db.get(ChatMessage, line["id"]).moderated_by == world.host.id


def test_a_flagged_line_can_be_let_through(world):
    line = world.say(world.viewer, "cheaper than in the shop!")
    assert lines(world) == []
    world.do("restore_message", message_id=line["id"])
    assert lines(world) == ["cheaper than in the shop!"]
    assert world.staff()["flagged"] == []


def test_the_muted_may_watch_and_not_write_until_it_is_lifted(world):
    world.do("mute", member_id=str(world.viewer.id))
    with pytest.raises(Muted):
        world.say(world.viewer)
    assert world.shown(world.viewer)["me"]["muted"] is True
    world.do("unmute", member_id=str(world.viewer.id))
    world.say(world.viewer, "back")
    assert lines(world) == ["back"]


def test_the_banned_cannot_enter_any_show_of_the_merchant(world):
    line = world.say(world.viewer, "rude")
    world.do("ban", message_id=line["id"])
    with pytest.raises(Banned):
        world.shown(world.viewer)
    answer = world.client(world.viewer).get(f"/api/live/{world.id}")
    assert (answer.status_code, answer.json["code"]) == (403, "banned")
    claim = world.client(world.viewer).post(f"/api/live/{world.id}/claims",
                                            json={"key": "k", "offer_id": world.offer, "quantity": 1})
    assert claim.status_code == 403
    world.do("unban", member_id=str(world.viewer.id))
    assert world.client(world.viewer).get(f"/api/live/{world.id}").status_code == 200


def test_a_mute_twice_is_one_and_the_second_cannot_be_undone(world):
    world.do("mute", member_id=str(world.viewer.id))
    assert world.do("mute", member_id=str(world.viewer.id))["undo_until"] is None
    with reading() as db:
        assert db.scalar(select(func.count()).select_from(ChatSanction)) == 1
