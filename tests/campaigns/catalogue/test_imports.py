"""An import: what the preview shows is what is applied, all together or not at all, once."""
import csv
import io
from pathlib import Path

import pytest
from sqlalchemy import func, select

from campaigns.catalogue import actions, imports, jobs, queries, ticks
from campaigns.catalogue.models import Import, PriceRecord, Product, StockMove, Variant
from core import jobs as core_jobs
from core.db import transaction
from tests import factories
from tests.campaigns.catalogue.conftest import words

BASE = "/studio/catalogue"
DEMO = Path(__file__).resolve().parents[3] / "demo" / "data" / "basket_lines.csv"
SMALL = b"sku,name,price,stock,category\nMUG,Mug,5.00,10,Kitchen\nCUP,Cup,3.00,20,Kitchen\n"


@pytest.fixture
def begin(db, shop, ana):
    """begin(data, **options) → the import, read by the job."""
    def start(data, **options) -> Import:
        row = imports.start_import(db, shop, ana, "file.csv", data, **options)
        db.commit()
        jobs.read_import(str(row.id))
        return again(db, row)
    return start


@pytest.fixture
def run(db, begin):
    """run(data) → the import after the person applied it and the job did it."""
    def through(data, **options) -> Import:
        return apply(db, begin(data, **options))
    return through


def again(db, row) -> Import:
    db.commit()
    db.refresh(row, ["state", "progress", "total", "preview", "error", "tries"])
    return row


def apply(db, row) -> Import:
    imports.ask_apply(db, row)
    db.commit()
    jobs.apply_import(str(row.id))
    return again(db, row)


def counts(row) -> dict:
    """What the preview counts, without what is not there."""
    return {name: count for name, count in row.preview["counts"].items() if count}


def stock(db) -> dict:
    return dict(db.execute(select(Variant.sku, Variant.on_hand)).all())


def books(db) -> tuple:
    """Everything an import may write, in numbers."""
    db.rollback()
    sums = [db.scalar(select(func.count()).select_from(table)) for table in (Product, Variant, StockMove, PriceRecord)]
    return (*sums, db.scalar(select(func.coalesce(func.sum(Variant.on_hand), 0))),
            db.scalar(select(func.coalesce(func.sum(Variant.price_minor), 0))))


def test_reading_changes_nothing_and_says_what_would(db, begin):
    row = begin(SMALL)
    assert row.state == "preview" and books(db)[0] == 0
    assert counts(row) == {"new": 2, "products": 2}
    assert [each["sku"] for each in row.preview["new"]] == ["MUG", "CUP"]


def test_applying_writes_products_prices_and_stock_together(db, run):
    row = run(SMALL)
    assert (row.state, row.progress, row.total) == ("done", 2, 2)
    assert stock(db) == {"MUG": 10, "CUP": 20}
    variant = db.scalars(select(Variant).where(Variant.sku == "MUG")).one()
    assert variant.product.category == "Kitchen"
    assert [each.price_minor for each in queries.price_history(db, [variant.id])] == [500]
    move = queries.stock_history(db, [variant.id])[0]
    assert (move.move.reason, move.after, move.move.note) == ("import", 10, "file.csv")


def test_the_real_file_goes_in_whole_and_a_second_time_changes_nothing(db, run, begin):
    run(DEMO.read_bytes(), start_stock=7)
    first = books(db)
    assert first[:4] == (447, 447, 447, 447) and first[4] == 447 * 7
    row = begin(DEMO.read_bytes(), start_stock=7)
    assert row.preview["counts"]["unchanged"] == 447 and row.preview["counts"]["new"] == 0
    apply(db, row)
    assert books(db) == first


def test_the_job_may_run_again_and_the_person_may_press_twice(db, begin):
    row = apply(db, begin(SMALL))
    first = books(db)
    imports.ask_apply(db, row)
    db.commit()
    for _ in range(2):
        jobs.apply_import(str(row.id))
        jobs.read_import(str(row.id))
    assert books(db) == first and again(db, row).state == "done"


def test_changes_are_shown_from_old_to_new_and_recorded(db, begin, run):
    run(SMALL)
    row = begin(b"sku,name,price,stock,category\nMUG,Big mug,4.50,8,\nCUP,Cup,3.00,,Kitchen\n")
    (change,) = row.preview["changed"]
    assert change["fields"] == {"name": ["Mug", "Big mug"], "category": ["Kitchen", ""], "price_minor": [500, 450],
                                "on_hand": [10, 8]}
    assert row.preview["counts"]["unchanged"] == 1
    apply(db, row)
    assert stock(db) == {"MUG": 8, "CUP": 20}
    variant = db.scalars(select(Variant).where(Variant.sku == "MUG").execution_options(populate_existing=True)).one()
    assert [(each.price_minor, each.to_at is None) for each in queries.price_history(db, [variant.id])] == [
        (450, True), (500, False)]


