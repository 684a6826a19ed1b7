"""Which parts of a call's arguments the person wrote, and which came from elsewhere."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from math import log2
from typing import Any, Final

_WORD: Final = re.compile(r"[^\W_]+")
# What may stand between and around the person's words besides what stood there in their texts.
_USUAL_SIGNS: Final = frozenset(["", " ", ", ", ".", "?", '"'])
# What the choices of one call may say altogether: a country, a language and a few switches.
_FREE_BITS: Final = 20


def unsaid(arguments: Mapping[str, Any], schema: Mapping[str, Any], said: Sequence[str]) -> tuple[str, ...]:
    """The leaves of `arguments` with a word that `said` does not contain, or not as often, or with other signs.

    Counting prevents a call from spelling a message by repeating the person's words. Signs and capitals could spell
    one too, and so could choices among values that the schema names: beyond a few, the whole call counts.
    """
    left = Counter(word for text in said for word in _words(text))
    forms, signs = _forms(said), _signs(said)
    found = []
    for leaf in leaves(arguments, schema):
        words = Counter(_words(leaf))
        is_written_so = forms.issuperset(_WORD.findall(leaf)) and signs.issuperset(_WORD.split(leaf))
        if not words <= left or (leaf.strip() and not words) or not is_written_so:
            found.append(leaf)
        left -= words
    if not found and _bits(arguments, schema) > _FREE_BITS:
        found.append(json.dumps(arguments, ensure_ascii=False))
    return tuple(found)


def _forms(said: Sequence[str]) -> frozenset[str]:
    """The spellings of the words of `said` that say nothing more."""
    written = {word for text in said for word in _WORD.findall(text)}
    return frozenset(form for word in written for form in (word, word.lower(), word.capitalize(), word.upper()))


def _signs(said: Sequence[str]) -> frozenset[str]:
    """What may stand between words, and before and after them."""
    written = {signs for text in said for signs in _WORD.split(text)}
    return _USUAL_SIGNS | written | {signs.strip() for signs in written}


def _bits(value: Any, schema: Mapping[str, Any]) -> float:
    """How many bits a receiver can read from what is not a word: choices, yes or no, and what is there at all."""
    if isinstance(value, Mapping):
        fields = schema.get("properties")
        named = fields if isinstance(fields, Mapping) else {}
        return 1 + sum(_bits(each, _as_schema(named.get(key))) for key, each in value.items())
    if isinstance(value, list | tuple):
        return 1 + sum(_bits(each, _as_schema(schema.get("items"))) for each in value)
    choices = schema.get("enum")
    if isinstance(choices, list | tuple) and value in choices:
        return 1 + log2(len(choices))
    return 0 if isinstance(value, str) and _words(value) and not _is_named(value, schema) else 1


def unquoted(arguments: Mapping[str, Any], schema: Mapping[str, Any], said: Sequence[str]) -> tuple[str, ...]:
    """The leaves of `arguments` that the texts `said` do not contain as a literal sequence of words."""
    texts = [f" {' '.join(text.split())} ".casefold() for text in said]
    return tuple(leaf for leaf in leaves(arguments, schema) if leaf.strip() and not _contains_words(leaf, texts))


def in_other_words(arguments: Mapping[str, Any], schema: Mapping[str, Any], said: Sequence[str]) -> tuple[str, ...]:
    """As `unquoted`, whatever the signs between the words, and with some word in each leaf."""
    texts = [f" {' '.join(_words(text))} " for text in said]
    spoken = ((leaf, " ".join(_words(leaf))) for leaf in leaves(arguments, schema))
    return tuple(leaf for leaf, words in spoken if not words or not any(f" {words} " in text for text in texts))


def leaves(value: Any, schema: Mapping[str, Any], listed: bool = False) -> Iterator[str]:
    """Every text and number in `value` that `schema` leaves open, and every key that it does not name.

    Values named by the schema (a choice, a default) are nobody's words, and neither is a single boolean; a list of
    booleans (`listed`) can encode anything.
    """
    if not listed and (value is None or isinstance(value, bool) or _is_named(value, schema)):
        return
    if isinstance(value, Mapping):
        fields = schema.get("properties")
        named = fields if isinstance(fields, Mapping) else {}
        for key, each in value.items():
            if key not in named:
                yield str(key)
            yield from leaves(each, _as_schema(named.get(key)), listed)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from leaves(each, _as_schema(schema.get("items")), listed=True)
    else:
        yield str(value)


def _as_schema(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _is_named(value: Any, schema: Mapping[str, Any]) -> bool:
    if isinstance(value, Mapping | list | tuple):
        return False
    choices = schema.get("enum")
    return (isinstance(choices, list | tuple) and value in choices) or value in (
        schema.get("default", _NOTHING),
        schema.get("const", _NOTHING),
    )


_NOTHING: Final = object()


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _contains_words(leaf: str, texts: Sequence[str]) -> bool:
    piece = " ".join(leaf.split()).casefold()
    pattern = re.compile(rf"(?<![^\W_]){re.escape(piece)}(?![^\W_])")
    return any(pattern.search(text) for text in texts)
