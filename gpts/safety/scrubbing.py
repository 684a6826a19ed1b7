"""Removes secrets from outside text, in every encoding that a server may echo.

Each encoding has a view of the text without gaps and escapes, in which plain substrings are searched: one pattern
that allowed both between all characters of a secret took 26 s on 62 characters of text.
"""

import base64
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import merge
from html import unescape
from typing import Final

from gpts.knowledge.marks import removal

REMOVED: Final = removal("secret")
# Shorter secrets would match ordinary words; encoded fragments this short occur by chance.
SHORTEST: Final = 4
_SHORTEST_ENCODED: Final = 6
# Left out of views and secrets alike: white space, invisible characters, and the backslashes of escaped quotes.
_GAPS: Final = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\\]+")
# Escapes of URLs and Python, of JSON, and of HTML.
_KINDS: Final = (
    r"(?P<bytes>(?:%[0-9A-Fa-f]{2})+|(?:\\x[0-9A-Fa-f]{2})+)",
    r"(?P<utf16>(?:\\u[0-9A-Fa-f]{4})+)",
    r"(?P<html>&(?:\#[0-9]{1,20}|\#[xX][0-9A-Fa-f]{1,20}|amp|lt|gt|quot|apos);)",
)
_BETWEEN: Final = r"(?:[\s\u200b-\u200f\u2060\ufeff]|\\(?!x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}))+"
_ESCAPES: Final = re.compile("|".join((*_KINDS, _BETWEEN)))
# For secrets that hold signs of another kind themselves, such as a literal "%41" that JSON leaves as it is.
_ONE_KIND: Final = tuple(re.compile(f"{kind}|{_BETWEEN}") for kind in _KINDS)
_HEX_GAPS: Final = re.compile(r"[\s:,\\-]+")
_HEX_PREFIXES: Final = re.compile(r"(?:[\s:,-]|0x|\\x)+")
_REST_OF_BASE64: Final = re.compile(r"[\w+/]?=*")
_NOTHING: Final = re.compile(r"(?!)")
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _View:
    """Text without `left_out` gaps, and the `wanted` substrings in it. `fold` keeps the length."""

    left_out: re.Pattern[str]
    wanted: frozenset[str]
    fold: Callable[[str], str] = str
    rest: re.Pattern[str] = _NOTHING


def scrub(text: str, secrets: Iterable[str]) -> str:
    """`text` without `secrets`, including base64, hex, URL, JSON or HTML escapes, and broken-up spellings.

    Secrets of fewer than four characters are left, because they would match ordinary words.
    """
    if len(text) < SHORTEST:
        return text
    kept, at = list[str](), 0
    for start, end in _united(merge(*(_spans(text, view) for view in _views(frozenset(secrets))))):
        kept += [text[at:start], REMOVED]
        at = end
    return "".join([*kept, text[at:]])


@lru_cache(maxsize=64)
def _views(secrets: frozenset[str]) -> tuple[_View, ...]:
    whole = frozenset(secret.strip() for secret in secrets if len(secret.strip()) >= SHORTEST)
    plain = _squeezed(whole)
    in_forms = _squeezed(secret.replace(" ", "+") for secret in whole)
    data = [secret.encode("utf-8", "surrogatepass") for secret in whole]
    in_hex = frozenset(each.hex() for each in data)
    in_base64 = frozenset(core for each in data for core in _base64_cores(each) if len(core) >= _SHORTEST_ENCODED)
    ambiguous = frozenset(each for each in plain | in_forms if "%" in each or "&" in each)
    return (
        _View(_NOTHING, whole),
        _View(_GAPS, plain),
        _View(_ESCAPES, plain | in_forms),
        *(_View(kind, ambiguous) for kind in _ONE_KIND if ambiguous),
        _View(_HEX_GAPS, in_hex, _lower),
        _View(_HEX_PREFIXES, in_hex, _lower),
        _View(_ESCAPES, in_base64, _usual_base64, _REST_OF_BASE64),
    )


