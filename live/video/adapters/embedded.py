"""Our own engine beside the shop: node-media-server and FFmpeg, kept by the video office (live/video/office.py)."""
import time

from live.video import channels, engine, files, keys

STALE_SECONDS = 5  # the office writes each second


class Embedded:
    name = "embedded"

    def __init__(self, config):
        self.config = config

    def ingest(self, channel) -> dict:
        until = int(channel.key_until.timestamp())
        key = keys.publish_key(self.config.secret_key, channel.live_session_id, channel.key_nonce, until)
        return {"server": engine.address(self.config), "key": f"{channel.live_session_id}?key={key}",
                "until": channel.key_until, "browser": True, "whip": self._whip(live_id=channel.live_session_id)}

    def playback(self, channel, scope: str) -> dict:
        live_id = channel.live_session_id
        token = keys.watch_token(self.config.secret_key, live_id, scope)
        # Two pictures are one address: the player chooses between them.
        name = "master" if scope == "public" and channel.small == "on" else "live"
        return {"hls": f"/video/{live_id}/{scope}/{token}/{name}.m3u8", "sync": "pdt", "flv": self._flv(live_id, scope),
                "rtc": self._rtc(live_id, scope, token),
                "skew_ms": channels.SKEW_MS.get(channel.kind or "rtmp", 0)}

    def _flv(self, live_id, scope: str) -> str:
        base = engine.flv_base(self.config)
        token = keys.flv_token(self.config.secret_key, live_id, scope)
        return f"{base}/live/{live_id}.flv?scope={scope}&token={token}" if base else ""

    def _whip(self, live_id) -> str:
        """Where a browser sends by WebRTC, "" without Janus."""
        is_there = (files.root(self.config.data_dir) / "janus/janus.json").exists()
        return f"/whip/{live_id}" if is_there else ""

    def _rtc(self, live_id, scope: str, token: str) -> dict | None:
        """What a viewer asks Janus with, through our own door; None where there is nothing to ask for."""
        shown = files.read(files.root(self.config.data_dir) / "status.json").get("rtc", [])
        if scope != "public" or str(live_id) not in shown or not self.config.janus_viewers:
            return None
        return {"url": f"/api/live/{live_id}/video/rtc", "scope": scope, "token": token}

    def health(self, channel) -> dict:
        status = files.read(files.root(self.config.data_dir) / "status.json")
        if time.time() - status.get("at", 0) > STALE_SECONDS:
            return {"office": False}
        show = status["shows"].get(str(channel.live_session_id), {})
        return {"office": status["listening"], "free_mb": status["free_mb"], "low_disk": status["low_disk"],
                "machine": status.get("machine", {}), **show}

    def recording(self, channel) -> list:
        if channel.recording == "deleted":
            return []
        found = files.segments(files.folder(self.config.data_dir, channel.live_session_id, channel.public_dir))
        if channel.recording_stopped_at:
            end = channel.recording_stopped_at.timestamp() * 1000
            return [one for one in found if one.at <= end]
        return found

    def forget(self, channel) -> None:
        files.delete(self.config.data_dir, channel.live_session_id)
