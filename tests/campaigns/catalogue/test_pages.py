"""The catalogue's pages: who may, what forms do, what bad input gets."""
import io
import uuid

import pytest
from sqlalchemy import select

from campaigns.catalogue import actions, queries
from campaigns.catalogue.models import Product, Variant
from core.ids import new_id
from tests import factories
from tests.campaigns.catalogue.conftest import words

BASE = "/studio/catalogue"


def form(**changes) -> dict:
    """The editor's form for a new product of one variant."""
    return {"key": str(uuid.uuid4()), "name": "Bird ornament", "category": "Decorations", "description": "Painted.",
            "variants.0.sku": "84879", "variants.0.option": "", "variants.0.price": "1.69", "variants.0.cost": "0.60",
            "variants.0.on_hand": "12", **changes}


@pytest.fixture
def bird(db, shop):
    product = actions.create_product(db, shop, name="Bird ornament", category="Decorations", variants=[
        {"sku": "84879", "price_minor": 169, "on_hand": 12}])
    db.commit()
    return product


def variants(db, product) -> list[Variant]:
    return list(db.scalars(select(Variant).where(Variant.product_id == product.id).order_by(Variant.position)
                           .execution_options(populate_existing=True)))


def test_staff_write_a_product_and_find_it_in_the_list(db, staff):
    answer = staff.post(f"{BASE}/new", data=form())
    product = db.scalars(select(Product)).one()
    assert (answer.status_code, answer.location) == (302, f"{BASE}/{product.id}")
    variant = variants(db, product)[0]
    assert (variant.sku, variant.price_minor, variant.cost_minor, variant.on_hand) == ("84879", 169, 60, 12)
    assert "Bird ornament is saved." in words(staff.get(answer.location))
    assert "Bird ornament" in words(staff.get(BASE))


def test_the_same_form_sent_twice_makes_one_product_and_says_why(db, staff):
    sent = form()
    staff.post(f"{BASE}/new", data=sent)
    again = staff.post(f"{BASE}/new", data=sent)
    assert again.status_code == 422 and "You already have 84879." in words(again)
    assert len(list(db.scalars(select(Product)))) == 1


def test_a_variant_is_added_changed_and_kept_in_order(db, staff, bird):
    first = bird.variants[0]
    answer = staff.post(f"{BASE}/{bird.id}", data={
        "key": str(uuid.uuid4()), "name": "Bird", "category": "", "description": "",
        "variants.7.sku": "84879b", "variants.7.option": "Blue", "variants.7.price": "1,75", "variants.7.cost": "",
        "variants.7.on_hand": "", "variants.2.id": str(first.id), "variants.2.sku": "84879",
        "variants.2.option": "White", "variants.2.price": "1.50", "variants.2.cost": ""})
    assert answer.status_code == 302, words(answer)
    white, blue = variants(db, bird)
    assert (white.price_minor, white.option, white.on_hand, white.cost_minor) == (150, "White", 12, None)
    assert (blue.sku, blue.price_minor, blue.on_hand) == ("84879B", 175, 0)
    assert [record.price_minor for record in queries.price_history(db, [white.id])] == [150, 169]


@pytest.mark.parametrize(("field", "value"), [
    ("name", ""), ("name", "x" * 201), ("variants.0.sku", ""), ("variants.0.sku", "=1+1"), ("variants.0.price", "-1"),
    ("variants.0.price", "0"), ("variants.0.price", "1.234"), ("variants.0.price", "NaN"), ("variants.0.price", "1e9"),
    ("variants.0.price", "9" * 30), ("variants.0.price", "1_000"), ("variants.0.cost", "x"),
    ("variants.0.on_hand", "-1"), ("variants.0.on_hand", "1.5"), ("variants.0.on_hand", str(2**63)),
    ("variants.0.on_hand", "NaN")])
def test_what_cannot_be_is_refused_at_its_field_and_nothing_is_written(db, staff, field, value):
    answer = staff.post(f"{BASE}/new", data=form(**{field: value}), headers={"Accept": "application/json"})
    assert answer.status_code == 422
    assert list(answer.get_json()["fields"]) == [field]
    assert db.scalars(select(Product)).all() == []


@pytest.mark.parametrize("extra", [{"currency": "EUR"}, {"variants.0.price_minor": "1"}, {"merchant_id": "x"}])
def test_a_field_that_nobody_asked_for_is_refused(db, staff, extra):
    answer = staff.post(f"{BASE}/new", data=form(**extra), headers={"Accept": "application/json"})
    assert answer.status_code == 422 and len(answer.get_json()["fields"]) == 1
    assert db.scalars(select(Product)).all() == []


def test_a_refused_form_shows_again_what_was_typed(staff):
    page = staff.post(f"{BASE}/new", data=form(name="<b>Bird</b>", **{"variants.0.price": "cheap"}))
    text = page.get_data(as_text=True)
    assert page.status_code == 422
    assert "&lt;b&gt;Bird&lt;/b&gt;" in text and "<b>Bird</b>" not in text
    assert 'value="cheap"' in text and "is no amount" in text


