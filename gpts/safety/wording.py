"""Which parts of a call's arguments the person wrote, and which came from elsewhere."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_WORD: Final = re.compile(r"[^\W_]+")


def unsaid(arguments: Mapping[str, Any], schema: Mapping[str, Any], said: Sequence[str]) -> tuple[str, ...]:
    """The leaves of `arguments` with a word that the texts `said` do not contain, or not as often.

    Counting prevents a call from spelling a message by repeating the person's words.
    """
    left = Counter(word for text in said for word in _words(text))
    found = []
    for leaf in leaves(arguments, schema):
        words = Counter(_words(leaf))
        if not words <= left or (leaf.strip() and not words):
            found.append(leaf)
        left -= words
    return tuple(found)


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

    Values named by the schema (a choice, a default) carry no information, and neither does a single boolean; a list
    of booleans (`listed`) can encode anything.
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
