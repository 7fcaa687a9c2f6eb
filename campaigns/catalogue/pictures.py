"""Uploaded pictures: checked, turned upright, made small, stripped of everything but the picture."""
import hashlib
import io
import threading

import gevent
from flask_babel import gettext as _
from gevent import monkey
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from campaigns.catalogue.models import Picture, Product, Variant
from core.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF")
ACCEPT = "image/jpeg,image/png,image/webp,image/avif"
# A phone's largest picture is about 8 MB; the whole request may be 16 MB (core/web.py).
MAX_BYTES = 10 * 2**20
# 50 megapixels unpack to 200 MB at most; a file of 1 MB can claim 30,000 × 30,000 (a "decompression bomb").
MAX_PIXELS = 50_000_000
# The largest place for a product is 600 CSS pixels wide, on a screen of two pixels each.
MAX_SIDE = 1200
QUALITY = 82
# Two at a time bounds the memory, whatever is thrown at the page.
_slots = threading.BoundedSemaphore(2)


def small_webp(data: bytes) -> bytes:
    """The picture as WebP of at most 1200 × 1200, in sRGB, without metadata. Raises Invalid with `picture`.

    Decoding lets go of the interpreter, so under gevent it runs on the hub's threads and sockets go on.
    """
    if len(data) > MAX_BYTES:
        raise _bad(_("The picture is larger than %(most)s MB.", most=MAX_BYTES // 2**20))
    with _slots:
        if monkey.is_module_patched("threading"):
            made = gevent.get_hub().threadpool.apply(_convert, (data,))
        else:
            made = _convert(data)
    if made == "format":
        raise _bad(_("We read JPEG, PNG, WebP and AVIF. This file is something else, or it is broken."))
    if made == "pixels":
        raise _bad(_("The picture has more than %(most)s million pixels.", most=MAX_PIXELS // 1_000_000))
    return made


def _bad(sentence: str) -> Invalid:
    return Invalid(fields={"picture": [sentence]})


def _convert(data: bytes) -> bytes | str:
    # No gettext in here: another thread has no request.
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return "pixels"
            # JPEG unpacks straight to a half, a quarter or an eighth; nothing for the other formats.
            picture.draft("RGB", (MAX_SIDE, MAX_SIDE))
            upright = ImageOps.exif_transpose(picture)
            plain = _srgb(upright, picture.info.get("icc_profile"))
            plain.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
            out = io.BytesIO()
            plain.save(out, "WEBP", quality=QUALITY, method=4, exif=b"", icc_profile=b"", xmp=b"")
            return out.getvalue()
    except Image.DecompressionBombError:
        return "pixels"
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError):  # what Pillow raises
        return "format"


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB or RGBA; colours of another space (phones write Display P3) are converted before their profile is dropped."""
    see_through = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
    plain = picture.convert("RGBA" if see_through else "RGB")
    if profile and picture.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(plain, source, ImageCms.createProfile("sRGB"), outputMode=plain.mode)
        except (ImageCms.PyCMSError, OSError):
            pass  # a broken profile: the numbers are taken as sRGB
    return plain


def keep(db, merchant_id, webp: bytes) -> Picture:
    """The merchant's picture with this content, kept once."""
    digest = hashlib.sha256(webp).hexdigest()
    db.execute(insert(Picture).values(merchant_id=merchant_id, sha256=digest, media_type="image/webp", data=webp)
               .on_conflict_do_nothing(index_elements=["merchant_id", "sha256"]))
    return db.scalars(select(Picture).where(Picture.merchant_id == merchant_id, Picture.sha256 == digest)).one()


def show_on(db, thing: Product | Variant, webp: bytes | None) -> None:
    """Give a product or variant this picture; None takes it away."""
    thing.picture_id = keep(db, thing.merchant_id, webp).id if webp else None
    db.flush()
