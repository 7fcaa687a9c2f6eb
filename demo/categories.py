"""Which shelf a product of the demo stands on, by its name; invoice lines do not say. First match wins."""
import re

SHELVES = (
    ("Christmas", r"christmas|xmas|santa|advent|reindeer|snow|angel"),
    ("Warm and cosy", r"hot water bottle|hottie|hand warmer|quilt|throw|slipper|scarf|cosy|cushion"),
    ("Candles and lights", r"t-light|candle|lantern|lights?\b|disco|oil burner|chilli"),
    ("Bags", r"\bbags?\b|shopper|purse|tote"),
    ("Baking", r"cake|bak(?:e|ing)|cookie|biscuit|cup ?cake|bread bin|scales|recipe|jam|popcorn|teaspoons|measuring"),
    ("Kitchen and table", r"mug|tea\b|teacup|teapot|bowl|jug|glove|apron|napkin|tray|lunch box|snack box|cutlery|glass"
                          r"|tablecloth|straws|dish|food|tin\b|tins\b|egg cup|breakfast|toast|frying|can\b|tidy"),
    ("Sewing and craft", r"sewing|craft|knitting|ribbon|ribbons|felt|hairband|button"),
    ("Toys and games", r"toy|block|doll|game|domino|harmonica|glider|skittle|poppy|magnet|snap cards|drawing|globe"),
    ("Paper and party", r"card|wrap|paper|party|balloon|pencil|pen\b|calendar|sticker|tissue|envelope|bunting|rubber"
                        r"|\btags?\b"),
    ("Signs and frames", r"sign|frame|chalkboard|memo|board|photo|slate|letters|tile"),
    ("Decorations", r"hanging|decoration|wicker|bird|heart"),
    ("Home and garden", r"."),
)


def category(name: str) -> str:
    """The shelf of a product."""
    return next(shelf for shelf, words in SHELVES if re.search(words, name.lower()))
