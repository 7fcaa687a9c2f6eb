"""Pages of the catalogue: the list, a product, its stock and pictures."""
import uuid

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from campaigns.catalogue import actions, csv_export, pictures, queries, schemas
from campaigns.catalogue.cells import one_line, shown
from campaigns.catalogue.csv_catalogue import template
from core import clock
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.money import plain
from core.web import body, check, page_number
from members.access import require, staff
from members.forms import page_with_form
from members.models import Merchant
from members.queries import current_merchant, my_merchants

catalogue = Blueprint("catalogue", __name__, url_prefix="/studio/catalogue")
RIGHT = "catalogue"


def my_ids(db) -> set[uuid.UUID]:
    """The merchants whose catalogue the signed-in person may change."""
    return {merchant.id for merchant in my_merchants(db, RIGHT)}


def product_of(db, product_id):
    product = queries.access_product(db, product_id, my_ids(db))
    require(RIGHT, product.merchant_id)
    return product


def variant_of(db, variant_id):
    variant = queries.access_variant(db, variant_id, my_ids(db))
    require(RIGHT, variant.merchant_id)
    return variant


# -- The list --------------------------------------------------------------------------------------------------------

@catalogue.get("")
@staff(RIGHT)
def index():
    what = queries.Filter(q=one_line(request.args.get("q", ""))[:100], category=shown(request.args.get("category", "")),
                          low="low" in request.args, archived="archived" in request.args)
    with reading() as db:
        merchant = current_merchant(db, RIGHT)
        page = page_number()
        products, total = queries.products(db, merchant.id, what, page)
        return render_template("catalogue/index.html", merchant=merchant, products=products, total=total, page=page,
                               per_page=queries.PER_PAGE, what=what, low_stock=queries.LOW_STOCK,
                               low_count=queries.low_stock_count(db, merchant.id), picture_url=queries.picture_url,
                               categories=queries.categories(db, merchant.id, what), filter_url=_filter_url)


def _filter_url(**changes) -> str:
    """The list's address with other filters; the page starts over."""
    kept = {name: value for name, value in request.args.items() if name in ("q", "category", "low", "archived")}
    return url_for("catalogue.index", **{name: value for name, value in {**kept, **changes}.items() if value})


@catalogue.get("/export.csv")
@staff(RIGHT)
def export():
    with reading() as db:
        merchant = current_merchant(db, RIGHT)
        name = f"{merchant.slug}-catalogue-{clock.now():%Y-%m-%d}.csv"
        return csv_export.csv_file(csv_export.catalogue_lines(db, merchant.id), name)


@catalogue.get("/template.csv")
@staff(RIGHT)
def csv_template():
    with reading() as db:
        return csv_export.csv_file(template(current_merchant(db, RIGHT).currency), "livestall-catalogue.csv")


# -- A product -------------------------------------------------------------------------------------------------------

def _editor(errors, message, values, product_id=None):
    with reading() as db:
        product = product_of(db, product_id) if product_id else None
        merchant = db.get(Merchant, product.merchant_id) if product else current_merchant(db, RIGHT)
        rows = schemas.nested(values)["variants"] if values else _rows(product)
        shown = {variant.id: variant for variant in product.variants} if product else {}
        return render_template(
            "catalogue/product.html", merchant=merchant, product=product, errors=errors, message=message, values=values,
            rows=rows or [{}], variants={str(key): each for key, each in shown.items()},
            history=queries.stock_history(db, shown, 8) if product else [],
            key=values.get("key") or str(uuid.uuid4()), category_names=queries.category_names(db, merchant.id),
            picture_url=queries.picture_url, accept=pictures.ACCEPT)


def _rows(product) -> list[dict]:
    """The stored variants as the form's fields."""
    if product is None:
        return [{}]
    return [{"id": str(each.id), "sku": each.sku, "option": each.option,
             "price": plain(each.price_minor, each.currency),
             "cost": "" if each.cost_minor is None else plain(each.cost_minor, each.currency)}
            for each in product.variants if each.archived_at is None]


@catalogue.route("/new", methods=["GET", "POST"])
@staff(RIGHT)
@page_with_form(_editor)
def new():
    return _save(None)


@catalogue.route("/<uuid:product_id>", methods=["GET", "POST"])
@staff(RIGHT)
@page_with_form(_editor)
def product(product_id):
    return _save(product_id)


