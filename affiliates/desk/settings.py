"""The shop's terms for affiliates: who gets in, the notice of a cut, the days before a commission is payable."""
from flask import flash, g, redirect, render_template, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError, fields, post_load, validate
from sqlalchemy import select

from affiliates.commission.actions import set_hold_days
from affiliates.commission.models import HoldPeriod
from affiliates.desk import drafts
from affiliates.desk.doors import shop_desk
from affiliates.desk.inputs import Whole
from affiliates.people import actions
from affiliates.people.models import APPROVALS
from affiliates.people.queries import terms_of
from core.db import reading, transaction
from core.web import In, body
from members.access import staff
from members.forms import page_with_form
from members.queries import current_merchant


class ProgramIn(In):
    approval = fields.String(required=True, validate=validate.OneOf(APPROVALS))
    min_paid_orders = Whole(1, 1000, load_default=1)
    notice_days = Whole(0, 365, required=True)
    hold_days = Whole(0, 365, required=True)

    @post_load
    def nothing_left_out(self, data, **_more):
        for name, value in data.items():
            if value is None:
                raise ValidationError(_("Fill this in."), name)
        return data


class HoldDaysIn(In):
    category = fields.String(required=True, validate=validate.Length(1, 120))
    days = Whole(0, 365, required=True)


def _settings_page(errors, message, values):
    with reading() as db:
        shop = current_merchant(db, "affiliates")
        periods = db.scalars(select(HoldPeriod).where(HoldPeriod.merchant_id == shop.id).order_by(HoldPeriod.category))
        return render_template("affiliates/desk/settings.html", shop=shop, terms=terms_of(db, shop.id), errors=errors,
                               message=message, values=values, periods=list(periods),
                               categories=drafts.categories(db, shop.id))


@shop_desk.get("/settings")
@staff("affiliates")
def people_settings():
    return _settings_page({}, "", {})


@shop_desk.post("/settings")
@staff("affiliates")
@page_with_form(_settings_page)
def people_settings_save():
    given = body(ProgramIn)
    with transaction() as db:
        actions.set_program(db, current_merchant(db, "affiliates"), g.member, **given)
    flash(_("Saved. It holds for what comes from now on."), "ok")
    return redirect(url_for("affiliate_desk.people_settings"), 303)


@shop_desk.post("/settings/days")
@staff("affiliates")
@page_with_form(_settings_page)
def people_hold_days():
    given = body(HoldDaysIn)
    with transaction() as db:
        set_hold_days(db, current_merchant(db, "affiliates").id, given["category"].strip(), given["days"] or 0,
                      g.member)
    flash(_("Saved. It holds for what comes from now on."), "ok")
    return redirect(url_for("affiliate_desk.people_settings"), 303)