def test_another_shops_things_are_not_found(db, browser, bird):
    other = factories.merchant(db)
    stranger = browser(factories.member(db, roles=[("merchant_staff", other)]))
    variant = bird.variants[0]
    for path in (f"{BASE}/{bird.id}", f"{BASE}/{bird.id}/history", f"{BASE}/{new_id()}", f"{BASE}/imports/{new_id()}"):
        assert stranger.get(path).status_code == 404
    for path in (f"{BASE}/{bird.id}", f"{BASE}/{bird.id}/archive", f"{BASE}/variants/{variant.id}/count",
                 f"{BASE}/variants/{variant.id}/archive", f"{BASE}/{bird.id}/picture"):
        assert stranger.post(path, data=form() if path == f"{BASE}/{bird.id}" else {}).status_code == 404
    assert words(stranger.get(BASE)).count("Bird ornament") == 0


def test_a_variant_of_another_product_cannot_be_smuggled_in(db, staff, shop, bird):
    other = factories.variant(db, shop, price_minor=500)
    db.commit()
    answer = staff.post(f"{BASE}/{bird.id}", data=form(**{"variants.0.id": str(other.id), "variants.0.sku": "X"}))
    assert answer.status_code == 404
    assert db.scalar(select(Variant.price_minor).where(Variant.id == other.id)) == 500


@pytest.mark.parametrize(("roles", "status"), [([], 403), (["assistant"], 403), (["host"], 200)])
def test_who_may_see_the_catalogue(db, browser, shop, roles, status):
    assert browser(factories.member(db, roles=[(role, shop) for role in roles])).get(BASE).status_code == status


def test_without_signing_in_one_is_sent_to_the_sign_in(client):
    answer = client.get(BASE)
    assert answer.status_code == 302 and "/sign-in" in answer.location


def count(staff, variant, number, seen, key=None):
    return staff.post(f"{BASE}/variants/{variant.id}/count", follow_redirects=True, data={
        "key": key or str(uuid.uuid4()), "seen": seen, "on_hand": number, "note": "counted"})


def test_a_count_is_written_into_the_history(db, staff, bird, ana):
    page = count(staff, bird.variants[0], "30", 12)
    assert "84879: 30 on hand." in words(page)
    row = queries.stock_history(db, [bird.variants[0].id])[0]
    assert (row.move.delta, row.after, row.by, row.move.note) == (18, 30, ana.name, "counted")
    assert "+18" in words(staff.get(f"{BASE}/{bird.id}/history"))


def test_a_count_on_a_page_that_is_old_is_refused_and_sent_twice_counts_once(db, staff, bird):
    variant, key = bird.variants[0], str(uuid.uuid4())
    for _ in range(2):
        count(staff, variant, "30", 12, key)
    assert variants(db, bird)[0].on_hand == 30
    assert "The stock changed while you looked at it." in words(count(staff, variant, "5", 12, key))
    assert variants(db, bird)[0].on_hand == 30


@pytest.mark.parametrize("number", ["", "-1", "1.5", "NaN", "1e3", "99999999999999999999"])
def test_a_count_that_is_no_number_is_refused(db, staff, bird, number):
    assert "alert" in count(staff, bird.variants[0], number, 12).get_data(as_text=True)
    assert variants(db, bird)[0].on_hand == 12


def test_archive_and_restore(db, staff, bird):
    staff.post(f"{BASE}/{bird.id}/archive")
    assert "Bird ornament" not in words(staff.get(BASE)).replace("Bird ornament is in the archive now.", "")
    assert "Bird ornament" in words(staff.get(f"{BASE}?archived=1"))
    staff.post(f"{BASE}/{bird.id}/restore")
    assert "Bird ornament" in words(staff.get(f"{BASE}?q=bird"))


def test_the_last_variant_cannot_leave_and_a_second_can(db, staff, bird):
    refused = staff.post(f"{BASE}/variants/{bird.variants[0].id}/archive", follow_redirects=True)
    assert "A product keeps one variant at least." in words(refused)
    extra = actions.add_variant(db, bird, "GBP", sku="EXTRA", price_minor=100)
    db.commit()
    staff.post(f"{BASE}/variants/{extra.id}/archive")
    assert [each.archived_at is None for each in variants(db, bird)] == [True, False]


@pytest.mark.parametrize("query", ["?page=0", "?page=-1", "?page=x", "?page=99999999999999999999", "?q=%00", "?low=1",
                                   "?category=%27%3B--", "?archived=1&q=a+b+c"])
def test_the_list_takes_any_address(staff, bird, query):
    assert staff.get(BASE + query).status_code == 200


def test_a_name_is_text_wherever_it_stands(db, staff, shop):
    actions.create_product(db, shop, name="<script>alert(1)</script>", category="<i>", variants=[
        {"sku": "X", "price_minor": 100}])
    db.commit()
    assert "<script>alert(1)" not in staff.get(BASE).get_data(as_text=True)


def test_an_upload_without_a_file_is_refused(staff, bird):
    page = staff.post(f"{BASE}/{bird.id}/picture", data={}, follow_redirects=True)
    assert "Choose a picture first." in words(page)
    page = staff.post(f"{BASE}/imports", data={"file": (io.BytesIO(b""), "")})
    assert page.status_code == 422 and "Choose a file first." in words(page)
