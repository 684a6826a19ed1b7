"""Detects near-duplicate passages stuffed into a file so that one of them wins every search.

Passages are compared by the hashes of their three-word groups if they share one of their smallest hashes (a bottom-k
sketch, Broder 1997), so time grows linearly with the text. Tables, records, lists, labels and code repeat naturally,
as do notes on every page and disclaimers under every mail; those are ignored. Of 398 real files one is flagged, a
test file that repeats one sentence (measured 2026-11).
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple
from zlib import crc32

from gpts.knowledge.documents import Block, Document, Finding
from gpts.knowledge.sentences import sentence_spans
from gpts.safety.findings import finding

# More near-copies of a passage than honest text contains outside tables, lists and running lines.
_COPIES: Final = 5
# Shorter passages repeat by chance or as captions, such as pull quotes of 16 words (measured 2026-11). Of longer ones
# the first words suffice.
_WORDS: Final = 18
_MOST_WORDS: Final = 200
_SHINGLE: Final = 3
# Of passages that share half of their groups, all but one pair in 64 share one of the six smallest hashes.
_SKETCH: Final = 6
# How many groups of passages with the same first hash are compared.
_CANDIDATES: Final = 8
_ALIKE: Final = 0.5
# Repetitions of a question from which it counts as written for searches.
_QUESTIONS: Final = 4
# The share of one three-word group from which a passage counts as a list of search words.
_SHARE: Final = 0.15
# A passage consists of repetitions if a sentence of at least this many words makes up this share of it.
_SENTENCE: Final = 4
_MOSTLY: Final = 0.7
# Literal copies that make up less of a text than this, and are not adjacent, are boilerplate.
_BOILERPLATE: Final = 0.1
# Lines with fewer words are labels.
_LABEL: Final = 6
_MAX_FINDINGS: Final = 50

_WORD: Final = re.compile(r"[^\W_]+")
_LISTED: Final = re.compile(r"\s*(?:[-*+•|>]|\(?\d{1,3}[.)])\s|\s*\|")
_FIELD: Final = re.compile(r"\s*[^:\n]{1,80}: ")
_ADDRESS: Final = re.compile(r"https?://\S+|www\.\S+")
_STOP: Final = re.compile(r"[.!?](?=\s|$)")
_CODE: Final = re.compile(r"[{};=<>]|\(\)|^[^\S\n]*(?:#|//|import |def |return )", re.M)


class _Passage(NamedTuple):
    """A paragraph that could be stuffed, its start, and the hashes of its word groups."""

    start: int
    block: Block
    shingles: frozenset[int]

    def span(self) -> tuple[int, int]:
        return self.start, self.start + len(self.block.text)


def stuffed_repeats(document: Document) -> Iterator[Finding]:
    """A finding for each repeated passage; its spans are all copies but the first."""
    n = 0
    n_chars = sum(len(block.text) for block in document.blocks)
    for group in _groups(_passages(document)):
        if len(group) < _COPIES or _is_on_every_page(group) or _is_boilerplate(group, n_chars):
            continue
        n += 1
        if n > _MAX_FINDINGS:
            return
        yield _finding(group[0].block, [each.span() for each in group[1:]])
    yield from _stuffed_blocks(document)


def _passages(document: Document) -> Iterator[_Passage]:
    for start, block in document.placed():
        words = _WORD.findall(block.text[:4_000].casefold())[:_MOST_WORDS] if len(block.text) > 40 else []
        if len(words) >= _WORDS and not _repeats_by_nature(block.text):
            yield _Passage(start, block, _shingles(words))


def _repeats_by_nature(text: str) -> bool:
    """Whether this is a table, a list, a record, labels or code."""
    lines = text.splitlines()
    listed = sum(bool(_LISTED.match(line)) for line in lines)
    fields = sum(bool(_FIELD.match(line)) for line in lines)
    labels = sum(len(line.split()) < _LABEL for line in lines)
    if listed > len(lines) // 2 or (len(lines) > 2 and max(fields, labels) > len(lines) // 2):
        return True
    return len(_CODE.findall(text[:2_000])) > len(lines) + 3


def _shingles(words: Sequence[str]) -> frozenset[int]:
    return frozenset(crc32(" ".join(words[at : at + _SHINGLE]).encode()) for at in range(len(words) - _SHINGLE + 1))


def _groups(passages: Iterable[_Passage]) -> Iterator[list[_Passage]]:
    """Groups of passages that are near-copies of their first one, in text order."""
    buckets: dict[int, list[int]] = defaultdict(list)
    groups: list[list[_Passage]] = []
    for passage in passages:
        keys = sorted(passage.shingles)[:_SKETCH]
        seen = {number for key in keys for number in buckets.get(key, ())[:_CANDIDATES]}
        home = next(
            (number for number in sorted(seen) if _is_alike(groups[number][0].shingles, passage.shingles)), None
        )
        if home is not None:
            groups[home].append(passage)
            continue
        for key in keys:
            buckets[key].append(len(groups))
        groups.append([passage])
    yield from groups


def _is_alike(one: frozenset[int], other: frozenset[int]) -> bool:
    return len(one & other) >= _ALIKE * len(one | other)


def _is_on_every_page(group: Sequence[_Passage]) -> bool:
    """Whether the copies are running headers, footers or notes: one on each of many pages, or one per chapter."""
    blocks = [each.block for each in group]
    pages, headings = [each.page for each in blocks if each.page], [each.heading for each in blocks if each.heading]
    return any(len(each) == len(group) and len(set(each)) >= 0.8 * len(group) for each in (pages, headings))


def _is_boilerplate(group: Sequence[_Passage], n_chars: int) -> bool:
    """Whether this is one literal note, such as a disclaimer, separated by the text that it belongs to."""
    if any(each.shingles != group[0].shingles for each in group):
        return False
    apart = all(later.start - before.span()[1] > len(before.block.text) for before, later in pairwise(group))
    return apart and sum(len(each.block.text) for each in group) < _BOILERPLATE * n_chars


def _stuffed_blocks(document: Document) -> Iterator[Finding]:
    """Findings for single blocks that repeat a question or a list of search words."""
    for start, block in document.placed():
        spans = [] if len(block.text) < 80 or _repeats_by_nature(block.text) else _inner_repeats(block.text)
        if spans:
            yield _finding(block, [(start + a, start + b) for a, b in spans])


def _inner_repeats(text: str) -> list[tuple[int, int]]:
    """Repeating ranges of `text`: sentences after their first copy, or the rest of a word list."""
    spans = sentence_spans(text)
    seen: Counter[tuple[str, ...]] = Counter()
    question_words: set[tuple[str, ...]] = set()
    again = []
    for start, end in spans:
        words = tuple(_WORD.findall(text[start:end].casefold()))
        seen[words] += 1
        if text[start:end].rstrip("\"'”’»)*_ ").endswith(("?", "？")):
            question_words.add(words)
        if len(words) >= 3 and seen[words] > 1:
            again.append((start, end))
    questions = [words for words in seen if len(words) >= 3 and seen[words] >= _QUESTIONS and words in question_words]
    n_words = sum(len(words) * n for words, n in seen.items())
    alone = [
        words
        for words, n in seen.items()
        if len(words) >= _SENTENCE and n >= _COPIES and len(words) * n > _MOSTLY * n_words
    ]
    if questions or alone:
        return again
    return _word_list(text)


def _word_list(text: str) -> list[tuple[int, int]]:
    """The part of a text that repeats the same few words, from where the repetition starts."""
    if _ADDRESS.search(text) or len(_STOP.findall(text[:20_000])) * _SENTENCE > len(text.split()):
        return []
    words = [(match.group().casefold(), match.start()) for match in _WORD.finditer(text[:20_000])]
    threes = Counter(tuple(word for word, _ in words[at : at + 3]) for at in range(len(words) - 2))
    if not threes:
        return []
    (three, n) = threes.most_common(1)[0]
    if n < 2 * _COPIES or n < _SHARE * len(threes):
        return []
    places = [at for at in range(len(words) - 2) if tuple(word for word, _ in words[at : at + 3]) == three]
    return [(words[places[1]][1], len(text))]


def _finding(first: Block, spans: list[tuple[int, int]]) -> Finding:
    message = f"This passage is repeated {len(spans)} times, as if to rank higher in search. One copy is kept."
    name = f"{len(spans)} {first.text}"
    return finding("stuffed_repeats", "quarantine", message, first.text, first, spans, name)
