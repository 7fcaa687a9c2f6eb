"""How a show moves: a table of allowed moves, and nothing else sets a show's state."""
from flask_babel import lazy_gettext as _l

from core.errors import DomainError

MOVES: dict[str, frozenset[str]] = {
    "scheduled": frozenset({"rehearsal", "live", "cancelled"}),
    "rehearsal": frozenset({"scheduled"}),
    "live": frozenset({"paused", "ended"}),
    "paused": frozenset({"live", "ended"}),
    "ended": frozenset(),
    "cancelled": frozenset(),
}
ON_AIR = frozenset({"live", "paused"})
OVER = frozenset({"ended", "cancelled"})


class WrongMoment(DomainError):
    """The show is not in a state in which that can be done; `state` says which it is in."""

    code, message = "wrong_moment", _l("The show is not at a point where that can be done.")


def move(show, to: str) -> None:
    """Set the show's state if the table allows it. Raises WrongMoment."""
    if to not in MOVES[show.state]:
        raise WrongMoment(state=show.state)
    show.state = to


def need(show, states) -> None:
    """Raises WrongMoment unless the show is in one of the states."""
    if show.state not in states:
        raise WrongMoment(state=show.state)
