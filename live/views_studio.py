"""Pages for a merchant's people: the list of shows, the plan, the control page, the report."""
import uuid

from flask import Response, current_app, flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _

from campaigns.catalogue import pictures
from core import clock
from core.db import reading, transaction
from core.errors import Invalid
from core.web import body, check
from live import report as reports
from live import snapshot, staff_view
from live.show import actions, clockwork, control, forms, plan, queries
from live.show.state import big_state
from live.video.queries import film_origins
from live.views import live
from live.views_api import fresh
from members.access import staff
from members.forms import page_with_form
from members.queries import current_merchant

HOTKEYS = {"next": "N", "start_sale": "S", "stop_sale": "X", "extend_sale": "E", "restock": "R", "pause": "P",
           "undo": "Z", "pin": "I", "put_on_air": "A", "notice": "M"}


def _shows_page(errors, message, values):
    with reading() as db:
        merchant = current_merchant(db, "shows")
        campaigns = queries.campaigns_for_shows(db, merchant.id)
        return render_template("live/shows.html", merchant=merchant, shows=queries.shows_of(db, merchant.id),
                               campaigns=campaigns, errors=errors, message=message, values=values,
                               campaign_choices=[(one.id, one.name or _("Without a name")) for one in campaigns])


@live.get("/studio")
@staff("shows")
def studio():
    return redirect(url_for("live.shows"))


@live.get("/studio/shows")
@staff("shows")
def shows():
    """The list; `?campaign=` goes to the coming show of that campaign, or asks for the first one of it."""
    campaign_id = request.args.get("campaign", type=uuid.UUID)
    if campaign_id is None:
        return _shows_page({}, "", {})
    with reading() as db:
        show = queries.coming_show(db, current_merchant(db, "shows").id, campaign_id)
    if show:
        return redirect(url_for("live.plan", live_id=show.id))
    return _shows_page({}, "", {"campaign_id": campaign_id})


@live.post("/studio/shows")
@staff("shows")
@page_with_form(_shows_page)
def schedule():
    with transaction() as db:
        merchant = current_merchant(db, "shows")
        show = actions.schedule(db, merchant, body(forms.ScheduleIn), g.member)
    return redirect(url_for("live.plan", live_id=show.id))


@live.get("/studio/shows/<uuid:live_id>", endpoint="plan")
@staff("shows")
def plan_page(live_id: uuid.UUID):
    with reading() as db:
        return render_template("live/plan.html", **plan.page(db, queries.access_show(db, live_id)))



@live.post("/api/shows/<uuid:live_id>")
@staff("shows")
def save_plan(live_id: uuid.UUID):
    """The whole plan in one request: what the show is, its people, its run."""
    data = body(forms.PlanIn)
    with transaction() as db:
        queries.access_show(db, live_id)
        show = control.lock_show(db, live_id)
        actions.edit(db, show, data)
        actions.set_assistants(db, show, data["assistants"])
        actions.save_run(db, show, data["items"])
        answer = plan.saved(db, show)
    control.forget(live_id)
    return fresh({"ok": True, **answer})


@live.post("/studio/shows/<uuid:live_id>/cover")
@staff("shows")
def cover(live_id: uuid.UUID):
    with reading() as db:
        queries.access_show(db, live_id)
    file = request.files.get("picture")
    data = pictures.small_webp(file.read(pictures.MAX_BYTES + 1)) if file and file.filename else None
    if data is None and not check(forms.CoverIn, request.form.to_dict())["remove"]:
        raise Invalid(fields={"picture": [_("Choose a picture first.")]})
    with transaction() as db:
        show = control.lock_show(db, live_id)
        actions.set_cover(db, show, pictures.keep(db, show.merchant_id, data).id if data else None)
    control.forget(live_id)
    flash(_("The cover was saved.") if data else _("The cover was taken away."), "ok")
    return redirect(url_for("live.plan", live_id=live_id))


@live.post("/studio/shows/<uuid:live_id>/cancel")
@staff("shows")
def cancel(live_id: uuid.UUID):
    with transaction() as db:
        queries.access_show(db, live_id, "show.end")
        actions.cancel(db, control.lock_show(db, live_id))
    control.forget(live_id)
    flash(_("The show was called off."), "ok")
    return redirect(url_for("live.shows"))


@live.get("/studio/shows/<uuid:live_id>/control", endpoint="control")
@staff("show.run")
def control_page(live_id: uuid.UUID):
    with reading() as db:
        show = queries.access_show(db, live_id, "show.run")
        if show.state == "cancelled":
            return redirect(url_for("live.plan", live_id=live_id))
        shown = snapshot.snapshot(db, live_id, g.member)
        own = staff_view.staff_snapshot(db, live_id, g.member)
        extra = plan.control_extra(db, show)
        g.film_origins = film_origins(current_app.config["LIVESTALL"], db, live_id)
    state = big_state(shown["show"], shown["offers"], clock.now())
    return render_template("live/control.html", snapshot=shown, staff=own, big_state=state, hotkeys=HOTKEYS,
                           end_word=_("END"), watch_url=clockwork.address(show), **extra)



@live.get("/studio/shows/<uuid:live_id>/report")
@staff("shows")
def report(live_id: uuid.UUID):
    with reading() as db:
        show = queries.access_show(db, live_id)
        found = reports.of(db, show)
    return render_template("live/report.html", show=show, report=found, data=reports.page_data(show, found))


@live.get("/studio/shows/<uuid:live_id>/report.csv")
@staff("shows")
def report_csv(live_id: uuid.UUID):
    with reading() as db:
        show = queries.access_show(db, live_id)
        text = reports.csv_of(db, show)
    name = f"livestall-show-{show.starts_at:%Y-%m-%d}.csv"
    return Response(text, content_type="text/csv; charset=utf-8",
                    headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"})
