"""Uploaded pictures become small, plain WebP; what is no picture or too much is refused."""
import io
import struct
import zlib

import pytest
from PIL import Image, ImageCms
from sqlalchemy import func, select

from campaigns.catalogue import actions, pictures
from campaigns.catalogue.models import Picture
from core.errors import Invalid
from core.ids import new_id

BASE = "/studio/catalogue"


def encoded(kind="JPEG", size=(40, 30), mode="RGB", colour=(200, 30, 30), **options) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_every_format_becomes_webp(kind):
    made = opened(pictures.small_webp(encoded(kind)))
    assert (made.format, made.size) == ("WEBP", (40, 30))


@pytest.mark.parametrize(("size", "wanted"), [
    ((3000, 1500), (1200, 600)), ((1500, 3000), (600, 1200)), ((9, 7), (9, 7))])
def test_no_side_is_longer_than_1200_and_nothing_is_blown_up(size, wanted):
    assert opened(pictures.small_webp(encoded(size=size))).size == wanted


def test_where_and_with_what_it_was_taken_is_gone_and_it_stands_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    exif[0x010F] = "PHONE MAKER"
    exif.get_ifd(0x8825)[1] = "N"
    data = encoded(size=(40, 30), exif=exif)
    assert b"PHONE MAKER" in data
    webp = pictures.small_webp(data)
    made = opened(webp)
    assert made.size == (30, 40)
    assert b"PHONE MAKER" not in webp and not made.getexif() and "icc_profile" not in made.info


def test_what_is_see_through_stays_so():
    made = opened(pictures.small_webp(encoded("PNG", mode="RGBA", colour=(10, 20, 30, 0)))).convert("RGBA")
    assert made.getpixel((5, 5))[3] == 0


def test_another_colour_space_is_converted_not_dropped():
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = opened(pictures.small_webp(encoded(icc_profile=lab, quality=95))).convert("RGB")
    assert all(abs(a - b) < 12 for a, b in zip(plain.getpixel((5, 5)), (200, 30, 30), strict=True))
    opened(pictures.small_webp(encoded(icc_profile=b"broken")))  # a broken profile harms nobody


def bomb(width=30_000, height=30_000) -> bytes:
    """A PNG of 100 bytes that claims to be 900 megapixels."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("data", [
    b"", b"not a picture", SVG, b"GIF89a" + b"\0" * 50, encoded("BMP"), encoded("GIF"), encoded()[:200], bomb(),
    bomb(10_000, 6_000), b"\xff\xd8" + b"\0" * (pictures.MAX_BYTES)],
    ids=["nothing", "text", "svg", "gif", "bmp", "real gif", "cut off", "bomb", "60 megapixels", "too many bytes"])
def test_what_is_no_picture_or_too_much_is_refused(data):
    with pytest.raises(Invalid) as refusal:
        pictures.small_webp(data)
    assert list(refusal.value.fields) == ["picture"]


@pytest.fixture
def bird(db, shop):
    product = actions.create_product(db, shop, name="Bird", variants=[{"sku": "84879", "price_minor": 169}])
    db.commit()
    return product


def upload(staff, product, data, **more):
    return staff.post(f"{BASE}/{product.id}/picture", data={"picture": (io.BytesIO(data), "a.jpg"), **more},
                      follow_redirects=True)


def test_an_uploaded_picture_is_shown_kept_once_and_can_be_removed(db, client, staff, bird):
    for _ in range(2):
        upload(staff, bird, encoded())
    row = db.scalars(select(Picture)).one()
    assert f"/pictures/{row.id}" in staff.get(BASE).get_data(as_text=True)
    answer = client.get(f"/pictures/{row.id}")  # the public sees it too
    assert (answer.status_code, answer.mimetype) == (200, "image/webp")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert client.get(f"/pictures/{row.id}", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304
    staff.post(f"{BASE}/{bird.id}/picture", data={"remove": "1"})
    assert f"/pictures/{row.id}" not in staff.get(BASE).get_data(as_text=True)


def test_a_variant_has_a_picture_of_its_own(db, staff, bird):
    variant_id = bird.variants[0].id
    upload(staff, bird, encoded(), variant_id=str(variant_id))
    db.refresh(bird)
    db.refresh(bird.variants[0])
    assert bird.picture_id is None and bird.variants[0].picture_id is not None


def test_a_refused_picture_says_why_and_keeps_the_old_one(db, staff, bird):
    upload(staff, bird, encoded())
    page = upload(staff, bird, SVG).get_data(as_text=True)
    assert "We read JPEG, PNG, WebP and AVIF." in page
    assert db.scalar(select(func.count()).select_from(Picture)) == 1


def test_a_product_without_a_picture_has_a_tile_that_is_inert(db, client, bird):
    answer = client.get(f"/tiles/{bird.variants[0].id}.svg")
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert "max-age=86400" in answer.headers["Cache-Control"]
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert client.get(f"/tiles/{new_id()}.svg").status_code == 404
    assert client.get(f"/pictures/{new_id()}").status_code == 404


def test_a_tile_takes_a_name_as_text(db, client, shop):
    product = actions.create_product(db, shop, name="<script>alert(1)</script>", variants=[
        {"sku": "X", "price_minor": 1}])
    db.commit()
    assert b"<script" not in client.get(f"/tiles/{product.variants[0].id}.svg").data


def test_the_demo_shops_products_have_hand_drawn_tiles_and_others_with_the_same_sku_do_not(db, client, shop):
    drawn = actions.create_product(db, shop, name="Regency cakestand 3 tier", variants=[
        {"sku": "22423", "price_minor": 1275}])
    other = actions.create_product(db, shop, name="Blue mug", variants=[{"sku": "22720", "price_minor": 100}])
    db.commit()
    from campaigns.catalogue.art import FOLDER
    assert client.get(f"/tiles/{drawn.variants[0].id}.svg").data == (FOLDER / "cakestand.svg").read_bytes()
    assert client.get(f"/tiles/{other.variants[0].id}.svg").data != (FOLDER / "cake-tins.svg").read_bytes()