def _save(product_id):
    key, raw = _form_key()
    with transaction() as db:
        known = product_of(db, product_id) if product_id else None
        merchant = db.get(Merchant, known.merchant_id) if known else current_merchant(db, RIGHT)
        saved = actions.save_product(db, merchant, known, schemas.product(raw, merchant.currency), g.member, key)
    flash(_("%(name)s is saved.", name=saved.name), "ok")
    return redirect(url_for("catalogue.product", product_id=saved.id))


def _form_key() -> tuple[str, dict]:
    """The form's own key (its counts are made once, however often it is sent) and the rest of the form."""
    raw = schemas.nested(request.form)
    try:
        return f"form:{uuid.UUID(raw.pop('key', ''))}", raw
    except ValueError:
        raise Invalid(_("Please open the page again and repeat.")) from None


@catalogue.post("/<uuid:product_id>/archive")
@staff(RIGHT)
def archive(product_id):
    with transaction() as db:
        product = product_of(db, product_id)
        actions.archive_product(db, product)
    flash(_("%(name)s is in the archive now.", name=product.name), "ok")
    return redirect(url_for("catalogue.product", product_id=product_id))


@catalogue.post("/<uuid:product_id>/restore")
@staff(RIGHT)
def restore(product_id):
    with transaction() as db:
        product = product_of(db, product_id)
        actions.restore_product(db, product)
    flash(_("%(name)s is back in the catalogue.", name=product.name), "ok")
    return redirect(url_for("catalogue.product", product_id=product_id))


@catalogue.get("/<uuid:product_id>/history")
@staff(RIGHT)
def history(product_id):
    with reading() as db:
        product = product_of(db, product_id)
        ids = [variant.id for variant in product.variants]
        return render_template("catalogue/history.html", product=product, moves=queries.stock_history(db, ids),
                               prices=queries.price_history(db, ids), picture_url=queries.picture_url,
                               variants={variant.id: variant for variant in product.variants})


# -- What stands beside the form: counts, pictures, leaving -----------------------------------------------------------

@catalogue.post("/variants/<uuid:variant_id>/count")
@staff(RIGHT)
def count(variant_id):
    def work(db, variant):
        given = body(schemas.CountIn)
        number = schemas.count(given["on_hand"])
        # The numbers are part of the key: another count from the same page is another count.
        key = f"count:{given['key']}:{given['seen']}:{number}"
        actions.set_count(db, variant, number, key, g.member, given["seen"], one_line(given["note"]))
        flash(_("%(sku)s: %(n)s on hand.", sku=variant.sku, n=number), "ok")
    return _beside(variant_id, work)


@catalogue.post("/variants/<uuid:variant_id>/archive")
@staff(RIGHT)
def archive_variant(variant_id):
    def work(db, variant):
        actions.archive_variant(db, variant)
        flash(_("%(sku)s is in the archive now.", sku=variant.sku), "ok")
    return _beside(variant_id, work)


def _beside(variant_id, work):
    """Do something to a variant from a dialog of its product's page, then show that page with what came of it."""
    with transaction() as db:
        variant = variant_of(db, variant_id)
        product_id = variant.product_id
    try:
        with transaction() as db:
            work(db, variant_of(db, variant_id))
    except DomainError as refusal:
        sentences = [text for texts in refusal.body()["fields"].values() for text in texts]
        flash(" ".join(sentences) or str(refusal.message), "error")
    return redirect(url_for("catalogue.product", product_id=product_id))


@catalogue.post("/<uuid:product_id>/picture")
@staff(RIGHT)
def picture(product_id):
    given = check(schemas.PictureIn, {name: value for name, value in request.form.items() if name != "csrf_token"})
    with reading() as db:
        product_of(db, product_id)  # before the work of reading a picture
    try:
        webp = None if given["remove"] else _uploaded()
    except Invalid as refusal:
        flash(" ".join(refusal.fields["picture"]), "error")
        return redirect(url_for("catalogue.product", product_id=product_id))
    with transaction() as db:
        product = product_of(db, product_id)
        thing = next((each for each in product.variants if each.id == given["variant_id"]), product)
        pictures.show_on(db, thing, webp)
    flash(_("The picture is removed.") if webp is None else _("The picture is saved."), "ok")
    return redirect(url_for("catalogue.product", product_id=product_id))


def _uploaded() -> bytes:
    file = request.files.get("picture")
    if file is None or not file.filename:
        raise Invalid(fields={"picture": [_("Choose a picture first.")]})
    return pictures.small_webp(file.read(pictures.MAX_BYTES + 1))
