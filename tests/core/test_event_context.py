"""The context of a socket's events: one request a socket, everything else anew for each event."""
import pytest
from flask import g, request, session, url_for

from core.db import transaction
from core.sockets import BEFORE_EVENT, KEPT, App, socketio
from tests import factories
from tests.factories import signed_in


@pytest.fixture
def seen(app, empty):
    """What each event stood in, as its handler would find it."""
    found = []

    def look():
        found.append((request._get_current_object(), session._get_current_object(), url_for("live.home"),
                      g.member.name))
    BEFORE_EVENT.append(look)
    yield found
    BEFORE_EVENT.remove(look)


def test_events_of_a_socket_share_its_request_and_nothing_else(app, seen):
    with transaction() as db:
        vera = factories.member(db, "Vera")
    line = socketio.test_client(app, flask_test_client=signed_in(app, vera))
    for _ in range(2):
        assert line.emit("ping_lag", {}, callback=True)["ok"]
    line.disconnect()
    (one, mine, home, name), (two, yours, _, _) = seen
    assert one is two and one.cookies.get("livestall") and (home, name) == ("/", "Vera")
    assert mine is not yours and mine == yours and mine["sign_in"]


def test_a_change_of_the_session_in_one_event_is_not_seen_by_the_next(app, seen):
    with transaction() as db:
        vera = factories.member(db, "Vera")
    line = socketio.test_client(app, flask_test_client=signed_in(app, vera))
    line.emit("ping_lag", {}, callback=True)
    seen[0][1]["sign_in"] = "another's"
    line.emit("ping_lag", {}, callback=True)
    line.disconnect()
    assert seen[1][3] == "Vera"


def test_pages_have_a_request_each(app):
    assert isinstance(app, App)
    kept = [app.test_client().get("/healthz").request.environ for _ in range(2)]
    assert kept[0] is not kept[1] and not any(KEPT in one for one in kept)
