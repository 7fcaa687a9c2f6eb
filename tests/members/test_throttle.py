"""Guessing gets slow; nobody can lock somebody else out."""
import threading

import pytest
from redis import Redis

from core import bus
from members import throttle
from members.throttle import Bucket, LocalCounters, RedisCounters, wait_seconds
from tests.members.conftest import PASSWORD, sign_in

HOME, CAFE, AWAY = "192.0.2.10", "198.51.100.7", "203.0.113.99"


def guess(client, times, email="ada@example.test"):
    return [sign_in(client, email, f"guess number {n}").status_code for n in range(times)]


def test_waits_grow_to_a_quarter_of_an_hour():
    assert [wait_seconds(n, 5) for n in range(0, 9)] == [0, 0, 0, 0, 0, 2, 4, 8, 16]
    assert wait_seconds(1000, 5) == 900
    assert wait_seconds(1000, None) == 0


def test_two_hundred_guesses_from_one_place_are_a_handful(browser, person):
    person()
    codes = guess(browser(AWAY), 200)
    assert codes[:6] == [409] * 5 + [429]
    assert codes.count(409) <= 8  # the waits are 2, 4, 8 s: a slow machine lets another one or two in between
    assert set(codes) == {409, 429}


def test_the_wait_is_said_in_words_and_in_numbers(browser, person):
    person()
    client = browser(AWAY)
    guess(client, 5)
    page = sign_in(client)
    assert page.status_code == 429
    assert "Please wait 2 seconds" in page.get_data(as_text=True)
    answer = client.post("/sign-in", json={"email": "ada@example.test", "password": PASSWORD})
    assert (answer.status_code, answer.json["code"]) == (429, "too_many")
    assert 0 < answer.json["retry_ms"] <= 2000


def test_even_the_right_password_waits_so_that_guessing_learns_nothing(browser, person):
    person()
    client = browser(AWAY)
    guess(client, 5)
    assert sign_in(client).status_code == 429


def test_an_email_without_account_gets_slow_in_the_same_way(browser, person):
    person()
    assert guess(browser(AWAY), 8) == guess(browser(CAFE), 8, "nobody@example.test")


def test_strangers_cannot_lock_out_a_browser_that_signed_in_before(browser, person):
    person()
    mine = browser(HOME)
    sign_in(mine)
    mine.post("/sign-out")
    for number in range(40):
        guess(browser(f"203.0.113.{number}"), 6)
    guess(browser(HOME), 30)  # even from the same house
    assert sign_in(mine).status_code == 303


def test_strangers_cannot_lock_out_a_new_browser_elsewhere(browser, person):
    person()
    for number in range(40):
        guess(browser(f"203.0.113.{number}"), 6)
    fresh = browser(CAFE)
    assert sign_in(fresh, password="mistyped once 1").status_code == 409
    assert sign_in(fresh).status_code == 303


def test_an_account_under_attack_has_less_patience_with_new_browsers(browser, person):
    person()
    for number in range(5):
        guess(browser(f"203.0.113.{number}"), 5)
    assert guess(browser(CAFE), 4) == [409, 409, 429, 429]


def test_the_letter_opens_the_door_whatever_the_counters_say(browser, person, db):
    from tests.members.test_reset import link_of
    person()
    client = browser(AWAY)
    guess(client, 20)
    client.post("/forgot", data={"email": "ada@example.test"})
    assert client.post(link_of(db), data={"password": "a new spoon 99"}).status_code == 303
    assert client.get("/account").status_code == 200
    client.post("/sign-out")
    assert sign_in(client, password="a new spoon 99").status_code == 303


def test_a_known_browser_guessing_is_slowed_as_well(browser, person):
    person()
    mine = browser(HOME)
    sign_in(mine)
    mine.post("/sign-out")
    assert guess(mine, 7) == [409] * 5 + [429] * 2


def test_a_browser_known_for_one_account_is_a_stranger_to_another(browser, person):
    person()
    person("bob@example.test", "Bob")
    mine = browser(HOME)
    sign_in(mine, "bob@example.test")
    for number in range(5):
        guess(browser(f"203.0.113.{number}"), 5)
    assert guess(mine, 4) == [409, 409, 429, 429]


def test_a_device_cookie_cannot_be_made_up(browser, person):
    person()
    for number in range(5):
        guess(browser(f"203.0.113.{number}"), 5)
    client = browser(CAFE)
    client.set_cookie("livestall_device", "eyJkIjoieCIsImEiOlsieCJdfQ.aaaa.bbbb")
    assert guess(client, 4) == [409, 409, 429, 429]


