"""MediaMTX for production: it asks us over HTTP who may publish and watch; docs/video.md has its configuration."""
from live.video import channels, keys


class MediaMtx:
    name = "mediamtx"

    def __init__(self, config):
        self.config = config

    def ingest(self, channel) -> dict:
        until = int(channel.key_until.timestamp())
        key = keys.publish_key(self.config.secret_key, channel.live_session_id, channel.key_nonce, until)
        return {"server": self.config.mediamtx_ingest_url, "key": f"{channel.live_session_id}?key={key}",
                "until": channel.key_until, "browser": False}

    def playback(self, channel, scope: str) -> dict:
        live_id = channel.live_session_id
        token = keys.watch_token(self.config.secret_key, live_id, scope)
        return {"hls": f"{self.config.mediamtx_hls_url}/live/{live_id}/index.m3u8?scope={scope}&token={token}",
                "sync": "pdt", "flv": "", "skew_ms": channels.SKEW_MS["mediamtx"]}

    def health(self, channel) -> dict:
        return {}

    def recording(self, channel) -> list:
        return []

    def forget(self, channel) -> None:
        """MediaMTX keeps and deletes its own recordings (recordDeleteAfter)."""
