"""The second picture beside the first, with real processes: the same pieces and dates, a choice for viewers, and an
end by itself where the machine does not keep up."""
import hashlib
import re
import subprocess
import urllib.request

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from demo.accounts import HOST, VIEWERS
from live.video import channels, engine, playlist
from tests.e2e.video_parts import Source, film, show_in, wait_for_frames, wait_until
from tests.stack import Stack

PATIENT = 60_000
# When the line was said, when this page heard it, and where its picture was when it was shown.
WATCH_CHAT = """() => {
  window.line = {};
  addEventListener('show-events', ({ detail }) => {
    for (const { kind, at } of detail.filter((one) => one.kind === 'chat.said'))
      Object.assign(window.line, { at: Date.parse(at), heard: performance.now() });
  });
  new MutationObserver(() => {
    if (!document.querySelector('#lines').textContent.includes('lift the lid')) return;
    window.line.offset ??= window.pictureMs() - window.line.at;
    window.line.shown ??= performance.now();
  }).observe(document.querySelector('#lines'), { childList: true });
}"""
# An FFmpeg that takes four seconds for a piece of the second picture as long as the file SLOW is there.
SLOWED = """#!/bin/sh
case "$*" in *-copyts*) [ -e "{slow}" ] && sleep 4;; esac
exec "{ffmpeg}" "$@"
"""


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("video-small")
    script = folder / "ffmpeg"
    script.write_text(SLOWED.format(slow=folder / "slow", ffmpeg=engine.ffmpeg_path()))
    script.chmod(0o755)
    # This machine runs other tests too: its load must not decide.
    with Stack(servers, folder, worker=False, video=True, VIDEO_SMALL_LOAD="1000000", FFMPEG=str(script)) as stack:
        source = Source(stack, show_in(stack, "live"), film(folder, seconds=20, size="540x960")).start()
        stack.source = source
        yield stack
        source.stop()


def listed(stack, address: str) -> list[tuple]:
    """[(number, date, seconds, address)] of a playlist; [] while there is none."""
    status, text = stack.get(address)
    if status != 200:
        return []
    first = int(re.search(r"#EXT-X-MEDIA-SEQUENCE:(\d+)", text)[1])
    found = re.findall(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)\n#EXTINF:([\d.]+),\n(\S+)", text)
    return [(first + place, *one) for place, one in enumerate(found)]


def address(stack) -> str:
    return stack.get(f"/api/live/{stack.source.live_id}/video")[1]["hls"]


def switch_on(stack) -> None:
    database = create_engine(stack.database_url)
    with Session(database) as db, db.begin():
        channels.set_small(db, stack.source.live_id, "on")
    database.dispose()


