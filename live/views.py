"""Public pages: all sales, and the show in each of its states."""
import uuid

from flask import Blueprint, Response, current_app, g, jsonify, render_template, request

from core import clock
from core.db import reading
from live import doors, snapshot
from live.show import calendar, clockwork, queries
from live.show.models import LiveSession
from live.video.queries import film_origins
from members.access import public

live = Blueprint("live", __name__)
# What is shown in which state; a rehearsal is a live page for staff, and they alone see that state.
PAGES = {"scheduled": "waiting", "cancelled": "waiting", "rehearsal": "watch", "live": "watch", "paused": "watch",
         "ended": "ended"}


@live.get("/")
@public
def home():
    with reading() as db:
        return render_template("live/home.html", home=queries.home(db, g.get("member"), _category()))


@live.get("/api/home")
@public
def home_json():
    with reading() as db:
        return jsonify(queries.home(db, g.get("member"), _category()))


def _category() -> str:
    return request.args.get("category", "")[:80]


@live.get("/live/<uuid:live_id>")
@public
def watch(live_id: uuid.UUID):
    shown = snapshot.cached_snapshot(live_id, g.get("member"))
    page = PAGES[shown["show"]["state"]]
    with reading() as db:
        count = queries.reminder_count(db, live_id) if page == "waiting" else 0
        g.film_origins = film_origins(current_app.config["LIVESTALL"], db, live_id)
    return render_template(f"live/{page}.html", snapshot=shown, reminder_count=count)


@live.get("/live/<uuid:live_id>.ics")
@public
def ics(live_id: uuid.UUID):
    doors.enter(live_id, g.get("member"))
    with reading() as db:
        show = db.get(LiveSession, live_id)
    url = clockwork.address(show)
    text = calendar.entry(uid=f"{show.id}@livestall", title=show.title, text=show.description, url=url,
                          starts_at=show.starts_at, stamp=clock.now(), rev=show.rev,
                          length=show.ended_at - show.started_at if show.ended_at and show.started_at else None,
                          cancelled=show.state == "cancelled")
    return Response(text, content_type="text/calendar; charset=utf-8",
                    headers={"Content-Disposition": f'attachment; filename="livestall-{show.starts_at:%Y-%m-%d}.ics"'})
