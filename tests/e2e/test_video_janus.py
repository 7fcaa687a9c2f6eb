"""WebRTC from browser to browser where Janus is installed: the host's camera by WHIP, a viewer's fast picture."""
import pytest

from tests.e2e.video_parts import act, send_camera, show_in, stream_of, wait_for_frames, wait_until
from tests.stack import Stack

pytestmark = pytest.mark.janus
PATIENT = 60_000


@pytest.fixture(scope="module")
def stack(servers, tmp_path_factory):
    with Stack(servers, tmp_path_factory.mktemp("janus"), worker=False, video=True, JANUS="auto") as stack:
        yield stack


def test_the_camera_goes_by_whip_and_a_viewer_sees_it_by_webrtc(stack, person):
    live_id = show_in(stack, "live")
    host = send_camera(person, live_id)
    wait_until(lambda: (stream_of(stack, live_id) or {}).get("by") == "whip")
    viewer = person()
    viewer.add_init_script("localStorage.setItem('livestall.picture', 'fast')")
    viewer.goto(f"/live/{live_id}")
    viewer.wait_for_function("() => document.querySelector('.stage').dataset.picture === 'rtc'", timeout=PATIENT)
    wait_for_frames(viewer)
    assert viewer.evaluate("window.pictureMs()") is None
    # A break shuts the door; after it the picture is back by itself.
    assert act(host, live_id, "pause")["ok"]
    viewer.wait_for_function("() => document.querySelector('.stage').classList.contains('on-break')", timeout=PATIENT)
    assert act(host, live_id, "resume")["ok"]
    wait_for_frames(viewer)
    # The same picture is packed and kept as always.
    other = person()
    other.goto(f"/live/{live_id}")
    wait_for_frames(other)
    assert other.evaluate("document.querySelector('.stage').dataset.picture") == "usual"
    host.get_by_role("button", name="Stop sending").click()
