"""The catalogs hold every marked text, translated with the same placeholders and tags, and their copies match."""

import re

import pytest
from babel.messages.catalog import Catalog, Message

from web import catalogs

LANGUAGES = catalogs.translated()
# What must be in a translation as it is in the text: values, HTML elements and character references.
KEPT = re.compile(r"%\(\w+\)s|%%|\{[^}]*\}|</?\w+[^>]*>|&#\w+;")


@pytest.fixture(scope="module")
def marked() -> Catalog:
    """Extracted anew: this takes a second."""
    return catalogs.extracted()


def texts(catalog: Catalog) -> set[object]:
    return {message.id for message in catalog if message.id}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_catalog_holds_what_is_marked_and_nothing_else(marked: Catalog, language: str) -> None:
    assert texts(catalogs.read(language)) ^ texts(marked) == set(), "run manage.py languages"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    assert [m.id for m in catalogs.read(language) if m.id and not catalogs.is_translated(m)] == []


def kept(text: str) -> list[str]:
    return sorted(KEPT.findall(text))


def is_faithful(message: Message) -> bool:
    """Whether each form has the values and tags of the text. A singular may write its number out."""
    if isinstance(message.id, str):
        return kept(message.id) == kept(message.string)
    *_, many = message.id
    forms = [kept(form) for form in message.string]
    return all(set(form) <= set(kept(many)) for form in forms) and forms[-1] == kept(many)


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_values_and_tags_of_their_text(language: str) -> None:
    assert [m.id for m in catalogs.read(language) if m.id and not is_faithful(m)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_made_of_a_catalog_matches_it(language: str) -> None:
    catalog = catalogs.read(language)
    assert catalogs.po_path(language).with_suffix(".mo").read_bytes() == catalogs.compiled(catalog)
    assert catalogs.json_path(language).read_text() == catalogs.script_texts(catalog)


def test_no_two_languages_say_the_same() -> None:
    """A text of three words that is the same in two languages is in the wrong catalog."""
    said: dict[str, str] = {}
    twice = set()
    for language in LANGUAGES:
        for message in catalogs.read(language):
            text = message.string if isinstance(message.string, str) else message.string[0]
            n_words = len(re.findall(r"[^\W\d_]{3,}", KEPT.sub("", text)))
            is_own = bool(message.id) and text not in message.id and n_words > 2
            if is_own and said.setdefault(text, language) != language:
                twice.add(text)
    assert twice == set()
