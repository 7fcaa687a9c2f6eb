"""The look keeps its rules: one colour one meaning, readable in light and dark, and no icon that is not drawn."""
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSS = ROOT / "static" / "css"
TOKENS = (CSS / "tokens.css").read_text(encoding="utf-8")
TOKENS_BARE = re.sub(r"/\*.*?\*/", "", TOKENS, flags=re.S)
SHEETS = sorted(path for path in CSS.glob("*.css") if path.name != "tokens.css")
RAW = re.compile(r"--(?:white|(?:ink|marigold|leaf|vermilion|harbour)-\d+)\b")

# What stands on what. Text needs 4.5:1 (WCAG 1.4.3), marks and edges of controls 3:1 (1.4.11).
TEXT_PAIRS = [
    ("words", "ground"), ("words", "surface"), ("words", "sunken"),
    ("words-2", "ground"), ("words-2", "surface"), ("words-2", "sunken"),
    ("on-act", "act"), ("on-money", "money"), ("on-money", "money-hover"),
    ("money-words", "money-soft"), ("money-words", "surface"),
    ("stock-words", "stock-soft"), ("stock-words", "surface"),
    ("urgent-words", "urgent-soft"), ("urgent-words", "surface"), ("urgent-words", "ground"),
    ("on-urgent", "urgent-fill"),
    ("calm-words", "calm-soft"), ("calm-words", "surface"), ("on-calm", "calm-fill"),
]
MARK_PAIRS = [
    ("line-strong", "surface"), ("line-strong", "ground"), ("focus", "ground"), ("focus", "surface"),
    ("stock", "surface"), ("urgent", "surface"), ("calm", "surface"), ("money-line", "surface"),
]


def blocks():
    """The declarations of light, of dark by the system's wish and of dark by choice."""
    light = re.search(r":root \{(.*?)\n\}", TOKENS_BARE, re.S)[1]
    system = re.search(r':root:not\(\[data-theme="light"\]\) \{(.*?)\}', TOKENS_BARE, re.S)[1]
    chosen = re.search(r':root\[data-theme="dark"\] \{(.*?)\}', TOKENS_BARE, re.S)[1]
    return [dict(re.findall(r"(--[\w-]+|color-scheme):\s*([^;]+);", block)) for block in (light, system, chosen)]


def themes():
    light, dark, _ = blocks()
    return {"light": light, "dark": {**light, **dark}}


def colour(tokens, name):
    value = tokens[f"--{name}"]
    while (inner := re.fullmatch(r"var\((--[\w-]+)\)", value)):
        value = tokens[inner[1]]
    return value


def luminance(hexcode):
    channels = [int(hexcode[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_is_computed_as_the_standard_says():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_dark_by_wish_and_dark_by_choice_are_equal():
    _, system, chosen = blocks()
    assert system == chosen
    assert len(chosen) > 20


def test_paper_is_never_dark():
    for selector in (':root:not([data-theme="light"])', ':root[data-theme="dark"]'):
        before = TOKENS_BARE[:TOKENS_BARE.index(selector)].rstrip()
        assert before.endswith("{")
        assert before.rsplit("@media", 1)[1].strip().startswith("screen")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), TEXT_PAIRS)
def test_text_is_readable(theme, text, ground):
    tokens = themes()[theme]
    assert contrast(colour(tokens, text), colour(tokens, ground)) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "ground"), MARK_PAIRS)
def test_marks_and_edges_are_seen(theme, mark, ground):
    tokens = themes()[theme]
    assert contrast(colour(tokens, mark), colour(tokens, ground)) >= 3


def test_white_words_on_the_veil_are_readable_over_a_white_frame():
    *ink, alpha = map(float, re.search(r"--veil: rgb\((\d+) (\d+) (\d+) / ([\d.]+)\)", TOKENS_BARE).groups())
    over_white = "#" + "".join(f"{round(c * alpha + 255 * (1 - alpha)):02x}" for c in ink)
    assert contrast("#ffffff", over_white) >= 4.5


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_sheets_take_their_colours_from_meanings_only(sheet):
    rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.S)
    # Masks take black for "there"; it is never seen.
    rules = re.sub(r"mask-image:[^;]+;", "", rules)
    assert not RAW.findall(rules)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b", rules)
    assert not re.findall(r"\b(?:rgba?|hsla?|oklch)\(", rules)
    assert not re.findall(r":\s*(?:white|black|red|green|blue|orange|yellow|gr[ae]y)\b", rules)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.stem)
def test_sheets_use_only_tokens_that_exist(sheet):
    rules = sheet.read_text(encoding="utf-8")
    scripts = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "static" / "js").rglob("*.js"))
    own = set(re.findall(r"(--[\w-]+)\s*:", rules)) | set(re.findall(r"['\"](--[\w-]+)['\"]", scripts))
    known = set(blocks()[0]) | set(re.findall(r"(--[\w-]+)\s*:", TOKENS_BARE))
    assert set(re.findall(r"var\((--[\w-]+)", rules)) - own <= known


def test_every_icon_that_is_named_is_drawn():
    sprite = (ROOT / "templates" / "_icons.svg.html").read_text(encoding="utf-8")
    drawn = set(re.findall(r'<symbol id="i-([\w-]+)"', sprite))
    named = {}
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"""\bicon\(\s*["']([\w-]+)["']""", text) + re.findall(r'href="#i-([\w-]+)"', text):
            named.setdefault(name, path.name)
    for path in (ROOT / "static" / "js").rglob("*.js"):
        for name in re.findall(r"""\bicon\(\s*["']([\w-]+)["']""", path.read_text(encoding="utf-8")):
            named.setdefault(name, path.name)
    assert len(drawn) > 60
    assert {name: where for name, where in named.items() if name not in drawn} == {}


def test_icons_are_drawn_in_one_hand():
    text = (ROOT / "templates" / "_icons.svg.html").read_text(encoding="utf-8")
    symbols = re.findall(r"<symbol ([^>]+)>", text)
    assert all('viewBox="0 0 24 24"' in symbol for symbol in symbols)
    assert len(symbols) == len(set(symbols))
    assert "stroke=" not in text  # colour and width come from .icon alone


def test_no_template_carries_style_or_handlers():
    """The CSP blocks both; a page that has them looks right only to whoever turned it off."""
    for path in (ROOT / "templates").rglob("*.html"):
        text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
        assert not re.findall(r"\sstyle=", text), path.name
        assert not re.findall(r"<style\b", text), path.name
        assert not re.findall(r"\son[a-z]+=", text), path.name
