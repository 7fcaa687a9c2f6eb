"""The control page's door: who may, once per key, undo in time, and what each action does to the counter."""
import uuid

import pytest
from sqlalchemy import func, select

from campaigns.catalogue.models import Variant
from campaigns.terms.models import Campaign
from core.db import reading, transaction
from live.chat import moderation
from live.show import clockwork, selling, steps
from live.show.control import ACTIONS
from live.show.models import ControlAction, FlashSale
from tests import factories
from tests.live.conftest import execute, key, set_state

REGISTERED_BY = (moderation, selling, steps)
PRICE = {"set_price"}
CHAT = {"notice", "slow", "blocked_words", "remove_message", "restore_message", "mute", "unmute", "ban", "unban"}


def count(what, **where) -> int:
    with reading() as db:
        return db.scalar(select(func.count()).select_from(what).filter_by(**where))


def start_sale(world, offer=0, **more):
    return world.control("start_sale", **{"offer_id": str(world.offers[offer].id), "quantity": 6,
                                          "countdown_seconds": 10, "duration_seconds": 60, **more})


def time_is_up():
    execute("UPDATE flash_sales SET opens_at = now() - interval '90 s', closes_at = now() - interval '1 ms'")
    clockwork.close_due_sales()


# -- who may ---------------------------------------------------------------------------------------------------------

def test_each_action_asks_for_the_right_of_its_kind():
    for name, action in ACTIONS.items():
        expected = "show.price" if name in PRICE else "show.end" if name == "end" else \
            "chat.moderate" if name in CHAT else "show.run"
        assert action.right == expected, name


def test_an_assistant_runs_the_show_but_neither_ends_nor_prices_it(world):
    assert world.control("pin", world.helper, offer_id=world.offer).status_code == 200
    assert world.control("open_shelf", world.helper, offer_id=world.offer).status_code == 200
    for refused in (world.control("end", world.helper, word="END"),
                    world.control("set_price", world.helper, offer_id=world.offer, price_minor=150),
                    world.control("start_sale", world.helper, offer_id=world.offer, quantity=1, price_minor=150)):
        assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert world.state().state == "live"
    assert world.stock().price_minor == 210


def test_an_assistant_cannot_undo_a_price_either(world):
    done = world.do("set_price", offer_id=world.offer, price_minor=190)
    assert world.control("undo", world.helper, action_id=done["id"]).status_code == 403
    assert world.stock().price_minor == 190


def test_strangers_cannot_even_tell_that_the_show_exists(world):
    with transaction() as db:
        elsewhere = factories.member(db, "Ana", roles=[("host", factories.merchant(db))])
    assert world.control("pin", elsewhere, offer_id=world.offer).status_code == 404
    assert world.control("pin", world.viewer, offer_id=world.offer).status_code == 403
    assert world.client(None).post(f"/api/live/{world.id}/control", json={}).status_code == 401


# -- once per key ----------------------------------------------------------------------------------------------------

def test_the_same_key_is_the_same_action_and_gets_the_same_answer(world):
    first = world.control("restock", key="k1", offer_id=world.offer, quantity=5)
    again = world.control("restock", key="k1", offer_id=world.offer, quantity=5)
    assert first.json == again.json
    assert world.stock().allotment == 15
    assert count(ControlAction) == 1


def test_another_body_under_the_same_key_is_refused(world):
    world.do("restock", key="k1", offer_id=world.offer, quantity=5)
    for refused in (world.control("restock", key="k1", offer_id=world.offer, quantity=6),
                    world.control("pin", key="k1", offer_id=world.offer)):
        assert (refused.status_code, refused.json["code"]) == (422, "key_conflict")
    assert world.stock().allotment == 15


@pytest.mark.parametrize("bad", [
    {"action": "fly"}, {"action": None}, {"action": "pin"}, {"action": "pin", "offer_id": "x"},
    {"action": "pin", "offer_id": str(uuid.UUID(int=1)), "more": 1}, {"key": ""}, {"key": "k" * 65}, {"key": 7},
    {"action": "next_item", "surprise": True}])
