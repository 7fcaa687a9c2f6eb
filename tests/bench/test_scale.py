"""The simulation behind docs/scale.md: everybody is answered, nothing is sold twice, and it says what is too slow."""
import pytest

from tests.bench.scale import COSTS, Sale


@pytest.mark.parametrize("viewers, processes, units, more", [
    (2000, 1, 300, {}), (2000, 4, 3000, {}), (3000, 8, 100, {"news": True}), (3000, 8, 160, {"news": True, "rows": 4})])
def test_everybody_is_answered_and_no_unit_is_sold_twice(viewers, processes, units, more):
    sale = Sale(viewers, processes, units, **more)
    found = sale.run()
    assert found["answered"] == viewers
    assert found["won"] == min(units, viewers)
    assert sum(sale.left) == units - found["won"]
    assert found["stock_on_screen_p95_ms"] < 1000


def test_a_slower_row_makes_claims_slower_and_too_many_processes_stand_in_line():
    quick = Sale(4000, 2, 500).run()
    slow = Sale(4000, 2, 500, costs={**COSTS, "batch_ms": 60.0}).run()
    many = Sale(4000, 80, 500, costs={**COSTS, "batch_ms": 60.0}).run()
    assert quick["claim_p99_ms"] < slow["claim_p99_ms"] < many["claim_p99_ms"]


def test_a_larger_share_of_the_room_makes_screens_later():
    assert Sale(1000, 1, 300).run()["stock_on_screen_p95_ms"] < Sale(10000, 1, 300).run()["stock_on_screen_p95_ms"]