def _squeezed(secrets: Iterable[str]) -> frozenset[str]:
    return frozenset(short for secret in secrets if len(short := _GAPS.sub("", secret)) >= SHORTEST)


def _lower(text: str) -> str:
    return text.replace("İ", "i").lower()  # the one letter that two replace


def _usual_base64(text: str) -> str:
    return text.replace("-", "+").replace("_", "/")


def _spans(text: str, view: _View) -> Iterator[_Span]:
    """The places in `text` of what the view searches, with the backslashes before, in order."""
    # Without any escape, gaps are left out at once and not one by one.
    left_out = _GAPS if view.left_out.groups and not re.search(r"[%&\\]", text) else view.left_out
    plain = view.fold(left_out.sub(_meaning if left_out.groups else "", text))
    found = _united(merge(*(_found(plain, each, view.rest) for each in view.wanted)))
    at = 0
    for start, end in _located(found, text, left_out):
        while start > at and text[start - 1] == "\\":
            start -= 1
        at = end
        yield start, end


def _found(plain: str, wanted: str, rest: re.Pattern[str]) -> Iterator[_Span]:
    start = plain.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        more = rest.match(plain, end)
        yield start, more.end() if more else end
        start = plain.find(wanted, end)


def _united(spans: Iterable[_Span]) -> Iterator[_Span]:
    """Sorted spans, with those that overlap as one."""
    start = end = 0
    for span in spans:
        if span[0] >= end:
            if end:
                yield start, end
            start = span[0]
        end = max(end, span[1])
    if end:
        yield start, end


def _located(spans: Iterator[_Span], text: str, left_out: re.Pattern[str]) -> Iterator[_Span]:
    """The spans of a view, which are sorted and apart, as spans of its `text`."""
    pieces = _pieces(text, left_out)
    at = n_chars = place = width = 0
    for span in spans:
        places = []
        for index in (span[0], span[1] - 1):
            while index >= at + n_chars:
                at += n_chars
                n_chars, place, width = next(pieces)
            places.append(place + (index - at) * width)
        yield places[0], places[1] + width


def _pieces(text: str, left_out: re.Pattern[str]) -> Iterator[tuple[int, int, int]]:
    """How many characters of a view each part of the text makes, where it starts, and how long it writes each."""
    at = 0
    for token in left_out.finditer(text):
        if at < token.start():
            yield token.start() - at, at, 1
        at = token.start()
        for char, width in _characters(token):
            if char and not _GAPS.match(char):
                yield 1, at, width
            at += width
        at = token.end()
    yield len(text) - at, at, 1


def _meaning(token: re.Match[str]) -> str:
    return _GAPS.sub("", "".join(char for char, _ in _characters(token)))


def _characters(token: re.Match[str]) -> Iterator[tuple[str, int]]:
    """The characters that an escape stands for, each with the length of its spelling; none for a gap."""
    spelling = token.group()
    if token.lastgroup == "html":
        yield unescape(spelling)[:1], len(spelling)
    elif token.lastgroup == "utf16":
        for char in bytes.fromhex(spelling.replace("\\u", "")).decode("utf-16-be", "surrogatepass"):
            yield char, 6 * len(char.encode("utf-16-be", "surrogatepass")) // 2
    elif token.lastgroup == "bytes":
        mark = "%" if spelling[0] == "%" else "\\x"
        for char in bytes.fromhex(spelling.replace(mark, "")).decode("utf-8", "surrogateescape"):
            # A byte that is no UTF-8 is a letter of Latin-1.
            is_byte = "\udc80" <= char <= "\udcff"
            width = len(mark) + 2
            yield (chr(ord(char) - 0xDC00), width) if is_byte else (char, width * len(char.encode()))


def _base64_cores(data: bytes) -> Iterator[str]:
    """The base64 characters that depend on `data` alone, for each of the three possible alignments."""
    for before, skipped in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + data).decode()
        yield whole[skipped : (before + len(data)) * 8 // 6]