def test_what_is_not_understood_is_refused_and_nothing_is_written(world, bad):
    body = {"key": key(), "action": "pin", **bad}
    answer = world.client(world.host).post(f"/api/live/{world.id}/control", json=body)
    assert answer.status_code == 422
    assert answer.json["fields"]
    assert count(ControlAction) == 0


@pytest.mark.parametrize("quantity", [-1, 0, 1.5, 2**63, "3", True, None])
def test_a_quantity_that_is_none_is_refused(world, quantity):
    for name in ("restock", "start_sale"):
        answer = world.control(name, offer_id=world.offer, quantity=quantity)
        assert (answer.status_code, list(answer.json["fields"])) == (422, ["quantity"])
    assert world.stock().version == 0


def test_nan_is_no_number(world):
    body = f'{{"key": "k", "action": "restock", "offer_id": "{world.offer}", "quantity": NaN}}'
    answer = world.client(world.host).post(f"/api/live/{world.id}/control", data=body, content_type="application/json")
    assert answer.status_code == 422


def test_an_offer_of_another_campaign_is_not_on_this_counter(world):
    with transaction() as db:
        _shop, _host, _show, foreign, _stock = factories.open_show(db)
    assert world.control("pin", offer_id=str(foreign.id)).status_code == 404


def test_what_does_not_fit_the_moment_is_refused_with_the_state(world):
    set_state(world, "scheduled")
    refused = world.control("next_item")
    assert (refused.status_code, refused.json["code"], refused.json["state"]) == (409, "wrong_moment", "scheduled")


# -- undo ------------------------------------------------------------------------------------------------------------

def test_undo_is_offered_for_5_seconds_and_taken_for_6(world):
    done = world.do("pin", offer_id=world.offer)
    execute("UPDATE control_actions SET created_at = created_at - interval '5.5 s'")
    world.do("undo", action_id=done["id"])
    assert world.state().pins == []
    late = world.do("pin", offer_id=world.offer)
    execute("UPDATE control_actions SET created_at = created_at - interval '7 s'")
    refused = world.control("undo", action_id=late["id"])
    assert (refused.status_code, refused.json["code"]) == (409, "undo_gone")
    assert world.state().pins == [world.offer]


def test_what_was_changed_since_is_not_overwritten_by_an_undo(world):
    first = world.do("set_price", offer_id=world.offer, price_minor=190)
    world.do("set_price", world.host, offer_id=world.offer, price_minor=180)
    assert world.control("undo", action_id=first["id"]).json["code"] == "undo_gone"
    assert world.stock().price_minor == 180


def test_an_undo_is_done_once(world):
    done = world.do("notice", text="One parcel")
    world.do("undo", action_id=done["id"])
    assert world.control("undo", action_id=done["id"]).json["code"] == "undo_gone"


def test_what_cannot_be_taken_back_says_so_from_the_start(world):
    done = world.do("open_shelf", offer_id=world.offer)
    assert done["undo_until"] is None
    assert world.control("undo", action_id=done["id"]).json["code"] == "undo_gone"


# -- the show --------------------------------------------------------------------------------------------------------

def test_going_on_air_takes_the_campaign_along_and_opens_nothing(world):
    set_state(world, "scheduled")
    with transaction() as db:
        db.get(Campaign, world.campaign.id).state = "scheduled"
    world.do("go_live")
    with reading() as db:
        assert db.get(Campaign, world.campaign.id).state == "live"
    assert world.state().started_at is not None
    assert [world.stock(n).mode for n in range(3)] == ["closed"] * 3


