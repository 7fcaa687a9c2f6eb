"""Generated pictures for products that have none: a tinted ground and the thing its name speaks of.

The same name, SKU and category always give the same tile. Motifs are drawn in static/art/motifs.svg; here is which
word means which, and how a tile gets its colours, so that a shelf of tiles looks like a shelf and not like a grid.
"""
import hashlib
import re
from functools import lru_cache
from pathlib import Path
from xml.sax.saxutils import escape

MOTIFS = Path(__file__).resolve().parent.parent / "static" / "art" / "motifs.svg"

# Words → motif; the first match wins. Things come before what is printed on them: a "lunch bag with hearts" is a bag.
WORDS = (
    ("hot water bottle|hottie", "hotbottle"), ("hand ?warmers?|mittens?|gloves?", "mitten"),
    ("egg cups?", "eggcup"), ("lunch bags?|charlotte bags?|party bags?", "lunchbag"),
    ("purses?|wallets?|make ?up|wash ?bags?", "purse"), ("paper chains?|garlands?|tinsel|streamers?", "chain"),
    ("buntings?|pennants?|flags?(?! hot)", "bunting"), ("cake ?stands?|cake plates?", "cakestand"),
    ("cake cases?|cup ?cakes?|muffins?|fairy cake", "cupcake"),
    ("cookie cutters?|gingerbread|cutters?", "gingerbread"), ("jam|jars?|preserving|honey|pickles?", "jar"),
    ("plasters?|bandages?|first aid", "plasters"),
    ("tea ?towels?|towels?|tissues?|flannels?|curtains?", "towel"), ("aprons?", "apron"),
    ("napkins?|serviettes?|doil(?:y|ies)|placemats?|table ?cloths?", "napkin"),
    ("tea ?pots?|coffee pots?|kettles?", "teapot"), ("tea ?cups?|cups?|saucers?|tea sets?", "teacup"),
    ("jugs?|pitchers?|churns?", "jug"), ("mugs?|beakers?|coffee", "mug"),
    ("t-?lights?|tealights?|votives?|hurricane", "tlight"), ("\\w*candle\\w*|incense|wax|matches", "candle"),
    ("lanterns?|lamps?", "lantern"), ("night lights?|toadstools?|mushrooms?", "mushroom"),
    ("lights|fairy lights?|led lights?|bulbs?", "bulbs"), ("alarm clocks?|clocks?|timers?", "clock"),
    ("watch(?:es)?", "watch"), ("harmonicas?|trumpets?|music(?:al)?|drums?|recorders?", "harmonica"),
    ("measuring spoons?|spoons?|cutlery|forks?|ladles?|spatulas?|whisks?", "spoon"), ("scales", "scales"),
    ("popcorn", "popcorn"), ("door ?mats?|rugs?|mats?", "mat"), ("umbrellas?|parasols?", "umbrella"),
    ("cushions?|pillows?|bean ?bags?", "cushion"), ("picture|frames?|photos?|albums?", "frame"),
    ("mirrors?", "mirror"),
    ("(?:metal |door ?)?signs?|plaques?|black ?boards?|chalk ?boards?|slates?|notice ?boards?", "sign"),
    ("hooks?|hangers?|racks?", "hook"), ("baskets?|hampers?|trugs?", "basket"),
    ("bracelets?|necklaces?|earrings?|jewel\\w*|beads?|pendants?|brooch\\w*", "necklace"), ("rings?", "ring"),
    ("scarf|scarves|shawls?|blankets?|throws?|quilts?|ponchos?|cos(?:y|ies)", "scarf"),
    ("socks?|stockings?|slippers?", "sock"), ("trains?|cars?|trucks?|bus(?:es)?", "train"),
    ("dolls?|doll(?:y|ies)", "doll"), ("drawers?|cabinets?|cupboards?|chests?|lockers?", "cabinet"),
    ("chairs?|stools?|benches?|seats?", "chair"), ("key ?(?:rings?|fobs?)|keys?|padlocks?", "key"),
    ("magnets?", "magnet"), ("pegs?", "peg"),
    ("sewing|threads?|buttons?|knitting|needles?|felt ?craft|craft", "thread"),
    ("ribbons?|lace|tape|string", "ribbon"), ("watering|buckets?", "wateringcan"),
    ("plant(?:er|s)?|herbs?|garden\\w*|flower ?pots?|pots?|vases?", "pot"),
    ("soaps?|bath\\w*|shower|sponges?|toilet", "soap"), ("domino(?:e?s)?", "domino"),
    ("playing cards?|snap cards?|card games?|game", "cards"),
    ("recipe box(?:es)?|lunch ?box(?:es)?|snack ?box(?:es)?|box(?:es)?|crates?|cases?", "box"),
    ("tins?|canisters?|caddy|bins?|containers?", "tin"),
    ("bags?|shoppers?|totes?|satchels?|rucksacks?", "bag"),
    ("bottles?|flasks?|decanters?|perfumes?", "bottle"),
    ("wine|cocktails?|gin|tumblers?|glass(?:es)?|goblets?|straws?", "glass"),
    ("bowls?|dish(?:es)?|pans?|basins?|colanders?", "bowl"), ("plates?|trays?|coasters?", "plate"),
    ("gift wraps?|wrap(?:s|ping)?|wallpaper|paper|rolls?", "wrap"),
    ("pencils?|crayons?|pens?|colouring|chalks?|erasers?|rubbers?", "pencils"),
    ("bikes?|bicycles?|cycles?", "bike"), ("writing set|stamps?|paint\\w*", "pencils"),
    ("balloons?", "balloon"),
    ("\\w*books?|passports?|calendars?|journals?|diar(?:y|ies)|notebooks?|stationery", "book"),
    ("notes?|memos?|clips?|stickers?|lists?", "paperclip"),
    ("cards?|envelopes?|letters?|postcards?|tags?", "card"), ("gifts?|presents?|parcels?", "gift"),
    ("blocks?|toys?|ludo|bingo|spinning tops?|puzzles?|jigsaws?|skittles?|bricks?", "blocks"),
    ("\\w*houses?|cottages?|sheds?", "house"), ("wreaths?", "wreath"), ("baubles?", "bauble"),
    ("bells?", "bell"), ("angels?|fair(?:y|ies)", "angel"), ("trees?", "tree"),
    ("babushkas?|nesting|matryoshkas?", "doll"), ("owls?", "owl"),
    ("\\w*birds?|birdy|robins?|doves?|chicks?|cockerels?|hens?|ducks?", "bird"),
    ("rabbits?|bunn(?:y|ies)|bears?|teddy", "rabbit"), ("dogs?|scott(?:ie|y)|pupp(?:y|ies)", "dog"),
    ("cats?|kittens?", "cat"), ("butterfl(?:y|ies)", "butterfly"),
    ("space ?boy|rockets?|robots?|space|helicopters?|gliders?", "rocket"),
    ("flowers?|ros(?:e|es)|daisy|daisies|floral", "flower"), ("hearts?|love|sweethearts?", "heart"),
    ("stars?", "star"), ("christmas|advent|xmas|decorations?", "bauble"),
    ("cakes?|bak(?:e|ing)|teatime", "cakestand"), ("kitchen|home", "house"), ("birthday|party", "bunting"),
)
# The same for Chinese names, which have no spaces: what contains the word. Longer words first.
SIGNS = {
    "热水袋": "hotbottle", "手套": "mitten", "蛋糕": "cakestand", "闹钟": "clock", "钟": "clock",
    "手表": "watch", "蜡烛": "candle", "烛台": "tlight", "灯笼": "lantern", "灯串": "bulbs", "灯": "lantern",
    "茶壶": "teapot", "壶": "jug", "茶杯": "teacup", "杯": "mug", "娃娃": "doll", "玩具": "blocks",
    "项链": "necklace", "手链": "necklace", "戒指": "ring", "围巾": "scarf", "披肩": "scarf", "袜": "sock",
    "毛巾": "towel", "围裙": "apron", "餐巾": "napkin", "地垫": "mat", "抱枕": "cushion", "枕": "cushion",
    "坐垫": "cushion", "相框": "frame", "画框": "frame", "镜": "mirror", "挂钩": "hook", "篮": "basket",
    "雨伞": "umbrella", "伞": "umbrella", "钥匙": "key", "贺卡": "card", "卡片": "card", "礼物": "gift",
    "礼盒": "gift", "盒": "box", "箱": "box", "罐": "jar", "果酱": "jar", "瓶": "bottle", "碗": "bowl",
    "盘": "plate", "勺": "spoon", "筷": "spoon", "笔记本": "book", "书": "book", "笔": "pencils",
    "抽屉": "cabinet", "柜": "cabinet", "椅": "chair", "包装纸": "wrap", "彩旗": "bunting", "拉花": "chain",
    "圣诞树": "tree", "树": "tree", "铃": "bell", "天使": "angel", "气球": "balloon", "肥皂": "soap",
    "香皂": "soap", "花盆": "pot", "花": "flower", "猫头鹰": "owl", "鸟": "bird", "兔": "rabbit", "狗": "dog",
    "猫": "cat", "蝴蝶": "butterfly", "心": "heart", "星": "star", "钱包": "purse", "手提袋": "bag",
    "购物袋": "bag", "包": "bag", "袋": "bag", "牌": "sign", "纸": "wrap", "房": "house",
}
# Colour word → its main colour, its shade, and the grounds on which it stands out (letters of GROUNDS).
HUES = {
    "red": ("#d5412a", "#a12e20", "bsyln"), "pink": ("#e58fa6", "#c26a85", "smbpn"),
    "blue": ("#2c6f8f", "#1d5168", "yrbwl"), "green": ("#4f8f6d", "#37694f", "yrlwb"),
    "yellow": ("#f2b22b", "#c98c12", "slnpm"), "orange": ("#e07b3a", "#b5591f", "smlnp"),
    "purple": ("#7d6aa5", "#5d4c82", "ymrwb"), "brown": ("#a8713f", "#7a4a2d", "smywr"),
    "black": ("#3a4640", "#222b27", "ysrml"), "white": ("#fbf6ea", "#d8cfbc", "pnqsr"),
    "grey": ("#96a8a0", "#71857c", "yrpql"), "gold": ("#c99a3f", "#99712a", "npqls"),
}
COLOUR_WORDS = {
    "scarlet": "red", "cherry": "red", "strawberry": "red", "rose": "pink", "turquoise": "blue",
    "navy": "blue", "mint": "green", "lime": "green", "lemon": "yellow", "lilac": "purple",
    "lavender": "purple", "chocolate": "brown", "wooden": "brown", "wood": "brown", "natural": "brown",
    "wicker": "brown", "ivory": "white", "cream": "white", "silver": "grey", "zinc": "grey", "gray": "grey",
    "metal": "grey", "brass": "gold", "antique": "gold", "golden": "gold", "skull": "black", "slate": "black",
}
COLOUR_SIGNS = {
    "红": "red", "粉": "pink", "蓝": "blue", "绿": "green", "黄": "yellow", "橙": "orange", "紫": "purple",
    "棕": "brown", "木": "brown", "黑": "black", "白": "white", "灰": "grey", "银": "grey", "金": "gold",
}
# Ground, what it stands on, its shadow.
GROUNDS = {
    "m": ("#d8e8dc", "#bfd6c6", "#9bb9a5"), "r": ("#f8d9c2", "#eec3a4", "#cf9d78"),
    "y": ("#f6e3b4", "#ecd294", "#cfae65"), "s": ("#cfdff0", "#b7cce2", "#93aeca"),
    "l": ("#e6dff0", "#d3c8e2", "#b3a5c8"), "b": ("#f0e9dc", "#ded4c2", "#bcb09a"),
    "w": ("#f0cfc4", "#e3b7a9", "#c99686"), "n": ("#23444f", "#1b3640", "#132830"),
    "p": ("#2f5a4a", "#26493c", "#1b372d"), "q": ("#4d3350", "#3e2941", "#2c1c2f"),
}
DARK = "npq"
# What a pattern word prints on the thing; {i} is the print's colour.
PRINTS = {
    "dots": '<circle cx="9" cy="9" r="6" fill="{i}"/><circle cx="27" cy="27" r="6" fill="{i}"/>',
    "stripes": '<path d="M0 0h18v36H0z" fill="{i}"/>',
    "checks": '<path d="M0 0h18v36H0zM0 0h36v18H0z" fill="{i}" opacity=".55"/>',
    "hearts": '<path d="M18 27C9 20 5 16 5 11c0-9 10-9 13-3 3-6 13-6 13 3 0 5-4 9-13 16Z" fill="{i}"/>',
    "flowers": '<g fill="{i}"><circle cx="18" cy="10" r="5"/><circle cx="26" cy="18" r="5"/>'
               '<circle cx="18" cy="26" r="5"/><circle cx="10" cy="18" r="5"/></g>'
               '<circle cx="18" cy="18" r="4" fill="#ffcb2e"/>',
    "scallops": '<path d="M0 18a18 18 0 0 0 36 0M-18 0a18 18 0 0 0 36 0 18 18 0 0 0 36 0" '
                'fill="none" stroke="{i}" stroke-width="4"/>',
}
PRINT_WORDS = (
    ("retro ?spots?|polka ?dots?|spots?|spotty|dots?", "dots"), ("strip(?:e|es|y|ed)", "stripes"),
    ("checks?|checked|gingham|tartan|union|patchwork", "checks"), ("hearts?|sweethearts?|love", "hearts"),
    ("floral|flowers?|rose|roses|paisley|daisy|strawberry|garden|suki", "flowers"),
    ("baroque|regency|vintage|woodland", "scallops"),
)


