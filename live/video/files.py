"""Where a show's video lies on disk, and reading it: playlists are parsed once a change for all who ask."""
import contextlib
import json
import os
import shutil
import threading
from pathlib import Path

from live.video import playlist

_kept: dict[str, tuple] = {}  # folder → (stamp of the files, segments)
_lock = threading.Lock()
MOST_KEPT = 200
RESERVE, RESERVE_MB = "reserve", 32  # two pictures of 4.5 Mbit/s for the half minute that players may need
SMALL = "small"  # the folder of the second picture, in that of the first


def root(data_dir) -> Path:
    return Path(data_dir) / "video"


def folder(data_dir, live_id, name: str) -> Path:
    """`name` is a channel's public_dir or private_dir."""
    return root(data_dir) / str(live_id) / name


def segments(place: Path) -> list[playlist.Segment]:
    """All segments of a folder whose files are there, in order; none if nothing was ever sent."""
    stamp = _stamp(place)
    if stamp is None:
        return []
    kept = _kept.get(str(place))
    if kept and kept[0] == stamp:
        return kept[1]
    try:
        text = (place / "index.m3u8").read_text()
    except FileNotFoundError:
        return []
    found = _grown(place, kept, stamp, text) if kept else None
    if found is None:
        found = playlist.parse(text, shifts(place))
    if stamp[2] is not None:
        there = set(os.listdir(place))
        found = [one for one in found if one.name in there]
    with _lock:
        if len(_kept) > MOST_KEPT:
            _kept.clear()
        _kept[str(place)] = (stamp, found)
    return found


def _grown(place, kept, stamp, text: str) -> list[playlist.Segment] | None:
    """What was known and what came after it: in a show of four hours, one piece and not 14,000. None: read it all."""
    known = kept[1]
    at = text.rfind(known[-1].name) if known and stamp[1:] == kept[0][1:] and stamp[2] is None else -1
    if at < 0:
        return None
    fresh = playlist.parse(text[at + len(known[-1].name):], shifts(place))
    return known + fresh if all(one.run == known[-1].run for one in fresh) else None


def _stamp(place: Path):
    stamps = []
    for name in ("index.m3u8", "runs.json", "pruned"):
        try:
            info = (place / name).stat()
            stamps.append((info.st_mtime_ns, info.st_size, info.st_ino))
        except FileNotFoundError:
            if name == "index.m3u8":
                return None
            stamps.append(None)
    return tuple(stamps)


def shifts(place: Path) -> dict[str, float]:
    """{run: how much later FFmpeg's dates are than the frames came, ms}."""
    with contextlib.suppress(OSError, ValueError):
        return json.loads((place / "runs.json").read_text())
    return {}


def write(path: Path, value) -> None:
    """JSON that is there whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_suffix(f".{os.getpid()}.new")
    fresh.write_text(json.dumps(value))
    fresh.replace(path)


def read(path: Path) -> dict:
    with contextlib.suppress(OSError, ValueError):
        return json.loads(path.read_text())
    return {}


def small_ones(place: Path) -> set[str]:
    """The names of the pieces that the second picture has."""
    with contextlib.suppress(FileNotFoundError):
        return {name for name in os.listdir(place / SMALL) if name.endswith(".ts")}
    return set()


def size_of(place: Path) -> int:
    """Bytes in a folder and below."""
    total = 0
    for folder_name, _folders, names in os.walk(place):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(folder_name) / name).stat().st_size
    return total


def delete(data_dir, live_id) -> None:
    """Everything of a show, for good."""
    shutil.rmtree(root(data_dir) / str(live_id), ignore_errors=True)


def keep_reserve(data_dir) -> None:
    """Have room that the live picture goes on in when somebody else fills the disk: a file of nothing."""
    path = root(data_dir) / RESERVE
    if path.exists() or not hasattr(os, "posix_fallocate"):
        return
    with open(path, "wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, RESERVE_MB * 2**20)
        except OSError:
            path.unlink()


def give_up_reserve(data_dir) -> bool:
    """Whether there was any."""
    try:
        (root(data_dir) / RESERVE).unlink()
    except FileNotFoundError:
        return False
    return True


def free_mb(data_dir) -> int:
    return shutil.disk_usage(data_dir).free // 2**20
