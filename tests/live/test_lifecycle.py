"""A show moves by its table, every pair of states."""
from types import SimpleNamespace

import pytest

from live.show.lifecycle import MOVES, WrongMoment, move
from live.show.models import SHOW_STATES

ALLOWED = {("scheduled", "rehearsal"), ("rehearsal", "scheduled"), ("scheduled", "live"), ("scheduled", "cancelled"),
           ("live", "paused"), ("paused", "live"), ("live", "ended"), ("paused", "ended")}


def test_the_table_knows_every_state():
    assert set(MOVES) == set(SHOW_STATES)


@pytest.mark.parametrize("state", SHOW_STATES)
@pytest.mark.parametrize("to", SHOW_STATES)
def test_a_move_is_made_if_and_only_if_it_is_allowed(state, to):
    show = SimpleNamespace(state=state)
    if (state, to) in ALLOWED:
        move(show, to)
        assert show.state == to
    else:
        with pytest.raises(WrongMoment) as refusal:
            move(show, to)
        assert show.state == state
        assert refusal.value.body()["state"] == state