def tile_svg(name: str, sku: str = "", category: str = "") -> str:
    """A square SVG of at most 3 KB for a product; the SKU tells two products of one name apart."""
    seed = hashlib.sha256(f"{name}\0{sku}\0{category}".encode("utf-8", "replace")).digest()
    words = f"{name} {category}".lower()
    motif = motif_of(name) or motif_of(category)
    hue = _hue(words, seed)
    main, shade, grounds = HUES[hue]
    ground = GROUNDS[_ground(grounds, motif, seed)]
    body = _thing(motif, main, shade, hue, words, seed, ground) if motif else _pattern(main, shade, seed)
    title = escape("".join(char for char in name if char.isprintable())[:80])
    return ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 240 240">'
            f'<title>{title}</title><rect width="240" height="240" fill="{ground[0]}"/>{body}</svg>')


def motif_of(words: str) -> str | None:
    """The motif that these words ask for; None if none does."""
    return _first(WORDS, words.lower()) or next((motif for sign, motif in SIGNS.items() if sign in words), None)


def _first(table, words: str) -> str | None:
    for pattern, meaning in _compiled(table):
        if pattern.search(words):
            return meaning
    return None


@lru_cache(maxsize=4)
def _compiled(table):
    return [(re.compile(rf"\b(?:{pattern})\b"), meaning) for pattern, meaning in table]


