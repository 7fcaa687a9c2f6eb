"""Generated product tiles: always the same, well-formed, small, and about what the name says."""
import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import tiles

NAMES = ["WHITE HANGING HEART T-LIGHT HOLDER", "Jumbo bag red retrospot", "红色闹钟", "", "Qxz 7"]


@pytest.mark.parametrize("name", NAMES)
def test_a_tile_is_the_same_every_time(name):
    assert tiles.tile_svg(name, "85123A", "Home") == tiles.tile_svg(name, "85123A", "Home")


def test_two_skus_of_one_name_may_look_different():
    looks = {tiles.tile_svg("Lunch bag", str(sku)) for sku in range(40)}
    assert len(looks) > 10


@given(st.text(max_size=200), st.text(max_size=40), st.text(max_size=40))
def test_any_text_gives_well_formed_svg_of_at_most_3_kb(name, sku, category):
    svg = tiles.tile_svg(name, sku, category)
    root = ElementTree.fromstring(svg)
    assert root.get("viewBox") == "0 0 240 240"
    assert len(svg.encode()) <= 3072


def test_every_motif_stays_small_with_every_print():
    # 300 bytes are left for the frame and the longest title.
    for motif in tiles._motifs():
        for word in ("dots", "striped", "gingham", "hearts", "floral", "vintage", ""):
            body = tiles._thing(motif, "#d5412a", "#a12e20", "red", word, bytes(32), tiles.GROUNDS["s"])
            assert len(body.encode()) <= 3072 - 300, (motif, word)


def test_markup_in_a_name_stays_text():
    svg = tiles.tile_svg('<script>alert("x")</script> & Co \x00\x0b', "]]>", '"/>')
    root = ElementTree.fromstring(svg)
    assert "<script" not in svg
    assert root.find("{http://www.w3.org/2000/svg}title").text.startswith('<script>alert("x")')


@pytest.mark.parametrize(("name", "motif"), [
    ("WHITE HANGING HEART T-LIGHT HOLDER", "tlight"), ("LUNCH BAG RED RETROSPOT", "lunchbag"),
    ("HAND WARMER BIRD DESIGN", "mitten"), ("SET OF 3 CAKE TINS PANTRY DESIGN", "tin"),
    ("RED RETROSPOT CAKE STAND", "cakestand"), ("HEART OF WICKER SMALL", "heart"),
    ("SCOTTIE DOG HOT WATER BOTTLE", "hotbottle"), ("PAPER CHAIN KIT 50'S CHRISTMAS", "chain"),
    ("COOK WITH WINE METAL SIGN", "sign"), ("ALARM CLOCK BAKELIKE RED", "clock"), ("红色帆布袋", "bag"),
    ("陶瓷茶壶", "teapot"), ("RIBBON REEL STRIPES DESIGN", "ribbon"), ("POSTAGE", None),
])
def test_the_thing_in_the_name_is_drawn(name, motif):
    assert tiles.motif_of(name) == motif


def test_a_colour_in_the_name_is_the_colour_of_the_thing():
    for word, hue in {"red": "red", "IVORY": "white", "绿色": "green"}.items():
        assert tiles.HUES[hue][0] in tiles.tile_svg(f"{word} alarm clock 闹钟")


def test_every_word_leads_to_a_motif_that_is_drawn():
    drawn = tiles._motifs()
    assert len(drawn) >= 30
    assert {motif for _, motif in tiles.WORDS} | set(tiles.SIGNS.values()) <= set(drawn)
    assert all(set(grounds) <= set(tiles.GROUNDS) for _, _, grounds in tiles.HUES.values())


def test_no_ink_is_left_unmixed():
    for motif, (_scene, markup) in tiles._motifs().items():
        inks = set(re.findall(r"var\(--(\w+)\)", markup))
        assert inks <= set("fmdleackwv"), motif
