"""Log lines: one each, with the ids they are about, without secrets; nothing that a member typed forges one."""
import io
import json
import logging

import pytest
import structlog

from core import logs


@pytest.fixture
def lines():
    """A stream that JSON logs go to, and what was there before, afterwards."""
    structlog.contextvars.clear_contextvars()  # what another test's request left
    root, stream = logging.getLogger(), io.StringIO()
    before, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield stream
    root.handlers[:] = before
    root.setLevel(level)
    structlog.configure(**settings)


def read(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_carries_the_ids_of_what_it_is_about(lines):
    logs.configure("info", "json", lines)
    structlog.contextvars.clear_contextvars()  # of requests that other tests made
    log = structlog.get_logger("orders")
    with logs.about(request_id="r1", order_id="o1", live_session_id="s1"):
        log.info("paid", amount_minor=1999)
    log.info("later")
    first, second = read(lines)
    assert {"event": "paid", "level": "info", "logger": "orders", "request_id": "r1", "order_id": "o1",
            "live_session_id": "s1", "amount_minor": 1999}.items() <= first.items()
    assert first["timestamp"].endswith("Z")
    assert "request_id" not in second


def test_libraries_speak_the_same_way_and_only_of_trouble(lines):
    logs.configure("info", "json", lines)
    logging.getLogger("engineio.server").info("a packet")
    logging.getLogger("rq.worker").warning("lost %s", "a job")
    assert [line["event"] for line in read(lines)] == ["lost a job"]


def test_the_level_is_kept(lines):
    logs.configure("warning", "json", lines)
    structlog.get_logger("web").info("not this")
    structlog.get_logger("web").warning("this")
    assert [line["event"] for line in read(lines)] == ["this"]


@pytest.mark.parametrize("style", ["json", "console"])
def test_secrets_are_not_written(lines, style):
    logs.configure("info", style, lines)
    structlog.get_logger("members").info("sign-in", password="hunter2", reset_token="abc123", Authorization="xyz")
    text = lines.getvalue()
    assert "sign-in" in text
    for secret in "hunter2", "abc123", "xyz":
        assert secret not in text


@pytest.mark.parametrize("style", ["json", "console"])
def test_what_a_member_typed_stays_on_one_line(lines, style):
    logs.configure("info", style, lines)
    structlog.get_logger("chat").info("said", text="hello\n2026 [error] forged\x1b[31m\u202etxt")
    assert lines.getvalue().count("\n") == 1
    assert "\x1b" not in lines.getvalue()
    assert "\u202e" not in lines.getvalue()


@pytest.mark.parametrize("style", ["json", "console"])
def test_an_error_comes_with_its_traceback_but_without_local_values(lines, style):
    logs.configure("info", style, lines)
    try:
        card = "4242424242424242"
        raise ValueError("of no use")
    except ValueError:
        structlog.get_logger("web").exception("unexpected error")
    assert "ValueError: of no use" in lines.getvalue()
    assert "test_logs.py" in lines.getvalue()
    assert card not in lines.getvalue()
