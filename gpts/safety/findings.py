"""Applies the owner's decisions on findings to a document."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from sys import maxsize
from types import MappingProxyType
from typing import Final, Literal

from gpts.knowledge.documents import Block, Document, Finding, FindingKind, Severity
from gpts.knowledge.marks import Mark, removed, removed_finding

FindingChoice = Literal["drop", "accept"]
# The owner's choice for each finding, by its id.
Decisions = Mapping[str, FindingChoice]
_Span = tuple[int, int]
# A range of the old text and its start in the new one.
_Piece = tuple[int, int, int]

EXCERPT_CHARS: Final = 2_000


def finding_id(kind: FindingKind, page: int | None, text: str) -> str:
    """An id for a finding, stable when the file is read again: 12 hexadecimal digits."""
    return hashlib.sha256(f"{kind}\n{page}\n{text}".encode()).hexdigest()[:12]


def excerpt(text: str) -> str:
    """`text`, without its middle if it is longer than EXCERPT_CHARS."""
    if len(text) <= EXCERPT_CHARS:
        return text
    half = EXCERPT_CHARS // 2
    return f"{text[:half]} … {text[-half:]}"


def finding(
    kind: FindingKind,
    severity: Severity,
    message: str,
    text: str,
    block: Block,
    spans: Iterable[_Span],
    name: str = "",
) -> Finding:
    """A finding of `text` in `block`; its id is derived from the text, or from `name` if given."""
    return Finding(
        id=finding_id(kind, block.page, name or text),
        kind=kind,
        severity=severity,
        message=message,
        excerpt=excerpt(text),
        spans=tuple(spans),
        page=block.page,
        heading=block.heading,
    )


def undecided(findings: Iterable[Finding], decisions: Decisions) -> tuple[Finding, ...]:
    """The findings that still need the owner's decision."""
    return tuple(each for each in findings if each.severity == "quarantine" and each.id not in decisions)


def used(findings: Iterable[Finding], decisions: Decisions) -> frozenset[str]:
    """The ids of the findings whose text is used: accepted quarantines, and hints that were not dropped."""
    default = {"hint": "accept"}
    return frozenset(each.id for each in findings if decisions.get(each.id, default.get(each.severity)) == "accept")


def settled(document: Document, decisions: Decisions) -> Document:
    """`document` without what the owner dropped or has yet to decide on, which marks tell a model.

    The spans of the other findings are adjusted.
    """
    out = {each.id for each in document.findings if each.spans} - used(document.findings, decisions)
    if not out:
        return document
    gone = {span: removed_finding(each.kind) for each in document.findings if each.id in out for span in each.spans}
    left = without(document, gone, {start: what for (start, _), what in gone.items()})
    findings = tuple(each.model_copy(update={"spans": ()}) if each.id in out else each for each in left.findings)
    return left.model_copy(update={"findings": findings})


def without(document: Document, spans: Iterable[_Span], told: Mapping[int, str] = MappingProxyType({})) -> Document:
    """`document` without these ranges of its text; the spans of its findings are adjusted.

    Text removed from a heading is also removed from the heading paths of the blocks under it. A range that begins at
    one of `told` is marked as what that says.
    """
    gone = merged(spans)
    if not gone:
        return document
    blocks, pieces = _cut(document.blocks, gone, sorted(told.items()))
    findings = tuple(each.model_copy(update={"spans": _moved(each.spans, pieces)}) for each in document.findings)
    return document.model_copy(update={"blocks": blocks, "findings": findings})


def merged(spans: Iterable[_Span]) -> list[_Span]:
    """`spans`, sorted, with those that touch or overlap joined; empty ones are left out."""
    joined: list[_Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        elif start < end:
            joined.append((start, end))
    return joined


def _cut(
    blocks: Sequence[Block], gone: Sequence[_Span], told: Sequence[tuple[int, str]]
) -> tuple[tuple[Block, ...], list[_Piece]]:
    """`blocks` without the ranges `gone`, and the remaining pieces as (old start, old end, new start).

    A block with only white space left is removed. `told` says what was removed where.
    """
    kept: list[Block] = []
    pieces: list[_Piece] = []
    paths: dict[str, str] = {}
    pending: tuple[str, ...] = ()
    old = new = 0
    for block in blocks:
        first, last = (bisect_right(told, (at,)) for at in (old, old + len(block.text) + 1))
        here = [(at - old, what) for at, what in told[first:last]]
        stays = _outside(old, old + len(block.text), gone)
        text = "".join(block.text[start - old : end - old] for start, end in stays)
        if text != block.text and block.is_heading():
            paths[block.heading] = _renamed(block, text.strip(), paths)
        if text.strip():
            at = new
            for start, end in stays:
                pieces.append((start, end, at))
                at += end - start
            marks = _marks(block, [(start - old, end - old) for start, end in stays], here)
            changed = {"text": text, "heading": _path(block.heading, paths), "marks": marks}
            kept.append(block.model_copy(update=changed).after_removed(pending))
            pending = ()
            new += len(text) + 2
        elif kept:
            kept[-1] = kept[-1].before_removed([what for _, what in here])
        else:
            pending += tuple(what for _, what in here)
        old += len(block.text) + 2
    return tuple(kept), pieces


def _marks(block: Block, stays: Sequence[_Span], told: Iterable[tuple[int, str]]) -> tuple[Mark, ...]:
    """The marks of a block of which only these parts stay, and of what was removed in it."""
    starts = [start for start, _ in stays]
    before = [0, *accumulate(end - start for start, end in stays)]

    def now(at: int) -> int:
        n = bisect_right(starts, at)
        return before[n - 1] + min(at, stays[n - 1][1]) - stays[n - 1][0] if n else 0

    moved = (mark.model_copy(update={"start": now(mark.start), "end": now(mark.end)}) for mark in block.marks)
    return tuple(dict.fromkeys((*moved, *(removed(what, now(at)) for at, what in told))))


def _renamed(heading: Block, text: str, paths: Mapping[str, str]) -> str:
    """The path of a heading block whose text is now `text`; its parent's path if that is empty."""
    parent = heading.heading[: -len(heading.text)].removesuffix(" > ")
    return " > ".join(part for part in (_path(parent, paths), text) if part)


def _path(heading: str, paths: Mapping[str, str]) -> str:
    """`heading` with its longest renamed prefix replaced."""
    parts = heading.split(" > ") if paths else []
    for n in range(len(parts), 0, -1):
        if (new := paths.get(" > ".join(parts[:n]))) is not None:
            return " > ".join(part for part in (new, *parts[n:]) if part)
    return heading


def _outside(start: int, end: int, gone: Sequence[_Span]) -> list[_Span]:
    """The parts of `start`..`end` outside all ranges of `gone`, which are sorted and do not overlap."""
    parts: list[_Span] = []
    first = max(0, bisect_right(gone, (start, start)) - 1)
    for a, b in gone[first:]:
        if a >= end:
            break
        if a > start:
            parts.append((start, a))
        start = max(start, b)
    return [*parts, (start, end)] if start < end else parts


def _moved(spans: Iterable[_Span], pieces: Sequence[_Piece]) -> tuple[_Span, ...]:
    """The positions of `spans` in the new text; removed parts are left out."""
    moved = []
    for start, end in spans:
        first = max(0, bisect_right(pieces, (start, maxsize, maxsize)) - 1)
        for number in range(first, len(pieces)):
            old_start, old_end, new_start = pieces[number]
            if old_start >= end:
                break
            a, b = max(start, old_start), min(end, old_end)
            if a < b:
                moved.append((new_start + a - old_start, new_start + b - old_start))
    return tuple(merged(moved))