def test_a_list_of_stolen_passwords_from_one_network_gets_slow(browser, person, monkeypatch):
    monkeypatch.setattr(throttle, "FREE_PER_NETWORK", 10)
    person()
    codes = [guess(browser(AWAY), 1, f"victim{n}@example.test")[0] for n in range(14)]
    assert codes == [409] * 10 + [429] * 4
    assert sign_in(browser(CAFE)).status_code == 303


def test_an_ipv6_household_is_one_network(browser, person):
    person()
    codes = [guess(browser(f"2001:db8:1:2::{n:x}"), 1)[0] for n in range(1, 8)]
    assert codes == [409] * 5 + [429] * 2


def test_a_hundred_guesses_at_once_are_counted_too(browser, person):
    person()
    codes, start = [], threading.Barrier(16)

    def one():
        client = browser(AWAY)
        start.wait()
        codes.append(sign_in(client, password="guess at once 1").status_code)
    threads = [threading.Thread(target=one) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count(409) == 5
    assert codes.count(429) == 11


def test_sign_ups_and_letters_from_one_network_are_limited(browser, db, monkeypatch):
    from members import views
    monkeypatch.setattr(views, "SIGN_UPS_FREE", 3)
    monkeypatch.setattr(views, "LETTERS_FREE", 3)
    client = browser(AWAY)
    ups = [browser(AWAY).post("/sign-up", data={"name": "Ada", "email": f"a{n}@example.test", "password": PASSWORD}
                              ).status_code for n in range(5)]
    asks = [client.post("/forgot", data={"email": f"a{n}@example.test"}).status_code for n in range(5)]
    assert ups == [303] * 3 + [429] * 2
    assert asks == [200] * 3 + [429] * 2


# -- The counters themselves: Redis and the fallback do the same.

class Hands:
    """A clock that is moved by hand."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def taken(counters, key, free, tries):
    """For each try whether it was let in, opening the gate again after each as waiting would."""
    answers = []
    for _ in range(tries):
        answers.append(counters.take([Bucket(key, free)]))
    return answers


@pytest.mark.parametrize("make", [LocalCounters, RedisCounters])
def test_both_counters_open_close_and_forgive_alike(app, make):
    counters, key = make(), f"test:{make.__name__}"
    assert taken(counters, key, 2, 2) == [0, 0]
    wait = counters.take([Bucket(key, 2)])
    assert 1000 < wait <= 2001
    assert counters.tries(key) == 2
    counters.forgive([Bucket(key, 2)])
    assert (counters.tries(key), counters.take([Bucket(key, 2)])) == (0, 0)


@pytest.mark.parametrize("make", [LocalCounters, RedisCounters])
def test_one_persons_success_takes_back_one_shared_try_only(app, make):
    counters, shared = make(), Bucket(f"test:shared:{make.__name__}", None, shared=True)
    for _ in range(4):
        counters.take([shared])
    counters.forgive([shared])
    assert counters.tries(shared.key) == 3


@pytest.mark.parametrize("make", [LocalCounters, RedisCounters])
def test_a_closed_bucket_keeps_the_others_from_counting(app, make):
    counters, name = make(), make.__name__
    shut, other = Bucket(f"test:shut:{name}", 1), Bucket(f"test:other:{name}", 9)
    counters.take([shut])
    assert counters.take([shut, other]) > 0
    assert counters.tries(other.key) == 0


def test_waits_double_and_end_by_themselves_in_the_fallback():
    clock = Hands()
    counters, bucket = LocalCounters(clock), Bucket("k", 1)
    waits = []
    for _ in range(12):
        assert counters.take([bucket]) == 0
        waits.append(round(counters.take([bucket]) / 1000))
        clock.now += waits[-1] + 0.1
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900]
    clock.now += throttle.FORGET_SECONDS
    assert counters.tries("k") == 0


def test_the_fallback_cannot_be_filled_without_end():
    counters = LocalCounters()
    for number in range(LocalCounters.MOST + 50):
        counters.take([Bucket(f"k{number}", 5)])
    assert len(counters._rows) == LocalCounters.MOST


def test_without_redis_each_process_counts_for_itself(browser, person, monkeypatch):
    person()
    dead = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.2)
    monkeypatch.setattr(bus, "_client", dead)
    monkeypatch.setattr(throttle, "_own", LocalCounters())
    assert guess(browser(AWAY), 7) == [409] * 5 + [429] * 2
    assert sign_in(browser(CAFE)).status_code == 303