def _hue(words: str, seed: bytes) -> str:
    """The colour that the name says, else one by chance (of the warm and clear ones)."""
    for word in re.findall(r"[a-z]+", words):
        if word in HUES or word in COLOUR_WORDS:
            return COLOUR_WORDS.get(word, word)
    for sign, hue in COLOUR_SIGNS.items():
        if sign in words:
            return hue
    return ("red", "blue", "green", "yellow", "pink", "orange", "purple", "white")[seed[0] % 8]


def _ground(grounds: str, motif: str | None, seed: bytes) -> str:
    """Things that glow or hang stand before the dark if their colour can; a table is mostly light."""
    dark = [letter for letter in grounds if letter in DARK]
    if dark and motif and _motifs()[motif][0] == "hang" and seed[1] % 4:
        return dark[seed[2] % len(dark)]
    light = [letter for letter in grounds if letter not in DARK] or dark
    return light[seed[2] % len(light)]


@lru_cache(maxsize=1)
def _motifs() -> dict[str, tuple[str, str]]:
    """Name → (scene, markup)."""
    found = re.findall(r'<symbol id="(\w+)" viewBox="0 0 240 240"(?: data-scene="(\w+)")?>(.*?)</symbol>',
                       MOTIFS.read_text(encoding="utf-8"))
    return {name: (scene or "table", markup) for name, scene, markup in found}


