"""HLS playlists: what FFmpeg wrote, read; what viewers get, written. Pure; times are UTC milliseconds.

FFmpeg's own dates say when it wrote, which is some hundred milliseconds after the frame came, and differently so in
each run. `shifts` ({run: ms}) takes that away: here a date is when the frame reached the media server.
"""
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime

# Two seconds behind the edge is where players stay; the rest is for who stalls.
WINDOW = 8
DEFAULT_SHIFT_MS = 500  # before a run's own is known: what was measured most often
_INF = re.compile(r"#EXTINF:([0-9.]+)")
_DATE = re.compile(r"#EXT-X-PROGRAM-DATE-TIME:(\S+)")


@dataclass(frozen=True)
class Segment:
    """One file: its name, length in seconds, when its first frame came (ms); whether the picture jumps before it."""
    name: str
    seconds: float
    at: float
    jump: bool = False

    @property
    def run(self) -> str:
        return self.name.split("-")[0]


def parse(text: str, shifts: dict[str, float] | None = None) -> list[Segment]:
    """The segments of a media playlist, in order."""
    shifts, found = shifts or {}, []
    seconds, at, jump = 0.0, None, False
    for line in text.splitlines():
        if line.startswith("#EXTINF"):
            seconds = float(_INF.match(line)[1])
        elif line.startswith("#EXT-X-PROGRAM-DATE-TIME"):
            at = parse_date(_DATE.match(line)[1])
        elif line == "#EXT-X-DISCONTINUITY":
            jump = True
        elif line and not line.startswith("#"):
            run = line.split("-")[0]
            came = (at - shifts.get(run, DEFAULT_SHIFT_MS)) if at is not None else _follow(found)
            found.append(Segment(line, seconds, came, jump or bool(found) and found[-1].run != run))
            seconds, at, jump = 0.0, None, False
    return found


def _follow(found: list[Segment]) -> float:
    return found[-1].at + found[-1].seconds * 1000 if found else 0.0


def parse_date(text: str) -> float:
    """UTC ms of an ISO moment, with or without a colon in its zone (FFmpeg writes +0000)."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000


def date_text(ms: float) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def live_window(segments: list[Segment], base: str, marks=(), *, ended: bool = False, window: int = WINDOW) -> str:
    """What viewers of the live picture get: the last seconds, and the marks that fall into them."""
    shown = segments[-window:]
    first = len(segments) - len(shown)
    # A jump before the first one shown is written nowhere below, so it is counted here.
    jumps = sum(segment.jump for segment in segments[:first + 1])
    lines = _head(shown, first) + [f"#EXT-X-DISCONTINUITY-SEQUENCE:{jumps}"]
    if shown:
        lines += [daterange(mark) for mark in marks if mark["at"] >= shown[0].at]
    lines += _body(shown, base)
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if ended else []), ""])


def both(segments: list[Segment], there: set[str]) -> tuple[list[Segment], int]:
    """(what the second picture has up to its newest piece, how many of the last are all there): it has the numbers,
    dates and lengths of the first, so a player changes between them at any piece."""
    end = next((place for place in range(len(segments), max(0, len(segments) - 4 * WINDOW), -1)
                if segments[place - 1].name in there), 0)
    begin = end
    while begin and end - begin < WINDOW and segments[begin - 1].name in there:
        begin -= 1
    return segments[:end], end - begin


def master(first: dict, second: dict) -> str:
    """Both pictures, the better one first: [{name, bandwidth (bit/s at most), width, height (0: not known)}]."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for one in (first, second):
        size = f",RESOLUTION={one['width']}x{one['height']}" if one["width"] and one["height"] else ""
        lines += [f"#EXT-X-STREAM-INF:BANDWIDTH={one['bandwidth']}{size}", one["name"]]
    return "\n".join([*lines, ""])


def whole(segments: list[Segment], base: str) -> str:
    """A recording, from its beginning to its end."""
    lines = [*_head(segments, 0), "#EXT-X-PLAYLIST-TYPE:VOD", *_body(segments, base)]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def _head(segments, first: int) -> list[str]:
    longest = max((segment.seconds for segment in segments), default=1.0)
    return ["#EXTM3U", "#EXT-X-VERSION:6", f"#EXT-X-TARGETDURATION:{max(1, math.floor(longest + 0.5))}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}", "#EXT-X-INDEPENDENT-SEGMENTS"]


def _body(segments, base: str) -> list[str]:
    lines = []
    for number, segment in enumerate(segments):
        # The first of a list has nothing before it; its jump is counted in the discontinuity sequence.
        if segment.jump and number:
            lines.append("#EXT-X-DISCONTINUITY")
        lines += [f"#EXT-X-PROGRAM-DATE-TIME:{date_text(segment.at)}", f"#EXTINF:{segment.seconds:.6f},",
                  f"{base}{segment.name}"]
    return lines


def daterange(mark: dict) -> str:
    """A mark as players read it: {id, at (ms), pins, on_air}; ids and offer ids are ours, so they need no escaping."""
    return (f'#EXT-X-DATERANGE:ID="{mark["id"]}",CLASS="shop.livestall.pin",START-DATE="{date_text(mark["at"])}",'
            f'X-PINS="{",".join(mark["pins"])}",X-ON-AIR="{mark["on_air"] or ""}"')


# -- times in a recording --------------------------------------------------------------------------------------------

def seconds_of(segments: list[Segment]) -> float:
    return sum(segment.seconds for segment in segments)


def place_of(segments: list[Segment], at: float) -> float:
    """Seconds from the beginning at which the frame that came at `at` is seen; in a gap, what follows it."""
    place = 0.0
    for segment in segments:
        if at < segment.at + segment.seconds * 1000:
            return place + max(0.0, (at - segment.at) / 1000)
        place += segment.seconds
    return place


def trimmed(segments: list[Segment], start_ms: int, end_ms: int | None) -> list[Segment]:
    """Whole segments between two places of a recording."""
    kept, place = [], 0.0
    for segment in segments:
        middle = (place + segment.seconds / 2) * 1000
        if middle >= start_ms and (end_ms is None or middle <= end_ms):
            kept.append(segment)
        place += segment.seconds
    return kept


def around(segments: list[Segment], at: float, before: float = 10.0, after: float = 10.0) -> list[Segment]:
    """The segments seen from `before` to `after` seconds around a moment (ms)."""
    return [one for one in segments
            if one.at + one.seconds * 1000 > at - before * 1000 and one.at < at + after * 1000]


def vtt(chapters: list[dict]) -> str:
    """WebVTT of [{start, end (seconds), title}]."""
    cues = []
    for number, chapter in enumerate(chapters, 1):
        title = " ".join(chapter["title"].replace("-->", "→").split()) or "–"
        cues.append(f"{number}\n{_stamp(chapter['start'])} --> {_stamp(chapter['end'])}\n{title}\n")
    return "\n".join(["WEBVTT\n", *cues])


def _stamp(seconds: float) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}.{ms % 1000:03}"
