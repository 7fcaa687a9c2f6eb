"""What viewers get: where to watch, and the playlists and pieces themselves."""
import uuid

from flask import Blueprint, Response, current_app, g, send_from_directory

from core.errors import NotFound
from live import doors
from live.video import files, keys, playlist, queries
from live.views_api import fresh
from members import identity
from members.access import public

video = Blueprint("video", __name__)
# A token is in their address, or a name that nobody guesses; who asks is not looked up for each piece.
identity.WITHOUT_MEMBER |= {"video.live_playlist", "video.piece"}
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


def m3u8(text: str, cache: str = "max-age=1") -> Response:
    return Response(text, content_type="application/vnd.apple.mpegurl", headers={"Cache-Control": cache})


@video.get("/video/<uuid:live_id>/<folder>/<name>.ts")
@public
def piece(live_id: uuid.UUID, folder: str, name: str):
    """One segment. Its folder's name is a secret that only a playlist tells."""
    response = send_from_directory(files.folder(settings().data_dir, live_id, folder), f"{name}.ts", max_age=31536000,
                                   mimetype="video/mp2t", conditional=False, etag=False)
    response.headers["Cache-Control"] = FOREVER
    return response

