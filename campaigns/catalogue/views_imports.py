"""Pages of an import: upload, preview with progress, apply or drop, refused lines as a file."""
from flask import flash, g, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext as _

from campaigns.catalogue import csv_export, csv_words, imports, jobs, queries, schemas
from campaigns.catalogue.models import Import
from campaigns.catalogue.views import RIGHT, catalogue, my_ids
from core.db import reading, transaction
from core.errors import DomainError, Invalid
from core.web import check
from members.access import require, staff
from members.forms import page_with_form
from members.queries import current_merchant


def import_of(db, import_id) -> Import:
    row = queries.access_import(db, import_id, my_ids(db))
    require(RIGHT, row.merchant_id)
    return row


def _upload_page(errors, message, values):
    with reading() as db:
        merchant = current_merchant(db, RIGHT)
        return render_template("catalogue/imports.html", merchant=merchant, errors=errors, message=message,
                               values=values, recent=queries.recent_imports(db, merchant.id))


@catalogue.route("/imports", methods=["GET", "POST"])
@staff(RIGHT)
@page_with_form(_upload_page)
def new_import():
    given = check(schemas.UploadIn, {name: value for name, value in request.form.items() if name != "csrf_token"})
    start_stock = schemas.count(given["start_stock"] or "0", "start_stock")
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid(fields={"file": [_("Choose a file first.")]})
    with transaction() as db:
        row = imports.start_import(db, current_merchant(db, RIGHT), g.member, file.filename, file.read(),
                                   start_stock=start_stock, only_new=given["only_new"])
    jobs.enqueue(row)
    return redirect(url_for("catalogue.show_import", import_id=row.id))


@catalogue.get("/imports/<uuid:import_id>")
@staff(RIGHT)
def show_import(import_id):
    with reading() as db:
        row = import_of(db, import_id)
        return render_template("catalogue/import.html", row=row, preview=row.preview, words=csv_words,
                               shown=_shown_rejected(row), sample=imports.SAMPLE)


def _shown_rejected(row: Import) -> list[dict]:
    rejected = (row.preview or {}).get("rejected", [])
    return [{**each, "reason": csv_words.reason(each["code"], each["data"])} for each in rejected[:imports.SAMPLE]]


@catalogue.get("/imports/<uuid:import_id>.json")
@staff(RIGHT)
def import_state(import_id):
    with reading() as db:
        row = import_of(db, import_id)
    return jsonify(state=row.state, progress=row.progress, total=row.total)


@catalogue.get("/imports/<uuid:import_id>/rejected.csv")
@staff(RIGHT)
def rejected(import_id):
    with reading() as db:
        found = (import_of(db, import_id).preview or {}).get("rejected", [])
    lines = [[_("Line"), _("SKU"), _("Reason")]]
    lines += [[str(each["line"]), each["sku"], csv_words.reason(each["code"], each["data"])] for each in found]
    return csv_export.csv_file(lines, "rejected-lines.csv")


@catalogue.post("/imports/<uuid:import_id>/apply")
@staff(RIGHT)
def apply_import(import_id):
    return _next_step(import_id, imports.ask_apply)


@catalogue.post("/imports/<uuid:import_id>/drop")
@staff(RIGHT)
def drop_import(import_id):
    return _next_step(import_id, imports.drop)


def _next_step(import_id, step):
    with transaction() as db:
        row = import_of(db, import_id)
        try:
            step(db, row)
        except DomainError as refusal:
            flash(str(refusal.message), "error")
    if row.state == "applying":
        jobs.enqueue(row)
    if row.state == "dropped":
        flash(_("The import is dropped. Nothing was changed."), "ok")
        return redirect(url_for("catalogue.new_import"))
    return redirect(url_for("catalogue.show_import", import_id=import_id))
