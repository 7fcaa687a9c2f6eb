"""Any HLS address that the merchant already has: we play it, and know nothing of how it is made."""
from live.video import channels


class External:
    name = "external"

    def ingest(self, channel) -> None:
        """The merchant sends to their own service."""
        return None

    def playback(self, channel, scope: str) -> dict:
        return {"hls": channel.external_url, "sync": "pdt", "flv": "", "skew_ms": channels.SKEW_MS["external"]}

    def health(self, channel) -> dict:
        return {}

    def recording(self, channel) -> list:
        return []

    def forget(self, channel) -> None:
        """Nothing of it is here."""
