"""Work that is due by the clock, done by one process at a time: whoever leads the relay (live/relay.py)."""
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Tick:
    """Call `run` about every `seconds`. It opens its own transactions, is quick, and may be run twice."""
    name: str
    seconds: float
    run: Callable[[], None]


TICKS: list[Tick] = []


def every(seconds: float):
    """Register a function as a tick: `@every(1)`. Its package's init_app imports the module that holds it."""
    def register(run: Callable[[], None]):
        TICKS.append(Tick(f"{run.__module__}.{run.__name__}", seconds, run))
        return run
    return register
