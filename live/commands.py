"""The relay as a process."""
import signal
import threading

from core.commands import command, stop_unless_migrated


@command("relay")
def relay():
    """Number and publish events, and do what is due by the clock (one leader; others stand by)."""
    from live import relay as office
    stop_unless_migrated()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    office.run(stop)