def test_a_column_that_is_not_there_leaves_what_is(db, run):
    run(b"sku,name,price,stock,category,cost,description\nMUG,Mug,5,10,Kitchen,2,Blue\n")
    run(b"sku,name,price\nMUG,Mug,6\n")
    variant = db.scalars(select(Variant).execution_options(populate_existing=True)).one()
    assert (variant.price_minor, variant.on_hand, variant.cost_minor) == (600, 10, 200)
    assert (variant.product.category, variant.product.description) == ("Kitchen", "Blue")


def test_only_new_products_are_added_if_that_was_asked(db, run):
    run(SMALL)
    run(b"sku,name,price\nMUG,Other,9\nPOT,Pot,7\n", only_new=True)
    assert {sku: price for sku, price in db.execute(select(Variant.sku, Variant.price_minor))} == {
        "MUG": 500, "CUP": 300, "POT": 700}


def test_variants_join_their_product_in_the_files_order_or_later(db, run, begin):
    run(b"sku,name,price,option,variant_of\nL,,20,Large,S\nS,Lamp,10,Small,\nM,,15,Medium,s\n")
    product = db.scalars(select(Product)).one()
    assert [(each.sku, each.option) for each in product.variants] == [("S", "Small"), ("L", "Large"), ("M", "Medium")]
    run(b"sku,name,price,option,variant_of\nXL,,30,Huge,L\n")
    db.refresh(product)
    assert [each.sku for each in product.variants][-1] == "XL"
    row = begin(b"sku,name,price,variant_of\nX,,1,NOBODY\nM,,15,MUG\n")
    assert [(each["sku"], each["code"]) for each in row.preview["rejected"]] == [("X", "variant_of"), ("M", "moves")]


def test_an_archived_product_is_not_brought_back_behind_your_back(db, run, begin):
    run(SMALL)
    actions.archive_product(db, db.scalars(select(Product).where(Product.name == "Mug")).one())
    row = begin(SMALL)
    assert [(each["sku"], each["code"]) for each in row.preview["rejected"]] == [("MUG", "archived")]


def test_a_failure_in_the_middle_leaves_nothing(db, begin, monkeypatch):
    row = begin(DEMO.read_bytes(), start_stock=5)
    before = books(db)
    imports.ask_apply(db, row)
    db.commit()
    real, calls = imports._open_prices, []

    def breaks(*args):
        calls.append(1)
        if len(calls) == 1:
            return real(*args)
        raise RuntimeError("the power went")
    monkeypatch.setattr(imports, "_open_prices", breaks)
    monkeypatch.setattr(imports, "CHUNK", 100)
    with pytest.raises(RuntimeError):
        jobs.apply_import(str(row.id))
    assert books(db) == before and again(db, row).state == "applying"
    monkeypatch.undo()
    jobs.apply_import(str(row.id))
    assert books(db)[1] == 447 and again(db, row).state == "done"


def test_what_changed_after_the_preview_is_shown_again_before_it_is_written(db, shop, begin):
    row = begin(SMALL)
    actions.create_product(db, shop, name="Mug of Ana", variants=[{"sku": "MUG", "price_minor": 700}])
    db.commit()
    row = apply(db, row)
    assert (row.state, row.error) == ("preview", "changed")
    assert row.preview["counts"]["changed"] == 1 and stock(db) == {"MUG": 0}
    assert apply(db, row).state == "done" and stock(db) == {"MUG": 10, "CUP": 20}


def test_another_shops_skus_are_another_matter(db, run):
    other = factories.merchant(db)
    actions.create_product(db, other, name="Theirs", variants=[{"sku": "MUG", "price_minor": 1}])
    db.commit()
    run(SMALL)
    assert db.scalar(select(Variant.price_minor).where(Variant.merchant_id == other.id)) == 1
    assert db.scalar(select(func.count()).select_from(Variant)) == 3


def test_a_file_that_kills_its_job_is_given_up_after_some_tries(db, begin, monkeypatch, empty):
    row = begin(SMALL)
    imports.ask_apply(db, row)
    db.commit()

    def dies(*_args):
        raise MemoryError
    monkeypatch.setattr(imports, "apply", dies)
    for _ in range(jobs.MAX_TRIES):
        with pytest.raises(MemoryError):
            jobs.apply_import(str(row.id))
    jobs.apply_import(str(row.id))
    assert again(db, row).state == "failed" and books(db)[0] == 0


def test_two_workers_at_one_import_do_it_once(db, begin):
    row = begin(SMALL)
    imports.ask_apply(db, row)
    db.commit()
    with transaction() as other:
        assert imports.lock_import(other, row.id)
        jobs.apply_import(str(row.id))  # somebody is at it
        assert again(db, row).state == "applying" and row.tries == 0
    jobs.apply_import(str(row.id))
    assert again(db, row).state == "done"


