"""What viewers get: where to watch, and the playlists and pieces themselves."""
import uuid

from flask import Blueprint, Response, current_app, g, send_from_directory

from core.errors import NotFound
from live import doors
from live.video import files, keys, playlist, queries, small
from live.views_api import fresh
from members import identity
from members.access import public

video = Blueprint("video", __name__)
# A token is in their address, or a name that nobody guesses; who asks is not looked up for each piece.
identity.WITHOUT_MEMBER |= {"video.live_playlist", "video.piece", "video.master_playlist", "video.small_playlist",
                            "video.small_piece"}
FOREVER = "public, max-age=31536000, immutable"


def settings():
    return current_app.config["LIVESTALL"]


@video.get("/api/live/<uuid:live_id>/video")
@public
def playback(live_id: uuid.UUID):
    found = doors.enter(live_id, g.get("member"))
    return fresh(queries.playback(settings(), queries.known_channel(live_id), found.state))


@video.get("/video/<uuid:live_id>/<scope>/<token>/live.m3u8")
@public
def live_playlist(live_id: uuid.UUID, scope: str, token: str):
    """The last seconds. The token is the right to it: public ones go to viewers, private ones to staff alone."""
    channel = queries.known_channel(live_id)
    if channel is None or scope not in ("public", "private"):
        raise NotFound
    if not keys.right_token(settings().secret_key, live_id, scope, token):
        return Response("", 403)
    name = channel.public_dir if scope == "public" else channel.private_dir
    return m3u8(_live_text(channel, scope, files.segments(files.folder(settings().data_dir, live_id, name)), name))


def _live_text(channel, scope: str, segments, name: str) -> str:
    if not segments:
        raise NotFound
    since = segments[-playlist.WINDOW:][0].at
    marks = queries.marks(channel, since) if scope == "public" else []
    return playlist.live_window(segments, f"/video/{channel.live_session_id}/{name}/", marks,
                                ended=channel.status == "over")


@video.get("/video/<uuid:live_id>/public/<token>/master.m3u8")
@public
def master_playlist(live_id: uuid.UUID, token: str):
    """Both pictures, while there are two; how much each takes is what its pieces were."""
    channel, place = _two(live_id, token)
    if channel is None:
        return Response("", 403)
    segments = files.segments(place)[-playlist.WINDOW:]
    rates = [(place / one.name).stat().st_size * 8 / one.seconds for one in segments
             if one.seconds and (place / one.name).exists()]
    # The better one is never told to be cheaper than the other: players sort them.
    most = max([*rates, small.MOST_BPS + 150_000])
    stream = files.read(files.root(settings().data_dir) / "status.json").get("shows", {}).get(
        str(live_id), {}).get("stream") or {}
    width, height = small.size(stream)
    return m3u8(playlist.master(
        {"name": "live.m3u8", "bandwidth": round(most), "width": stream.get("width"), "height": stream.get("height")},
        {"name": "small.m3u8", "bandwidth": small.MOST_BPS, "width": width, "height": height}), "no-store")


@video.get("/video/<uuid:live_id>/public/<token>/small.m3u8")
@public
def small_playlist(live_id: uuid.UUID, token: str):
    """The second picture's last seconds, in the numbers and dates of the first's."""
    channel, place = _two(live_id, token)
    if channel is None:
        return Response("", 403)
    segments, window = playlist.both(files.segments(place), files.small_ones(place))
    if not window:
        raise NotFound
    marks = queries.marks(channel, segments[-window].at)
    base = f"/video/{live_id}/{channel.public_dir}/{files.SMALL}/"
    return m3u8(playlist.live_window(segments, base, marks, window=window, ended=channel.status == "over"))


def _two(live_id, token):
    """(channel, its folder) of a show with two pictures; (None, None): the token is wrong. Raises NotFound."""
    channel = queries.known_channel(live_id)
    if channel is None or channel.small != "on":
        raise NotFound
    if not keys.right_token(settings().secret_key, live_id, "public", token):
        return None, None
    return channel, files.folder(settings().data_dir, live_id, channel.public_dir)


def m3u8(text: str, cache: str = "max-age=1") -> Response:
    return Response(text, content_type="application/vnd.apple.mpegurl", headers={"Cache-Control": cache})


@video.get("/video/<uuid:live_id>/<folder>/<name>.ts")
@public
def piece(live_id: uuid.UUID, folder: str, name: str):
    """One segment. Its folder's name is a secret that only a playlist tells."""
    return _piece(files.folder(settings().data_dir, live_id, folder), name)


@video.get("/video/<uuid:live_id>/<folder>/small/<name>.ts")
@public
def small_piece(live_id: uuid.UUID, folder: str, name: str):
    return _piece(files.folder(settings().data_dir, live_id, folder) / files.SMALL, name)


def _piece(place, name: str) -> Response:
    response = send_from_directory(place, f"{name}.ts", max_age=31536000,
                                   mimetype="video/mp2t", conditional=False, etag=False)
    response.headers["Cache-Control"] = FOREVER
    return response

