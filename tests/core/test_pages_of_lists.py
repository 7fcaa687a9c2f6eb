"""Which page of a list an address asks for."""
import pytest

from core.web import page_number


@pytest.mark.parametrize(("asked", "page"), [("", 1), ("page=3", 3), ("page=0", 1), ("page=-7", 1), ("page=two", 1),
                                             ("page=" + "9" * 40, 10_000)])
def test_a_page_is_a_number_that_the_database_can_count_to(app, asked, page):
    with app.test_request_context(f"/?{asked}"):
        assert page_number() == page
