"""The video office as a process."""
import signal
import time

import click
import structlog

from core.commands import command, stop_unless_migrated

log = structlog.get_logger("video")


@command("video")
@click.pass_obj
def video(app):
    """Keep the embedded media server and its packagers (VIDEO=embedded)."""
    from live.video import engine
    from live.video.office import Office
    stop_unless_migrated()
    told = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.append(1))
    if not engine.node_path() or not engine.ffmpeg_path():
        log.warning("no live video: node with node-media-server and FFmpeg are needed; shows keep their covers")
        while not told:
            time.sleep(0.5)
        return
    Office(app.config["LIVESTALL"]).run(lambda: bool(told))
