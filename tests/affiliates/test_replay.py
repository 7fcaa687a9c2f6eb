"""A shop's real invoices through the house, and every affiliate's sum computed anew beside it: 0 pence apart."""
from pathlib import Path

import pytest
from sqlalchemy import text

from tests.affiliates.conftest import assert_affiliates_right
from tests.affiliates.replay import Return, Sale, play, read, reckon

LINES = Path(__file__).parents[2] / "demo" / "data" / "basket_lines.csv"


def whole_sales(events, count):
    """The first sales of a file, and the returns of just these."""
    numbers = [one.number for one in events if isinstance(one, Sale)][:count]
    return [one for one in events if (one.number if isinstance(one, Sale) else one.sale) in set(numbers)]


@pytest.mark.timeout(600)
def test_real_invoices_earn_what_plain_python_says(db):
    events, _lost = read(LINES)
    # The first two hundred sales and their returns: `make replay FILE=…` plays a whole file.
    events = whole_sales(events, 200)
    assert sum(isinstance(one, Return) for one in events) > 5
    stage, raised_after = play(db, events)
    expected = reckon(events, raised_after)
    assert stage.sums() == expected and len(expected) == 24
    assert_affiliates_right()
    kinds = db.execute(text("""SELECT count(*) FILTER (WHERE level = 2), count(*) FILTER (WHERE flat_minor > 0),
        count(*) FILTER (WHERE amount_minor = cap_minor), count(*) FILTER (WHERE reversed_minor > 0),
        count(DISTINCT rule_id) FROM commissions""")).one()
    assert min(kinds[:4]) > 2 and kinds[4] > 6  # every kind of rule was at work


def test_the_comparison_can_fail():
    """The control: another rounding is seen."""
    events, _lost = read(LINES)
    exact = reckon(events, 10**9)
    assert reckon(events, 0) != exact
