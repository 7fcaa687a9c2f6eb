"""The arithmetic of playlists: windows that go on over outages, dates without FFmpeg's delay, places in a recording."""
import pytest

from live.video import files, playlist

BASE = playlist.parse_date("2026-01-02T10:00:00.000+0000")


def written(*parts) -> str:
    """As FFmpeg writes it: (run, number, seconds, when in seconds after BASE)."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:1", "#EXT-X-PLAYLIST-TYPE:EVENT"]
    last = None
    for run, number, seconds, at in parts:
        if last not in (None, run):
            lines.append("#EXT-X-DISCONTINUITY")
        last = run
        lines += [f"#EXTINF:{seconds:.6f},", "#EXT-X-PROGRAM-DATE-TIME:" + playlist.date_text(BASE + at * 1000).replace(
            "Z", "+0000"), f"{run}-{number:06}.ts"]
    return "\n".join(lines)


def two_runs():
    """Ten seconds, four seconds of nothing, ten seconds."""
    text = written(*[("100", n, 1.0, n + 0.5) for n in range(10)], *[("200", n, 1.0, 14 + n + 0.7) for n in range(10)])
    return playlist.parse(text, {"100": 500, "200": 700})


def test_dates_are_when_the_frame_came_not_when_it_was_written():
    segments = two_runs()
    assert segments[0].at == BASE
    assert segments[10].at == pytest.approx(BASE + 14_000)
    assert [one.jump for one in segments] == [False] * 10 + [True] + [False] * 9


def test_the_live_window_counts_what_left_it():
    segments = two_runs()
    text = playlist.live_window(segments[:12], "/v/")
    assert "#EXT-X-MEDIA-SEQUENCE:4" in text and "#EXT-X-DISCONTINUITY-SEQUENCE:0" in text
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    # The jump left the window together with what was before it: it is counted from then on, not a segment later.
    at_edge = playlist.live_window(segments[:18], "/v/")
    assert at_edge.count("#EXT-X-DISCONTINUITY\n") == 0 and "#EXT-X-DISCONTINUITY-SEQUENCE:1" in at_edge
    assert "#EXT-X-MEDIA-SEQUENCE:10" in at_edge
    assert "#EXT-X-ENDLIST" not in at_edge


def test_the_list_ends_only_when_the_show_has():
    assert playlist.live_window(two_runs(), "/v/", ended=True).rstrip().endswith("#EXT-X-ENDLIST")
    assert playlist.whole(two_runs(), "/v/").rstrip().endswith("#EXT-X-ENDLIST")


def test_marks_of_the_window_are_written_as_dateranges():
    mark = {"id": "pin-7", "at": BASE + 16_250, "pins": ["a", "b"], "on_air": "a"}
    old = {**mark, "id": "pin-1", "at": BASE + 1000}
    text = playlist.live_window(two_runs(), "/v/", [old, mark])
    assert ('#EXT-X-DATERANGE:ID="pin-7",CLASS="shop.livestall.pin",START-DATE="2026-01-02T10:00:16.250Z",'
            'X-PINS="a,b",X-ON-AIR="a"') in text
    assert "pin-1" not in text


def test_an_outage_does_not_move_what_comes_after_it():
    segments = two_runs()
    assert playlist.place_of(segments, BASE + 3500) == pytest.approx(3.5)
    assert playlist.place_of(segments, BASE + 12_000) == pytest.approx(10)  # in the gap: what follows it
    assert playlist.place_of(segments, BASE + 15_250) == pytest.approx(11.25)
    assert playlist.place_of(segments, BASE + 99_000) == pytest.approx(20)


def test_a_clip_is_the_pieces_around_a_moment_and_a_trim_takes_whole_ones():
    segments = two_runs()
    assert [one.name for one in playlist.around(segments, BASE + 14_500, 5, 2)] == [
        "100-000009.ts", "200-000000.ts", "200-000001.ts", "200-000002.ts"]
    assert len(playlist.trimmed(segments, 2000, 5000)) == 3
    assert len(playlist.trimmed(segments, 0, None)) == 20


def test_chapters_cannot_break_out_of_their_cue():
    text = playlist.vtt([{"start": 1.5, "end": 3723.25, "title": "A --> B\n\nX"}])
    assert text == "WEBVTT\n\n1\n00:00:01.500 --> 01:02:03.250\nA → B X\n"


def test_a_growing_list_is_read_on_and_a_new_run_is_read_anew(tmp_path):
    def grow(parts, shifts):
        (tmp_path / "index.m3u8").write_text(written(*parts))
        if files.shifts(tmp_path) != shifts:
            files.write(tmp_path / "runs.json", shifts)
        assert files.segments(tmp_path) == playlist.parse(written(*parts), shifts)
    parts = [("100", n, 1.0, n + 0.5) for n in range(3)]
    grow(parts, {"100": 500})
    grow(parts + [("100", 3, 1.0, 3.5)], {"100": 500})
    first = files.segments(tmp_path)[0]
    grow(parts + [("100", n, 1.0, n + 0.5) for n in (3, 4)], {"100": 500})
    assert files.segments(tmp_path)[0] is first, "what was known is not read again"
    later = [("200", n, 1.0, 14 + n + 0.7) for n in range(2)]
    grow([*parts, *later], {"100": 500, "200": 700})
    assert files.segments(tmp_path)[3].jump
