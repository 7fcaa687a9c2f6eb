"""Products and variants: making, changing, listing, prices over time."""
from datetime import timedelta

import pytest

from campaigns.catalogue import actions, queries
from campaigns.catalogue.models import PriceRecord
from campaigns.catalogue.queries import Filter
from core import clock
from core.checks import violations
from core.errors import DomainError, Invalid, NotFound
from core.ids import new_id
from tests import factories


@pytest.fixture
def shop(db):
    return factories.merchant(db)


def make(db, shop, name="Bird ornament", **values):
    values = {"variants": [{"sku": name.upper()[:10], "price_minor": 169, "on_hand": 12}], **values}
    return actions.create_product(db, shop, name=name, **values)


def test_a_product_comes_with_variants_stock_and_its_first_price(db, shop):
    product = make(db, shop, category="Decorations", variants=[
        {"sku": "84879", "price_minor": 169, "cost_minor": 60, "on_hand": 12, "option": "White"},
        {"sku": "84879B", "price_minor": 175, "option": "Blue"}])
    white, blue = queries.access_product(db, product.id, [shop.id]).variants
    assert (white.sku, white.on_hand, white.cost_minor, white.option) == ("84879", 12, 60, "White")
    assert white.currency == "GBP"
    assert (blue.on_hand, blue.position) == (0, 1)
    assert queries.stock_history(db, [white.id])[0].after == 12
    assert [record.price_minor for record in queries.price_history(db, [white.id, blue.id])] == [175, 169]


def test_a_sku_is_taken_once_per_merchant(db, shop):
    make(db, shop, "Bird")
    with pytest.raises(Invalid) as refusal:
        make(db, shop, "Bird")
    assert "variants.0.sku" in refusal.value.fields
    make(db, factories.merchant(db), "Bird")


def test_the_last_variant_stays(db, shop):
    product = make(db, shop)
    extra = actions.add_variant(db, product, "GBP", sku="EXTRA", price_minor=200)
    actions.archive_variant(db, extra)
    with pytest.raises(DomainError) as refusal:
        actions.archive_variant(db, product.variants[0])
    assert refusal.value.code == "last_variant"


def test_another_merchants_product_is_not_found(db, shop):
    product = make(db, shop)
    with pytest.raises(NotFound):
        queries.access_product(db, product.id, [factories.merchant(db).id])
    with pytest.raises(NotFound):
        queries.access_variant(db, product.variants[0].id, [])
    with pytest.raises(NotFound):
        queries.access_product(db, new_id(), [shop.id])


def test_a_new_price_ends_the_old_record_and_the_same_price_does_not(db, shop):
    variant = make(db, shop).variants[0]
    for price in (150, 150, 180):
        actions.update_variant(db, variant, price_minor=price)
    records = queries.price_history(db, [variant.id])
    assert [record.price_minor for record in records] == [180, 150, 169]
    assert records[0].to_at is None
    assert records[1].to_at == records[0].from_at and records[2].to_at == records[1].from_at


def test_the_check_sees_a_price_that_was_changed_past_its_record(db, shop):
    variant = make(db, shop).variants[0]
    actions.update_variant(db, variant, price_minor=150)
    db.commit()
    assert violations(db) == []
    variant.price_minor = 149
    db.commit()
    assert [name for name, _row in violations(db)] == ["the list price on record is the variant's price"]


def at(db, variant, price, days_from, days_to, source="list"):
    """A price that was asked from `days_from` days ago to `days_to` days ago (None: still)."""
    now = clock.now()
    db.add(PriceRecord(variant_id=variant.id, price_minor=price, source=source, from_at=now - timedelta(days=days_from),
                       to_at=None if days_to is None else now - timedelta(days=days_to)))
    db.flush()


@pytest.mark.parametrize(("history", "lowest"), [
    ([(200, 90, 31), (250, 31, None)], 250),  # over before the window began
    ([(200, 90, 29), (250, 29, None)], 200),  # began long ago, still held inside the window
    ([(200, 20, 20), (250, 90, None)], 250),  # held for no time at all
    ([(300, 40, 10), (180, 10, 9), (250, 9, None)], 180),
    ([], 295)])  # no record: the list price
def test_the_lowest_price_of_30_days_counts_what_held_in_them(db, shop, history, lowest):
    variant = factories.variant(db, shop, price_minor=295)
    for row in history:
        at(db, variant, *row)
    assert queries.lowest_price(db, variant.id) == lowest


