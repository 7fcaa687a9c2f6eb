"""What the demo show plays when nobody sends a picture: a generated programme with the product on air drawn into it.

FFmpeg takes a still that is painted anew when the product changes, and moves a little light and some hearts over it:
360 × 640 at 12 frames a second costs some 6 % of a core. The video office starts it (live/video/office.py).
"""
import hashlib
import subprocess
import threading
from functools import cache

import structlog
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from sqlalchemy import select

from campaigns.catalogue.models import Product, Variant
from campaigns.stock.models import OfferStock
from campaigns.terms.models import Campaign, Offer
from core import money, tiles
from core.db import reading, transaction
from live.show.models import LiveSession
from live.video import channels, files
from live.video.engine import ffmpeg_path
from live.video.models import VideoChannel

log = structlog.get_logger("demo")
WIDTH, HEIGHT, FPS = 360, 640, 12
# On a phone the page's own things lie over the top 100 and the lower 280 points: the product stands between.
TILE, TILE_AT = 216, (72, 116)
STRIPES, PAPER, INK, TAG = ("#ffcb2e", "#f5f7f5"), "#26302b", "#101613", "#ffcb2e"
_painted: dict[str, str] = {}  # show → what its still shows
_painting = threading.Lock()


def programme(config, on_air: list) -> dict:
    """{live_id: FFmpeg's words} for the demo's show on air; its still is brought up to date."""
    if not (config.demo and config.demo_video and on_air):
        return {}
    with reading() as db:
        row = _now(db, on_air[:1])
        has_channel = row and db.get(VideoChannel, row.live_id)
    if row is None:
        return {}
    if not has_channel:
        with transaction() as db:
            channels.ensure(db, row.live_id)
    name, place = str(row.live_id), files.root(config.data_dir) / "programme"
    shown = "" if row.title is None else f"{row.title}|{row.price}|{row.currency}"
    if _painted.get(name) != shown and _painting.acquire(blocking=False):
        _painted[name] = shown
        threading.Thread(target=_paint, args=(place, name, row), daemon=True).start()
    return {name: words(place, name)} if (place / f"{name}.png").exists() else {}


def _now(db, live_ids):
    return db.execute(
        select(LiveSession.id.label("live_id"), LiveSession.title.label("show"), Offer.title, Variant.sku,
               Product.category, OfferStock.price_minor.label("price"), Campaign.currency)
        .join(Campaign, Campaign.id == LiveSession.campaign_id)
        .outerjoin(Offer, Offer.id == LiveSession.on_air_offer_id)
        .outerjoin(Variant, Variant.id == Offer.variant_id).outerjoin(Product, Product.id == Variant.product_id)
        .outerjoin(OfferStock, (OfferStock.offer_id == Offer.id) & ~OfferStock.rehearsal)
        .where(LiveSession.id.in_(live_ids), LiveSession.state == "live").limit(1)).first()


def words(place, name: str) -> list[str]:
    """The still is read once a second, by image2: left to itself, FFmpeg takes a lone PNG for one picture and never
    looks again. Light and hearts move over it; a quiet chord is its sound."""
    heart = "x='{x}+14*sin(t*{s})':y='H-mod(t*{v}+{o}\\,H+60)'"
    graph = ";".join((
        f"[0:v]fps={FPS},format=yuv420p[still]",
        f"[1:v]loop=-1:1,fps={FPS}[light]",
        f"[2:v]loop=-1:1,fps={FPS},split=2[h1][h2]",
        "[still][light]overlay=x='W/2-w/2+90*sin(t*0.7)':y='40+30*cos(t*0.5)':shortest=0[a]",
        f"[a][h1]overlay={heart.format(x=296, s=2.1, v=70, o=0)}[b]",
        f"[b][h2]overlay={heart.format(x=320, s=1.6, v=48, o=300)},format=yuv420p[v]",
        "[3:a]volume=0.05,tremolo=f=0.2:d=0.7[a1]", "[4:a]volume=0.03,tremolo=f=0.13:d=0.8[a2]",
        "[a1][a2]amix=inputs=2[sound]"))
    return [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-nostdin", "-re", "-f", "image2", "-loop", "1",
            "-framerate", "1", "-i", str(place / f"{name}.png"), "-i", str(place / "light.png"),
            "-i", str(place / "heart.png"),
            "-f", "lavfi", "-i", "sine=f=196:r=32000", "-f", "lavfi", "-i", "sine=f=293:r=32000",
            "-filter_complex", graph, "-map", "[v]", "-map", "[sound]", "-r", str(FPS), "-c:v", "libx264",
            "-preset", "ultrafast", "-tune", "zerolatency", "-threads", "1", "-g", str(FPS), "-b:v", "400k",
            "-maxrate", "500k", "-bufsize", "500k", "-c:a", "aac", "-b:a", "48k"]