def frames(path) -> dict:
    """{stream: [when (its own ticks)…]} of the frames that a piece decodes to. Fails on any error of the decoder."""
    done = subprocess.run([engine.ffmpeg_path(), "-loglevel", "error", "-xerror", "-copyts", "-i", str(path), "-map",
                           "0", "-c:a", "copy", "-enc_time_base", "1:90000", "-fps_mode", "passthrough", "-f",
                           "framecrc", "-"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr
    found = {}
    for line in done.stdout.splitlines():
        if not line.startswith("#"):
            stream, _dts, when, *_rest = (part.strip() for part in line.split(","))
            found.setdefault(stream, []).append(int(when))
    return found


def fetch(stack, path: str, folder):
    place = folder / hashlib.md5(path.encode()).hexdigest()
    with urllib.request.urlopen(stack.url + path, timeout=10) as answer:
        place.write_bytes(answer.read())
    return place


def test_the_host_switches_it_on_and_a_viewer_chooses_it(stack, person):
    live_id = stack.source.live_id
    viewer = person(VIEWERS[0])
    viewer.goto(f"/live/{live_id}")
    wait_for_frames(viewer)
    host = person(HOST, phone=False)
    host.goto(f"/studio/shows/{live_id}/control")
    host.locator("#film-health").click()
    switch = host.get_by_role("switch", name="Second, smaller picture")
    switch.click()
    host.locator("#second-picture[aria-checked=true]").wait_for()
    host.get_by_text("Viewers with a slow line change to it by themselves").last.wait_for(timeout=PATIENT)
    # Who watches already gets the choice too, without loading the page again.
    viewer.locator("#film-quality:not([hidden])").wait_for(timeout=PATIENT, state="attached")
    wide = "() => document.querySelector('video.film').videoWidth"
    viewer.wait_for_function(f"() => ({wide})() === 540", timeout=PATIENT)
    viewer.locator("#film-menu summary").click()
    assert viewer.locator("[data-quality]").all_inner_texts() == ["Auto", "540p", "360p"]
    viewer.get_by_role("button", name="360p").click()
    viewer.wait_for_function(f"() => ({wide})() === 360", timeout=PATIENT)
    before = viewer.evaluate("window.pictureMs()")
    wait_for_frames(viewer)
    assert viewer.evaluate("window.pictureMs()") > before, "its picture has the time of the show too"
    viewer.get_by_role("button", name="Auto").click()
    viewer.wait_for_function(f"() => ({wide})() === 540", timeout=PATIENT)


def test_chat_can_wait_for_the_picture(stack, person):
    live_id = stack.source.live_id
    viewer, host = person(VIEWERS[0], phone=False), person(HOST, phone=False)
    viewer.goto(f"/live/{live_id}")
    wait_for_frames(viewer)
    # At a desk, too, the film lies over the poster.
    assert viewer.evaluate("""() => {
        const { left, top, width, height } = document.querySelector('.stage').getBoundingClientRect();
        const there = document.elementsFromPoint(left + width / 2, top + height / 2);
        return there.find((one) => one.matches('.frame')).tagName;
    }""") == "VIDEO"
    viewer.locator("#film-menu summary").click()
    viewer.get_by_role("switch", name="Chat in time with the picture").click()
    viewer.keyboard.press("Escape")
    viewer.evaluate(WATCH_CHAT)
    host.goto(f"/studio/shows/{live_id}/control")
    field = host.locator("#say")
    field.fill("Now I lift the lid")

    def said():
        if field.input_value():  # who is not connected yet is told so, and the words stay
            field.press("Enter")
        return host.locator("#lines", has_text="lift the lid").count()
    wait_until(said)
    viewer.wait_for_function("() => window.line.offset !== undefined", timeout=PATIENT)
    seen = viewer.evaluate("window.line")
    assert 0 <= seen["offset"] <= 400 and seen["shown"] - seen["heard"] > 200, seen
    # One's own is there at once.
    viewer.locator("#say").fill("That was quick")
    viewer.locator("#say").press("Enter")
    own, refused = viewer.locator("#lines .own", has_text="That was quick"), viewer.locator("#say-error:visible")
    own.or_(refused).first.wait_for()
    assert not refused.count(), refused.inner_text()


def test_both_pictures_have_the_same_pieces_dates_and_frames(stack, tmp_path):
    switch_on(stack)
    wait_until(lambda: address(stack).endswith("/master.m3u8"))
    master = address(stack)
    text = stack.get(master)[1]
    assert re.findall(r"RESOLUTION=(\S+)\n(\S+)", text) == [("540x960", "live.m3u8"), ("360x640", "small.m3u8")]
    base = master.removesuffix("master.m3u8")

    def pairs():
        first = {one[0]: one for one in listed(stack, f"{base}live.m3u8")}
        return [(first[one[0]], one) for one in listed(stack, f"{base}small.m3u8") if one[0] in first]

    wait_until(lambda: len(pairs()) >= 4)
    for one, other in pairs():
        assert one[:3] == other[:3] and one[3].split("/")[-1] == other[3].split("/")[-1]
    for one, other in pairs()[-2:]:
        large, small = (frames(fetch(stack, path, tmp_path)) for path in (one[3], other[3]))
        assert large["0"] == small["0"] and len(large["0"]) > 10, "frame for frame"
        assert large["1"] == small["1"] and large["1"], "the sound is a copy"


def test_what_does_not_keep_up_is_switched_off_and_the_show_goes_on(stack, person):
    switch_on(stack)
    wait_until(lambda: address(stack).endswith("/master.m3u8"))
    small = address(stack).replace("master.m3u8", "small.m3u8")
    wait_until(lambda: listed(stack, small))
    (stack.folder / "slow").touch()
    wait_until(lambda: address(stack).endswith("/live.m3u8"))
    assert stack.get(small)[0] == 404
    host = person(HOST, phone=False)
    host.goto(f"/studio/shows/{stack.source.live_id}/control")
    host.locator("#film-health").click()
    host.get_by_text("this machine did not keep up").wait_for()
    assert host.locator("#second-picture").get_attribute("aria-checked") == "false"
    newest = playlist.parse_date(listed(stack, address(stack))[-1][1])
    wait_until(lambda: playlist.parse_date(listed(stack, address(stack))[-1][1]) > newest)
