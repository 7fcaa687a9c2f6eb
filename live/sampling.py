"""How much chat a screen can show. Everything that is said is kept and seen by staff; viewers get what they can read.

A phone shows five lines above the card, and people read some four words a second, a line of five words in 1.25 s: at
five lines a second each line stays for one second, which is enough to catch a name or an answer. Faster than that
nobody reads, and every line still costs a send to thousands. So above five lines a second viewers get a sample: the
same for all, so that they talk about the same lines, and fair: who was not shown for longest comes first, so that
writing more does not mean being seen more. Lines of staff always pass, and one's own is on one's own screen anyway
(the acknowledgement carries it).
"""
import random
import time
from collections import OrderedDict
from dataclasses import dataclass, field

LINES_PER_SECOND = 5.0
# A question from the host is answered by many at once: two seconds' worth passes unsampled.
BURST = 10.0
# Bounds of what is remembered: 100 shows, of each the last 5,000 who were shown (some 0.5 MB).
MOST_SHOWS = 100
MOST_AUTHORS = 5000
SAID = "chat.said"


@dataclass
class _Screen:
    tokens: float
    at: float
    shown: OrderedDict = field(default_factory=OrderedDict)  # author → when last shown, oldest first


class Sampler:
    """What the leader of the relay remembers of each show's chat; a new leader begins anew."""

    def __init__(self, clock=time.monotonic, pick=random.random):
        self._clock, self._pick = clock, pick
        self._screens: OrderedDict[str, _Screen] = OrderedDict()

    def part(self, stream: str, rows: list) -> tuple[list, list]:
        """(what viewers get, what only staff get), both in order. What is no line of chat goes to viewers."""
        lines = [row for row in rows if is_sampled(row)]
        if not lines:
            return rows, []
        screen = self._screen(stream)
        most = int(screen.tokens)
        chosen = lines if len(lines) <= most else self._fairest(screen, lines, most)
        self._remember(screen, chosen)
        kept = {row.id for row in chosen}
        rest = [row for row in lines if row.id not in kept]
        left_out = {row.id for row in rest}
        return [row for row in rows if row.id not in left_out], rest

    def _screen(self, stream: str) -> _Screen:
        now = self._clock()
        screen = self._screens.setdefault(stream, _Screen(BURST, now))
        self._screens.move_to_end(stream)
        if len(self._screens) > MOST_SHOWS:
            self._screens.popitem(last=False)
        screen.tokens = min(BURST, screen.tokens + (now - screen.at) * LINES_PER_SECOND)
        screen.at = now
        return screen

    def _fairest(self, screen: _Screen, lines: list, most: int) -> list:
        """One line of an author before a second of another; the longest unseen first; the rest by lot."""
        turn, order = {}, {}
        for row in lines:
            turn[author(row)] = turn.get(author(row), -1) + 1
            order[row.id] = (turn[author(row)], screen.shown.get(author(row), 0.0), self._pick())
        return sorted(lines, key=lambda row: order[row.id])[:most]

    def _remember(self, screen: _Screen, chosen: list) -> None:
        for row in chosen:
            screen.tokens -= 1
            screen.shown[author(row)] = screen.at
            screen.shown.move_to_end(author(row))
        while len(screen.shown) > MOST_AUTHORS:
            screen.shown.popitem(last=False)


def author(row) -> str:
    return row.payload["message"].get("by", "")


def is_sampled(row) -> bool:
    """A viewer's line in a real show: staff and rehearsals are never sampled."""
    return row.kind == SAID and not row.payload.get("rehearsal") and not row.payload["message"].get("role")
