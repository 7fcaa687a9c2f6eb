"""What the tests of members share: clean counters, people who can sign in, and clients without a shared `g`."""
import contextvars

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy import select

from core import bus
from core.db import transaction
from members import actions, passwords
from members.models import Mail, Member
from tests import factories

PASSWORD = "wooden spoon 41"


@pytest.fixture(autouse=True)
def clean_counters(app):
    """No waits from the test before."""
    client = bus.client()
    keys = list(client.scan_iter("livestall:wait:*"))
    if keys:
        client.delete(*keys)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch):
    """argon2id with the least work: hundreds of guesses are made here. test_passwords looks at the real settings."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    passwords._nobodys_hash.cache_clear()
    yield
    passwords._nobodys_hash.cache_clear()


class Browser(FlaskClient):
    """A client whose every request has a `g` of its own, as in a real process: fixtures keep a context open."""

    def open(self, *args, **kwargs):
        return contextvars.Context().run(super().open, *args, **kwargs)


@pytest.fixture
def browser(empty):
    """Makes browsers: each call one with cookies of its own. `address` is where it asks from."""
    def make(address="127.0.0.1", **headers):
        client = Browser(empty, empty.response_class, use_cookies=True)
        client.environ_base["REMOTE_ADDR"] = address
        for name, value in headers.items():
            client.environ_base[f"HTTP_{name.upper()}"] = value
        return client
    return make


@pytest.fixture
def person(empty):
    """Makes members who can sign in with PASSWORD: person("ada@example.test", roles=[(kind, merchant)])."""
    def make(email="ada@example.test", name="Ada Quist", roles=(), **values) -> Member:
        with empty.test_request_context(), transaction() as db:
            member = actions.sign_up(db, email=email, name=name, password=PASSWORD)
            for column, value in values.items():
                setattr(member, column, value)
            for kind, merchant in roles:
                actions.grant(db, member, kind, merchant, None)
            db.flush()
            db.refresh(member)
        return member
    return make


@pytest.fixture
def shop(empty):
    with transaction() as db:
        return factories.merchant(db)


def sign_in(client, email="ada@example.test", password=PASSWORD, **more):
    return client.post("/sign-in", data={"email": email, "password": password, **more})


def letters(db, to=None) -> list[Mail]:
    query = select(Mail).order_by(Mail.id)
    return list(db.scalars(query.where(Mail.to_email == to) if to else query))
