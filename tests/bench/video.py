"""`make bench-video`: glass to glass. A picture carries its clock; a browser reads it off each frame that it shows.

RTMP to HLS, RTMP to WS-FLV, the browser's camera to HLS, one after another, each for --seconds; pins on both HLS.
Where Janus is installed, the camera by WHIP to HLS (with pins) and to WebRTC.
The clock is the machine's, and Chromium decodes in software, so run it on a quiet machine. The last line is JSON.
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import quantiles

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402

from core import embedded  # noqa: E402
from demo.accounts import HOST  # noqa: E402
from live.video import engine, files  # noqa: E402
from tests.e2e.conftest import CHROMIUM, DESKTOP, FLAGS, PHONE, sign_in  # noqa: E402
from tests.e2e.video_parts import act, show_in, stream_key  # noqa: E402
from tests.stack import Stack  # noqa: E402

WIDTH, HEIGHT, FPS, BITS, CELL = 272, 480, 30, 24, 11
GOALS = {"rtmp_hls_p50_s": 3.0, "browser_hls_p50_s": 3.5, "flv_p50_s": 1.0, "pin_offset_p95_ms": 150,
         "browser_pin_offset_p95_ms": 150}
# Reads the bars of each shown frame: 24 cells, white is 1, milliseconds of the clock modulo 2^24.
READ = """([width, bits, cell]) => {
  const canvas = new OffscreenCanvas(width, cell * 2);
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  window.bench = { late: [], clock: null, waits: 0 };
  window.readFilm = (video) => {
    video.addEventListener('waiting', () => { window.bench.waits += 1; });
    const look = () => {
      pen.drawImage(video, 0, 0, width, cell * 2, 0, 0, width, cell * 2);
      const { data } = pen.getImageData(0, cell, width, 1);
      let value = 0;
      for (let bit = 0; bit < bits; bit += 1)
        value = 2 * value + Number(data[4 * Math.round((bit + 0.5) * cell)] > 127);
      const late = ((Date.now() % 2 ** bits) - value + 2 ** bits) % 2 ** bits;
      if (late < 60000) { window.bench.clock = Date.now() - late; window.bench.late.push(late / 1000); }
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  };
}"""
# Instead of a camera: a canvas with the same bars.
CAMERA = """([width, height, bits, cell]) => {
  navigator.mediaDevices.getUserMedia = async () => {
    const canvas = document.createElement('canvas');
    Object.assign(canvas, { width, height });
    const pen = canvas.getContext('2d');
    setInterval(() => {
      const now = Date.now() % 2 ** bits;
      pen.fillStyle = '#345'; pen.fillRect(0, cell * 2, width, height);
      for (let bit = 0; bit < bits; bit += 1) {
        pen.fillStyle = Math.floor(now / 2 ** (bits - 1 - bit)) % 2 ? '#fff' : '#000';
        pen.fillRect(bit * cell, 0, cell, cell * 2);
      }
    }, 1000 / 30);
    const sound = new AudioContext();
    const tone = sound.createOscillator();
    const out = sound.createMediaStreamDestination();
    tone.connect(out); tone.start();
    return new MediaStream([...canvas.captureStream(30).getVideoTracks(), ...out.stream.getAudioTracks()]);
  };
}"""
PINS = """() => {
  window.pins = [];
  addEventListener('show-events', ({ detail }) => {
    for (const { kind, payload, at } of detail)
      if (kind === 'show.changed') window.pins.push({ rev: payload.rev, at: Date.parse(at) });
  });
  new MutationObserver(() => {
    const pin = window.pins.find((one) => one.rev === Number(document.documentElement.dataset.pictureRev));
    if (pin && pin.offset === undefined) pin.offset = window.bench.clock - pin.at;
  }).observe(document.documentElement, { attributes: true, attributeFilter: ['data-picture-rev'] });
}"""


class ClockSource:
    """Frames with the clock in them, made in real time, encoded as OBS does and sent by RTMP."""

    def __init__(self, stack, live_id):
        port = files.read(stack.folder / "data/video/engine.json")["rtmp"]
        target = f"rtmp://127.0.0.1:{port}/live/{live_id}?key={stream_key(stack, live_id)}"
        self.process = subprocess.Popen(
            [engine.ffmpeg_path(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "gray", "-s",
             f"{WIDTH}x{HEIGHT}", "-r", str(FPS), "-i", "pipe:0", "-re", "-f", "lavfi", "-i", "sine=330:r=44100",
             "-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-g", str(FPS), "-pix_fmt", "yuv420p",
             "-b:v", "800k", "-c:a", "aac", "-b:a", "64k", "-f", "flv", target], stdin=subprocess.PIPE)
        self.stopped = False
        threading.Thread(target=self._draw, daemon=True).start()

    def _draw(self) -> None:
        rest = bytes([90]) * (WIDTH * (HEIGHT - 2 * CELL))
        begin, number = time.monotonic(), 0
        while not self.stopped:
            time.sleep(max(0.0, begin + number / FPS - time.monotonic()))
            now = int(time.time() * 1000) % 2 ** BITS
            row = b"".join(bytes([255 if now >> (BITS - 1 - bit) & 1 else 0]) * CELL for bit in range(BITS))
            row += bytes([0]) * (WIDTH - len(row))
            try:
                self.process.stdin.write(row * (2 * CELL) + rest)
            except OSError:
                return
            number += 1

    def stop(self) -> None:
        self.stopped = True
        self.process.kill()
        self.process.wait()


def cpu_of(stack) -> dict[str, float]:
    """CPU seconds so far: media server, packager, office, web."""
    office = stack.processes["video"].pid
    server = files.read(stack.folder / "data/video/engine.json")["pid"]
    pids = {"office": office, "web": stack.processes["web1"].pid, "media_server": server}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and (words := _words(folder)) and "-hls_time" in words:
            pids["packager"] = int(folder.name)
    return {name: _cpu(pid) for name, pid in pids.items()}


def _words(folder) -> list[str]:
    try:
        return (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return []


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def watch(page, url: str) -> None:
    page.goto(url)
    page.wait_for_function("() => document.querySelector('.stage')?.dataset.film === 'playing'", timeout=90_000)
    page.evaluate(READ, [WIDTH, BITS, CELL])
    page.evaluate("() => window.readFilm(document.querySelector('video.film'))")
    page.wait_for_timeout(6000)  # catch-up at 1.1 times the speed is not what viewers live with


def measure(page, seconds: float) -> dict:
    page.evaluate("() => { window.bench.late = []; window.bench.waits = 0; }")
    page.wait_for_timeout(seconds * 1000)
    found = page.evaluate("window.bench")
    late = sorted(found["late"])
    cuts = quantiles(late, n=20) if len(late) > 20 else [float("nan")] * 19
    return {"p50": round(cuts[9], 2), "p95": round(cuts[18], 2), "stalls": found["waits"], "frames": len(late)}


def pins(page, host, live_id, rounds: int) -> float:
    page.evaluate(PINS)
    offers = page.evaluate(f"fetch('/api/live/{live_id}').then((r) => r.json())")["offers"].values()
    closed = [one["id"] for one in offers if one["stock"]["mode"] == "closed"]
    for number in range(rounds):
        act(host, live_id, "put_on_air", offer_id=closed[number % 2])
        page.wait_for_function(f"() => window.pins.filter((one) => one.offset !== undefined).length > {number}",
                               timeout=60_000)
    late = [round(one["offset"]) for one in page.evaluate("window.pins")]
    print("pins on a frame that was taken so many ms after them:", late, flush=True)
    offsets = sorted(map(abs, late))
    return offsets[min(len(offsets) - 1, int(len(offsets) * 0.95))]


def control_page(browser, stack, live_id):
    """The host's, at a desk."""
    page = browser.new_context(base_url=stack.url, viewport=DESKTOP).new_page()
    page.set_default_timeout(60_000)
    sign_in(page, HOST)
    page.goto(f"/studio/shows/{live_id}/control")
    return page


def rtmp(stack, viewer, host, live_id, seconds, rounds, result) -> None:
    source = ClockSource(stack, live_id)
    try:
        watch(viewer, f"/live/{live_id}")
        before, began = cpu_of(stack), time.monotonic()
        _keep(result, "rtmp_hls", measure(viewer, seconds))
        took = time.monotonic() - began
        result["cpu_percent"] = {name: round(100 * (now - before.get(name, 0)) / took, 1)
                                 for name, now in cpu_of(stack).items()}
        result["pin_offset_p95_ms"] = pins(viewer, host, live_id, rounds)
        _fast(viewer, live_id, seconds, result)
    finally:
        source.stop()


def _fast(viewer, live_id, seconds, result, kind: str = "flv") -> None:
    """The same show as a viewer who chose the fast picture has it."""
    picture = "document.querySelector('.stage').dataset.picture"
    viewer.evaluate("localStorage.setItem('livestall.picture', 'fast')")
    watch(viewer, f"/live/{live_id}")
    assert viewer.evaluate(picture) == kind
    _keep(result, "webrtc" if kind == "rtc" else kind, measure(viewer, seconds))
    assert viewer.evaluate(picture) == kind, "it fell back to the usual picture meanwhile"
    viewer.evaluate("localStorage.removeItem('livestall.picture')")


def camera(viewer, host, live_id, seconds, rounds, result, name: str = "browser") -> None:
    host.evaluate(CAMERA, [WIDTH, HEIGHT, BITS, CELL])
    host.locator("#film-health").click()
    host.get_by_role("button", name="Send this picture").click()
    watch(viewer, f"/live/{live_id}")
    _keep(result, f"{name}_hls", measure(viewer, seconds))
    result[f"{name}_pin_offset_p95_ms"] = pins(viewer, host, live_id, rounds)


def webrtc(servers, folder, browser, seconds, rounds, result) -> None:
    """The same camera by WHIP, to HLS and to WebRTC, with Janus."""
    with Stack(servers, folder, worker=False, video=True, JANUS="auto") as stack:
        live_id = show_in(stack, "live")
        viewer = browser.new_context(base_url=stack.url, viewport=PHONE).new_page()
        host = control_page(browser, stack, live_id)
        camera(viewer, host, live_id, seconds, rounds, result, "whip")
        _fast(viewer, live_id, seconds, result, "rtc")


def _keep(result: dict, name: str, found: dict) -> None:
    print(name, found, flush=True)
    result[f"{name}_p50_s"], result[f"{name}_p95_s"] = found["p50"], found["p95"]
    result["stalls"] = result.get("stalls", 0) + found["stalls"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--pins", type=int, default=8)
    given = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="livestall-bench-video-"))
    result = {"bench": "video", "seconds": given.seconds}
    try:
        servers = embedded.start(folder / "servers", durable=False)
        with Stack(servers, folder, worker=False, video=True) as stack, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[
                *FLAGS, "--mute-audio", "--autoplay-policy=no-user-gesture-required"])
            live_id = show_in(stack, "live")
            viewer = browser.new_context(base_url=stack.url, viewport=PHONE).new_page()
            host = control_page(browser, stack, live_id)
            rtmp(stack, viewer, host, live_id, given.seconds, given.pins, result)
            camera(viewer, host, live_id, given.seconds, given.pins, result)
            if shutil.which("janus"):
                (folder / "janus").mkdir()
                webrtc(servers, folder / "janus", browser, given.seconds, given.pins, result)
            browser.close()
    finally:
        embedded.stop(folder / "servers")
        shutil.rmtree(folder, ignore_errors=True)
    result["goals_met"] = {name: result.get(name, goal + 1) <= goal for name, goal in GOALS.items()}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
