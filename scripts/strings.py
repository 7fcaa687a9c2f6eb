"""Sentences and their translations.

    python scripts/strings.py            find all sentences, bring translations/zh/*.po up to date, compile them
    python scripts/strings.py compile    only write the .mo files (they are not in the repository)
    python scripts/strings.py --check    change nothing; fail if a sentence lacks its Chinese or loses a placeholder
"""
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from core.i18n import CATALOGUES, compile_stale  # noqa: E402

LANGUAGE = "zh"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None, "lazy_gettext": None, "lazy_ngettext": (1, 2), "gettext_in": (2,)}
# Not in the files, so that two people who change sentences do not collide on the date.
NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)

LITERAL = r"""('(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")"""
ONE = re.compile(rf"(?<![\w.$])t\(\s*{LITERAL}\s*[,)]")
COUNTED = re.compile(rf"(?<![\w.$])tn\(\s*{LITERAL}\s*,\s*{LITERAL}\s*,")
CALL = re.compile(r"(?<![\w.$])(?:t|tn)\(")


def main(arguments: list[str]) -> int:
    if arguments == ["compile"]:
        print(f"{compile_stale()} compiled")
        return 0
    problems: list[str] = []
    found = {"messages": server_sentences(), "js": browser_sentences(ROOT / "static" / "js", problems)}
    for domain, template in found.items():
        if arguments == ["--check"]:
            problems += faults(template, load(domain), domain)
        else:
            save(domain, template)
    for problem in problems:
        print(problem, file=sys.stderr)
    if arguments != ["--check"]:
        compile_stale()
    print(", ".join(f"{domain}: {len(template)} sentences" for domain, template in found.items()))
    return 1 if problems else 0


def server_sentences() -> Catalog:
    """Every sentence in Python and Jinja that gettext is asked for, as babel.cfg says where to look."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    catalogue = Catalog(project="Livestall")
    skipped = {".venv", "node_modules", "var", "static", "tests", "scripts", "artifacts"}

    def wanted(folder: str) -> bool:
        name = Path(folder).name
        return name not in skipped and not name.startswith(".")

    for path, _line, message, comments, context in extract_from_dir(
            ROOT, methods, options, keywords=KEYWORDS, comment_tags=("L10N:",), directory_filter=wanted):
        catalogue.add(message, None, [(path, 0)], auto_comments=comments, context=context)
    return catalogue


def browser_sentences(folder: Path, problems: list[str]) -> Catalog:
    """Every t('…') and tn('…', '…', n) in our modules; a call without a plain literal is a problem."""
    catalogue = Catalog(project="Livestall")
    for path in sorted(folder.rglob("*.js")):
        if path == folder / "i18n.js":
            continue
        source = path.read_text(encoding="utf-8")
        name = path.relative_to(folder.parent.parent).as_posix()
        starts = set()
        for match in ONE.finditer(source):
            catalogue.add(unquote(match[1]), None, [(name, 0)])
            starts.add(match.start())
        for match in COUNTED.finditer(source):
            catalogue.add((unquote(match[1]), unquote(match[2])), None, [(name, 0)])
            starts.add(match.start())
        for match in CALL.finditer(source):
            line_start = source.rfind("\n", 0, match.start()) + 1
            comment = re.search(r"(^|\s)//|^\s*/?\*", source[line_start:match.start()])
            if match.start() not in starts and not comment:
                line = source.count("\n", 0, match.start()) + 1
                problems.append(f"{name}:{line}: only plain string literals can be translated")
    return catalogue


def unquote(literal: str) -> str:
    """The text of a JavaScript string literal."""
    known = {"n": "\n", "t": "\t"}

    def plain(match):
        code = match[1]
        return chr(int(code[1:], 16)) if len(code) == 5 else known.get(code, code)

    return re.sub(r"\\(u[0-9a-fA-F]{4}|.)", plain, literal[1:-1])


def path_of(domain: str) -> Path:
    return CATALOGUES / LANGUAGE / "LC_MESSAGES" / f"{domain}.po"


def load(domain: str) -> Catalog:
    path = path_of(domain)
    if not path.exists():
        return Catalog(locale=LANGUAGE)
    with path.open("rb") as file:
        return read_po(file, locale=LANGUAGE)


def save(domain: str, template: Catalog) -> None:
    """Add what is new, drop what is gone, keep every translation; no guessing of similar ones."""
    catalogue = load(domain)
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    catalogue.project = "Livestall"
    catalogue.creation_date = catalogue.revision_date = NO_DATE
    path = path_of(domain)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=100, sort_output=True, include_lineno=False)


def faults(template: Catalog, catalogue: Catalog, domain: str) -> list[str]:
    """What keeps the translation from being complete and safe to fill in."""
    wrong = []
    for message in template:
        if not message.id:
            continue
        said = catalogue.get(message.id, message.context)
        texts = list(said.string) if said and isinstance(said.string, tuple | list) else [said.string if said else ""]
        name = repr(message.id if isinstance(message.id, str) else message.id[1])
        if not said or not any(texts):
            wrong.append(f"{domain}: no Chinese for {name}")
        elif said.fuzzy:
            wrong.append(f"{domain}: only guessed for {name}")
        else:
            asked = placeholders(message.id if isinstance(message.id, str) else message.id[1])
            wrong += [f"{domain}: {name} has {sorted(asked)}, its translation {sorted(placeholders(text))}"
                      for text in texts if text and placeholders(text) != asked]
    return wrong


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"%\(\w+\)[sd]", text)) | set(re.findall(r"\{\w+\}", text))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
