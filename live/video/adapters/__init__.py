"""Where a show's video comes from and goes: one protocol, and an adapter for each engine."""
from typing import Protocol

from live.video.adapters import embedded, external, mediamtx


class MediaAdapter(Protocol):
    """What a show needs of an engine. Addresses are for one show and end by themselves."""

    name: str

    def ingest(self, channel) -> dict | None:
        """{server, key, until, browser, whip?}: how the host sends, or None if it is not ours to say."""

    def playback(self, channel, scope: str) -> dict:
        """{hls, sync, skew_ms, flv?, rtc?}: where to watch. scope: "public", "private" (staff); sync: "pdt", "none"."""

    def health(self, channel) -> dict:
        """How the stream is now, as the control page shows it: {stream, ready, …}; {} if the engine cannot say."""

    def recording(self, channel) -> list:
        """The segments of what was kept, [] if the engine keeps it itself or nothing was."""

    def forget(self, channel) -> None:
        """Delete what was kept, for good."""


def adapter_for(config, channel) -> MediaAdapter | None:
    """The engine of this show: the merchant's own address first, else what VIDEO says; None: there is no video."""
    if channel is not None and channel.external_url:
        return external.External()
    if config.video == "embedded":
        return embedded.Embedded(config)
    return mediamtx.MediaMtx(config) if config.video == "mediamtx" else None


__all__ = ["MediaAdapter", "adapter_for"]
