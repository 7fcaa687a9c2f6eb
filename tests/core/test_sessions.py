"""The session cookie: signed, and not asked how old it is."""
import time

import itsdangerous.timed
import pytest
from flask import session
from flask.sessions import SecureCookieSessionInterface

from core.web import Sessions


def kept_by(app, cookie: str) -> dict:
    with app.test_request_context(headers={"Cookie": f"{app.config['SESSION_COOKIE_NAME']}={cookie}"}):
        return dict(session)


@pytest.fixture
def from_the_future(app, monkeypatch) -> str:
    """A cookie that a host ten minutes ahead of us signed."""
    with monkeypatch.context() as clock:
        clock.setattr(itsdangerous.timed, "time", type("Clock", (), {"time": staticmethod(lambda: time.time() + 600)}))
        return app.session_interface.get_signing_serializer(app).dumps({"sign_in": "abc"})


def test_a_host_whose_clock_is_behind_keeps_the_session(app, from_the_future):
    assert kept_by(app, from_the_future) == {"sign_in": "abc"}


def test_the_stock_sessions_lose_it(app, from_the_future, monkeypatch):
    monkeypatch.setattr(app, "session_interface", SecureCookieSessionInterface())
    assert kept_by(app, from_the_future) == {}


def test_an_altered_cookie_is_no_session(app, from_the_future):
    assert isinstance(app.session_interface, Sessions)
    assert kept_by(app, from_the_future[:-2] + ("AA" if from_the_future[-2:] != "AA" else "BB")) == {}