def _thing(motif, main, shade, hue, words, seed, ground) -> str:
    scene, markup = _motifs()[motif]
    accent, second = _accents(hue, seed)
    printed, fabric = _print(main, hue, words, seed)
    light, light_shade = ("#fdf8ee", "#e4decf") if hue != "white" else ("#f3d9cd", "#dfbfb0")
    inks = {"f": fabric, "m": main, "d": shade, "l": light, "e": light_shade, "a": accent, "c": second, "k": "#25302b",
            "w": "#a8713f", "v": "#7a4a2d"}
    drawn = re.sub(r"var\(--(\w)\)", lambda match: inks[match[1]], markup)
    return f"{printed}{_behind(scene, ground)}{drawn}"


def _behind(scene: str, ground) -> str:
    if scene == "table":
        return (f'<path d="M0 198h240v42H0z" fill="{ground[1]}"/>'
                f'<ellipse cx="120" cy="212" rx="82" ry="8" fill="{ground[2]}"/>')
    if scene == "hang":
        return f'<circle cx="120" cy="116" r="90" fill="{ground[1]}"/>'
    return (f'<path d="M0 0h240v12H0z" fill="{ground[1]}"/>'
            f'<circle cx="120" cy="122" r="98" fill="{ground[1]}" opacity=".6"/>')