# -- painting --------------------------------------------------------------------------------------------------------

def _paint(place, name: str, row) -> None:
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sprites(place)
        still = _still(row, _tile(place, row))
        still.save(place / f"{name}.new.png")
        (place / f"{name}.new.png").replace(place / f"{name}.png")
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.warning("the demo's programme was not painted", error=str(error))
    finally:
        _painting.release()


def _sprites(place) -> None:
    if (place / "heart.png").exists():
        return
    light = Image.new("RGBA", (260, 260), (255, 255, 255, 0))
    ImageDraw.Draw(light).ellipse((50, 50, 210, 210), fill=(255, 241, 199, 70))
    light.filter(ImageFilter.GaussianBlur(24)).save(place / "light.png")
    heart = Image.new("RGBA", (96, 96), (239, 90, 54, 0))
    pen = ImageDraw.Draw(heart)
    for box in ((8, 10, 52, 54), (44, 10, 88, 54)):
        pen.ellipse(box, fill=(239, 90, 54, 235))
    pen.polygon(((11, 42), (85, 42), (48, 88)), fill=(239, 90, 54, 235))
    heart.resize((32, 32), Image.Resampling.LANCZOS).save(place / "heart.png")


def _tile(place, row):
    """The product's own tile as a picture, by FFmpeg's SVG reader; None when there is nothing on air."""
    if row.title is None:
        return None
    svg = tiles.tile_svg(row.title, row.sku, row.category or "")
    path = place / f"tile-{hashlib.sha256(svg.encode()).hexdigest()[:16]}.png"
    if not path.exists():
        source = path.with_suffix(".svg")
        source.write_text(svg)
        subprocess.run([ffmpeg_path(), "-loglevel", "error", "-y", "-nostdin", "-i", str(source), "-vf",
                        f"scale={TILE}:{TILE}", "-frames:v", "1", str(path)], check=True, timeout=30)
    return Image.open(path).convert("RGB").resize((TILE, TILE))


def _still(row, tile) -> Image.Image:
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = ImageDraw.Draw(image)
    for y in range(HEIGHT):  # lamplight from above
        shade = y / HEIGHT
        pen.line((0, y, WIDTH, y), fill=(int(66 - 40 * shade), int(72 - 40 * shade), int(62 - 36 * shade)))
    for n in range(8):
        left = n * 45
        pen.rectangle((left, 0, left + 44, 62), fill=STRIPES[n % 2])
        pen.pieslice((left, 40, left + 44, 84), 0, 180, fill=STRIPES[n % 2])
    pen.rectangle((0, TILE_AT[1] + TILE + 14, WIDTH, HEIGHT), fill="#7a5000")
    pen.rectangle((0, TILE_AT[1] + TILE + 14, WIDTH, TILE_AT[1] + TILE + 22), fill="#a87200")
    if tile is not None:
        mask = Image.new("L", tile.size, 0)
        ImageDraw.Draw(mask).rounded_rectangle((0, 0, *tile.size), 18, fill=255)
        image.paste(tile, TILE_AT, mask)
        pen.rounded_rectangle((186, TILE_AT[1] + TILE - 26, 326, TILE_AT[1] + TILE + 24), 10, fill=TAG)
        _centred(pen, _price(row), 256, TILE_AT[1] + TILE, 28, INK)
    _centred(pen, row.title or row.show, WIDTH / 2, TILE_AT[1] + TILE + 52, 20, "#ffffff")
    _centred(pen, "Livestall demo", WIDTH / 2, HEIGHT - 24, 13, "#ffdb70")
    return image


def _price(row) -> str:
    if row.price is None:
        return ""
    return money.format_money(row.price, row.currency) if _face() else money.plain(row.price, row.currency)


def _centred(pen, text: str, x: float, y: float, size: int, fill: str) -> None:
    font = _font(size)
    while pen.textlength(text, font=font) > WIDTH - 24 and size > 12:
        size -= 1
        font = _font(size)
    pen.text((x, y), text, font=font, fill=fill, anchor="mm")


@cache
def _face() -> str:
    """A font of the system that has currency signs and Chinese; "" for Pillow's own, which has neither."""
    try:
        return subprocess.run(["fc-match", "-f", "%{file}", "sans:bold:lang=zh"], capture_output=True, text=True,
                              check=True, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


@cache
def _font(size: int):
    try:
        return ImageFont.truetype(_face(), size)
    except OSError:
        return ImageFont.load_default(size)
