"""The tool that collects sentences finds them all and sees what is wrong with a translation."""
import importlib.util
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("strings", ROOT / "scripts" / "strings.py")
strings = importlib.util.module_from_spec(spec)
spec.loader.exec_module(strings)


def found_in(tmp_path, source):
    folder = tmp_path / "static" / "js"
    folder.mkdir(parents=True)
    (folder / "page.js").write_text(source, encoding="utf-8")
    problems = []
    catalogue = strings.browser_sentences(folder, problems)
    return {message.id for message in catalogue if message.id}, problems


def test_sentences_are_found_wherever_they_stand(tmp_path):
    ids, problems = found_in(tmp_path, r"""
        say(t('One'), t("It's {n}", {n: t('inner')}), `${t('in a template')} x`, t('don\'t'));
        tn('{n} left',
           '{n} left of all', count);
    """)
    assert ids == {"One", "It's {n}", "inner", "in a template", "don't", ("{n} left", "{n} left of all")}
    assert problems == []


@pytest.mark.parametrize("source", ["t(name)", "t('a' + b)", "t(`a`)", "tn('one', many, 3)"])
def test_what_cannot_be_translated_is_reported(tmp_path, source):
    _ids, problems = found_in(tmp_path, f"const x = 1;\nsay({source});\n")
    assert problems == ["static/js/page.js:2: only plain string literals can be translated"]


def test_other_names_that_end_in_t_are_left_alone(tmp_path):
    ids, problems = found_in(tmp_path, "list.t('no'); set('no'); const first = get('no'); // t(any)\n * t(any)\n")
    assert (ids, problems) == (set(), [])


def catalogues(source, translated, **flags):
    template, catalogue = Catalog(), Catalog(locale="zh")
    template.add(source)
    catalogue.add(source, translated, **flags)
    return template, catalogue


@pytest.mark.parametrize(("source", "translated", "flags", "fault"), [
    ("Hello %(name)s", "你好 %(name)s", {}, None),
    ("Hello {name}", "你好 {name}", {}, None),
    ("Hello", "", {}, "no Chinese"),
    ("Hello", "你好", {"flags": ["fuzzy"]}, "only guessed"),
    ("Hello %(name)s", "你好", {}, "its translation []"),
    ("Hello {name}", "你好 {nmae}", {}, "its translation ['{nmae}']"),
    (("%(num)s left", "%(num)s left"), ("剩 %(num)s 件",), {}, None),
    (("{n} left", "{n} left"), ("剩几件",), {}, "its translation []"),
])
def test_faults_of_a_translation_are_named(source, translated, flags, fault):
    wrong = strings.faults(*catalogues(source, translated, **flags), "js")
    assert wrong == [] if fault is None else fault in wrong[0]


def test_the_pages_own_sentences_are_collected():
    ids = {message.id for message in strings.server_sentences() if message.id}
    assert "Skip to the content" in ids
    assert "We cannot find that." in ids
    js = strings.browser_sentences(ROOT / "static" / "js", problems := [])
    assert problems == []
    assert "Undo" in {message.id for message in js if message.id}


@pytest.fixture(scope="module")
def sources():
    return {"messages": strings.server_sentences(), "js": strings.browser_sentences(ROOT / "static" / "js", [])}


@pytest.mark.parametrize("domain", ["messages", "js"])
def test_every_sentence_has_its_chinese_with_the_same_placeholders(sources, domain):
    assert len(sources[domain]) > 300
    assert strings.faults(sources[domain], strings.load(domain), domain) == []