@pytest.mark.parametrize("state", ["draft", "ended"])
def test_without_a_published_campaign_nothing_goes_on_air(world, state):
    with transaction() as db:
        world.show = factories.live_session(db, factories.campaign(db, world.shop, state), world.host, "scheduled")
    for name in ("go_live", "rehearse"):
        assert world.control(name).json["code"] == "campaign_not_ready"
    assert world.state().state == "scheduled"


def test_a_campaign_has_one_show_on_air_at_a_time(world):
    set_state(world, "scheduled")
    with transaction() as db:
        other = factories.live_session(db, world.campaign, world.host)
    assert world.control("go_live").json["code"] == "other_on_air"
    execute("UPDATE live_sessions SET state = 'ended' WHERE id = :id", id=other.id)
    world.do("go_live")


def test_the_next_item_puts_its_offer_on_air_and_leaves_it_closed(world):
    world.do("next_item")
    assert world.state().on_air_offer_id is None  # the welcome has no product
    world.do("next_item")
    assert str(world.state().on_air_offer_id) == world.offer
    assert world.stock().mode == "closed"
    assert [bool(item["ended_at"]) for item in world.staff()["run"]] == [True] + [False] * 4


def test_after_the_last_item_there_is_no_next(world):
    for _item in world.items:
        world.do("next_item")
    assert world.control("next_item").json["code"] == "last_item"


def test_reordering_wants_exactly_the_lines_there_are(world):
    ids = [str(item.id) for item in world.items]
    for wrong in (ids[:-1], [*ids, ids[0]], [*ids[:-1], str(uuid.UUID(int=1))]):
        assert world.control("reorder", ids=wrong).status_code == 422
    world.do("reorder", ids=[ids[1], ids[0], *ids[2:]])
    assert world.run_titles() == ["Heart", "Welcome", "Bag", "Clock", "Tin"]


@pytest.mark.parametrize("word", ["", "yes", "EN D"])
def test_the_end_wants_its_word(world, word):
    refused = world.control("end", word=word)
    assert (refused.status_code, list(refused.json["fields"])) == (422, ["word"])
    assert world.state().state == "live"


def test_the_end_closes_sales_and_leaves_the_campaign_alone(world):
    world.open(0)
    start_sale(world, 1)
    world.do("end", word="end")
    assert world.state().ended_at is not None
    assert [world.stock(n).mode for n in range(2)] == ["closed", "closed"]
    assert world.stock(0).reserve == 10
    assert count(FlashSale, ended_at=None) == 0
    with reading() as db:
        assert db.get(Campaign, world.campaign.id).state == "live"


def test_the_shelf_may_stay_and_is_taken_down_later(world):
    world.open(0)
    start_sale(world, 1)
    world.do("end", word="END", keep_shelf=True)
    assert [world.stock(n).mode for n in range(2)] == ["open", "closed"]
    world.do("close_shelf", offer_id=world.offer)
    assert world.stock(0).mode == "closed"


# -- selling ---------------------------------------------------------------------------------------------------------

def test_a_fourth_pin_is_refused_until_one_is_taken_off(world):
    *first, fourth = (str(one.id) for one in world.offers)
    for one in first:
        world.do("pin", offer_id=one)
    assert world.control("pin", offer_id=fourth).json["code"] == "pins_full"
    world.do("unpin", offer_id=world.offer)
    world.do("pin", offer_id=fourth)
    assert len(world.state().pins) == 3


def test_a_flash_sale_is_announced_with_its_window_in_server_time(world):
    assert start_sale(world, countdown_seconds=30, duration_seconds=300).status_code == 200
    shelf = world.stock()
    assert (shelf.mode, shelf.left, shelf.reserve) == ("flash", 6, 4)
    assert (shelf.closes_at - shelf.opens_at).total_seconds() == 300
    assert str(world.state().on_air_offer_id) == world.offer


@pytest.mark.parametrize("field, value", [("countdown_seconds", 9), ("countdown_seconds", 301),
                                          ("duration_seconds", 59), ("duration_seconds", 1201), ("price_minor", 0)])
