"""The big state says what the host must know first."""
from datetime import UTC, datetime, timedelta

import pytest

from core.clock import iso
from live.show.state import big_state

NOW = datetime(2026, 11, 26, 20, 0, tzinfo=UTC)


def show(state="live", on_air=None):
    return {"state": state, "starts_at": iso(NOW + timedelta(hours=1)), "on_air": on_air}


def offer(name, opens=None, closes=None, mode="flash"):
    moment = lambda seconds: None if seconds is None else iso(NOW + timedelta(seconds=seconds))  # noqa: E731
    return {name: {"id": name, "stock": {"mode": mode, "opens_at": moment(opens), "closes_at": moment(closes)}}}


@pytest.mark.parametrize("state", ["paused", "ended", "cancelled"])
def test_a_sale_does_not_hide_that_the_show_rests_or_is_over(state):
    assert big_state(show(state), offer("a", -5, 60), NOW) == {"name": state, "until": None, "offer_id": None}


def test_before_the_show_its_start_counts_down():
    assert big_state(show("scheduled"), {}, NOW)["until"] == iso(NOW + timedelta(hours=1))


@pytest.mark.parametrize("state", ["live", "rehearsal"])
def test_without_a_sale_the_show_is_just_on(state):
    assert big_state(show(state), offer("a", -5, None, "open"), NOW)["name"] == state


def test_an_announced_sale_counts_down_to_its_opening():
    assert big_state(show(), offer("a", 20, 80), NOW) == {
        "name": "sale_opening", "until": iso(NOW + timedelta(seconds=20)), "offer_id": "a"}


def test_a_running_sale_outshines_a_coming_one_and_the_one_on_air_outshines_others():
    offers = offer("a", 20, 80) | offer("b", -5, 60) | offer("c", -5, 90)
    assert big_state(show(), offers, NOW)["offer_id"] == "b"
    assert big_state(show(on_air="c"), offers, NOW)["offer_id"] == "c"


def test_a_sale_is_over_at_its_end_even_before_the_server_has_closed_it():
    assert big_state(show(), offer("a", -60, 0), NOW)["name"] == "live"
