"""Where short addresses lead, and their QR codes."""
import uuid
from urllib.parse import urlencode

import structlog
from flask import Blueprint, Response, current_app, g, redirect, render_template, request
from sqlalchemy.exc import SQLAlchemyError

from affiliates.links import actions, queries, visitors
from affiliates.links.counting import host_of, is_click, utm_of
from affiliates.links.qr import qr
from affiliates.people.queries import access_own, standings
from core.db import reading, transaction
from core.errors import NotFound
from members.access import public, signed_in

log = structlog.get_logger("links")
links = Blueprint("affiliate_links", __name__)


def address_of(code: str) -> str:
    """The short address that is shared, printed and scanned."""
    return f"{current_app.config['LIVESTALL'].base_url}/r/{code}"


@links.get("/r/<code>")
@public
def land(code):
    """Count the coming and go on to what the link is for; who follows a dead link is led to the shop."""
    with reading() as db:
        link = queries.link_by_code(db, code) if len(code) <= 16 else None
        target = queries.target_of(db, link) if link else "/"
        counts = link is not None and link.closed_at is None and _earns(db, link)
    if not counts:
        return _dead_end(target, 410 if link else 404)
    utm = utm_of(request.args)
    response = redirect(f"{target}?{urlencode(utm)}" if utm else target, 302)
    response.headers["Cache-Control"] = "no-store"  # each coming reaches us
    response.headers["X-Robots-Tag"] = "noindex"
    return _count(link, utm, response) if is_click(request.method, request.headers) else response


def _earns(db, link) -> bool:
    return standings(db, link.merchant_id, [link.affiliate_id])[link.affiliate_id].earns


def _count(link, utm: dict, response):
    visitor = visitors.current() or uuid.uuid4()
    try:
        with transaction() as db:
            actions.record_click(db, link, visitor, member_id=g.member.id if g.member else None, utm=utm,
                                 referrer=host_of(request.referrer))
    except SQLAlchemyError as error:  # the person goes on all the same
        log.error("click not counted", link=str(link.id), error=str(error).splitlines()[0])
        return response
    return visitors.keep(response, visitor)


def _dead_end(target: str, status: int):
    """A page in friendly words that goes on by itself after 5 s."""
    return render_template("affiliates/link_over.html", target=target), status, {"X-Robots-Tag": "noindex"}


@links.get("/affiliate/links/<uuid:link_id>/qr.<kind>")
@signed_in
def code(link_id, kind):
    """The affiliate's own link as a picture to print or show."""
    if kind not in ("svg", "png"):
        raise NotFound
    with reading() as db:
        link = queries.access_link(db, link_id, access_own(db, g.member).id)
    data, media_type = qr(address_of(link.code), kind)
    name = f"livestall-{link.code}.{kind}"
    where = "attachment" if "download" in request.args else "inline"
    return Response(data, mimetype=media_type, headers={"Content-Disposition": f'{where}; filename="{name}"'})
