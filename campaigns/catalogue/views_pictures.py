"""Pictures and tiles of products: public, cached long, inert."""
from flask import Blueprint, make_response, request

from campaigns.catalogue import queries
from campaigns.catalogue.art import drawn
from core.db import reading
from core.tiles import tile_svg
from members.access import public

pictures = Blueprint("pictures", __name__)
# A picture's address is its content, so it never changes; a tile follows the product's name within a day.
FOREVER, DAY = "public, max-age=31536000, immutable", "public, max-age=86400, stale-while-revalidate=604800"


@pictures.get("/pictures/<uuid:picture_id>")
@public
def picture(picture_id):
    with reading() as db:
        row = queries.picture(db, picture_id)
    return _inert(row.data, row.media_type, FOREVER, row.sha256)


@pictures.get("/tiles/<uuid:variant_id>.svg")
@public
def tile(variant_id):
    with reading() as db:
        sku, name, category = queries.tile_words(db, variant_id)
    svg = drawn(sku, name) or tile_svg(name, sku, category)
    return _inert(svg.encode(), "image/svg+xml", DAY)


def _inert(data: bytes, media_type: str, caching: str, etag: str = ""):
    """Opened by itself, an SVG is a page: this one may load and run nothing."""
    answer = make_response(data)
    answer.mimetype = media_type
    answer.headers["Cache-Control"] = caching
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if etag:
        answer.set_etag(etag)
    else:
        answer.add_etag()
    return answer.make_conditional(request)