def test_a_campaigns_price_counts_and_the_moment_can_be_chosen(db, shop):
    variant = factories.variant(db, shop, price_minor=295)
    at(db, variant, 295, 400, None)
    at(db, variant, 210, 60, 59, source="offer")
    assert queries.lowest_price(db, variant.id) == 295
    assert queries.lowest_price(db, variant.id, days=90) == 210
    assert queries.lowest_price(db, variant.id, before=clock.now() - timedelta(days=58)) == 210
    assert queries.lowest_price(db, variant.id, before=clock.now() - timedelta(days=61)) == 295


def test_an_offers_price_opens_and_closes_beside_the_list_price(db, shop):
    variant = make(db, shop).variants[0]
    actions.record_price(db, variant.id, 120, "offer")
    actions.record_price(db, variant.id, None, "offer")
    actions.record_price(db, variant.id, None, "offer")
    assert queries.lowest_price(db, variant.id) == 120
    records = queries.price_history(db, [variant.id])
    assert [(each.source, each.to_at is None) for each in records] == [("offer", False), ("list", True)]


def test_the_list_finds_by_words_sku_and_option_and_takes_wildcards_as_text(db, shop):
    make(db, shop, "Hand warmer bird design", variants=[{"sku": "22865", "price_minor": 210, "option": "Owl_green"}])
    make(db, shop, "Cake tin 100%", variants=[{"sku": "22720", "price_minor": 495}])

    def names(q):
        return [product.name for product in queries.products(db, shop.id, Filter(q))[0]]
    assert names("BIRD warm") == ["Hand warmer bird design"]
    assert names("22720") == ["Cake tin 100%"]
    assert names("owl_") == ["Hand warmer bird design"]
    assert names("0%") == ["Cake tin 100%"]
    assert names("%") == ["Cake tin 100%"]
    assert names("bird tin") == []


def test_the_list_filters_by_category_low_stock_and_archive(db, shop):
    tin = make(db, shop, "Tin", category="Kitchen")
    bird = make(db, shop, "Bird", category="Decorations", variants=[{"sku": "B", "price_minor": 100, "on_hand": 2}])
    make(db, factories.merchant(db), "Not ours")
    assert queries.products(db, shop.id, Filter(category="Kitchen")) == ([tin], 1)
    assert queries.products(db, shop.id, Filter(low=True)) == ([bird], 1)
    assert queries.low_stock_count(db, shop.id) == 1
    assert queries.categories(db, shop.id, Filter()) == [("Decorations", 1), ("Kitchen", 1)]
    actions.archive_product(db, tin)
    assert queries.products(db, shop.id, Filter()) == ([bird], 1)
    assert queries.products(db, shop.id, Filter(archived=True)) == ([tin], 1)
    actions.restore_product(db, tin)
    assert queries.products(db, shop.id, Filter()) == ([bird, tin], 2)


def test_the_list_comes_in_pages(db, shop):
    for n in range(queries.PER_PAGE + 3):
        make(db, shop, f"Thing {n:03}", variants=[{"sku": f"T{n}", "price_minor": 100}])
    rows, total = queries.products(db, shop.id, Filter(), page=2)
    assert (len(rows), total, rows[0].name) == (3, queries.PER_PAGE + 3, f"Thing {queries.PER_PAGE:03}")


def test_a_picture_is_the_variants_then_the_products_then_a_tile(db, shop):
    from campaigns.catalogue.models import Picture
    product = make(db, shop)
    variant = product.variants[0]
    assert queries.picture_url(variant) == queries.picture_url(product) == f"/tiles/{variant.id}.svg"
    pictures = [Picture(merchant_id=shop.id, sha256=str(n), media_type="image/webp", data=b"x") for n in range(2)]
    db.add_all(pictures)
    db.flush()
    actions.update_product(db, product, picture_id=pictures[0].id)
    assert queries.picture_url(variant) == queries.picture_url(product) == f"/pictures/{pictures[0].id}"
    actions.update_variant(db, variant, picture_id=pictures[1].id)
    assert queries.picture_url(variant) == f"/pictures/{pictures[1].id}"
    assert queries.picture_urls(db, [variant.id]) == {variant.id: f"/pictures/{pictures[1].id}"}
