"""Pins in the picture's time, the replay, and the clip on an order: one show, played through."""
import uuid

import pytest

from demo.accounts import HOST, VIEWERS
from tests.e2e.conftest import shoot
from tests.e2e.video_parts import FRAMES, Source, act, film, show_in, wait_for_frames
from tests.stack import Stack

PATIENT = 60_000
# Where the picture was, in server time, at the paint that showed the newest pins.
WATCH_PINS = """() => {
  window.seen = [];
  addEventListener('show-events', ({ detail }) => {
    for (const { kind, payload, at } of detail.filter((one) => one.kind === 'show.changed'))
      window.seen.push({ rev: payload.rev, at: Date.parse(at), heard: Date.now() });
  });
  new MutationObserver(() => {
    const rev = Number(document.documentElement.dataset.pictureRev);
    const entry = window.seen.find((one) => one.rev === rev && one.offset === undefined);
    if (entry) Object.assign(entry, { shown: Date.now(), offset: window.pictureMs() - entry.at });
  }).observe(document.documentElement, { attributes: true, attributeFilter: ['data-picture-rev'] });
}"""


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    with Stack(servers, tmp_path_factory.mktemp("video-time"), worker=False, video=True) as stack:
        yield stack


@pytest.fixture
def source(stack, tmp_path):
    source = Source(stack, show_in(stack, "live"), film(tmp_path)).start()
    yield source
    source.stop()


def test_pins_wait_for_the_picture_and_the_show_can_be_watched_again(stack, source, person):
    live_id = source.live_id
    host = person(HOST, phone=False)
    host.goto(f"/studio/shows/{live_id}/control")
    viewer = person(VIEWERS[0])
    viewer.goto(f"/live/{live_id}")
    wait_for_frames(viewer, 20)
    viewer.evaluate(WATCH_PINS)
    offers = list(viewer.evaluate(f"fetch('/api/live/{live_id}').then((r) => r.json())")["offers"].values())
    closed = [one["id"] for one in offers if one["stock"]["mode"] == "closed"]
    for count, offer_id in enumerate(closed[:2], 1):
        assert act(host, live_id, "put_on_air", offer_id=offer_id)["ok"]
        viewer.wait_for_function(f"() => window.seen.filter((one) => one.offset !== undefined).length >= {count}",
                                 timeout=PATIENT)
    seen = viewer.evaluate("window.seen")
    # Each came with its frame, not with its event: within 250 ms of the picture's moment, and later than it was heard.
    assert all(0 <= one["offset"] <= 250 for one in seen), seen
    assert all(one["shown"] > one["heard"] for one in seen), seen
    order_id = buy(viewer, live_id, next(one for one in offers if one["stock"]["mode"] == "open"))
    wait_for_frames(viewer, 20)
    assert act(host, live_id, "end", word="END", keep_shelf=True)["ok"]
    watch_again(viewer, live_id, source)
    clip_plays(viewer, order_id)


def buy(page, live_id, offer):
    return page.evaluate("""async ([live, offer, key]) => {
        const token = document.querySelector('meta[name=csrf-token]').content;
        const headers = {'Content-Type': 'application/json', 'X-CSRFToken': token};
        const ask = async (url, body) => (
            await fetch(url, body && {method: 'POST', body: JSON.stringify(body), headers})).json();
        const { me } = await ask(`/api/live/${live}`);
        const { hold } = await ask(`/api/live/${live}/claims`, {key, offer_id: offer, quantity: 1});
        const { order } = await ask('/api/orders', {key: `${key}o`, hold_id: hold.id, method: 'card',
            address_id: me.default_address.id, card_id: me.cards[0].id});
        return order.id;
    }""", [str(live_id), offer["id"], uuid.uuid4().hex])


def plays(page, selector):
    page.locator(selector).wait_for(timeout=PATIENT)
    page.evaluate(f"() => {{ const v = document.querySelector('{selector}'); v.muted = true; return v.play(); }}")
    moves = FRAMES.replace("video.film", selector)
    page.wait_for_function(f"() => ({moves}) > 8", timeout=PATIENT, polling=200)


def watch_again(page, live_id, source):
    """Ready when the show is over; a chapter's button seeks to it; the tray follows."""
    page.wait_for_function(f"() => fetch('/api/live/{live_id}/replay').then((r) => r.json()).then((r) => r.hls !== '')",
                           timeout=PATIENT, polling=500)
    source.stop()
    page.goto(f"/live/{live_id}")
    plays(page, "#replay-box video")
    last = page.locator("#chapters button").last
    last.click()
    page.locator("#chapters li:last-child button[aria-current=true]").wait_for(timeout=PATIENT)
    shoot(page, "replay-phone")


def clip_plays(page, order_id):
    page.goto(f"/orders/{order_id}")
    plays(page, "#clip video")
    page.locator("#clip").scroll_into_view_if_needed()
    shoot(page, "clip-phone")
