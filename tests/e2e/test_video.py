"""Live video in a real browser: a picture that moves, with sound, that comes back, and that strangers do not get."""
import re

import pytest

from tests.e2e.conftest import shoot
from tests.e2e.video_parts import Source, film, rotate, send_camera, show_in, stream_of, wait_for_frames, wait_until
from tests.stack import Stack

PATIENT = 60_000


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    """A stack with a media server; the browser tests' common one has none."""
    with Stack(servers, tmp_path_factory.mktemp("video"), worker=False, video=True) as stack:
        yield stack


@pytest.fixture(scope="module")
def movie(tmp_path_factory):
    return film(tmp_path_factory.mktemp("film"))


@pytest.fixture
def sources():
    started = []
    yield started.append
    for source in started:
        source.stop()


def test_rtmp_becomes_a_picture_that_moves_with_sound_and_comes_back(stack, movie, sources, person):
    live_id = show_in(stack, "live")
    source = Source(stack, live_id, movie).start()
    sources(source)
    wait_until(lambda: stack.get(f"/api/live/{live_id}/video")[1]["status"] == "on")
    page = person()
    # Its first answer is of before the picture came, but it knows from its snapshot that there is one.
    page.route("**/api/live/*/video", lambda route: route.fulfill(json={"status": "off", "rev": 0, "hls": ""}), times=1)
    page.goto(f"/live/{live_id}")
    wait_for_frames(page)
    assert page.evaluate("document.querySelector('video.film').webkitAudioDecodedByteCount") > 0
    assert page.evaluate("document.querySelector('video.film').muted")
    page.get_by_role("button", name="Tap for sound").click()
    page.wait_for_function("() => !document.querySelector('video.film').muted")
    # Cut for 4 s: the page says so, and the picture comes back by itself.
    source.stop()
    page.wait_for_function("() => document.querySelector('.stage').dataset.film === 'lost'", timeout=PATIENT)
    page.get_by_text("It comes back by itself").wait_for()
    page.wait_for_timeout(500)
    source.start()
    wait_for_frames(page, 20)


def test_a_wrong_or_foreign_key_is_refused(stack, movie, sources):
    live_id, other = show_in(stack, "live"), show_in(stack, "scheduled")
    right = Source(stack, live_id, movie)
    for key in ("", "99-00", right.key[:-1] + ("0" if right.key[-1] != "0" else "1"),
                Source(stack, other, movie).key):
        source = Source(stack, live_id, movie, key=key or "x").start()
        sources(source)
        assert source.process.wait(60) != 0, key


def test_the_camera_of_the_control_page_is_live_in_two_clicks(stack, person, chromium):
    live_id = show_in(stack, "live")
    host = send_camera(person, live_id)
    viewer = person()
    # The line broke while the player was fetched: the page comes back to it by itself.
    viewer.route("**/hls.mjs", lambda route: route.abort(), times=1)
    viewer.goto(f"/live/{live_id}")
    wait_for_frames(viewer)
    host.locator("#truth dt", has_text="Bitrate").wait_for(timeout=PATIENT)
    host.wait_for_function("() => document.querySelector('#mini').dataset.film === 'playing'", timeout=PATIENT)
    # Two choices faster than a camera opens: one camera is left on, and what was sent goes on.
    host.evaluate("""() => {
        const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
        window.cameras = [];
        navigator.mediaDevices.getUserMedia = async (wish) => {
            const stream = await open(wish);
            window.cameras.push(...stream.getVideoTracks());
            return stream;
        };
        document.querySelector('[data-shape=landscape]').click();
        document.querySelector('[data-shape=portrait]').click();
    }""")
    host.wait_for_function("() => window.cameras.length === 2 && window.cameras.filter((one) => one.readyState === "
                           "'live').length === 1", timeout=PATIENT)
    host.get_by_role("button", name="Stop sending").click(timeout=PATIENT)


def test_a_key_that_is_taken_back_cuts_who_sends_with_it(stack, movie, sources):
    live_id = show_in(stack, "live")
    source = Source(stack, live_id, movie).start()
    sources(source)
    assert source.process.poll() is None
    wait_until(lambda: stream_of(stack, live_id))
    rotate(stack, live_id)
    assert source.process.wait(60) != 0
    assert Source(stack, live_id, movie, key=source.key).start().process.wait(60) != 0


def test_the_fast_picture_is_a_choice_that_stays_and_gives_way_to_the_usual_one(stack, movie, sources, person):
    live_id = show_in(stack, "live")
    source = Source(stack, live_id, movie).start()
    sources(source)
    page = person()
    page.goto(f"/live/{live_id}")
    wait_for_frames(page)
    shown = "document.querySelector('.stage').dataset.picture"
    assert page.evaluate(shown) == "usual" and page.evaluate("window.pictureMs()") > 0
    page.locator("#film-menu summary").click()
    page.get_by_role("switch", name="Fast picture").click()
    page.wait_for_function(f"() => {shown} === 'flv'", timeout=PATIENT)
    wait_for_frames(page)
    assert page.evaluate("document.querySelector('video.film').webkitAudioDecodedByteCount") > 0
    # Nothing waits for this picture: pins, prices and stock are shown as they come.
    assert page.evaluate("window.pictureMs()") is None
    shoot(page, "fast-phone")
    # A browser remembers it; where the socket cannot be opened, the usual picture comes by itself.
    page.route_web_socket(re.compile(r"\.flv\?"), lambda line: line.close(code=1011))
    page.reload()
    page.wait_for_function(f"() => {shown} === 'usual'", timeout=PATIENT)
    wait_for_frames(page)
    page.locator("#film-menu summary").click()
    switch = page.get_by_role("switch", name="Fast picture")
    assert switch.get_attribute("aria-checked") == "true"
    shoot(page, "fast-resting-phone")
    switch.click()
    page.wait_for_function("() => localStorage.getItem('livestall.picture') === 'usual'")
