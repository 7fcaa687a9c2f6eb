"""The disk of the recordings is full, really: the show goes on, what was recorded is whole, the next show records.

A tmpfs of 96 MB where mounting is allowed (root, or sudo without a password); elsewhere the other way to the same
decision, a threshold that every disk is below (VIDEO_MIN_FREE_MB), is taken instead.
"""
import contextlib
import os
import shutil
import subprocess
import time

import pytest
from sqlalchemy import create_engine, text

from live.video import engine, files
from tests.e2e.video_parts import Source, film, show_in, wait_until
from tests.faults.test_video_gone import newest
from tests.stack import Stack

DISK_MB, KEEP_FREE_MB = 96, 16


def rights() -> list[list[str]]:
    return [[], *([["sudo", "-n"]] if shutil.which("sudo") else [])]


def mount(place) -> bool:
    place.mkdir(mode=0o700)
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700,uid={os.getuid()},gid={os.getgid()}", "tmpfs",
             str(place)]
    return any(subprocess.run([*sudo, *words], capture_output=True).returncode == 0 for sudo in rights())


def unmount(place) -> None:
    for sudo in rights():
        subprocess.run([*sudo, "umount", "-l", str(place)], capture_output=True)


@pytest.fixture(scope="module")
def show(servers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("video-disk")
    data = folder / "data"
    mounted = mount(data)
    try:
        with Stack(servers, folder, worker=False, video=True, VIDEO_MIN_FREE_MB=str(KEEP_FREE_MB)) as stack:
            stack.mounted, stack.live_id = mounted, show_in(stack, "live")
            source = Source(stack, stack.live_id, film(folder)).start()
            newest(stack, beyond=0)
            yield stack
            source.stop()
    finally:
        if mounted:
            unmount(data)


def ask(stack, sql: str, **values):
    database = create_engine(stack.database_url)
    with database.begin() as connection:
        found = connection.execute(text(sql), values)
        rows = found.all() if found.returns_rows else []
    database.dispose()
    return rows


def channel(stack, live_id):
    return ask(stack, "SELECT recording, recording_stopped_at, public_dir, status FROM video_channels "
                      "WHERE live_session_id = :id", id=live_id)[0]


def fill(stack) -> None:
    """Until nothing more fits, in an instant; elsewhere: so that any disk is too small."""
    if stack.mounted:
        with open(stack.folder / "data" / "filler", "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 65536)
        assert os.statvfs(stack.folder / "data").f_bavail <= 16
    else:
        restart(stack, 10**8)


def free(stack) -> None:
    if stack.mounted:
        (stack.folder / "data" / "filler").unlink()
    else:
        restart(stack, KEEP_FREE_MB)


def restart(stack, keep_free_mb: int) -> None:
    stack.env["VIDEO_MIN_FREE_MB"] = str(keep_free_mb)
    stack.kill("video")
    stack.start("video")


def decodes(place, pieces) -> None:
    for one in pieces:
        done = subprocess.run([engine.ffmpeg_path(), "-loglevel", "error", "-xerror", "-i", str(place / one.name),
                               "-f", "null", "-"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and not done.stderr, (one.name, done.stderr)


def test_a_full_disk_stops_the_recording_alone_and_with_room_again_the_next_show_records(show):
    data = show.folder / "data"
    place = files.folder(data, show.live_id, channel(show, show.live_id).public_dir)
    wait_until(lambda: len(files.segments(place)) >= 10)
    if show.mounted:
        wait_until(lambda: (files.root(data) / files.RESERVE).exists())
    before = files.segments(place)
    fill(show)
    wait_until(lambda: channel(show, show.live_id).recording == "stopped")
    assert ask(show, "SELECT count(*) FROM events WHERE kind = 'video.recording'")[0][0] == 1, "the host is told"
    # The picture goes on, seconds after nothing could be written any more.
    newest(show, beyond=time.time() * 1000)
    assert "0 broken" in show.run("check")
    stopped = channel(show, show.live_id).recording_stopped_at.timestamp() * 1000
    kept = [one for one in files.segments(place) if one.at <= stopped]
    # Of what had been recorded, at most the seconds between two looks at the disk are given up.
    assert len(before) - 6 <= len(kept) and [one.name for one in kept][:len(before)] == [
        one.name for one in before][:len(kept)]
    decodes(place, kept)
    free(show)
    the_next_show_records(show)


def the_next_show_records(show) -> None:
    ask(show, "UPDATE live_sessions SET state = 'ended', ended_at = now() WHERE id = :id", id=show.live_id)
    wait_until(lambda: channel(show, show.live_id).status == "over")
    following = show_in(show, "scheduled")
    ask(show, "UPDATE live_sessions SET state = 'live', started_at = now() WHERE id = :id", id=following)
    source = Source(show, following, film(show.folder)).start()
    try:
        place = files.folder(show.folder / "data", following, channel(show, following).public_dir)
        # Longer than between two looks at the disk.
        wait_until(lambda: len(files.segments(place)) >= 5)
        assert channel(show, following).recording == "on"
        decodes(place, files.segments(place)[:5])
    finally:
        source.stop()
