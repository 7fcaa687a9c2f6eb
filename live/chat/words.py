"""What may stand in a line of chat, and whether it holds a blocked word; pure."""
import unicodedata

MOST_CHARACTERS = 300
# Joins emoji into one and picks their colour form; every other invisible character is taken out.
KEPT_INVISIBLE = {"\u200d", "\ufe0f"}
# A short word is blocked where it stands alone ("ass", not "glass"); from 5 letters on, or in scripts without spaces,
# wherever it occurs.
ALONE_BELOW = 5


def clean(text: str) -> str:
    """One line without control, direction and invisible characters, spaces joined and trimmed. May be empty."""
    kept = []
    for char in text:
        kind = unicodedata.category(char)
        if char.isspace():
            kept.append(" ")
        elif kind not in ("Cc", "Cf", "Cs", "Co", "Cn") or char in KEPT_INVISIBLE:
            kept.append(char)
    return " ".join("".join(kept).split())


def is_blocked(text: str, blocked: list[str]) -> bool:
    """Whether a blocked word is in the text, however it is cased, widened, dotted or spaced out."""
    tokens = _tokens(text)
    joined = "".join(tokens)
    return any(_holds(tokens, joined, word) for word in map(plain, blocked) if word)


def _holds(tokens: list[str], joined: str, word: str) -> bool:
    if len(word) < ALONE_BELOW and word.isascii():
        return word in tokens
    return word in joined


def _tokens(text: str) -> list[str]:
    """Words without what separates their letters; letters that stand alone ("s p a m") are put together."""
    tokens, letters = [], ""
    for part in text.split():
        word = plain(part)
        if len(word) == 1:
            letters += word
            continue
        if letters:
            tokens.append(letters)
            letters = ""
        if word:
            tokens.append(word)
    return [*tokens, letters] if letters else tokens


def plain(text: str) -> str:
    """Letters and digits alone, in one case and width, without accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in decomposed if unicodedata.category(char)[0] in "LN").casefold()
