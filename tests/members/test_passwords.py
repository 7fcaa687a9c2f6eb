"""Passwords: argon2id with enough work, and never on the event loop."""
import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters

from members import passwords

ROOT = Path(__file__).resolve().parents[2]


def test_the_work_is_what_owasp_asks_for_argon2id():
    code = "from members import passwords; print(passwords.hash_password('wooden spoon 41'))"
    made = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = extract_parameters(made.strip())
    assert (found.type.name, found.memory_cost >= 19 * 1024, found.time_cost >= 2) == ("ID", True, True)


def test_hashes_of_one_password_differ_and_both_match():
    first, second = (passwords.hash_password("wooden spoon 41") for _ in range(2))
    assert first != second
    assert passwords.matches(first, "wooden spoon 41")
    assert passwords.matches(second, "wooden spoon 41")
    assert not passwords.matches(first, "wooden spoon 42")


@pytest.mark.parametrize("stored", [None, "", "!", "$2b$12$abc", "$argon2id$broken"])
def test_what_is_no_hash_matches_nothing(stored):
    assert passwords.matches(stored, "anything at all") is False


def test_a_missing_hash_costs_a_whole_check():
    passwords.matches(None, "anything at all")
    assert extract_parameters(passwords._nobodys_hash()) == extract_parameters(passwords.hash_password("x"))


def test_under_gevent_a_wrong_password_leaves_no_trace_in_the_log():
    code = """
from gevent import monkey; monkey.patch_all()
from members import passwords
stored = passwords.hash_password("wooden spoon 41")
print(passwords.matches(stored, "wooden spoon 41"), passwords.matches(stored, "wrong"), passwords.matches("!", "wrong"))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert (done.stdout.strip(), done.stderr) == ("True False False", "")


def test_under_gevent_hashing_leaves_the_loop_running():
    """While two passwords are hashed in the pool, a greenlet on the loop keeps ticking; on the loop it could not."""
    code = """
from gevent import monkey; monkey.patch_all()
import gevent, threading, time
from argon2 import PasswordHasher
from members import passwords
passwords._hasher = PasswordHasher(time_cost=6, memory_cost=64 * 1024, parallelism=1)
threads = []
ticks = [0]
def tick():
    while True:
        ticks[0] += 1
        gevent.sleep(0.005)
gevent.spawn(tick)
gevent.sleep(0.02)
before = ticks[0]
jobs = [gevent.spawn(passwords.hash_password, "wooden spoon 41") for _ in range(2)]
gevent.joinall(jobs, raise_error=True)
beside = ticks[0] - before
before = ticks[0]
passwords._hasher.hash("wooden spoon 41")
print(beside, ticks[0] - before)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    beside, on_the_loop = map(int, done.split())
    assert beside >= 5
    assert on_the_loop == 0


@pytest.mark.parametrize("password", ["password1", "PassWord123", "12345678", "abababab", "ada@example.test",
                                      "ada quist", "5201314520"])
def test_what_is_guessed_first_is_refused(app, password):
    with app.test_request_context(), pytest.raises(passwords.Invalid) as caught:
        passwords.refuse_weak(password, "ada@example.test", "Ada Quist")
    assert list(caught.value.fields) == ["password"]


def test_a_sentence_is_a_good_password(app):
    with app.test_request_context():
        passwords.refuse_weak("the kettle sings at four", "ada@example.test", "Ada Quist")
    assert isinstance(passwords._hasher, PasswordHasher)