def test_without_redis_the_tick_does_what_is_due(db, shop, ana, monkeypatch):
    row = imports.start_import(db, shop, ana, "file.csv", SMALL)
    db.commit()
    monkeypatch.setattr(core_jobs, "enqueue", lambda *_args, **_options: False)
    ticks.pick_up_imports()
    assert again(db, row).state == "reading"  # a worker may still come
    monkeypatch.setattr(ticks, "ASK_AGAIN_SECONDS", 0)
    ticks.pick_up_imports()
    assert again(db, row).state == "preview"


# -- Pages

def upload(staff, data: bytes, name="goods.csv", **fields):
    return staff.post(f"{BASE}/imports", data={"file": (io.BytesIO(data), name), **fields})


def import_of(db) -> Import:
    db.rollback()
    return db.scalars(select(Import).order_by(Import.created_at.desc()).limit(1)).one()


def test_the_whole_way_through_the_pages(db, staff):
    answer = upload(staff, DEMO.read_bytes(), start_stock="12")
    row = import_of(db)
    assert answer.location == f"{BASE}/imports/{row.id}"
    assert "We are reading the file" in words(staff.get(answer.location))
    state = staff.get(f"{answer.location}.json").get_json()
    assert state["state"] == "reading" and state["total"] > 3000
    jobs.read_import(str(row.id))
    page = words(staff.get(answer.location))
    assert "Nothing has changed yet." in page and "New 447" in page and "Postage" in page
    staff.post(f"{answer.location}/apply")
    assert "We are writing the products" in words(staff.get(answer.location))
    jobs.apply_import(str(row.id))
    assert "447 new variants" in words(staff.get(answer.location))
    assert stock(db)["22423"] == 12


def test_a_wrong_header_is_named_at_once(db, staff):
    page = upload(staff, b"sku,name,prise\nA,B,1\n")
    assert page.status_code == 422
    assert 'We do not know the column &#34;prise&#34;. Did you mean &#34;price&#34;?' in words(page)
    assert db.scalar(select(func.count()).select_from(Import)) == 0


@pytest.mark.parametrize("start_stock", ["-1", "1.5", "NaN", "99999999999"])
def test_a_start_stock_that_cannot_be_is_refused(db, staff, start_stock):
    assert upload(staff, SMALL, start_stock=start_stock).status_code == 422
    assert db.scalar(select(func.count()).select_from(Import)) == 0


def test_refused_lines_can_be_downloaded_and_open_safely(db, staff):
    upload(staff, b'sku,name,price\n"=cmd|calc",Mug,1\nA,Mug,free\nOK,Cup,1\n')
    row = import_of(db)
    jobs.read_import(str(row.id))
    page = words(staff.get(f"{BASE}/imports/{row.id}"))
    assert "Refused lines 2" in page and "&#34;free&#34; is no amount" in page
    answer = staff.get(f"{BASE}/imports/{row.id}/rejected.csv")
    rows = list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))
    assert rows[1][:2] == ["2", "'=cmd|calc"] and rows[2][:2] == ["3", "A"]
    assert "attachment" in answer.headers["Content-Disposition"]


def test_an_import_is_dropped_and_then_stays_dropped(db, staff):
    upload(staff, SMALL)
    row = import_of(db)
    jobs.read_import(str(row.id))
    staff.post(f"{BASE}/imports/{row.id}/drop")
    staff.post(f"{BASE}/imports/{row.id}/apply")
    jobs.apply_import(str(row.id))
    assert import_of(db).state == "dropped" and books(db)[0] == 0


def test_another_shops_import_is_not_found(db, staff, browser):
    upload(staff, SMALL)
    row = import_of(db)
    stranger = browser(factories.member(db, roles=[("merchant_staff", factories.merchant(db))]))
    for path in ("", ".json", "/rejected.csv"):
        assert stranger.get(f"{BASE}/imports/{row.id}{path}").status_code == 404
    for path in ("/apply", "/drop"):
        assert stranger.post(f"{BASE}/imports/{row.id}{path}").status_code == 404
    assert import_of(db).state == "reading"


def test_what_is_exported_goes_in_again_unchanged(db, shop, staff, begin):
    actions.create_product(db, shop, name="=2+2 mug", category="-", description='Says "hi",\nloudly', variants=[
        {"sku": "M-1", "price_minor": 500, "option": "@home", "on_hand": 3},
        {"sku": "M-2", "price_minor": 600, "option": "", "cost_minor": 250}])
    actions.create_product(db, shop, name="'Quoted", variants=[{"sku": "Q", "price_minor": 1}])
    db.commit()
    answer = staff.get(f"{BASE}/export.csv")
    text = answer.get_data(as_text=True)
    cells = [cell for line in csv.reader(io.StringIO(text.lstrip("\ufeff"))) for cell in line if cell]
    assert "'=2+2 mug" in cells and not [cell for cell in cells if cell[0] in "=+-@"]
    assert counts(begin(answer.data)) == {"unchanged": 3}


def test_the_template_is_what_we_read(db, staff, begin):
    row = begin(staff.get(f"{BASE}/template.csv").data)
    assert row.preview["counts"]["new"] == 3 and row.preview["counts"]["rejected"] == 0