def test_a_sale_outside_its_bounds_is_refused(world, field, value):
    assert list(start_sale(world, **{field: value}).json["fields"]) == [field]
    assert world.stock().mode == "closed"


def test_more_than_there_is_cannot_be_put_up(world):
    refused = start_sale(world, quantity=11)
    assert (refused.status_code, refused.json["code"], refused.json["available"]) == (422, "not_enough", 10)
    assert count(FlashSale) == 0


def test_one_sale_of_a_product_at_a_time(world):
    start_sale(world)
    assert start_sale(world).json["code"] == "sale_running"
    assert world.control("open_shelf", offer_id=world.offer).json["code"] == "sale_running"


@pytest.mark.parametrize("offer, mode, price", [(0, "open", 295), (1, "open", 190), (2, "closed", 210)],
                         ids=["full price", "sale price", "taken down"])
def test_when_the_clock_ends_a_sale_the_terms_say_what_follows(world, offer, mode, price):
    start_sale(world, offer, price_minor=190)
    time_is_up()
    assert (world.stock(offer).mode, world.stock(offer).price_minor) == (mode, price)
    assert count(FlashSale, ended_at=None) == 0


def test_a_sale_that_was_extended_meanwhile_is_not_closed(world):
    start_sale(world)
    sale = world.stock()
    world.do("extend_sale", offer_id=world.offer, seconds=60)
    with transaction() as db:
        assert clockwork.close_if_due(db, world.show.id, sale.id) is False
    assert (world.stock().closes_at - sale.closes_at).total_seconds() == 60
    assert world.stock().mode == "flash"


def test_a_sale_whose_time_is_over_cannot_be_extended(world):
    start_sale(world)
    execute("UPDATE flash_sales SET opens_at = now() - interval '90 s', closes_at = now() - interval '1 ms'")
    assert world.control("extend_sale", offer_id=world.offer).json["code"] == "no_sale"


def test_restocking_takes_units_from_the_shop_and_reopens(world):
    assert world.control("restock", offer_id=world.offer, quantity=60).status_code == 409
    world.do("restock", offer_id=world.offer, quantity=20)
    assert (world.stock().mode, world.stock().left, world.stock().allotment) == ("open", 30, 30)
    with reading() as db:
        assert db.get(Variant, world.offers[0].variant_id).on_hand == 30


def test_restocking_a_running_sale_adds_to_it(world):
    start_sale(world)
    world.do("restock", offer_id=world.offer, quantity=5)
    assert (world.stock().mode, world.stock().left) == ("flash", 11)
    assert count(FlashSale, quantity=11) == 1


def test_who_holds_units_keeps_the_price_of_the_claim(world):
    world.open()
    hold = world.hold()
    world.do("set_price", offer_id=world.offer, price_minor=250)
    assert hold["price_minor"] == 210
    assert world.hold()["price_minor"] == 250


def test_a_price_stays_below_what_is_struck_through_and_a_deal_a_deal(world):
    assert list(world.control("set_price", offer_id=world.offer, price_minor=296).json["fields"]) == ["price_minor"]
    with transaction() as db:
        campaign = factories.campaign(db, world.shop)
        deal = factories.offer(db, campaign, factories.variant(db, world.shop, name="Tin"), is_deal=True,
                               lowest_30d_minor=220)
        campaign.state = "live"
        db.flush()
        factories.stock(db, deal, left=0, mode="closed", opens_at=None)
        show = factories.live_session(db, campaign, world.host)
    world.show = show
    assert world.control("set_price", offer_id=str(deal.id), price_minor=220).status_code == 422
    assert world.control("set_price", offer_id=str(deal.id), price_minor=219).status_code == 200


def test_nobody_mutes_the_shops_own_people(world):
    line = world.say(world.helper, "I can answer that")
    assert world.control("ban", message_id=line["id"]).status_code == 422
    assert world.control("mute", member_id=str(world.host.id)).status_code == 422