def _accents(hue: str, seed: bytes) -> tuple[str, str]:
    """Two accents that differ from the main colour and from each other."""
    near = {"gold": {"yellow", "gold"}, "yellow": {"yellow"}, "orange": {"yellow", "red"}, "pink": {"red", "pink"},
            "red": {"red", "pink"}}.get(hue, {hue})
    choice = [name for name in ("yellow", "red", "blue", "green", "pink") if name not in near]
    first = choice[0] if seed[3] % 3 else choice[seed[4] % len(choice)]
    rest = [name for name in choice if name != first]
    return HUES[first][0], HUES[rest[seed[5] % len(rest)]][0]


def _print(main: str, hue: str, words: str, seed: bytes) -> tuple[str, str]:
    """The pattern's definition and the fill that uses it; plain things have none."""
    kind = _first(PRINT_WORDS, words)
    if kind is None:
        # Half of the things without a pattern word stay plain; a shelf of nothing but prints is restless.
        kind = ("dots", "stripes", "scallops", "checks", None, None, None, None)[seed[6] % 8]
    if kind is None:
        return "", main
    ink = "#d5412a" if hue == "white" else "#fdf6ea"
    turn = ' patternTransform="rotate(45)"' if kind == "stripes" and seed[7] % 2 else ""
    return (f'<pattern id="p" width="36" height="36" patternUnits="userSpaceOnUse"{turn}>'
            f'<path d="M0 0h36v36H0z" fill="{main}"/>{PRINTS[kind].format(i=ink)}</pattern>'), "url(#p)"


def _pattern(main: str, shade: str, seed: bytes) -> str:
    """No word was understood: a cloth laid out flat, with a figure in its middle."""
    light, accent = "#fdf8ee", "#ffcb2e" if main != "#f2b22b" else "#d5412a"
    cell = (
        f'<path d="M0 0h30v30H0zM30 30h30v30H30z" fill="{main}"/><circle cx="45" cy="15" r="8" fill="{accent}"/>',
        f'<path d="M0 60A60 60 0 0 1 60 0v60Z" fill="{main}"/><path d="M30 60a30 30 0 0 1 30-30v30Z" fill="{light}"/>',
        f'<path d="M30 0l30 30-30 30L0 30Z" fill="{main}"/><path d="M30 18l12 12-12 12-12-12Z" fill="{accent}"/>',
        f'<path d="M0 0h60v20H0z" fill="{main}"/><path d="M0 32h60v6H0z" fill="{accent}"/>'
        f'<path d="M0 48h60v4H0z" fill="{shade}"/>',
        f'<circle cx="30" cy="30" r="24" fill="{main}"/><circle cx="30" cy="30" r="13" fill="{light}"/>',
        f'<path d="M0 0l60 60H0Z" fill="{main}"/><path d="M60 0v60L30 30Z" fill="{shade}"/>',
    )[seed[6] % 6]
    figure = (
        f'<circle cx="120" cy="120" r="38" fill="{main}"/><circle cx="120" cy="120" r="17" fill="{accent}"/>',
        f'<path d="M120 76l44 44-44 44-44-44Z" fill="{main}"/><circle cx="120" cy="120" r="14" fill="{accent}"/>',
        f'<path d="M82 138a38 38 0 0 1 76 0Z" fill="{accent}"/><path d="M74 138h92v16H74z" fill="{main}"/>',
        f'<path d="M120 74l12 32 34 2-27 21 9 33-28-19-28 19 9-33-27-21 34-2Z" fill="{accent}"/>',
    )[seed[7] % 4]
    turn = ' patternTransform="rotate(90)"' if seed[8] % 2 else ""
    return (f'<pattern id="p" width="60" height="60" patternUnits="userSpaceOnUse"{turn}>{cell}</pattern>'
            f'<path d="M0 0h240v240H0z" fill="url(#p)" opacity=".85"/>'
            f'<circle cx="120" cy="120" r="66" fill="{light}"/>{figure}')
